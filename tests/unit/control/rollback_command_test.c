/* rollback_command_test.c: Tests of the command by which an alert rolls a rollout back. */
#include "control/keeper/rollback_command.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "message/record_form.h"
#include "control/records/records.h"

static struct arena *arena;
static struct buffer record;

static int record_begin(void **state)
{
	(void)state;
	arena = arena_open(1 << 20);
	buffer_open(&record, NOTICE_BYTES_MAX);
	return arena ? 0 : -1;
}

static int record_end(void **state)
{
	(void)state;
	arena_close(arena);
	buffer_close(&record);
	return 0;
}

static struct proposal sent(const struct alert_message *message)
{
	struct proposal read;
	struct error error = {0};
	buffer_clear(&record);
	assert_true(rollback_command_encode(message, "checkout", &record, &error));
	assert_true(record_decode(&proposal_form, buffer_view(&record), arena, &read, &error));
	return read;
}

static const struct alert_message firing = {.status = "firing",
					    .namespace = {"shop", 4},
					    .pipeline = {"pay", 3},
					    .alert = {"worse", 5},
					    .condition = {"estimated_accuracy < 0.9", 24},
					    .engine = {"one", 3},
					    .group = {"next", 4},
					    .is_shared = true,
					    .fired_at_ms = 1000,
					    .at_ms = 2000};

static void it_says_who_and_why(void **state)
{
	(void)state;
	const struct proposal read = sent(&firing);
	const struct proposal_item *item = read.items.items;
	assert_int_equal(read.items.count, 1);
	assert_true(text_is(item->kind, "RolloutCommand") && text_is(item->name, "checkout") &&
		    text_is(item->document, "rollback"));
	assert_true(text_is(read.namespace, "shop"));
	assert_true(text_is(read.author, "alert worse of pay"));
	assert_true(text_is(read.reason, "estimated_accuracy < 0.9"));
	assert_int_equal(read.time_ms, 2000);
}

/* A keeper decides a proposal once, by its id. */
static void the_id_is_that_of_the_firing(void **state)
{
	char id[NOTICE_ID_BYTES];
	(void)state;
	struct alert_message again = firing;
	again.at_ms = 9000;
	again.engine = TEXT("two");
	notice_id(&firing, id);
	assert_true(text_is(sent(&firing).id, id));
	assert_true(text_is(sent(&again).id, id));
	again.fired_at_ms = 5000;
	assert_false(text_is(sent(&again).id, id));
	again = firing;
	again.group = TEXT("other");
	assert_false(text_is(sent(&again).id, id));
}

/* A keeper refuses a longer author, and text that is cut within a character. */
static void a_long_name_is_cut_between_characters(void **state)
{
	char name[300];
	(void)state;
	struct alert_message message = firing;
	for (size_t i = 0; i + 1 < sizeof name; i += 2)
		memcpy(name + i, "\xc3\xa9", 2);
	for (size_t skip = 0; skip < 4; skip += 2) {
		message.alert = (struct text){name, sizeof name};
		message.pipeline = (struct text){"pay", 3};
		name[0] = skip ? 'x' : '\xc3';
		name[1] = skip ? 'y' : '\xa9';
		const struct text author = sent(&message).author;
		assert_in_range(author.length, 100, 120);
		assert_true(text_is_utf8(author));
	}
	message.alert = (struct text){name + 1, 299};
	name[1] = 'y'; /* the characters begin at odd bytes */
	const struct text author = sent(&message).author;
	assert_in_range(author.length, 100, 120);
	assert_true(text_is_utf8(author));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_who_and_why),
		cmocka_unit_test(the_id_is_that_of_the_firing),
		cmocka_unit_test(a_long_name_is_cut_between_characters),
	};
	return cmocka_run_group_tests(tests, record_begin, record_end);
}
