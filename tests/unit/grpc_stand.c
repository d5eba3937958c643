/* grpc_stand.c: see grpc_stand.h. */
#include "tests/unit/grpc_stand.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void on_done(struct grpc_call *grpc_call, const struct grpc_reply *reply)
{
	struct call *call = grpc_call->context;
	struct stand *stand = call->stand;
	call->reply = *reply;
	struct text said = reply->status == 0 ? reply->body : reply->words;
	snprintf(call->text, sizeof call->text, "%.*s", (int)(said.length < 200 ? said.length : 200), said.bytes ? said.bytes : "");
	call->told++;
	stand->order[stand->told++ % CALLS] = (size_t)(call - stand->calls);
}

int stand_set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){.loop = loop_open(&(struct error){0}),
			       .puppet.streams = 100,
			       .limits = {.streams = 100,
					  .connections = 1,
					  .connection_idle_s = 60,
					  .reply_bytes = REPLY_BYTES,
					  .connect_ms = 2000,
					  .silence_ms = 2000}};
	snprintf(stand.address, sizeof stand.address, "127.0.0.1:%d", puppet_open(&stand.puppet, stand.loop));
	*state = &stand;
	return 0;
}

int stand_tear_down(void **state)
{
	struct stand *stand = *state;
	grpc_close(stand->grpc);
	puppet_close(&stand->puppet);
	loop_close(stand->loop);
	return 0;
}

struct call *begin_with(struct stand *stand, size_t number, struct text body, int64_t timeout_ms)
{
	struct error error = {0};
	struct call *call = &stand->calls[number];
	if (!stand->grpc)
		stand->grpc = grpc_open(stand->loop, &stand->limits, NULL, &error);
	*call = (struct call){.stand = stand, .body = body};
	call->call = (struct grpc_call){.address = stand->address,
					.path = PATH,
					.body = &call->body,
					.body_count = 1,
					.timeout_ms = timeout_ms,
					.done = on_done,
					.context = call};
	assert_true(grpc_start(stand->grpc, &call->call, &error));
	assert_int_equal(call->told, 0); /* never before the caller has returned */
	return call;
}

struct call *begin(struct stand *stand, size_t number)
{
	return begin_with(stand, number, TEXT("ask"), 5000);
}

void turn(struct stand *stand)
{
	assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
}

void turn_until_told(struct stand *stand, size_t count)
{
	for (int64_t until = loop_now_ms(stand->loop) + 10000; stand->told < count;) {
		assert_true(loop_now_ms(stand->loop) < until);
		turn(stand);
	}
}

void turn_until_asked(struct stand *stand, size_t count)
{
	for (int64_t until = loop_now_ms(stand->loop) + 10000; stand->puppet.asked_count < count;) {
		assert_true(loop_now_ms(stand->loop) < until);
		turn(stand);
	}
}

struct call *ask_once(struct stand *stand)
{
	struct call *call = begin(stand, 0);
	turn_until_told(stand, 1);
	return call;
}

void assert_fails(const struct call *call, enum error_kind kind, const char *words)
{
	assert_int_equal(call->reply.status, -1);
	assert_int_equal(call->reply.error.kind, kind);
	if (!strstr(call->reply.error.text, words))
		assert_string_equal(call->reply.error.text, words);
}

void say_yes(struct puppet_line *line, int32_t id)
{
	puppet_answer(line, id, "yes");
}
