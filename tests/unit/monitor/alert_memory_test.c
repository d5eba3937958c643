/* alert_memory_test.c: Test of the states of alerts without memory: each allocation fails once, and nothing leaks or crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "monitor/alerts/alert_states.h"

#define FIRED_MS INT64_C(1767225600250)

static struct name recipient = {.text = "ann@example.org"};
static const struct alert_action actions[] = {{.type = ALERT_WEBHOOK, .url = "a", .secret = "env:SLUICE_SECRET_A"},
					      {.type = ALERT_EMAIL, .recipients = {1, &recipient}}};
static const struct alert_definition alert = {.namespace = "default",
					      .pipeline = "p",
					      .name = "large",
					      .topic = "t",
					      .resolve_after_ms = 20000,
					      .actions = {2, actions}},
				     other = {.namespace = "default",
					      .pipeline = "p",
					      .name = "large",
					      .resolve_after_ms = 20000,
					      .actions = {1, actions + 1}};

static struct text record_of(bool fires, struct buffer *record)
{
	const struct alert_message message = {.status = fires ? "firing" : "resolved",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = TEXT("large"),
					      .group = TEXT("g"),
					      .engine = TEXT("one"),
					      .condition = TEXT("y > 1"),
					      .fired_at_ms = FIRED_MS};
	struct error error = {0};
	buffer_open(record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, record, &error));
	return buffer_view(record);
}

static bool notice_take(void *context, const struct due_notice *due, struct error *error)
{
	(void)due, (void)error;
	++*(size_t *)context;
	return true;
}

/* Writes all records, to a feed. False: memory ran out. */
static bool records_take(struct alert_states *states, struct alert_feed *feed)
{
	struct outgoing records[10];
	bool good = true;
	for (size_t count; (count = alert_states_records(states, records, 10)) > 0; alert_states_written(states, count))
		for (size_t i = 0; i < count; i++)
			good = good && alert_feed_take(feed, records[i].key, records[i].value);
	return good;
}

/* A term in which a group fires, another in which its receivers change, and its end. False: memory ran out. */
static bool story_run(struct alert_states *states, struct alert_states *next, struct alert_feed *feed, const struct text reports[2],
		      size_t *handed)
{
	static const struct alert_definitions first = {.count = 1, .items = &alert}, second = {.count = 1, .items = &other}, none;
	struct alert_time time = {1000, FIRED_MS};
	struct error error = {0};
	if (!alert_states_begin(states, feed, &first, time, &error) || !alert_states_report(states, reports[0], time, &error))
		return false;
	time.now_ms += ALERT_SETTLE_MS;
	if (!alert_states_tick(states, time, &error) || !records_take(states, feed) ||
	    !alert_states_hand(states, notice_take, handed, time, &error) ||
	    !alert_states_begin(next, feed, &second, time, &error) ||
	    !alert_states_report(next, reports[1], time, &error) || !alert_states_tick(next, time, &error) ||
	    !alert_states_define(next, &none, time, &error) || !alert_states_tick(next, time, &error) || !records_take(next, feed))
		return false;
	return alert_states_hand(next, notice_take, handed, time, &error);
}

/* Runs it with one allocation that fails, by its number; 0: none does. Returns the number of allocations. */
static uint64_t story_fail_at(uint64_t fails, const struct text reports[2])
{
	static const struct alert_states_config config = {.engine = "keeper", .is_shared = true};
	const uint64_t before = memory_taken();
	struct error error = {0};
	size_t handed = 0;
	memory_fail_at(fails);
	struct alert_states *states = alert_states_open(&config, &error), *next = alert_states_open(&config, &error);
	struct alert_feed *feed = alert_feed_open();
	const bool good = states && next && feed && story_run(states, next, feed, reports, &handed);
	memory_fail_at(0);
	alert_states_close(states);
	alert_states_close(next);
	alert_feed_close(feed);
	if (fails == 0) {
		assert_true(good);
		assert_int_equal(handed, 6); /* both firings, again by the next keeper, and both ends */
	}
	return memory_taken() - before;
}

static void each_allocation_may_fail(void **state)
{
	struct buffer records[2];
	const struct text reports[2] = {record_of(true, &records[0]), record_of(false, &records[1])};
	(void)state;
	const uint64_t count = story_fail_at(0, reports);
	for (uint64_t fails = 1; fails <= count; fails++)
		(void)story_fail_at(fails, reports);
	buffer_close(&records[0]);
	buffer_close(&records[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
