/* Calls by gRPC, against a server that says what each story has it say: what a good one
 * says, what a busy one says, and what liars say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/grpc/grpc_client.h"
#include "net/grpc/http2_frame.h"
#include "tests/unit/grpc_stand.h"

/* ---- what good servers say ---- */

static void an_answer_comes_with_its_message(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	struct call *call = ask_once(stand);
	assert_int_equal(call->reply.status, 0);
	assert_string_equal(call->text, "yes");
	assert_int_equal(stand->puppet.data_bytes, 5 + strlen("ask"));
}

static void refuse_in_trailers_only(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, FLAG_END_STREAM, ":status", "200", "content-type", "application/grpc", "grpc-status", "5",
		       "grpc-message", "model %22m%22: 100%25 nicht da, gr%C3%BC%C3%9Fe %zz", NULL);
}

static void a_refusal_comes_with_its_words_decoded(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = refuse_in_trailers_only;
	struct call *call = ask_once(stand);
	assert_int_equal(call->reply.status, 5);
	assert_string_equal(call->text, "model \"m\": 100% nicht da, grüße %zz");
}

static void refuse_after_headers(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_trailers(line, id, "13", "inside");
}

static void a_refusal_may_follow_headers(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = refuse_after_headers;
	struct call *call = ask_once(stand);
	assert_int_equal(call->reply.status, 13);
	assert_string_equal(call->text, "inside");
}

static void answer_with_nothing(struct puppet_line *line, int32_t id)
{
	puppet_answer(line, id, "");
}

static void a_message_may_be_empty(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = answer_with_nothing;
	struct call *call = ask_once(stand);
	assert_int_equal(call->reply.status, 0);
	assert_int_equal(call->reply.body.length, 0);
}

static void answer_as_a_proxy(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, ":status", "503", "content-type", "text/html", NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, "<html>", 6);
}

static void a_proxys_answer_is_the_status_that_it_means(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = answer_as_a_proxy;
	struct call *call = ask_once(stand);
	assert_int_equal(call->reply.status, 14);
	assert_string_equal(call->text, "HTTP status 503, without a status of gRPC");
}

static void many_calls_share_one_connection(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	for (size_t i = 0; i < 64; i++)
		begin(stand, i);
	turn_until_told(stand, 64);
	assert_int_equal(stand->puppet.line_count, 1);
	assert_int_equal(stand->puppet.asked_count, 64);
}

/* How much of what comes is read together is up to the network, so the rounds until it is warm are not known beforehand. */
static void a_warm_client_takes_nothing_from_the_heap(void **state)
{
	struct stand *stand = *state;
	size_t quiet = 0; /* rounds in a row in which nothing was taken */
	stand->puppet.asked = say_yes;
	for (size_t round = 1; quiet < 4; round++) {
		const uint64_t taken = memory_taken();
		for (size_t i = 0; i < 16; i++)
			begin(stand, i);
		turn_until_told(stand, 16 * round);
#ifndef ARENA_EVERY_ALLOCATION_APART
		quiet = memory_taken() == taken ? quiet + 1 : 0;
#else
		quiet++;
		assert_true(memory_taken() >= taken);
#endif
		assert_true(round < 40);
	}
}

static void (*told_before)(struct grpc_call *call, const struct grpc_reply *reply);

static void ask_again(struct grpc_call *grpc_call, const struct grpc_reply *reply)
{
	struct call *call = grpc_call->context;
	struct stand *stand = call->stand;
	if (stand->told == 0) {
		stand->told++;
		grpc_call->done = told_before;
		assert_true(grpc_start(stand->grpc, grpc_call, &(struct error){0}));
		assert_int_equal(reply->body.length, 3); /* what it holds is not touched by that */
		assert_memory_equal(reply->body.bytes, "yes", 3);
	}
}

static void done_may_start_the_same_call_anew(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	struct call *call = begin(stand, 0);
	told_before = call->call.done;
	call->call.done = ask_again;
	turn_until_told(stand, 2);
	assert_int_equal(stand->puppet.asked_count, 2);
	assert_string_equal(stand->calls[0].text, "yes");
}

/* ---- big ones ---- */

static void answer_with_much(struct puppet_line *line, int32_t id)
{
	static unsigned char chunk[16384];
	const unsigned char prefix[5] = {0, 0x01, 0, 0, 0}; /* 16 MiB */
	puppet_begin_answer(line, id);
	puppet_frame(line, FRAME_DATA, 0, id, prefix, sizeof prefix);
	memset(chunk, 'x', sizeof chunk);
	if (fork() == 0) { /* that send waits until the client has read */
		for (int i = 0; i < 1024; i++)
			puppet_frame(line, FRAME_DATA, 0, id, chunk, sizeof chunk);
		puppet_trailers(line, id, "0", NULL);
		_exit(0);
	}
}

static void sixteen_mebibytes_come(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = answer_with_much;
	struct call *call = ask_once(stand);
	assert_string_equal(call->reply.error.text, "");
	assert_int_equal(call->reply.status, 0);
	assert_int_equal(call->reply.body.length, 16 << 20);
}

static void sixteen_mebibytes_go(void **state)
{
	static char much[16 << 20];
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	begin_with(stand, 0, (struct text){much, sizeof much}, 20000);
	turn_until_told(stand, 1);
	assert_string_equal(stand->calls[0].text, "yes");
	assert_int_equal(stand->puppet.data_bytes, 5 + sizeof much);
}

static void an_answer_beyond_the_limit_is_refused(void **state)
{
	struct stand *stand = *state;
	stand->limits.reply_bytes = 2;
	stand->puppet.asked = say_yes;
	struct call *call = ask_once(stand);
	assert_fails(call, ERROR_LIMIT, "with 3 bytes; the limit is 2");
	turn(stand);
	turn(stand);
	assert_int_equal(stand->puppet.resets, 1);
}

/* Those of a call are as many as there is space for. tests/gateway_cases.py sends some to a gateway, which reads them. */
static void a_call_has_so_much_metadata_and_no_more(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct grpc_field fields[GRPC_METADATA_MAX + 1];
	struct grpc_call call = {.address = stand->address, .path = "/a/b", .timeout_ms = 1000, .metadata = fields};
	for (size_t i = 0; i < GRPC_METADATA_MAX + 1; i++)
		fields[i] = (struct grpc_field){TEXT("x-one"), TEXT("value")};
	call.metadata_count = GRPC_METADATA_MAX + 1;
	assert_false(grpc_start(stand->grpc, &call, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "has 9 pieces of metadata; the limit is 8"));
	stand->puppet.asked = say_yes;
	begin(stand, 0);
	stand->calls[0].call.metadata = fields;
	stand->calls[0].call.metadata_count = GRPC_METADATA_MAX;
	turn_until_told(stand, 1);
	assert_string_equal(stand->calls[0].text, "yes");
}

/* The bytes that cannot be made shorter: each is sent as it is, and all are one frame. */
static void the_head_of_a_call_has_so_many_bytes_and_no_more(void **state)
{
	struct stand *stand = *state;
	static char value[GRPC_HEAD_BYTES_MAX];
	struct error error = {0};
	struct grpc_field field = {TEXT("x-long"), {value, 0}};
	const struct grpc_call call = {
		.address = stand->address, .path = PATH, .timeout_ms = 1000, .metadata = &field, .metadata_count = 1};
	memset(value, '~', sizeof value);
	field.value.length = GRPC_HEAD_BYTES_MAX - strlen(PATH) - strlen(stand->address) - field.name.length + 1;
	struct grpc_call refused = call;
	assert_false(grpc_start(stand->grpc, &refused, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "has 15361 bytes of path and metadata; the limit is 15360: send less metadata"));
	field.value.length--;
	stand->puppet.asked = say_yes;
	begin(stand, 0);
	stand->calls[0].call.metadata = &field;
	stand->calls[0].call.metadata_count = 1;
	turn_until_told(stand, 1);
	assert_int_equal(stand->calls[0].reply.status, 0);
	assert_in_range(stand->puppet.head_bytes, GRPC_HEAD_BYTES_MAX, HTTP2_FRAME_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(the_head_of_a_call_has_so_many_bytes_and_no_more),
		STORY(a_call_has_so_much_metadata_and_no_more),
		STORY(an_answer_comes_with_its_message),
		STORY(a_refusal_comes_with_its_words_decoded),
		STORY(a_refusal_may_follow_headers),
		STORY(a_message_may_be_empty),
		STORY(a_proxys_answer_is_the_status_that_it_means),
		STORY(many_calls_share_one_connection),
		STORY(a_warm_client_takes_nothing_from_the_heap),
		STORY(done_may_start_the_same_call_anew),
		STORY(sixteen_mebibytes_come),
		STORY(sixteen_mebibytes_go),
		STORY(an_answer_beyond_the_limit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
