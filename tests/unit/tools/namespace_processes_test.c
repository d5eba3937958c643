/* namespace_processes_test.c: Tests of the processes of several namespaces: their names, and how the command ends. */
#include "tools/process/namespace_processes.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/cli/command.h"

static void names_have_commas_between_them(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words; /* NULL: it is read */
		size_t count;
	} cases[] = {{"a", NULL, 1},
		     {"a,b-c,d", NULL, 3},
		     {"", "takes names with commas", 0},
		     {"a,,b", "takes names with commas", 0},
		     {"a,", "takes names with commas", 0},
		     {"a,../x", "`../x` is not the name of a namespace", 0},
		     {"a, b", "` b` is not the name of a namespace", 0},
		     {"a,b,a", "has `a` twice", 0}};
	struct arena *arena = arena_open((size_t)1 << 20);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct namespace_list list;
		struct error error = {0};
		assert_true(namespaces_read(cases[i].text, arena, &list, &error) == !cases[i].words);
		if (cases[i].words)
			assert_non_null(strstr(error.text, cases[i].words));
		else
			assert_int_equal(list.count, cases[i].count);
	}
	arena_close(arena);
}

static void there_is_a_most(void **state)
{
	(void)state;
	char text[NAMESPACES_MAX * 8] = "n0";
	struct arena *arena = arena_open((size_t)1 << 20);
	struct namespace_list list;
	struct error error = {0};
	for (int i = 1; i < NAMESPACES_MAX; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), ",n%d", i);
	assert_true(namespaces_read(text, arena, &list, &error));
	assert_int_equal(list.count, NAMESPACES_MAX);
	(void)snprintf(text + strlen(text), sizeof text - strlen(text), ",one");
	assert_false(namespaces_read(text, arena, &list, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	arena_close(arena);
}

/* ---- processes ---- */

static int run_both(int (*serve)(void *context, const char *namespace), char *said, size_t size)
{
	const struct namespace_list list = {2, {"a", "b"}};
	FILE *notes = tmpfile();
	struct session session = {.out = stdout, .err = notes};
	pid_t parent = getpid();
	assert_non_null(notes);
	const int code = namespaces_run(command_workspace(&session), &list, serve, &parent);
	rewind(notes);
	said[fread(said, 1, size - 1, notes)] = '\0';
	fclose(notes);
	return code;
}

static int serve_nothing(void *context, const char *namespace)
{
	(void)context;
	(void)namespace;
	_exit(EXIT_MISUSE);
}

static void without_any_that_runs_the_command_ends_with_its_status(void **state)
{
	(void)state;
	char said[1000];
	assert_int_equal(run_both(serve_nothing, said, sizeof said), EXIT_MISUSE);
	assert_non_null(strstr(said, "namespace b: its engine ended by status 2"));
}

/* `a` is killed; when it runs again, it stops both. */
static int serve_a_twice(void *context, const char *namespace)
{
	static const char mark[] = "namespace_processes_test.mark";
	const pid_t parent = *(const pid_t *)context;
	sigset_t signals;
	int number;
	if (strcmp(namespace, "a") == 0 && access(mark, F_OK) != 0) {
		fclose(fopen(mark, "w"));
		raise(SIGKILL);
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (strcmp(namespace, "a") == 0) {
		unlink(mark);
		kill(parent, SIGTERM);
	}
	_exit(sigwait(&signals, &number) == 0 ? EXIT_GOOD : EXIT_FAULTS);
}

static void one_that_ended_is_started_again_while_the_other_runs(void **state)
{
	(void)state;
	char said[1000], folder[] = "/tmp/namespace_processes_XXXXXX";
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(run_both(serve_a_twice, said, sizeof said), EXIT_GOOD);
	assert_non_null(strstr(said, "namespace a: its engine ended by signal 9; it is started again in 2 s"));
	assert_null(strstr(said, "namespace b"));
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_commas_between_them),
		cmocka_unit_test(there_is_a_most),
		cmocka_unit_test(without_any_that_runs_the_command_ends_with_its_status),
		cmocka_unit_test(one_that_ended_is_started_again_while_the_other_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
