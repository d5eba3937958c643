/* certificate_watch_test.c: Reload of TLS files that change, on a clock that the test sets. */
#include "engine/run/certificate_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 96

enum { CERTIFICATE, KEY, AUTHORITIES, REVOCATIONS };

struct stand {
	char folder[32], paths[CERTIFICATE_FILES][PATH_BYTES];
	struct loop *loop;
	int64_t now_ms;
	struct workspace workspace;
	struct tls_files files;
	struct certificate_watch watch;
	bool is_refused; /* the next files */
	int loads, notes, failures;
	char note[128];
};

static void on_note(void *context, const char *line)
{
	struct stand *stand = context;
	stand->notes++;
	snprintf(stand->note, sizeof stand->note, "%s", line);
}

static void on_failure(void *context, const struct error *error)
{
	struct stand *stand = context;
	stand->failures++;
	assert_string_equal(error->text, "another's key");
}

static bool reload(void *context, struct error *error)
{
	struct stand *stand = context;
	stand->loads++;
	return !stand->is_refused || error_set(error, ERROR_CONFIG, PLACE_NONE, "another's key");
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void watch(struct stand *stand, const struct tls_files *files)
{
	assert_true(
		certificate_watch_open(&stand->watch, &stand->workspace, stand->loop, files, reload, stand, &(struct error){0}));
}

static void pass(struct stand *stand, int64_t ms)
{
	stand->now_ms += ms;
	loop_wake(stand->loop, stand->now_ms);
}

static int open_stand(void **state)
{
	static const char *const names[CERTIFICATE_FILES] = {"server.pem", "server.key", "ca.pem", "revoked.pem"};
	static struct stand stand;
	stand = (struct stand){.folder = "/tmp/sluice-certificate-XXXXXX"};
	stand.loop = loop_open_virtual(0, &(struct error){0});
	stand.workspace = (struct workspace){.report = {.note = on_note, .failure = on_failure, .context = &stand}};
	assert_non_null(mkdtemp(stand.folder));
	for (size_t i = 0; i < CERTIFICATE_FILES; i++) {
		snprintf(stand.paths[i], PATH_BYTES, "%s/%s", stand.folder, names[i]);
		write_file(stand.paths[i], "1");
	}
	stand.files = (struct tls_files){.authorities = stand.paths[AUTHORITIES],
					 .certificate = stand.paths[CERTIFICATE],
					 .key = stand.paths[KEY],
					 .revocations = stand.paths[REVOCATIONS]};
	*state = &stand;
	return 0;
}

static int close_stand(void **state)
{
	struct stand *stand = *state;
	char line[128];
	certificate_watch_close(&stand->watch);
	certificate_watch_close(&stand->watch);
	loop_close(stand->loop);
	snprintf(line, sizeof line, "rm -r %s", stand->folder);
	return system(line);
}

static void files_that_stay_are_loaded_once(void **state)
{
	struct stand *stand = *state;
	watch(stand, &stand->files);
	for (int i = 0; i < 10; i++)
		pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 0);
}

static void each_file_that_changes_is_noticed_in_time(void **state)
{
	struct stand *stand = *state;
	watch(stand, &stand->files);
	for (int i = 0; i < CERTIFICATE_FILES; i++) {
		write_file(stand->paths[i], "22");
		pass(stand, CERTIFICATE_WATCH_MS - 1);
		assert_int_equal(stand->loads, i);
		pass(stand, 1);
		assert_int_equal(stand->loads, i + 1);
		assert_int_equal(stand->notes, i + 1);
		assert_string_equal(stand->note, "the certificate was reloaded");
	}
	assert_int_equal(stand->failures, 0);
}

static void an_error_is_reported_once_and_the_next_change_is_loaded(void **state)
{
	struct stand *stand = *state;
	watch(stand, &stand->files);
	stand->is_refused = true;
	write_file(stand->paths[CERTIFICATE], "22");
	for (int i = 0; i < 3; i++)
		pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 1);
	assert_int_equal(stand->failures, 1);
	assert_string_equal(stand->note, "the former certificate stays in use");
	stand->is_refused = false;
	write_file(stand->paths[KEY], "22");
	pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 2);
	assert_string_equal(stand->note, "the certificate was reloaded");
}

/* As a renewal does that writes the key for itself alone, and then gives it to the engine's user. */
static void another_mode_is_a_change(void **state)
{
	struct stand *stand = *state;
	watch(stand, &stand->files);
	assert_int_equal(chmod(stand->paths[KEY], 0600), 0);
	pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 1);
}

/* As the `live` folder of certbot has it. */
static void a_change_behind_a_link_to_another_folder_is_noticed(void **state)
{
	struct stand *stand = *state;
	char other[PATH_BYTES], target[2 * PATH_BYTES];
	snprintf(other, sizeof other, "%s/archive", stand->folder);
	snprintf(target, sizeof target, "%s/cert1.pem", other);
	assert_int_equal(mkdir(other, 0700), 0);
	write_file(target, "1");
	assert_int_equal(unlink(stand->paths[CERTIFICATE]), 0);
	assert_int_equal(symlink(target, stand->paths[CERTIFICATE]), 0);
	watch(stand, &stand->files);
	write_file(target, "22");
	pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 1);
}

static void a_deleted_file_is_no_change(void **state)
{
	struct stand *stand = *state;
	watch(stand, &stand->files);
	assert_int_equal(unlink(stand->paths[KEY]), 0);
	pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 0);
	write_file(stand->paths[KEY], "1");
	pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 1);
}

static void what_was_reloaded_by_hand_is_not_loaded_again(void **state)
{
	struct stand *stand = *state;
	watch(stand, &stand->files);
	write_file(stand->paths[CERTIFICATE], "22");
	assert_true(certificate_watch_reload(&stand->watch, &(struct error){0}));
	pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 1);
	assert_int_equal(stand->notes, 0);
}

static void without_tls_nothing_is_watched(void **state)
{
	struct stand *stand = *state;
	watch(stand, NULL);
	write_file(stand->paths[CERTIFICATE], "22");
	pass(stand, CERTIFICATE_WATCH_MS);
	assert_int_equal(stand->loads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_that_stay_are_loaded_once, open_stand, close_stand),
		cmocka_unit_test_setup_teardown(each_file_that_changes_is_noticed_in_time, open_stand, close_stand),
		cmocka_unit_test_setup_teardown(an_error_is_reported_once_and_the_next_change_is_loaded, open_stand, close_stand),
		cmocka_unit_test_setup_teardown(another_mode_is_a_change, open_stand, close_stand),
		cmocka_unit_test_setup_teardown(a_change_behind_a_link_to_another_folder_is_noticed, open_stand, close_stand),
		cmocka_unit_test_setup_teardown(a_deleted_file_is_no_change, open_stand, close_stand),
		cmocka_unit_test_setup_teardown(what_was_reloaded_by_hand_is_not_loaded_again, open_stand, close_stand),
		cmocka_unit_test_setup_teardown(without_tls_nothing_is_watched, open_stand, close_stand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
