/* feed_relay_test.c: Tests of the relay of a feed, on librdkafka's mock of a broker: the records by which messages began firings
 * reach the alerts of an engine that runs, once each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/conditions/alert_feed.h"
#include "control/engine/feed_relay.h"
#include "message/records/feed_record.h"
#include "tests/unit/mock_broker.h"

#define FEED "sluice.default.feed"
#define FIRED_MS INT64_C(1767225600250)

struct relay_stand {
	struct mock mock;
	struct loop *loop;
	struct verdict_board *board;
	struct feed_relay *relay;
	size_t taken;
	char groups[100]; /* of the beginnings that were taken */
};

static void take_alert(void *context, struct text key, struct text record, bool is_former)
{
	struct relay_stand *stand = context;
	struct error error = {0};
	struct alert_read beginning, *read = &beginning;
	assert_true(!is_former && alert_key_kind(key) == ALERT_KEY_BEGINNING && alert_record_decode(record, read, &error));
	const size_t length = strlen(stand->groups);
	assert_true(read->fires && text_is(read->alert, "large") && read->fired_at_ms == FIRED_MS);
	(void)snprintf(stand->groups + length, sizeof stand->groups - length, TEXT_FORMAT " ", TEXT_ARGUMENTS(read->group));
	stand->taken++;
}

/* A message has begun a firing of the group; or the engine that sends has taken that. */
static void message_begins(const struct relay_stand *stand, const char *group, bool is_taken)
{
	const struct alert_message message = {.status = "firing",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = TEXT("large"),
					      .group = text_of(group),
					      .is_shared = true,
					      .fired_at_ms = FIRED_MS};
	struct error error = {0};
	struct buffer record;
	char key[ALERT_KEY_BYTES];
	alert_beginning_key(&message, key);
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_true(alert_record_encode(&message, &record, &error));
	mock_append(&stand->mock, FEED, text_of(key), is_taken ? (struct text){0} : buffer_view(&record));
	buffer_close(&record);
}

static void turns(struct relay_stand *stand, int64_t for_ms, size_t least)
{
	struct error error = {0};
	const int64_t until_ms = loop_now_ms(stand->loop) + for_ms;
	while (stand->taken < least && loop_now_ms(stand->loop) < until_ms)
		assert_true(loop_turn(stand->loop, 20, &error));
}

/* Until it reads what comes. */
static void relay_reads(struct relay_stand *stand)
{
	struct error error = {0};
	struct control_state state = {0};
	for (const int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; state.watched_ms == 0;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		mock_append(&stand->mock, FEED, TEXT(FEED_WATCH_KEY), TEXT(""));
		assert_true(loop_turn(stand->loop, 20, &error));
		feed_relay_note(stand->relay, &state);
	}
}

static void beginnings_reach_the_alerts_of_an_engine_that_runs(void **state)
{
	static struct relay_stand stand;
	struct error error = {0};
	(void)state;
	mock_open(&stand.mock);
	assert_int_equal(rd_kafka_mock_topic_create(stand.mock.cluster, FEED, 1, 1), 0);
	message_begins(&stand, "before", false); /* whoever sends finds it in the feed */
	stand.loop = loop_open(&error);
	stand.board = verdict_board_open();
	const struct feed_relay_config config = {.brokers = stand.mock.brokers,
						 .topic = FEED,
						 .consumer = mock_quick,
						 .verdicts = stand.board,
						 .take_alert = take_alert,
						 .alerts = &stand};
	stand.relay = feed_relay_open(&config, stand.loop, &error);
	assert_non_null(stand.relay);
	relay_reads(&stand);
	message_begins(&stand, "a", false);
	message_begins(&stand, "a", true);
	message_begins(&stand, "b", false);
	turns(&stand, MOCK_WAIT_MS, 2);
	turns(&stand, 100, 3);
	assert_string_equal(stand.groups, "a b ");
	feed_relay_close(stand.relay);
	verdict_board_close(stand.board);
	loop_close(stand.loop);
	mock_close(&stand.mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beginnings_reach_the_alerts_of_an_engine_that_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
