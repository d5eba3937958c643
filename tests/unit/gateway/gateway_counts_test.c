/* gateway_counts_test.c: Tests of what a gateway counts of its access files: counts go on when other settings replace the former.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/gateway_stand.h"

#define NOBODY_LISTENS "http://127.0.0.1:1/keys"
#define NOBODY_LISTENS_EITHER "http://127.0.0.1:1/others"
#define API_KEY "one:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
#define WAIT_MS 10000

static void note_ignore(void *context, enum log_level level, const char *line)
{
	(void)context, (void)level, (void)line;
}

static void api_keys_write(const char *path, const char *words)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs(words, file);
	assert_int_equal(fclose(file), 0);
}

static void await_fetches(const struct gateway_stand *stand, uint64_t failed)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS;
	     gateway_access_counts(stand->gateway).key_fetches_failed < failed;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static void failures_are_counted_on_when_settings_change(void **state)
{
	struct gateway_stand *stand = *state;
	char path[] = "/tmp/gateway_counts_XXXXXX";
	struct error error = {0};
	const int file = mkstemp(path);
	assert_true(file >= 0);
	close(file);
	struct access_settings settings = {
		.key_set = NOBODY_LISTENS, .api_keys = path, .tokens.algorithms = JWT_EVERY_ALGORITHM, .note = note_ignore};
	api_keys_write(path, API_KEY);
	assert_true(gateway_protect(stand->gateway, &settings, &error));
	await_fetches(stand, 1);
	api_keys_write(path, "nonsense\n");
	assert_false(gateway_reread_access(stand->gateway, &error));
	assert_int_equal(gateway_access_counts(stand->gateway).api_keys_failed, 1);
	const uint64_t before = gateway_access_counts(stand->gateway).key_fetches_failed;
	api_keys_write(path, API_KEY);
	settings.key_set = NOBODY_LISTENS_EITHER;
	assert_true(gateway_protect(stand->gateway, &settings, &error));
	assert_int_equal(gateway_access_counts(stand->gateway).key_fetches_failed, before);
	assert_int_equal(gateway_access_counts(stand->gateway).api_keys_failed, 1);
	await_fetches(stand, before + 1);
	assert_true(gateway_protect(stand->gateway, NULL, &error));
	assert_in_range(gateway_access_counts(stand->gateway).key_fetches_failed, before + 1, UINT64_MAX);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(failures_are_counted_on_when_settings_change, gateway_stand_open,
						gateway_stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
