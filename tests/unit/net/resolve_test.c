/* Names of hosts are looked up without keeping the loop waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "net/resolve.h"

struct finding {
	struct loop *loop;
	int count;
	bool found;
	char words[128];
};

static void on_found(void *context, struct addrinfo *addresses, const char *words)
{
	struct finding *finding = context;
	finding->count++;
	finding->found = addresses;
	if (addresses)
		freeaddrinfo(addresses);
	else
		strncat(finding->words, words, sizeof finding->words - 1);
}

static int set_up(void **state)
{
	static struct finding finding;
	finding = (struct finding){.loop = loop_open(&(struct error){0})};
	*state = &finding;
	return 0;
}

static int tear_down(void **state)
{
	struct finding *finding = *state;
	loop_close(finding->loop);
	return 0;
}

static void look_up(struct finding *finding, const char *host)
{
	struct error error = {0};
	assert_non_null(resolve_start(finding->loop, host, "80", on_found, finding, &error));
	assert_int_equal(finding->count, 0);
	for (int turns = 0; finding->count == 0; turns++) {
		assert_in_range(turns, 0, 1000);
		assert_true(loop_turn(finding->loop, 100, &error));
	}
}

static void a_name_has_its_addresses(void **state)
{
	struct finding *finding = *state;
	look_up(finding, "localhost");
	assert_true(finding->found);
}

static void a_name_without_any_has_the_resolvers_words(void **state)
{
	struct finding *finding = *state;
	look_up(finding, "nowhere.invalid");
	assert_false(finding->found);
	assert_true(strlen(finding->words) > 0);
}

static void a_forgotten_look_up_is_never_told(void **state)
{
	struct finding *finding = *state;
	struct error error = {0};
	for (int i = 0; i < 20; i++)
		resolve_forget(resolve_start(finding->loop, "localhost", "80", on_found, finding, &error));
	for (int i = 0; i < 5; i++)
		assert_true(loop_turn(finding->loop, 10, &error));
	assert_int_equal(finding->count, 0);
}

static void numbers_need_no_looking_up(void **state)
{
	(void)state;
	for (const char *const *host = (const char *const[]){"127.0.0.1", "::1", NULL}; *host; host++) {
		struct addrinfo *addresses = resolve_numeric(*host, "80");
		assert_non_null(addresses);
		freeaddrinfo(addresses);
	}
	assert_null(resolve_numeric("localhost", "80"));
}

static void a_name_beyond_all_names_is_refused(void **state)
{
	struct finding *finding = *state;
	struct error error = {0};
	char host[400];
	memset(host, 'a', sizeof host - 1);
	host[sizeof host - 1] = '\0';
	assert_null(resolve_start(finding->loop, host, "80", on_found, finding, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_name_has_its_addresses),	   STORY(a_name_without_any_has_the_resolvers_words),
		STORY(a_forgotten_look_up_is_never_told),  STORY(numbers_need_no_looking_up),
		STORY(a_name_beyond_all_names_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
