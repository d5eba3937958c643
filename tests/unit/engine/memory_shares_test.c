/* memory_shares_test.c: whatever memory an engine is given, its clients take the settings that are made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "engine/setup/memory_shares.h"

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
	const struct group_workers both = {workers, 1};
	const struct engine_config config = {
		.memory_bytes = memory_bytes, .consumer = {setting ? 1 : 0, setting}, .producer = {0}};
	for (int watches = 0; watches < 2; watches++) {
		assert_true(memory_shares_make(&config, &both, watches, arena, &shares, &error));
		expect_client(RD_KAFKA_CONSUMER, shares.consumer);
		expect_client(RD_KAFKA_PRODUCER, shares.producer);
	}
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
	const struct group_workers workers = {1, 1};
	struct engine_config config = {.memory_bytes = (size_t)4 << 20, .log = &sink};
	warned[0] = '\0';
	assert_true(memory_shares_make(&config, &workers, true, arena, &shares, &error));
	assert_string_equal(warned, ""); /* it is reported once */
	assert_true(memory_shares_make(&config, &workers, false, arena, &shares, &error));
	if (!strstr(warned, "--memory is 4.0 MiB, and 2 workers use about ") || !strstr(warned, "this minimum is used"))
		fail_msg("`%s`", warned);
	warned[0] = '\0';
	config.memory_bytes = (size_t)1 << 30;
	assert_true(memory_shares_make(&config, &workers, false, arena, &shares, &error));
	assert_string_equal(warned, "");
	arena_close(arena);
}

static size_t held_bytes(size_t memory_bytes, struct group_workers workers, bool watches)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	struct memory_shares shares;
	struct error error = {0};
	const struct engine_config config = {.memory_bytes = memory_bytes};
	assert_true(memory_shares_make(&config, &workers, watches, arena, &shares, &error));
	arena_close(arena);
	return shares.limits.held_bytes;
}

static void replies_that_are_kept_and_taps_have_one_part(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 20);
	struct memory_shares shares;
	struct error error = {0};
	const struct group_workers workers = {2, 0};
	struct engine_config config = {.memory_bytes = (size_t)256 << 20};
	assert_true(memory_shares_make(&config, &workers, false, arena, &shares, &error));
	const size_t part = shares.limits.held_bytes / 3;
	assert_int_equal(shares.limits.tap_bytes + shares.limits.reply_bytes, part);
	assert_true(8 * part * workers.answering < config.memory_bytes);
	config.memory_bytes = (size_t)1 << 42;
	assert_true(memory_shares_make(&config, &workers, false, arena, &shares, &error));
	assert_int_equal(shares.limits.reply_bytes, (size_t)1 << 30);
	arena_close(arena);
}

static void who_only_watches_takes_a_fifth_from_who_answers(void **state)
{
	(void)state;
	const size_t memory = (size_t)256 << 20, worker = (size_t)6 << 20;
	const size_t alone = held_bytes(memory - worker, (struct group_workers){1, 0}, false);
	const size_t answers = held_bytes(memory, (struct group_workers){1, 1}, false);
	const size_t watches = held_bytes(memory, (struct group_workers){1, 1}, true);
	assert_in_range(answers, alone / 100 * 79, alone / 100 * 80 + 100);
	assert_in_range(watches, alone / 100 * 19, alone / 100 * 20 + 100);
	assert_in_range(answers + watches, alone - 100, alone);
	/* Where a fifth is less than a worker can work with, it takes that much. */
	const size_t least = held_bytes(0, (struct group_workers){1, 1}, true), small = (size_t)50 << 20;
	assert_int_equal(held_bytes(small, (struct group_workers){1, 1}, true), least);
	assert_in_range(held_bytes(small, (struct group_workers){1, 1}, false) + least,
			held_bytes(small - worker, (struct group_workers){1, 0}, false) - 100,
			held_bytes(small - worker, (struct group_workers){1, 0}, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_little_memory_is_reported_with_the_minimum),
		cmocka_unit_test(replies_that_are_kept_and_taps_have_one_part),
		cmocka_unit_test(who_only_watches_takes_a_fifth_from_who_answers),
		cmocka_unit_test(clients_take_what_is_made_of_any_memory),
		cmocka_unit_test(sizes_of_the_user_are_kept_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
