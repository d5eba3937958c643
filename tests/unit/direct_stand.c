/* direct_stand.c: see direct_stand.h. */
#include "tests/unit/direct_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "message/records/reply.h"
#include "net/loop.h"

const char direct_doubles[] = "  - name: twice\n    expression: {set: {x: x * 2}}\n  output: {steps: [twice]}\n";
const char *const direct_x21 = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[21]}]}";
struct direct_hub *direct_stand_hub;

void direct_configure(struct stand *stand, const char *steps)
{
	static const char *const written[] = {"out", "in"};
	struct error error = {0};
	direct_stand_hub = direct_hub_open(&error);
	assert_non_null(direct_stand_hub);
	stand_configure(stand, steps);
	stand->config.transaction.id = NULL;
	stand->config.setup.writes = (struct topic_list){2, written};
	stand->stages[0].requests = 1;
	stand->stages[0].by_key = true;
	stand->config.direct = direct_stand_hub;
}

void direct_start(struct stand *stand, const char *steps)
{
	direct_configure(stand, steps);
	stand_start(stand);
}

int direct_stand_close(void **state)
{
	int code = stand_close(state);
	direct_hub_close(direct_stand_hub);
	direct_stand_hub = NULL;
	return code;
}

enum direct_verdict direct_ask_of(uint64_t call, const char *pipeline, const char *body)
{
	char address[40];
	(void)snprintf(address, sizeof address, "0/0123456789abcdef/7/%s", pipeline);
	const struct header headers[] = {{TEXT(REPLY_HEADER), text_of(address)}, {TEXT("x-request-id"), TEXT("mine")}};
	const struct direct_request request = {.pipeline = text_of(pipeline),
					       .place = TEXT("/v2/models/p/infer"),
					       .key = TEXT("key"),
					       .value = text_of(body),
					       .headers = {2, headers},
					       .time_ms = 1,
					       .call = call};
	const enum direct_verdict verdict = direct_hub_send(direct_stand_hub, &request);
	direct_hub_wake(direct_stand_hub);
	return verdict;
}

enum direct_verdict direct_ask(const char *pipeline, const char *body)
{
	return direct_ask_of(0, pipeline, body);
}

struct direct_message *direct_replies(void)
{
	struct pollfd bell = {.fd = direct_hub_bell(direct_stand_hub), .events = POLLIN};
	struct direct_message *message;
	while (!(message = direct_hub_take(direct_stand_hub))) {
		assert_int_equal(poll(&bell, 1, MOCK_WAIT_MS), 1);
		(void)bell_quiet(bell.fd);
	}
	return message;
}

struct direct_message *direct_reply(void)
{
	struct direct_message *message = direct_replies();
	assert_null(message->next);
	return message;
}

void direct_replies_pass(size_t count)
{
	for (size_t passed = 0; passed < count;) {
		struct direct_message *message = direct_replies();
		for (struct direct_message *next; message; message = next, passed++) {
			next = message->next;
			assert_false(message->is_returned);
			direct_message_close(message);
		}
		assert_true(passed <= count);
	}
}

bool direct_reply_says(const struct direct_message *message, const char *words)
{
	return memmem(message->record.value.bytes, message->record.value.length, words, strlen(words)) != NULL;
}

void direct_ask_until_sent(void)
{
	for (unsigned waited_ms = 0; direct_ask("p", direct_x21) != DIRECT_SENT; waited_ms++) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		(void)usleep(1000);
	}
}

int64_t direct_records_in(const struct stand *stand, const char *topic)
{
	int64_t first, end = -1;
	(void)rd_kafka_query_watermark_offsets(stand->mock.writer, topic, 0, &first, &end, MOCK_WAIT_MS);
	return end;
}
