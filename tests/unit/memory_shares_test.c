/* memory_shares_test.c: whatever memory an engine is given, its clients take the settings that are made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "runtime/memory_shares.h"

static void set_all(rd_kafka_conf_t *configuration, struct properties properties)
{
	char words[512];
	for (size_t i = 0; i < properties.count; i++)
		if (rd_kafka_conf_set(configuration, properties.items[i].name, properties.items[i].value, words, sizeof words) !=
		    RD_KAFKA_CONF_OK)
			fail_msg("%s=%s: %s", properties.items[i].name, properties.items[i].value, words);
}

static void expect_client(rd_kafka_type_t type, struct properties properties)
{
	char words[512];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	set_all(configuration, properties);
	assert_int_equal(rd_kafka_conf_set(configuration, "group.id", "g", words, sizeof words), RD_KAFKA_CONF_OK);
	rd_kafka_t *client = rd_kafka_new(type, configuration, words, sizeof words);
	if (!client)
		fail_msg("%s", words);
	rd_kafka_destroy(client);
}

static void expect_clients(size_t memory_bytes, size_t workers, const struct property *setting)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	struct memory_shares shares;
	struct error error = {0};
	const struct engine_config config = {
		.memory_bytes = memory_bytes, .consumer = {setting ? 1 : 0, setting}, .producer = {0}};
	assert_true(memory_shares_make(&config, workers, arena, &shares, &error));
	expect_client(RD_KAFKA_CONSUMER, shares.consumer);
	expect_client(RD_KAFKA_PRODUCER, shares.producer);
	arena_close(arena);
}

static void clients_take_what_is_made_of_any_memory(void **state)
{
	(void)state;
	for (size_t bytes = (size_t)1 << 20; bytes < (size_t)1 << 45; bytes *= 8) {
		expect_clients(bytes, 1, NULL);
		expect_clients(bytes, 36, NULL); /* of 18 groups */
	}
}

static void sizes_of_the_user_are_kept_to(void **state)
{
	(void)state;
	static const struct property settings[] = {
		{"message.max.bytes", "5000000"},	  {"message.max.bytes", "1000"},
		{"receive.message.max.bytes", "1000512"}, {"receive.message.max.bytes", "50000000"},
		{"max.partition.fetch.bytes", "100"},
	};
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		for (size_t bytes = (size_t)64 << 20; bytes < (size_t)1 << 40; bytes *= 64) {
			expect_clients(bytes, 1, &settings[i]);
			expect_clients(bytes, 36, &settings[i]);
		}
}

static char warned[512];

static void warning_take(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	assert_int_equal(line->level, LOG_LEVEL_WARN);
	snprintf(warned, sizeof warned, "%s", line->message);
}

static void too_little_memory_is_reported_with_the_minimum(void **state)
{
	(void)state;
	static const struct log_sink sink = {warning_take};
	struct arena *arena = arena_open((size_t)1 << 20);
	struct memory_shares shares;
	struct error error = {0};
	struct engine_config config = {.memory_bytes = (size_t)4 << 20, .log = &sink};
	warned[0] = '\0';
	assert_true(memory_shares_make(&config, 2, arena, &shares, &error));
	if (!strstr(warned, "--memory is 4.0 MiB, and 2 workers use about ") || !strstr(warned, "this minimum is used"))
		fail_msg("`%s`", warned);
	warned[0] = '\0';
	config.memory_bytes = (size_t)1 << 30;
	assert_true(memory_shares_make(&config, 2, arena, &shares, &error));
	assert_string_equal(warned, "");
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_little_memory_is_reported_with_the_minimum),
		cmocka_unit_test(clients_take_what_is_made_of_any_memory),
		cmocka_unit_test(sizes_of_the_user_are_kept_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
