/* The built-in model server's door for gRPC, asked by our own client on the same loop.
 * Payloads are written as in graphs.h: "x=1,2" is FP32 of shape [2]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/graphs.h"
#include "message/formats/oip_protobuf.h"
#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc.h"
#include "models/server/model_grpc.h"

#define TURN_MS 10
#define TURNS_MAX 300
#define BYTES_MAX 4096
#define SERVICE "/inference.GRPCInferenceService/"

enum { OK = 0, DEADLINE_EXCEEDED = 4, NOT_FOUND = 5, INVALID_ARGUMENT = 3, UNIMPLEMENTED = 12, UNAVAILABLE = 14 };

struct stand {
	struct loop *loop;
	struct catalog *catalog;
	struct model_grpc *service;
	struct grpc *grpc;
	struct arena *arena;
	char address[32];
	bool told;
	int status;
	char words[BYTES_MAX];
	struct text body;
	char bytes[BYTES_MAX];
};

static void put(struct stand *stand, const char *name, const char *uri)
{
	assert_true(catalog_put(stand->catalog, &(struct catalog_entry){.name = name, .uri = uri}, &(struct error){0}));
}

static int open_stand(void **state)
{
	static struct stand stand;
	static const struct grpc_limits limits = {
		.streams = 8, .connections = 1, .connection_idle_s = 60, .reply_bytes = BYTES_MAX, .connect_ms = 2000};
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .catalog = catalog_open(&error), .arena = arena_open((size_t)1 << 20)};
	put(&stand, "twice", "stub://expression?y=x*2");
	put(&stand, "tired", "stub://slow?ms=30&then=identity");
	put(&stand, "shaky", "stub://flaky?fails=1&code=503&then=identity");
	put(&stand, "silent", "stub://hang");
	put(&stand, "typo", "stub://idntity");
	stand.service = model_grpc_open(stand.loop, &(struct model_service_config){.catalog = stand.catalog}, &error);
	stand.grpc = grpc_open(stand.loop, &limits, NULL, &error);
	assert_non_null(stand.service);
	assert_non_null(stand.grpc);
	snprintf(stand.address, sizeof stand.address, "127.0.0.1:%d", model_grpc_port(stand.service));
	*state = &stand;
	return 0;
}

static int close_stand(void **state)
{
	struct stand *stand = *state;
	grpc_close(stand->grpc);
	model_grpc_close(stand->service);
	catalog_close(stand->catalog);
	arena_close(stand->arena);
	loop_close(stand->loop);
	return 0;
}

static void on_done(struct grpc_call *call, const struct grpc_reply *reply)
{
	struct stand *stand = call->context;
	stand->told = true;
	stand->status = reply->status;
	snprintf(stand->words, sizeof stand->words, TEXT_FORMAT, TEXT_ARGUMENTS(reply->words));
	assert_true(reply->body.length < sizeof stand->bytes);
	if (reply->body.length)
		memcpy(stand->bytes, reply->body.bytes, reply->body.length);
	stand->body = (struct text){stand->bytes, reply->body.length};
}

static void call(struct stand *stand, const char *path, struct text body, int64_t timeout_ms)
{
	struct grpc_call call = {.address = stand->address,
				 .path = path,
				 .body = &body,
				 .body_count = 1,
				 .timeout_ms = timeout_ms,
				 .done = on_done,
				 .context = stand};
	struct error error = {0};
	stand->told = false;
	assert_true(grpc_start(stand->grpc, &call, &error));
	for (int i = 0; i < TURNS_MAX && !stand->told; i++)
		assert_true(loop_turn(stand->loop, TURN_MS, &error));
	assert_true(stand->told);
}

static void infer(struct stand *stand, const char *model, const char *id, const struct payload *payload)
{
	struct buffer out;
	const struct oip_request request = {.model_name = text_of(model), .id = text_of(id), .payload = payload};
	buffer_open(&out, BYTES_MAX);
	assert_true(oip_request_encode(&request, &out, &(struct error){0}));
	call(stand, SERVICE "ModelInfer", buffer_view(&out), 2000);
	buffer_close(&out);
}

/* A message of one text field for each text, numbered from `number` on. */
static struct text names(struct stand *stand, uint32_t number, const char *first, const char *second)
{
	char *bytes = arena_take(stand->arena, 1, 256), *end = bytes;
	end = protobuf_put_bytes(end, number, text_of(first));
	if (second)
		end = protobuf_put_bytes(end, number + 1, text_of(second));
	return (struct text){bytes, (size_t)(end - bytes)};
}

/* What field `number` of the answer holds, the n-th of that number. */
static struct text field_of(struct text message, uint32_t number, size_t nth)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field))
		if (field.number == number && nth-- == 0)
			return field.wire == WIRE_BYTES ? field.bytes : (struct text){field.value ? "true" : "false", 4};
	return (struct text){0};
}

static void expect_text(struct text got, const char *wanted)
{
	if (!text_is(got, wanted))
		fail_msg("`" TEXT_FORMAT "` is not `%s`", TEXT_ARGUMENTS(got), wanted);
}

static void models_answer_as_they_do_in_process(void **state)
{
	struct stand *stand = *state;
	static const struct {
		const char *uri, *inputs;
	} rows[] = {
		{"stub://identity", "x=1,2"},
		{"stub://add10", "INPUT=1,2"},
		{"stub://stats", "x=1,2,6"},
		{"stub://gate?min=5", "INPUT=1,2"},
		{"stub://names", "x=1 y=2"},
		{"stub://sum", "x=1 y=2,3"},
		{"stub://upper", "x=1"},
		{"stub://add10", "x=1"},
		{"stub://fail?code=404&text=gone", "x=1"},
		{"stub://linear?w=1,2", "x=3,4"},
		{"stub://expression?y=x*x", "x=3"},
		{"stub://const?value=7", "x=1"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stub_reply ours;
		struct error error = {0};
		struct payload theirs;
		char wanted[256], got[256];
		const struct payload *request = payload_made(stand->arena, rows[i].inputs);
		const struct stub *stub = stub_parse(stand->arena, rows[i].uri, PLACE_NONE, &error);
		assert_true(stub_answer(stub, request, 0, stand->arena, &ours));
		put(stand, "it", rows[i].uri);
		infer(stand, "it", "r", request);
		if (ours.status != 200) {
			assert_int_equal(stand->status, ours.status == 404 ? NOT_FOUND : INVALID_ARGUMENT);
			expect_text(ours.words, stand->words);
			continue;
		}
		assert_int_equal(stand->status, OK);
		assert_true(oip_response_decode(stand->body, stand->arena, &theirs, NULL, &error));
		payload_print(ours.payload, wanted, sizeof wanted);
		payload_print(&theirs, got, sizeof got);
		assert_string_equal(got, wanted);
		expect_text(theirs.model_name, "it");
	}
}

static void answers_bear_the_name_version_and_id(void **state)
{
	struct stand *stand = *state;
	infer(stand, "twice", "r7", payload_made(stand->arena, "x=4"));
	expect_text(field_of(stand->body, 1, 0), "twice");
	expect_text(field_of(stand->body, 2, 0), "1");
	expect_text(field_of(stand->body, 3, 0), "r7");
}

static void failures_come_as_statuses_with_the_words(void **state)
{
	struct stand *stand = *state;
	const struct payload *payload = payload_made(stand->arena, "x=4");
	infer(stand, "shaky", "r1", payload);
	assert_int_equal(stand->status, UNAVAILABLE);
	assert_string_equal(stand->words, "stub failure 503");
	infer(stand, "shaky", "r1", payload);
	assert_int_equal(stand->status, OK);
	infer(stand, "nobody", "r1", payload);
	assert_int_equal(stand->status, NOT_FOUND);
	assert_string_equal(stand->words, "there is no model `nobody` here");
	infer(stand, "typo", "r1", payload);
	assert_int_equal(stand->status, UNAVAILABLE);
	call(stand, SERVICE "ModelInfer", TEXT("\x0a\x7f"), 2000);
	assert_int_equal(stand->status, INVALID_ARGUMENT);
	call(stand, SERVICE "ModelConfig", (struct text){0}, 2000);
	assert_int_equal(stand->status, UNIMPLEMENTED);
}

static void broken_bodies_cannot_be_read(void **state)
{
	struct stand *stand = *state;
	static const char *const modes[] = {"count", "notjson", "empty", "datatype", "truncated", "html", "nooutputs"};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		struct payload payload;
		struct error error = {0};
		put(stand, "broken", arena_print(stand->arena, "stub://badreply?mode=%s", modes[i]));
		infer(stand, "broken", "r", payload_made(stand->arena, "x=1"));
		assert_int_equal(stand->status, OK);
		if (oip_response_decode(stand->body, stand->arena, &payload, NULL, &error))
			fail_msg("the body of `%s` is a message", modes[i]);
	}
}

/* As over REST: its caller's error, where the body still names the model. */
static void a_broken_body_counts_as_a_call_of_its_model(void **state)
{
	struct stand *stand = *state;
	const struct catalog_model *model = catalog_find(stand->catalog, TEXT("twice"), (struct text){0});
	assert_non_null(model);
	char bytes[64], *end = protobuf_put_bytes(bytes, 1, TEXT("twice"));
	*end++ = 0x2A; /* inputs, of 9 bytes, which do not follow */
	*end++ = 9;
	call(stand, SERVICE "ModelInfer", (struct text){bytes, (size_t)(end - bytes)}, 2000);
	assert_int_equal(stand->status, INVALID_ARGUMENT);
	assert_int_equal(model->counts.calls, 1);
	assert_int_equal(model->counts.errors[ERROR_INPUT - 1], 1);
}

static void slow_models_answer_later_and_silent_ones_never(void **state)
{
	struct stand *stand = *state;
	int64_t begun_ms = loop_now_ms(stand->loop);
	infer(stand, "tired", "r", payload_made(stand->arena, "x=1"));
	assert_int_equal(stand->status, OK);
	assert_true(loop_now_ms(stand->loop) - begun_ms >= 30);
	struct buffer out;
	const struct oip_request request = {.model_name = TEXT("silent"), .payload = payload_made(stand->arena, "x=1")};
	buffer_open(&out, BYTES_MAX);
	assert_true(oip_request_encode(&request, &out, &(struct error){0}));
	call(stand, SERVICE "ModelInfer", buffer_view(&out), 50);
	buffer_close(&out);
	assert_int_not_equal(stand->status, OK);
}

static void it_tells_of_itself_and_of_its_models(void **state)
{
	struct stand *stand = *state;
	call(stand, SERVICE "ServerLive", (struct text){0}, 2000);
	expect_text(field_of(stand->body, 1, 0), "true");
	call(stand, SERVICE "ServerReady", (struct text){0}, 2000);
	expect_text(field_of(stand->body, 1, 0), "true");
	call(stand, SERVICE "ServerMetadata", (struct text){0}, 2000);
	expect_text(field_of(stand->body, 1, 0), "sluice");
	expect_text(field_of(stand->body, 3, 1), "model_repository");
	call(stand, SERVICE "ModelReady", names(stand, 1, "twice", "1"), 2000);
	expect_text(field_of(stand->body, 1, 0), "true");
	call(stand, SERVICE "ModelReady", names(stand, 1, "typo", NULL), 2000);
	assert_int_equal(stand->status, OK);
	assert_int_equal(stand->body.length, 0);
	call(stand, SERVICE "ModelReady", names(stand, 1, "twice", "2"), 2000);
	assert_int_equal(stand->status, OK);
	assert_int_equal(stand->body.length, 0);
	call(stand, SERVICE "ModelMetadata", names(stand, 1, "twice", "2"), 2000);
	assert_int_equal(stand->status, NOT_FOUND);
	call(stand, SERVICE "ModelMetadata", names(stand, 1, "tfsimple", NULL), 2000);
	expect_text(field_of(stand->body, 1, 0), "tfsimple");
	expect_text(field_of(stand->body, 2, 0), "1");
	struct text second = field_of(stand->body, 4, 1);
	expect_text(field_of(second, 1, 0), "INPUT1");
	expect_text(field_of(second, 2, 0), "INT32");
	expect_text(field_of(second, 3, 0), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10"); /* -1, 16 */
}

static void the_repository_is_listed_and_changed(void **state)
{
	struct stand *stand = *state;
	call(stand, SERVICE "RepositoryIndex", (struct text){0}, 2000);
	struct text last = field_of(stand->body, 1, 4);
	expect_text(field_of(last, 1, 0), "typo");
	expect_text(field_of(last, 3, 0), "UNAVAILABLE");
	call(stand, SERVICE "RepositoryIndex", TEXT("\x10\x01"), 2000); /* ready alone */
	expect_text(field_of(field_of(stand->body, 1, 3), 1, 0), "silent");
	assert_null(field_of(stand->body, 1, 4).bytes);
	call(stand, SERVICE "RepositoryModelUnload", names(stand, 2, "twice", NULL), 2000);
	assert_int_equal(stand->status, OK);
	infer(stand, "twice", "r", payload_made(stand->arena, "x=4"));
	assert_int_equal(stand->status, UNAVAILABLE);
	call(stand, SERVICE "RepositoryModelLoad", names(stand, 2, "twice", NULL), 2000);
	assert_int_equal(stand->status, OK);
	infer(stand, "twice", "r", payload_made(stand->arena, "x=4"));
	assert_int_equal(stand->status, OK);
	call(stand, SERVICE "RepositoryModelLoad", names(stand, 2, "nobody", NULL), 2000);
	assert_int_equal(stand->status, NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stand, close_stand)
	const struct CMUnitTest tests[] = {
		TEST(models_answer_as_they_do_in_process),	   TEST(answers_bear_the_name_version_and_id),
		TEST(failures_come_as_statuses_with_the_words),	   TEST(broken_bodies_cannot_be_read),
		TEST(a_broken_body_counts_as_a_call_of_its_model), TEST(slow_models_answer_later_and_silent_ones_never),
		TEST(it_tells_of_itself_and_of_its_models),	   TEST(the_repository_is_listed_and_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
