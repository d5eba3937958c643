/* idempotent_replays_test.c: Calls with an idempotency key that an earlier call has used, of requests that have no answer and while
 * Kafka is away; against the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/keyed_stand.h"

/* It has no answer, so its id is only in its record. */
static void what_kafka_has_accepted_is_told_again_with_its_id(void **state)
{
	struct keyed_stand *stand = *state;
	for (size_t i = 0; i < 2; i++) {
		const char *const key = i == 0 ? "without outputs" : "submitted";
		stand->submits = i == 1;
		stand->target.answers = stand->submits;
		stand->target.outputs = stand->submits ? "out" : NULL;
		struct keyed_client *first = keyed_call(stand, 2 * i, key, "1", MOCK_WAIT_MS);
		keyed_await_end(stand, first);
		assert_string_equal(first->id, "r");
		struct keyed_client *again = keyed_call(stand, 2 * i + 1, key, "1", MOCK_WAIT_MS);
		keyed_await_end(stand, again);
		assert_int_equal(again->status, 202);
		assert_true(again->is_replayed);
		assert_string_equal(again->id, first->id);
		assert_string_equal(again->body, first->body);
	}
}

/* ---- while Kafka is away ---- */

struct other_polls {
	struct polls *polls;
	size_t begun, ended;
};

static void on_other_ended(void *context, const struct call_outcome *outcome)
{
	(void)outcome;
	((struct other_polls *)context)->ended++;
}

static void others_poll(struct other_polls *others, size_t count)
{
	const struct poll_request request = {.inputs = "in", .outputs = "out", .ended = on_other_ended, .context = others};
	for (; others->begun < count; others->begun++)
		assert_int_equal(polls_begin(others->polls, &request), POLL_STARTED);
}

/* Calls again, while Kafka is away, so that polls of others take as long as they may: */
static const struct {
	const char *words;
	size_t others;	    /* that poll before */
	int64_t timeout_ms; /* of the call */
	int status;	    /* of one whose answer is searched */
} searches[] = {{"Kafka does not say", 0, SOON_MS / 2, 504},
		{"the search waits too long", POLLS_AT_ONCE, MOCK_WAIT_MS, 503},
		{"it waits, and the deadline passes", POLLS_AT_ONCE, SOON_MS / 2, 504},
		{"no further search may wait", POLLS_MAX, MOCK_WAIT_MS, 503}};

/* Ends with the other polls ended, and Kafka there. */
static struct keyed_client *call_while_kafka_is_away(struct keyed_stand *stand, size_t search, const char *key)
{
	struct other_polls others = {.polls = stand->polls};
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	others_poll(&others, searches[search].others);
	stand->callers[1] = (struct keyed_client){0};
	struct keyed_client *again = keyed_call(stand, 1, key, "1", searches[search].timeout_ms);
	keyed_await_end(stand, again);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; others.ended < others.begun;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		keyed_turn(stand);
	}
	assert_int_equal(again->ended, 1);
	return again;
}

/* The claim alone says so. Of a request that cannot be read, the id by which it is polled is known. */
static void what_kafka_has_accepted_is_told_again_while_kafka_is_away(void **state)
{
	struct keyed_stand *stand = *state;
	for (size_t i = 0; i < 2; i++) {
		const char *const key = i == 0 ? "without outputs" : "submitted";
		stand->submits = i == 1;
		stand->target.answers = stand->submits;
		stand->target.outputs = stand->submits ? "out" : NULL;
		stand->callers[0] = (struct keyed_client){0};
		struct keyed_client *first = keyed_call(stand, 0, key, "1", MOCK_WAIT_MS);
		keyed_await_end(stand, first);
		for (size_t search = 0; search < sizeof searches / sizeof *searches; search++) {
			const struct keyed_client *again = call_while_kafka_is_away(stand, search, key);
			if (again->status != 202)
				assert_string_equal(again->body, searches[search].words);
			assert_true(again->is_replayed);
			assert_string_equal(again->target, "p");
			assert_string_equal(again->submission, first->submission);
			if (stand->submits)
				assert_string_equal(again->body, first->body);
			assert_non_null(strstr(again->body, again->id));
		}
	}
}

static void an_answer_that_is_not_found_is_refused_with_an_id(void **state)
{
	struct keyed_stand *stand = *state;
	struct keyed_client *first = keyed_call(stand, 0, "k", "1", MOCK_WAIT_MS);
	keyed_request_read(stand);
	keyed_answer(stand, "one", true);
	keyed_await_end(stand, first);
	for (size_t search = 0; search < sizeof searches / sizeof *searches; search++) {
		const struct keyed_client *again = call_while_kafka_is_away(stand, search, "k");
		if (again->status != searches[search].status)
			assert_string_equal(again->body, searches[search].words);
		assert_false(again->is_replayed);
		assert_true(again->id[0] != '\0' && strstr(again->body, again->id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEYED_STORY(what_kafka_has_accepted_is_told_again_with_its_id),
		KEYED_STORY(what_kafka_has_accepted_is_told_again_while_kafka_is_away),
		KEYED_STORY(an_answer_that_is_not_found_is_refused_with_an_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
