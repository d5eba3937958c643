/* file_test.c: Tests of what reading a file whole gives, and says when it cannot. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <stdlib.h>
#include <fcntl.h>

#define KNOWN_FILE "tests/data/expressions/request.json"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 20);
	return arena ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static void a_file_is_read_to_its_end(void **state)
{
	(void)state;
	struct error error = {0};
	struct text text;
	FILE *file = fopen(KNOWN_FILE, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	long length = ftell(file);
	(void)fclose(file);
	assert_true(file_read(KNOWN_FILE, 1 << 16, arena, &text, &error));
	assert_int_equal(text.length, length);
	assert_int_equal(text.bytes[text.length], '\0');
}

static void no_more_is_read_than_asked_for(void **state)
{
	(void)state;
	struct error error = {0};
	struct text text;
	assert_true(file_read("/dev/zero", 100000, arena, &text, &error));
	assert_int_equal(text.length, 100000);
}

static void an_empty_file_is_an_empty_text(void **state)
{
	(void)state;
	struct error error = {0};
	struct text text;
	assert_true(file_read("/dev/null", 100, arena, &text, &error));
	assert_non_null(text.bytes);
	assert_int_equal(text.length, 0);
}

static void what_cannot_be_read_is_named_with_its_reason(void **state)
{
	(void)state;
	struct error absent = {0}, folder = {0};
	struct text text;
	assert_false(file_read("tests/data/no-such-file", 100, arena, &text, &absent));
	assert_int_equal(absent.kind, ERROR_CONFIG);
	assert_non_null(strstr(absent.text, "tests/data/no-such-file cannot be read: No such file"));
	assert_false(file_read("tests/data", 100, arena, &text, &folder));
	assert_non_null(strstr(folder.text, "tests/data cannot be read: Is a directory"));
	assert_null(text.bytes);
}

static void memory_that_runs_out_is_not_called_the_path(void **state)
{
	(void)state;
	struct error error = {0};
	struct text text;
	assert_false(file_read("/dev/zero", (size_t)2 << 20, arena, &text, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
}

/* A writer that comes and goes, as of `<(command)`; nobody; and one that stays and says nothing would be waited for. */
static void a_pipe_is_read_but_not_waited_for(void **state)
{
	(void)state;
	char path[] = "/tmp/sluice-pipe-XXXXXX";
	struct error nobody = {0}, error = {0};
	struct text text;
	assert_non_null(mkdtemp(path));
	char pipe[64];
	snprintf(pipe, sizeof pipe, "%s/p.yaml", path);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_false(file_read(pipe, 100, arena, &text, &nobody));
	assert_int_equal(nobody.kind, ERROR_CONFIG);
	assert_non_null(strstr(nobody.text, "a pipe that nobody writes to"));
	int writer = open(pipe, O_RDWR | O_CLOEXEC), again = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(write(writer, "words", 5), 5);
	pid_t child = fork();
	if (child == 0) { /* keeps the pipe a moment, and goes */
		close(again);
		usleep(50000);
		_exit(0);
	}
	close(writer);
	assert_true(file_read(pipe, 100, arena, &text, &error));
	assert_true(text_is(text, "words"));
	waitpid(child, NULL, 0);
	close(again);
	unlink(pipe);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_read_to_its_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_more_is_read_than_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_empty_file_is_an_empty_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_named_with_its_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_that_runs_out_is_not_called_the_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pipe_is_read_but_not_waited_for, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
