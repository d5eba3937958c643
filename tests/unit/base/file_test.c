/* file_test.c: Tests of what reading a file whole gives, and says when it cannot. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <unistd.h>
#include <sys/resource.h>
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

/* ---- writing ---- */

static void expect_content(const char *path, const char *wanted)
{
	struct error error = {0};
	struct text text;
	assert_true(file_read(path, 1 << 16, arena, &text, &error));
	assert_string_equal(text.bytes, wanted);
}

static bool is_there(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0;
}

/* Whoever reads it meanwhile gets all of the one or of the other: the file is another one. */
static void a_file_is_replaced_as_a_whole(void **state)
{
	(void)state;
	char folder[] = "/tmp/file_test_XXXXXX", content[16] = "";
	struct error error = {0};
	struct stat status;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_true(file_write("a.json", TEXT("first"), &error));
	assert_int_equal(chmod("a.json", 0640), 0);
	FILE *before = fopen("a.json", "r");
	assert_non_null(before);
	assert_true(file_write("a.json", TEXT("second"), &error));
	expect_content("a.json", "second");
	assert_non_null(fgets(content, sizeof content, before));
	assert_string_equal(content, "first");
	(void)fclose(before);
	assert_int_equal(stat("a.json", &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	assert_false(is_there("a.json.new"));
	assert_int_equal(symlink("a.json", "link"), 0);
	assert_true(file_write("link", TEXT("third"), &error)); /* a link stays one */
	expect_content("a.json", "third");
	assert_true(lstat("link", &status) == 0 && S_ISLNK(status.st_mode));
	assert_true(file_write("/dev/null", TEXT("gone"), &error));
	assert_true(lstat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode));
}

static void what_cannot_be_written_leaves_the_file_as_it_was(void **state)
{
	(void)state;
	char folder[] = "/tmp/file_test_XXXXXX";
	struct error error = {0};
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_false(file_write("none/a.json", TEXT("x"), &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_string_equal(error.text, "cannot write none/a.json: No such file or directory; does its folder exist, with space "
					"left, and may you write there?");
	assert_int_equal(mkdir("folder", 0700), 0); /* which is not replaced by a file */
	assert_false(file_write("folder", TEXT("x"), &error));
	assert_false(is_there("folder.new"));
	assert_true(file_write("a.json", TEXT("first"), &error));
	struct rlimit usual;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
	const struct rlimit small = {3, usual.rlim_max};
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0); /* as on a disk without space */
	error = (struct error){0};
	const bool written = file_write("a.json", TEXT("second"), &error);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
	assert_false(written);
	assert_non_null(strstr(error.text, "cannot write a.json: File too large;"));
	expect_content("a.json", "first");
	assert_false(is_there("a.json.new"));
	assert_int_equal(symlink("a.json", "a.json.new"), 0); /* is not followed */
	assert_true(file_write("a.json", TEXT("second"), &error));
	expect_content("a.json", "second");
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
		cmocka_unit_test_setup_teardown(a_file_is_replaced_as_a_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_written_leaves_the_file_as_it_was, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
