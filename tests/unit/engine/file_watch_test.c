/* Files that change, seen by a loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/file_watch.h"

#define TURN_MS 20
#define TURNS_MAX 100
#define QUIET_TURNS 6 /* longer than a burst is waited for */

struct stand {
	struct loop *loop;
	struct file_watch watch;
	char folder[64];
	int changes;
};

static void on_changed(void *context)
{
	((struct stand *)context)->changes++;
}

static void write_file(const struct stand *stand, const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", stand->folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("x", file);
	fclose(file);
}

static int open_stand(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .folder = "/tmp/sluice-watch-XXXXXX"};
	assert_non_null(mkdtemp(stand.folder));
	write_file(&stand, "first.yaml");
	*state = &stand;
	return 0;
}

static int close_stand(void **state)
{
	struct stand *stand = *state;
	char line[128];
	file_watch_close(&stand->watch);
	loop_close(stand->loop);
	snprintf(line, sizeof line, "rm -r %s", stand->folder);
	return system(line);
}

static void watch(struct stand *stand, const char *path)
{
	assert_true(file_watch_open(&stand->watch, stand->loop, &path, 1, on_changed, stand, &(struct error){0}));
}

static void turn(struct stand *stand, int turns)
{
	for (int i = 0; i < turns; i++)
		assert_true(loop_turn(stand->loop, TURN_MS, &(struct error){0}));
}

static void expect_one_change(struct stand *stand)
{
	for (int i = 0; i < TURNS_MAX && stand->changes == 0; i++)
		turn(stand, 1);
	turn(stand, QUIET_TURNS);
	assert_int_equal(stand->changes, 1);
	stand->changes = 0;
}

static void a_burst_of_changes_is_told_once(void **state)
{
	struct stand *stand = *state;
	watch(stand, stand->folder);
	turn(stand, QUIET_TURNS);
	assert_int_equal(stand->changes, 0);
	write_file(stand, "first.yaml");
	write_file(stand, "second.yaml");
	expect_one_change(stand);
	write_file(stand, "second.yaml");
	expect_one_change(stand);
}

static void files_that_are_renamed_and_removed_are_changes(void **state)
{
	struct stand *stand = *state;
	char from[128], to[128];
	snprintf(from, sizeof from, "%s/first.yaml", stand->folder);
	snprintf(to, sizeof to, "%s/last.yaml", stand->folder);
	watch(stand, stand->folder);
	assert_int_equal(rename(from, to), 0);
	expect_one_change(stand);
	assert_int_equal(unlink(to), 0);
	expect_one_change(stand);
}

static void a_file_is_watched_by_its_folder(void **state)
{
	struct stand *stand = *state;
	char path[128];
	snprintf(path, sizeof path, "%s/first.yaml", stand->folder);
	watch(stand, path);
	assert_int_equal(unlink(path), 0); /* as editors do that put another in its place */
	write_file(stand, "first.yaml");
	expect_one_change(stand);
}

static void folders_in_a_folder_are_watched_too(void **state)
{
	struct stand *stand = *state;
	char path[128];
	snprintf(path, sizeof path, "%s/models", stand->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	watch(stand, stand->folder);
	write_file(stand, "models/first.json");
	expect_one_change(stand);
}

static void what_is_not_there_cannot_be_watched(void **state)
{
	struct stand *stand = *state;
	const char *path = "/nowhere/at/all";
	struct error error = {0};
	assert_false(file_watch_open(&stand->watch, stand->loop, &path, 1, on_changed, stand, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, path));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stand, close_stand)
	const struct CMUnitTest tests[] = {
		TEST(a_burst_of_changes_is_told_once),
		TEST(files_that_are_renamed_and_removed_are_changes),
		TEST(a_file_is_watched_by_its_folder),
		TEST(folders_in_a_folder_are_watched_too),
		TEST(what_is_not_there_cannot_be_watched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
