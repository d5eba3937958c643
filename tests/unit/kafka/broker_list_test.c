/* broker_list_test.c: which addresses of brokers are taken, and what is said of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kafka/broker_list.h"

static void addresses_that_librdkafka_would_ask_are_taken(void **state)
{
	(void)state;
	static const char *const lists[] = {
		"localhost:9092", "a:1,b:65535", "kafka", " a:1 , b:2 ,", "10.0.0.1:9092", "[::1]:9092", "[::1]", "::1",
		"SASL_SSL://a:9093", "plaintext://[::1]:1", "a:9092/",
	};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct error error = {0};
		assert_true(broker_list_check(lists[i], &error));
	}
}

static void what_librdkafka_would_ignore_or_change_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *list, *words;
	} cases[] = {
		{"", "the address of Kafka is empty"},
		{" , ,", "the address of Kafka is empty"},
		{"localhost:99999", "`localhost:99999` is not an address of a Kafka broker: a port is a number from 1 to 65535"},
		{"a:1,b:65536", "`b:65536` is not"},
		{"a:0", "from 1 to 65535"},
		{"a:", "from 1 to 65535"},
		{"a:9092x", "from 1 to 65535"},
		{"a: 9092", "from 1 to 65535"},
		{"[::1]:", "from 1 to 65535"},
		{"[::1]:x", "from 1 to 65535"},
		{"[::1]9092", "a port follows `]` with a colon"},
		{"[::1", "its bracket is not closed"},
		{"[]:9092", "it has no host"},
		{":9092", "it has no host"},
		{"ssl://", "it has no host"},
		{"http://localhost:9092", "Kafka has the schemes PLAINTEXT, SSL,"},
		{"kafka://a:9092", "Kafka has the schemes"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error error = {0};
		assert_false(broker_list_check(cases[i].list, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, cases[i].words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_that_librdkafka_would_ask_are_taken),
		cmocka_unit_test(what_librdkafka_would_ignore_or_change_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
