/* gateway_calls_test.c: open calls against the mock of a broker: each ends once, by its own reply, its deadline, or a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/calls.h"
#include "message/reply.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/worker_stand.h"
#include "worker/direct_hub.h"

#define REPLIES "sluice.default.replies"
#define FEEDBACK "sluice.default.pipeline.p.feedback"
#define CANCELS "sluice.default.cancels"
#define MOMENT_MS 300
#define CALLERS 3

struct caller {
	size_t ended;
	int status;
	char body[512], id[64];
	bool over, roams; /* it is gone; any partition may have its answer */
};

struct calls_stand {
	struct mock mock;
	struct loop *loop;
	struct gateway_target target;
	struct gateway_targets targets;
	struct direct_hub *hub;
	struct calls *calls;
	struct caller callers[CALLERS];
	rd_kafka_t *engine; /* reads what is asked */
	rd_kafka_topic_t *replies; /* of the mock's writer */
};

static int calls_stand_open(void **state)
{
	static struct calls_stand stand;
	struct error error = {0};
	static const char *topics[] = {"in", FEEDBACK, CANCELS};
	stand = (struct calls_stand){0};
	mock_open(&stand.mock);
	rd_kafka_mock_topic_create(stand.mock.cluster, REPLIES, 1, 1);
	rd_kafka_mock_topic_create(stand.mock.cluster, FEEDBACK, 1, 1);
	rd_kafka_mock_topic_create(stand.mock.cluster, CANCELS, 1, 1);
	/* One that the writer meets later it looks up after a second. */
	stand.replies = rd_kafka_topic_new(stand.mock.writer, REPLIES, NULL);
	stand.loop = loop_open(&error);
	stand.target = (struct gateway_target){
		.name = "p", .namespace = "default", .answers = true, .outputs = "out", .request_bytes = 1 << 20, .feedback = 1};
	stand.targets = (struct gateway_targets){
		.count = 1, .items = &stand.target, .topic_count = 3, .topics = topics, .prefix = "sluice", .namespace = "default"};
	stand.targets.cancels = 2;
	stand.hub = direct_hub_open(&error);
	const struct calls_config config = {.brokers = stand.mock.brokers,
					    .consumer = mock_quick,
					    .producer = mock_quick,
					    .message_bytes = 1 << 20,
					    .direct = stand.hub};
	stand.calls = calls_open(stand.loop, &config, &stand.targets, &error);
	if (!stand.calls)
		fail_msg("%s", error.text);
	*state = &stand;
	return 0;
}

static int calls_stand_close(void **state)
{
	struct calls_stand *stand = *state;
	calls_close(stand->calls);
	direct_hub_close(stand->hub);
	loop_close(stand->loop);
	rd_kafka_topic_destroy(stand->replies);
	if (stand->engine) {
		rd_kafka_consumer_close(stand->engine);
		rd_kafka_destroy(stand->engine);
	}
	mock_close(&stand->mock);
	return 0;
}

#define CALLS_STORY(name) cmocka_unit_test_setup_teardown(name, calls_stand_open, calls_stand_close)

static void on_ended(void *context, const struct call_outcome *outcome)
{
	struct caller *caller = context;
	caller->ended++;
	caller->status = outcome->status;
	(void)snprintf(caller->body, sizeof caller->body, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->body));
	(void)snprintf(caller->id, sizeof caller->id, TEXT_FORMAT, TEXT_ARGUMENTS(outcome->id));
}

static bool is_over(void *context)
{
	return ((const struct caller *)context)->over;
}

static struct call_request request_of(struct calls_stand *stand, size_t number)
{
	return (struct call_request){.target = &stand->target,
				     .body = TEXT("1"),
				     .deadline_ms = loop_time_of_day_ms(stand->loop) + MOCK_WAIT_MS,
				     .place = TEXT("/here"),
				     .ended = on_ended,
				     .is_over = is_over,
				     .context = &stand->callers[number]};
}

static void call_with(struct calls_stand *stand, size_t number, int64_t timeout_ms, const char *id, struct text body)
{
	struct call_request request = request_of(stand, number);
	request.body = body;
	request.id = text_of(id);
	request.deadline_ms = loop_time_of_day_ms(stand->loop) + timeout_ms;
	calls_begin(stand->calls, &request);
}

static void turn_for(struct calls_stand *stand, int64_t wait_ms)
{
	struct error error = {0};
	for (int64_t until_ms = loop_now_ms(stand->loop) + wait_ms; loop_now_ms(stand->loop) < until_ms;)
		assert_true(loop_turn(stand->loop, 20, &error));
}

static void await_end(struct calls_stand *stand, size_t number)
{
	struct error error = {0};
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; stand->callers[number].ended == 0;) {
		assert_true(loop_turn(stand->loop, 20, &error));
		assert_true(loop_now_ms(stand->loop) < until_ms);
	}
}

/* The next record of partition 0 of the topic, which is always the same one in a test; the loop goes on meanwhile, for the
 * record's acknowledgement. */
static rd_kafka_message_t *next_record(struct calls_stand *stand, const char *topic)
{
	char words[256];
	struct error error = {0};
	if (!stand->engine) {
		rd_kafka_conf_t *configuration = rd_kafka_conf_new();
		rd_kafka_conf_set(configuration, "bootstrap.servers", stand->mock.brokers, words, sizeof words);
		rd_kafka_conf_set(configuration, "group.id", "engine", words, sizeof words);
		rd_kafka_conf_set(configuration, "fetch.wait.max.ms", "10", words, sizeof words);
		rd_kafka_conf_set(configuration, "log_level", "0", words, sizeof words);
		stand->engine = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, words, sizeof words);
		rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
		rd_kafka_topic_partition_list_add(list, topic, 0)->offset = 0;
		assert_int_equal(rd_kafka_assign(stand->engine, list), 0);
		rd_kafka_topic_partition_list_destroy(list);
	}
	for (int turns = 0; turns < MOCK_WAIT_MS / 20; turns++) {
		assert_true(loop_turn(stand->loop, 0, &error));
		rd_kafka_message_t *message = rd_kafka_consumer_poll(stand->engine, 20);
		if (message && !message->err)
			return message;
		if (message)
			rd_kafka_message_destroy(message);
	}
	fail_msg("nothing was asked");
	return NULL;
}

/* The reply address of the next request that was asked. */
static void next_asked(struct calls_stand *stand, char *address)
{
	rd_kafka_message_t *message = next_record(stand, "in");
	(void)snprintf(address, REPLY_ADDRESS_BYTES_MAX, "%s", record_header(message, REPLY_HEADER));
	rd_kafka_message_destroy(message);
}

static void await_strayed(struct calls_stand *stand, uint64_t count)
{
	for (int turns = 0; turns < MOCK_WAIT_MS / MOMENT_MS && calls_counts(stand->calls).strayed < count; turns++)
		turn_for(stand, MOMENT_MS);
	assert_int_equal(calls_counts(stand->calls).strayed, count);
}

/* header NULL: none. */
static void reply(struct calls_stand *stand, const char *address, const char *value)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
	if (address)
		rd_kafka_header_add(headers, REPLY_HEADER, -1, address, -1);
	assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_RKT(stand->replies), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, value ? strlen(value) : 0),
					   RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
}

static void each_call_ends_by_its_own_reply(void **state)
{
	struct calls_stand *stand = *state;
	char first[REPLY_ADDRESS_BYTES_MAX], second[REPLY_ADDRESS_BYTES_MAX];
	call_with(stand, 0, MOCK_WAIT_MS, "same", TEXT("1"));
	next_asked(stand, first);
	call_with(stand, 1, MOCK_WAIT_MS, "same", TEXT("2"));
	next_asked(stand, second);
	assert_string_not_equal(first, second);
	reply(stand, second, "to the second");
	await_end(stand, 1);
	assert_int_equal(stand->callers[0].ended, 0);
	assert_string_equal(stand->callers[1].body, "to the second");
	reply(stand, first, "to the first");
	await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "to the first");
	assert_string_equal(stand->callers[0].id, "same");
	assert_int_equal(calls_open_count(stand->calls), 0);
}

static void a_reply_that_comes_twice_or_late_ends_no_other_call(void **state)
{
	struct calls_stand *stand = *state;
	char first[REPLY_ADDRESS_BYTES_MAX], second[REPLY_ADDRESS_BYTES_MAX];
	call_with(stand, 0, MOCK_WAIT_MS, "", TEXT("1"));
	next_asked(stand, first);
	reply(stand, first, "once");
	await_end(stand, 0);
	call_with(stand, 1, MOCK_WAIT_MS, "", TEXT("2")); /* takes the place that the first had */
	next_asked(stand, second);
	reply(stand, first, "twice");
	await_strayed(stand, 1);
	assert_int_equal(stand->callers[0].ended, 1);
	assert_int_equal(stand->callers[1].ended, 0);
	assert_string_not_equal(stand->callers[0].id, ""); /* one was made */
}

static void rubbish_and_what_is_of_others_is_counted_and_passed_over(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX], other[REPLY_ADDRESS_BYTES_MAX];
	call_with(stand, 0, MOCK_WAIT_MS, "", TEXT("1"));
	next_asked(stand, address);
	memcpy(other, address, sizeof other);
	char *epoch = strchr(other, '/') + 1;
	*epoch = *epoch == '0' ? '1' : '0';
	reply(stand, other, "another epoch's");
	reply(stand, NULL, "no address");
	reply(stand, "rubbish", "no address");
	reply(stand, "0/0123", "no address");
	reply(stand, address, NULL); /* no value */
	await_strayed(stand, 4);
	assert_int_equal(calls_counts(stand->calls).foreign, 1);
	assert_int_equal(stand->callers[0].ended, 0);
	reply(stand, address, "mine");
	await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "mine");
}

/* ---- direct ingress ---- */

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
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	struct direct_message *asked = direct_port_take(port);
	assert_true(text_is(asked->record.value, "1") && text_is(asked->place, "/here"));
	const struct header address = *headers_find(asked->record.headers, TEXT(REPLY_HEADER));
	const struct outgoing answer = {.value = TEXT("from the worker"), .headers = {1, &address}};
	assert_true(direct_hub_reply(stand->hub, &answer));
	assert_true(direct_hub_reply(stand->hub, &answer)); /* a second one ends nothing */
	direct_hub_wake_gateway(stand->hub);
	direct_message_close(asked);
	await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "from the worker");
	turn_for(stand, MOMENT_MS);
	assert_int_equal(stand->callers[0].ended, 1);
	direct_port_close(port);
}

static void a_direct_call_that_no_worker_takes_goes_through_kafka(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	stand->target.direct = true;
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1")); /* there is no port */
	next_asked(stand, address);
	struct direct_port *port = port_of(stand);
	call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	direct_port_close(port); /* which returns it */
	next_asked(stand, address);
	reply(stand, address, "to the second");
	await_end(stand, 1);
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
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	items[1] = stand->target;
	items[1].direct = false;
	struct gateway_targets changed = stand->targets;
	changed.count = 2;
	changed.items = items;
	assert_true(calls_follow(stand->calls, &changed, &error));
	direct_port_close(port);
	rd_kafka_message_t *asked = next_record(stand, "in");
	assert_memory_equal(asked->payload, "1", 1);
	rd_kafka_message_destroy(asked);
	next_asked(stand, address);
	reply(stand, address, "to the second");
	await_end(stand, 1);
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
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	assert_int_equal(stand->callers[0].status, 503);
	stand->target.name = "other";
	call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("1"));
	assert_int_equal(stand->callers[1].ended, 0);
	size_t taken = 0;
	for (struct direct_message *message = direct_port_take(port), *next; message; message = next, taken++) {
		next = message->next;
		direct_message_close(message);
	}
	assert_int_equal(taken, DIRECT_OPEN_MAX + 1);
	direct_port_close(port);
}

static void on_placed(void *context, const struct submission *origin)
{
	assert_int_equal(origin->answers, ((const struct caller *)context)->roams ? -1 : 0);
}

/* One that is submitted, and one whose place its caller wants to know. */
static void a_call_that_is_searched_later_or_explained_goes_through_kafka(void **state)
{
	struct calls_stand *stand = *state;
	struct direct_port *port = port_of(stand);
	for (size_t i = 0; i < 3; i++) {
		struct call_request request = request_of(stand, i);
		request.submits = i == 0;
		request.placed = i == 1 ? on_placed : NULL;
		request.service = i == 2 ? SERVICE_EXPLANATIONS : SERVICE_PREDICTIONS;
		calls_begin(stand->calls, &request);
		rd_kafka_message_destroy(next_record(stand, "in"));
	}
	assert_null(direct_port_take(port));
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
	assert_true(direct_hub_reply(stand->hub, &answer));
	direct_hub_wake_gateway(stand->hub);
}

static void a_call_through_kafka_ends_by_the_reply_of_its_own_process(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	next_asked(stand, address);
	reply_by_memory(stand, address, "by memory");
	await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "by memory");
	reply(stand, address, "by Kafka");
	await_strayed(stand, 1);
	assert_int_equal(stand->callers[0].ended, 1);
}

/* The answer to a caller that wants to know the place of its request is to be readable there when it comes. */
static void a_call_whose_place_is_asked_for_is_answered_through_kafka(void **state)
{
	struct calls_stand *stand = *state;
	stand->target.answers_roam = stand->callers[0].roams = true;
	char address[REPLY_ADDRESS_BYTES_MAX];
	struct reply_address read;
	struct call_request request = request_of(stand, 0);
	request.placed = on_placed;
	calls_begin(stand->calls, &request);
	next_asked(stand, address);
	assert_true(reply_address_read(text_of(address), &read));
	assert_false(direct_hub_expects(stand->hub, read.epoch));
	reply(stand, address, "by Kafka");
	await_end(stand, 0);
	assert_string_equal(stand->callers[0].body, "by Kafka");
}

static void a_deadline_ends_a_call_that_nobody_answers(void **state)
{
	struct calls_stand *stand = *state;
	/* Longer than a first connection takes: what Kafka has not taken by then is a 503. */
	call_with(stand, 0, 5 * MOMENT_MS, "r", TEXT("1"));
	int64_t began_ms = loop_now_ms(stand->loop);
	await_end(stand, 0);
	assert_in_range(loop_now_ms(stand->loop) - began_ms, 5 * MOMENT_MS - 50, 8 * MOMENT_MS);
	assert_int_equal(stand->callers[0].status, 504);
	assert_non_null(strstr(stand->callers[0].body, "\"kind\":\"LIMIT\",\"place\":\"in/0/0\",\"id\":\"r\"}"));
	assert_non_null(strstr(stand->callers[0].body, "A later answer is only in the topic out"));
	assert_int_equal(calls_counts(stand->calls).timed_out, 1);
	call_with(stand, 1, -1, "r", TEXT("1"));
	assert_int_equal(stand->callers[1].status, 504); /* at once */
	assert_int_equal(calls_open_count(stand->calls), 0);
}

/* By the engine, which ends a request at its deadline as the gateway does, and by one that has passed when the call begins. */
static void each_call_that_a_deadline_ended_is_counted_as_one_timeout(void **state)
{
	struct calls_stand *stand = *state;
	char address[REPLY_ADDRESS_BYTES_MAX];
	const char *const limits[] = {"deadline", "admission"};
	for (size_t i = 0; i < 2; i++) {
		call_with(stand, i, MOCK_WAIT_MS, "r", TEXT("1"));
		next_asked(stand, address);
		const struct header headers[] = {{TEXT(REPLY_HEADER), text_of(address)},
						 {TEXT(REPLY_ERROR_HEADER), TEXT("LIMIT")},
						 {TEXT(REPLY_LIMIT_HEADER), text_of(limits[i])}};
		const struct outgoing answer = {.value = TEXT("{}"), .headers = {3, headers}};
		assert_true(direct_hub_reply(stand->hub, &answer));
		direct_hub_wake_gateway(stand->hub);
		await_end(stand, i);
		assert_int_equal(calls_counts(stand->calls).timed_out, 1);
	}
	assert_int_equal(stand->callers[0].status, 504);
	call_with(stand, 2, -1, "r", TEXT("1"));
	const struct calls_counts counts = calls_counts(stand->calls);
	assert_int_equal(counts.timed_out, 2);
	assert_int_equal(counts.begun, counts.answered + counts.failed);
}

static void while_kafka_is_away_a_call_ends_by_its_deadline(void **state)
{
	struct calls_stand *stand = *state;
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	turn_for(stand, MOMENT_MS);
	call_with(stand, 0, MOMENT_MS, "r", TEXT("1"));
	await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 503);
	assert_non_null(strstr(stand->callers[0].body, "Kafka did not take the request"));
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	char address[REPLY_ADDRESS_BYTES_MAX];
	next_asked(stand, address); /* the first, late */
	call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	next_asked(stand, address);
	reply(stand, address, "back");
	await_end(stand, 1);
	assert_string_equal(stand->callers[1].body, "back");
}

static void a_request_that_is_too_large_for_a_record_is_refused_at_once(void **state)
{
	struct calls_stand *stand = *state;
	static char large[(1 << 20) + 1];
	call_with(stand, 0, MOCK_WAIT_MS, "r", (struct text){large, sizeof large});
	assert_int_equal(stand->callers[0].status, 413);
	assert_int_equal(calls_open_count(stand->calls), 0);
}

static void a_caller_that_is_gone_is_let_go(void **state)
{
	struct calls_stand *stand = *state;
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("1"));
	stand->callers[0].over = true;
	await_end(stand, 0);
	turn_for(stand, MOMENT_MS);
	assert_int_equal(stand->callers[1].ended, 0);
	assert_int_equal(calls_open_count(stand->calls), 1);
	assert_int_equal(calls_counts(stand->calls).left, 1);
}

static struct text bytes_of(const void *bytes, size_t length)
{
	return (struct text){bytes, length};
}

/* An engine knows it by the reply address of its request. */
static void a_caller_that_is_gone_cancels_its_request(void **state)
{
	struct calls_stand *stand = *state;
	struct reply_address address;
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("1"));
	turn_for(stand, MOMENT_MS);
	stand->callers[1].over = true;
	rd_kafka_message_t *cancellation = next_record(stand, CANCELS);
	assert_true(text_is(bytes_of(cancellation->payload, cancellation->len), "p"));
	assert_true(reply_address_read(bytes_of(cancellation->key, cancellation->key_len), &address));
	assert_true(text_is(address.pipeline, "p"));
	assert_int_equal(address.call & 0xffff, 1); /* the second */
	rd_kafka_message_destroy(cancellation);
	assert_int_equal(calls_counts(stand->calls).cancelled, 1);
	assert_int_equal(stand->callers[0].ended, 0);
}

static void so_many_callers_that_leave_cancel_their_requests_at_a_time(void **state)
{
	struct calls_stand *stand = *state;
	for (size_t i = 0; i < CALLS_CANCELLED_A_LOOK + 2; i++)
		call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	stand->callers[0].over = true;
	await_end(stand, 0);
	assert_int_equal(calls_counts(stand->calls).left, CALLS_CANCELLED_A_LOOK + 2);
	assert_int_equal(calls_counts(stand->calls).cancelled, CALLS_CANCELLED_A_LOOK);
}

static void a_worker_learns_that_the_caller_of_a_direct_request_is_gone(void **state)
{
	struct calls_stand *stand = *state;
	struct direct_port *port = port_of(stand);
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	call_with(stand, 1, MOCK_WAIT_MS, "r", TEXT("2"));
	struct direct_message *first = direct_port_take(port), *second = first->next;
	assert_false(direct_port_has_lost_caller(port, first));
	stand->callers[0].over = true;
	await_end(stand, 0);
	assert_true(direct_port_has_lost_caller(port, first));
	assert_false(direct_port_has_lost_caller(port, second));
	assert_int_equal(calls_counts(stand->calls).cancelled, 0); /* Kafka has nothing of it */
	direct_message_close(first);
	call_with(stand, 2, MOCK_WAIT_MS, "r", TEXT("3")); /* in the same slot */
	struct direct_message *third = direct_port_take(port);
	assert_false(direct_port_has_lost_caller(port, third));
	direct_message_close(second);
	direct_message_close(third);
	direct_port_close(port);
}

/* A later call with its key gets the answer. */
static void a_request_that_is_searched_later_goes_on_without_its_caller(void **state)
{
	struct calls_stand *stand = *state;
	struct call_request request = request_of(stand, 0);
	request.placed = on_placed;
	calls_begin(stand->calls, &request);
	stand->callers[0].over = true;
	await_end(stand, 0);
	assert_int_equal(calls_counts(stand->calls).left, 1);
	assert_int_equal(calls_counts(stand->calls).cancelled, 0);
}

static void a_cancellation_is_a_record_that_names_the_request_and_ends_when_kafka_has_it(void **state)
{
	struct calls_stand *stand = *state;
	struct call_request request = request_of(stand, 0);
	request.cancels = true;
	request.body = (struct text){0};
	request.key = TEXT("0123456789abcdef0123456789abcdef");
	calls_begin(stand->calls, &request);
	rd_kafka_message_t *cancellation = next_record(stand, CANCELS);
	assert_true(text_equal(bytes_of(cancellation->key, cancellation->key_len), request.key));
	assert_true(text_is(bytes_of(cancellation->payload, cancellation->len), "p"));
	rd_kafka_message_destroy(cancellation);
	await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 202);
}

static void without_output_a_call_ends_when_kafka_has_its_request(void **state)
{
	struct calls_stand *stand = *state;
	stand->target.answers = false;
	call_with(stand, 0, MOCK_WAIT_MS, "r", TEXT("1"));
	await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 202);
	assert_string_equal(stand->callers[0].body, "{\"id\":\"r\"}");
}

static void feedback_is_a_record_without_headers_and_ends_when_kafka_has_it(void **state)
{
	struct calls_stand *stand = *state;
	struct call_request request = request_of(stand, 0);
	request.is_feedback = true;
	request.body = TEXT("outcome");
	request.key = request.id = TEXT("r-1");
	calls_begin(stand->calls, &request);
	rd_kafka_message_t *message = next_record(stand, FEEDBACK);
	rd_kafka_headers_t *headers;
	bool same = message->len == 7 && memcmp(message->payload, "outcome", 7) == 0 && message->key_len == 3 &&
		    memcmp(message->key, "r-1", 3) == 0;
	bool bare = rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR__NOENT;
	rd_kafka_message_destroy(message);
	assert_true(same);
	assert_true(bare);
	await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 202);
	assert_string_equal(stand->callers[0].body, "{\"id\":\"r-1\"}");
	assert_int_equal(calls_counts(stand->calls).accepted, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALLS_STORY(each_call_ends_by_its_own_reply),
		CALLS_STORY(a_reply_that_comes_twice_or_late_ends_no_other_call),
		CALLS_STORY(rubbish_and_what_is_of_others_is_counted_and_passed_over),
		CALLS_STORY(a_direct_call_ends_by_the_reply_of_a_worker),
		CALLS_STORY(a_direct_call_that_no_worker_takes_goes_through_kafka),
		CALLS_STORY(a_returned_call_goes_through_kafka_though_the_files_have_changed),
		CALLS_STORY(a_direct_call_is_refused_when_its_worker_has_too_many),
		CALLS_STORY(a_call_that_is_searched_later_or_explained_goes_through_kafka),
		CALLS_STORY(a_call_through_kafka_ends_by_the_reply_of_its_own_process),
		CALLS_STORY(a_call_whose_place_is_asked_for_is_answered_through_kafka),
		CALLS_STORY(a_deadline_ends_a_call_that_nobody_answers),
		CALLS_STORY(each_call_that_a_deadline_ended_is_counted_as_one_timeout),
		CALLS_STORY(while_kafka_is_away_a_call_ends_by_its_deadline),
		CALLS_STORY(a_request_that_is_too_large_for_a_record_is_refused_at_once),
		CALLS_STORY(a_caller_that_is_gone_is_let_go),
		CALLS_STORY(a_caller_that_is_gone_cancels_its_request),
		CALLS_STORY(so_many_callers_that_leave_cancel_their_requests_at_a_time),
		CALLS_STORY(a_worker_learns_that_the_caller_of_a_direct_request_is_gone),
		CALLS_STORY(a_request_that_is_searched_later_goes_on_without_its_caller),
		CALLS_STORY(a_cancellation_is_a_record_that_names_the_request_and_ends_when_kafka_has_it),
		CALLS_STORY(without_output_a_call_ends_when_kafka_has_its_request),
		CALLS_STORY(feedback_is_a_record_without_headers_and_ends_when_kafka_has_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
