/* gateway_direct_test.c: Calls by direct ingress, and replies past Kafka: open calls against ports of workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/calls_stand.h"

/* A worker's port that takes requests of the target. */
static struct direct_port *port_of(struct calls_stand *stand)
{
	struct direct_port *port = direct_port_open(stand->hub);
	stand->target.direct = true;
	direct_port_serve(port, &stand->target.name, 1);
	return port;
}

static void a_direct_call_ends_by_the_reply_of_a_worker(void **state)
{
	struct calls_stand *stand = *state;
	struct direct_port *port = port_of(stand);
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	struct direct_message *asked = direct_port_take(port);
	assert_true(text_is(asked->record.value, "1") && text_is(asked->place, "/here"));
	const struct header address = *headers_find(asked->record.headers, TEXT(REPLY_HEADER));
	const struct outgoing answer = {.value = TEXT("from the worker"), .headers = {1, &address}};
	assert_true(direct_hub_reply(stand->hub, NULL, &answer));
	assert_true(direct_hub_reply(stand->hub, NULL, &answer)); /* a second one ends nothing */
	direct_hub_wake_gateway(stand->hub);
	direct_message_close(asked);
	calls_await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "from the worker");
	calls_turn_for(stand, MOMENT_MS);
	assert_int_equal(stand->callers[0].ended, 1);
	direct_port_close(port);
}

static void a_direct_call_that_no_worker_takes_goes_through_kafka(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	stand->target.direct = true;
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1")); /* there is no port */
	calls_next_asked(stand, address);
	struct direct_port *port = port_of(stand);
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	direct_port_close(port); /* which returns it */
	calls_next_asked(stand, address);
	calls_reply(stand, address, "to the second");
	calls_await_end(stand, 1);
	assert_string_equal(stand->callers[1].body, "to the second");
}

/* A worker returns what it has when files take the pipeline's `ingress: direct` away. */
static void a_returned_call_goes_through_kafka_though_the_files_have_changed(void **state)
{
	struct calls_stand *stand = *state;
	struct error error = {0};
	char address[REPLY_ADDRESS_BYTES_MAX];
	struct gateway_target items[2] = {{.name = "other", .namespace = "default", .topic = 1}};
	struct direct_port *port = port_of(stand);
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	items[1] = stand->target;
	items[1].direct = false;
	struct gateway_targets changed = stand->targets;
	changed.count = 2;
	changed.items = items;
	assert_true(calls_follow(stand->calls, &changed, &error));
	direct_port_close(port);
	rd_kafka_message_t *asked = calls_next_record(stand, "in");
	assert_memory_equal(asked->payload, "1", 1);
	rd_kafka_message_destroy(asked);
	calls_next_asked(stand, address);
	calls_reply(stand, address, "to the second");
	calls_await_end(stand, 1);
	assert_string_equal(stand->callers[1].body, "to the second");
	assert_int_equal(stand->callers[0].ended, 0);
}

/* Calls of another pipeline are not. */
static void a_direct_call_is_refused_when_its_worker_has_too_many(void **state)
{
	struct calls_stand *stand = *state;
	static const char *const names[] = {"other", "p"};
	struct direct_port *port = port_of(stand);
	const struct direct_request request = {.pipeline = TEXT("p"), .value = TEXT("1")};
	direct_port_serve(port, names, 2);
	for (size_t i = 0; i < DIRECT_OPEN_MAX; i++)
		assert_int_equal(direct_hub_send(stand->hub, &request), DIRECT_SENT);
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	assert_int_equal(stand->callers[0].status, 503);
	stand->target.name = "other";
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("1"));
	assert_int_equal(stand->callers[1].ended, 0);
	size_t taken = 0;
	for (struct direct_message *message = direct_port_take(port), *next; message; message = next, taken++) {
		next = message->next;
		direct_message_close(message);
	}
	assert_int_equal(taken, DIRECT_OPEN_MAX + 1);
	direct_port_close(port);
}

/* Its log stands still, as the worker has found: what waits fails, and what comes then, until Kafka acknowledges. */
static void a_direct_call_whose_worker_waits_for_kafka_fails_with_the_cause(void **state)
{
	struct calls_stand *stand = *state;
	struct direct_port *port = port_of(stand);
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	assert_int_equal(stand->callers[0].ended, 0);
	direct_port_refuse(port, direct_port_take(port));
	calls_await_end(stand, 0);
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(stand->callers[i].ended, 1);
		assert_int_equal(stand->callers[i].status, 503);
		assert_non_null(strstr(stand->callers[i].body, "Kafka has not acknowledged"));
		assert_non_null(strstr(stand->callers[i].body, "\"kind\":\"REMOTE\""));
	}
	direct_port_logged(port);
	calls_call_with(stand, 2, MOCK_WAIT_MS, "r", TEXT("3"));
	assert_int_equal(stand->callers[2].ended, 0);
	direct_message_close(direct_port_take(port));
	direct_port_close(port);
}

static void on_placed(void *context, const struct submission *origin)
{
	(void)context, (void)origin;
}

/* One that is submitted, and one whose place its caller wants to know. */
static void a_call_that_is_searched_later_or_explained_goes_through_kafka(void **state)
{
	struct calls_stand *stand = *state;
	struct direct_port *port = port_of(stand);
	for (size_t i = 0; i < 3; i++) {
		struct call_request request = calls_request_of(stand, i);
		request.submits = i == 0;
		request.placed = i == 1 ? on_placed : NULL;
		request.service = i == 2 ? SERVICE_EXPLANATIONS : SERVICE_PREDICTIONS;
		calls_begin(stand->calls, &request);
		rd_kafka_message_destroy(calls_next_record(stand, "in"));
	}
	assert_null(direct_port_take(port));
	direct_port_close(port);
}

static void a_worker_learns_that_the_caller_of_a_direct_request_is_gone(void **state)
{
	struct calls_stand *stand = *state;
	struct direct_port *port = port_of(stand);
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	calls_call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	struct direct_message *first = direct_port_take(port), *second = first->next;
	assert_false(direct_port_has_lost_caller(port, first));
	stand->callers[0].over = true;
	calls_await_end(stand, 0);
	assert_true(direct_port_has_lost_caller(port, first));
	assert_false(direct_port_has_lost_caller(port, second));
	assert_int_equal(calls_counts(stand->calls).cancelled, 0); /* Kafka has nothing of it */
	direct_message_close(first);
	calls_call_with(stand, 2, MOCK_WAIT_MS, "r", TEXT("3")); /* in the same slot */
	struct direct_message *third = direct_port_take(port);
	assert_false(direct_port_has_lost_caller(port, third));
	direct_message_close(second);
	direct_message_close(third);
	direct_port_close(port);
}

/* As the engine of this process does, though the request went through Kafka. */
static void reply_by_memory(struct calls_stand *stand, const char *address, const char *value)
{
	const struct header header = {TEXT(REPLY_HEADER), text_of(address)};
	const struct outgoing answer = {.value = text_of(value), .headers = {1, &header}};
	struct reply_address read;
	assert_true(reply_address_read(header.value, &read));
	assert_true(direct_hub_expects(stand->hub, read.epoch));
	assert_true(direct_hub_reply(stand->hub, NULL, &answer));
	direct_hub_wake_gateway(stand->hub);
}

static void a_call_through_kafka_ends_by_the_reply_of_its_own_process(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	calls_call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	calls_next_asked(stand, address);
	reply_by_memory(stand, address, "by memory");
	calls_await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "by memory");
	calls_reply(stand, address, "by Kafka");
	calls_await_strayed(stand, 1);
	assert_int_equal(stand->callers[0].ended, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALLS_STORY(a_direct_call_ends_by_the_reply_of_a_worker),
		CALLS_STORY(a_direct_call_that_no_worker_takes_goes_through_kafka),
		CALLS_STORY(a_returned_call_goes_through_kafka_though_the_files_have_changed),
		CALLS_STORY(a_direct_call_is_refused_when_its_worker_has_too_many),
		CALLS_STORY(a_direct_call_whose_worker_waits_for_kafka_fails_with_the_cause),
		CALLS_STORY(a_call_that_is_searched_later_or_explained_goes_through_kafka),
		CALLS_STORY(a_worker_learns_that_the_caller_of_a_direct_request_is_gone),
		CALLS_STORY(a_call_through_kafka_ends_by_the_reply_of_its_own_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
