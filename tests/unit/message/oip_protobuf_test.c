/* oip_protobuf_test.c: our own protobuf codec, held against the official library
 * (through protoc, where it is installed), and what is refused. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "message/formats/oip_protobuf.h"

#include <cmocka.h>

#include "tests/unit/payloads.h"

#define CEILING ((size_t)1 << 20)

static struct arena *arena;
static struct buffer out;

static int set_up(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 24);
	buffer_open(&out, CEILING);
	return arena ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	buffer_close(&out);
	return 0;
}

/* ---- the official library ---- */

static bool protoc_is_there(void)
{
	return system("protoc --version >/dev/null 2>&1") == 0;
}

/* `input` through `protoc --encode|--decode=inference.TYPE`. */
static struct text through_protoc(const char *way, const char *type, struct text input)
{
	static char bytes[1 << 20];
	char path[] = "/tmp/sluice-protoc-XXXXXX";
	int descriptor = mkstemp(path);
	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, input.bytes, input.length), (ssize_t)input.length);
	close(descriptor);
	FILE *pipe = popen(arena_print(arena, "protoc --%s=inference.%s -Itests/data oip.proto <%s", way, type, path), "r");
	assert_non_null(pipe);
	size_t length = fread(bytes, 1, sizeof bytes, pipe);
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
	return (struct text){arena_copy(arena, bytes, length), length};
}

/* ---- payloads in protobuf's text form ---- */

static void put_quoted(struct buffer *text, struct text bytes)
{
	buffer_byte(text, '"');
	for (size_t i = 0; i < bytes.length; i++)
		buffer_print(text, "\\%03o", (unsigned)(unsigned char)bytes.bytes[i]);
	buffer_byte(text, '"');
}

static void put_parameters_text(struct buffer *text, struct parameters parameters)
{
	for (size_t i = 0; i < parameters.count; i++) {
		const struct parameter *parameter = &parameters.items[i];
		buffer_string(text, " parameters { key: ");
		put_quoted(text, parameter->name);
		buffer_string(text, " value { ");
		if (parameter->type == PARAMETER_FLAG)
			buffer_print(text, "bool_param: %s", parameter->value.flag ? "true" : "false");
		else if (parameter->type == PARAMETER_INTEGER)
			buffer_print(text, "int64_param: %" PRId64, parameter->value.integer);
		else if (parameter->type == PARAMETER_UNSIGNED)
			buffer_print(text, "uint64_param: %" PRIu64, parameter->value.natural);
		else if (parameter->type == PARAMETER_NUMBER)
			buffer_print(text, "double_param: %.17g", parameter->value.number);
		else
			buffer_string(text, "string_param: "), put_quoted(text, parameter->value.text);
		buffer_string(text, " } }");
	}
}

static void put_contents_text(struct buffer *text, const struct tensor *tensor)
{
	static const char *const fields[DATATYPE_COUNT] = {
		[DATATYPE_BOOL] = "bool",     [DATATYPE_UINT8] = "uint", [DATATYPE_UINT16] = "uint", [DATATYPE_UINT32] = "uint",
		[DATATYPE_UINT64] = "uint64", [DATATYPE_INT8] = "int",	 [DATATYPE_INT16] = "int",   [DATATYPE_INT32] = "int",
		[DATATYPE_INT64] = "int64",   [DATATYPE_FP32] = "fp32",	 [DATATYPE_FP64] = "fp64",   [DATATYPE_BYTES] = "bytes"};
	for (size_t i = 0; i < tensor->count; i++) {
		buffer_print(text, " %s_contents: ", fields[tensor->datatype]);
		if (tensor->datatype == DATATYPE_BYTES)
			put_quoted(text, ((const struct text *)tensor->data)[i]);
		else if (tensor->datatype == DATATYPE_INT64)
			buffer_print(text, "%" PRId64, ((const int64_t *)tensor->data)[i]);
		else if (tensor->datatype == DATATYPE_UINT64)
			buffer_print(text, "%" PRIu64, ((const uint64_t *)tensor->data)[i]);
		else
			buffer_print(text, "%.17g", tensor_number(tensor, i));
	}
}

static struct text request_text(const struct payload *payload)
{
	struct buffer text;
	buffer_open(&text, CEILING);
	buffer_string(&text, "model_name: \"m\" id: \"id-1\"");
	put_parameters_text(&text, payload->parameters);
	for (size_t i = 0; i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		buffer_string(&text, " inputs { name: ");
		put_quoted(&text, tensor->name);
		buffer_print(&text, " datatype: \"%s\"", datatype_rows[tensor->datatype].name);
		for (size_t d = 0; d < tensor->rank; d++)
			buffer_print(&text, " shape: %" PRId64, tensor->shape[d]);
		put_parameters_text(&text, tensor->parameters);
		buffer_string(&text, " contents {");
		put_contents_text(&text, tensor);
		buffer_string(&text, " } }");
	}
	struct text kept = {arena_copy(arena, text.bytes, text.length), text.length};
	buffer_close(&text);
	return kept;
}

/* Of each list of parameters one: a map has no order and no name twice. */
static struct payload single_parameters(struct payload payload)
{
	const struct tensor **items = ARENA_ARRAY(arena, const struct tensor *, payload.tensors.count);
	for (size_t i = 0; i < payload.tensors.count; i++) {
		struct tensor *tensor = ARENA_NEW(arena, struct tensor);
		*tensor = *payload.tensors.items[i];
		tensor->parameters.count = tensor->parameters.count ? 1 : 0;
		items[i] = tensor;
	}
	payload.tensors.items = items;
	payload.parameters.count = payload.parameters.count ? 1 : 0;
	return payload;
}

/* Half floats have no typed form, and text has one nan for all. */
static bool has_typed_form(const struct payload *payload)
{
	for (size_t i = 0; i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		if (tensor->datatype == DATATYPE_FP16 || tensor->datatype == DATATYPE_BF16)
			return false;
		for (size_t e = 0; e < tensor->count; e++)
			if (datatype_rows[tensor->datatype].class == CLASS_FLOAT && isnan(tensor_number(tensor, e)))
				return false;
	}
	return true;
}

static void what_the_library_writes_typed_is_read(void **state)
{
	(void)state;
	uint64_t seed = 21;
	if (!protoc_is_there())
		skip();
	for (int typed = 0; typed < 40;) {
		struct error error = {0};
		struct payload payload = single_parameters(payload_drawn(arena, &seed));
		struct message read = {.arena = arena};
		if (!has_typed_form(&payload))
			continue;
		typed++;
		struct text bytes = through_protoc("encode", "ModelInferRequest", request_text(&payload));
		if (!format_oip_protobuf.decode(&read, bytes, NULL, &error))
			fail_msg("%s", error.text);
		assert_true(text_is(read.payload_id, "id-1"));
		assert_int_equal(read.payload.model_name.length, 0);
		assert_true(tensors_equal(read.payload.tensors, payload.tensors));
		assert_true(parameters_equal(read.payload.parameters, payload.parameters));
		assert_int_equal(format_oip_protobuf.sniff(&read, bytes), payload.tensors.count > 0);
	}
}

static void what_we_write_the_library_reads_and_writes_again(void **state)
{
	(void)state;
	uint64_t seed = 22;
	if (!protoc_is_there())
		skip();
	for (int round = 0; round < 30; round++) {
		struct error error = {0};
		struct payload payload = single_parameters(payload_drawn(arena, &seed));
		struct answer answer = {.payload = &payload};
		struct message message = {.arena = arena, .payload_id = TEXT("id-1")};
		buffer_clear(&out);
		assert_true(format_oip_protobuf.encode(&message, &answer, NULL, &out, &error));
		struct text text = through_protoc("decode", "ModelInferResponse", buffer_view(&out));
		struct text again = through_protoc("encode", "ModelInferResponse", text);
		assert_int_equal(again.length, out.length);
		assert_memory_equal(again.bytes, out.bytes, out.length);
	}
}

static void a_request_to_a_model_server_comes_back_from_the_library(void **state)
{
	(void)state;
	uint64_t seed = 23;
	struct text names[] = {TEXT("a"), TEXT("")};
	if (!protoc_is_there())
		skip();
	for (int round = 0; round < 10; round++) {
		struct error error = {0};
		struct payload payload = single_parameters(payload_drawn(arena, &seed));
		struct oip_request request = {TEXT("m"), TEXT("3"), TEXT("id"), &payload, {2, names}};
		buffer_clear(&out);
		assert_true(oip_request_encode(&request, &out, &error));
		struct text text = through_protoc("decode", "ModelInferRequest", buffer_view(&out));
		struct text again = through_protoc("encode", "ModelInferRequest", text);
		assert_int_equal(again.length, out.length);
		assert_memory_equal(again.bytes, out.bytes, out.length);
	}
}

/* ---- on our own ---- */

static void answers_and_requests_come_back_whole(void **state)
{
	(void)state;
	uint64_t seed = 24;
	for (int round = 0; round < 1000; round++) {
		struct error error = {0};
		struct payload payload = single_parameters(payload_drawn(arena, &seed));
		struct answer answer = {.payload = &payload};
		struct message message = {.arena = arena, .payload_id = TEXT("7")};
		struct payload back;
		struct text id = {NULL, 0};
		buffer_clear(&out);
		assert_true(format_oip_protobuf.encode(&message, &answer, NULL, &out, &error));
		assert_true(oip_response_decode(buffer_view(&out), arena, &back, &id, &error));
		assert_true(text_is(id, "7"));
		assert_true(text_equal(back.model_name, payload.model_name));
		assert_true(text_equal(payload_version(&back), payload_version(&payload)));
		assert_true(tensors_equal(back.tensors, payload.tensors));
		assert_true(parameters_equal(back.parameters, payload.parameters));
		arena_reset(arena);
	}
}

static void an_error_answer_is_a_status(void **state)
{
	(void)state;
	struct error error = {0};
	struct error cause = {0};
	struct message message = {.arena = arena};
	struct answer answer = {.error = &cause};
	error_set(&cause, ERROR_INPUT, PLACE_NONE, "no");
	buffer_clear(&out);
	assert_true(format_oip_protobuf.encode(&message, &answer, NULL, &out, &error));
	assert_int_equal(out.length, 6);
	assert_memory_equal(out.bytes, "\x08\x03\x12\x02no", 6);
}

static struct message decoded(const char *bytes, size_t length, struct error *error)
{
	struct message read = {.arena = arena};
	(void)format_oip_protobuf.decode(&read, (struct text){bytes, length}, NULL, error);
	return read;
}

/* An input named x: datatype, shape as given, contents behind. */
#define INT8_X "\x0A\x01x\x12\x04INT8"
#define FP32_X "\x0A\x01x\x12\x04" "FP32"

static void lists_may_be_packed_or_not_and_come_in_pieces(void **state)
{
	(void)state;
	/* shape 2 packed, then 2 alone; contents twice: one packed list, one number, then a list. */
	static const char bytes[] = "\x2A\x24" INT8_X "\x1A\x01\x02\x18\x02"
				    "\x2A\x0E\x12\x01\x05\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"
				    "\x2A\x04\x12\x02\x06\x7F";
	struct error error = {0};
	struct message read = decoded(bytes, sizeof bytes - 1, &error);
	if (error.kind != ERROR_NONE)
		fail_msg("%s", error.text);
	const struct tensor *x = read.payload.tensors.items[0];
	assert_int_equal(x->rank, 2);
	assert_int_equal(x->count, 4);
	assert_memory_equal(x->data, "\x05\xFF\x06\x7F", 4);
}

static void unknown_fields_and_groups_are_stepped_over(void **state)
{
	(void)state;
	/* field 20 varint, a group 21 with a group 22 and a string inside, then the input, and an output with the parameter `p`. */
	static const char bytes[] = "\xA0\x01\x07"
				    "\xAB\x01\xB3\x01\x0A\x01z\xB4\x01\xAC\x01"
				    "\x2A\x0D" INT8_X "\x18\x00\x7A\x00"
				    "\x32\x08\x0A\x01o\x12\x03\x0A\x01p";
	struct error error = {0};
	struct message read = decoded(bytes, sizeof bytes - 1, &error);
	if (error.kind != ERROR_NONE)
		fail_msg("%s", error.text);
	assert_int_equal(read.payload.tensors.count, 1);
	assert_int_equal(read.payload.tensors.items[0]->count, 0);
	assert_int_equal(read.wanted.count, 1);
	assert_true(text_is(read.wanted.names[0], "o"));
}

static void of_parameters_with_one_name_the_last_counts(void **state)
{
	(void)state;
	static const char bytes[] = "\x22\x07\x0A\x01p\x12\x02\x08\x01"
				    "\x22\x0A\x0A\x01q\x12\x05\x1A\x03" "abc"
				    "\x22\x07\x0A\x01p\x12\x02\x10\x2A"
				    "\x22\x10\x0A\x01u\x12\x0B\x28\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01";
	struct error error = {0};
	struct message read = decoded(bytes, sizeof bytes - 1, &error);
	if (error.kind != ERROR_NONE)
		fail_msg("%s", error.text);
	assert_int_equal(read.payload.parameters.count, 3);
	const struct parameter *p = parameters_find(read.payload.parameters, TEXT("p"));
	assert_int_equal(p->type, PARAMETER_INTEGER);
	assert_int_equal(p->value.integer, 42);
	const struct parameter *u = parameters_find(read.payload.parameters, TEXT("u"));
	assert_int_equal(u->type, PARAMETER_UNSIGNED);
	assert_true(u->value.natural == UINT64_MAX);
}

static void refuses(const char *bytes, size_t length, const char *words)
{
	struct error error = {0};
	(void)decoded(bytes, length, &error);
	assert_int_equal(error.kind, ERROR_INPUT);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
}

#define REFUSES(bytes, words) refuses(bytes, sizeof(bytes) - 1, words)

static void what_breaks_the_rules_is_refused(void **state)
{
	(void)state;
	REFUSES("\x2A\x0F" INT8_X "\x18\x01\x2A\x02\x12\x00", "its shape says 1 elements, its data has 0");
	REFUSES("\x2A\x28" INT8_X "\x18\x01\x22\x1B\x0A\x14"
		"shared_memory_region"
		"\x12\x03\x1A\x01r",
		"tensor x: its data is in shared memory, which is not supported");
	REFUSES("\x2A\x11" INT8_X "\x18\x01\x2A\x04\x12\x02\x80\x01", "element 0 is 128, which INT8 does not hold");
	REFUSES("\x2A\x10" INT8_X "\x18\x01\x2A\x03\x22\x01\x05", "its data is in uint_contents");
	REFUSES("\x2A\x10" INT8_X "\x18\x01\x2A\x03\x12\x01\x05\x3A\x01\x05", "typed contents beside raw ones");
	REFUSES("\x2A\x0B" INT8_X "\x18\x01\x3A\x01\x05\x3A\x01\x05", "1 tensors and 2 raw contents");
	REFUSES("\x2A\x0B" FP32_X "\x18\x01\x3A\x03" "abc", "take 4 bytes, its data has 3");
	REFUSES("\x2A\x0B\x0A\x01x\x12\x04" "FP16\x18\x01", "only as raw contents");
	REFUSES("\x2A\x0B\x0A\x01x\x12\x04" "fp32\x18\x01", "\"fp32\", which is none");
	REFUSES("\x2A\x14" INT8_X "\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "dimension");
	REFUSES("\x22\x05\x0A\x01p\x12\x00", "the parameter p has no value");
	REFUSES("\x32\x15\x0A\x01o\x12\x10\x0A\x0E" "classification", "the parameter classification, which is not supported");
	REFUSES("\x1A\x01\xFF", "not UTF-8");
	REFUSES("\x2A\x7F", "cut off or broken");
	REFUSES("\x2A\x0F" INT8_X "\x18\x01\x2A\x02\x12\x05", "cut off or broken");
	REFUSES("\x00", "cut off or broken");
}

static void faults_of_a_model_server_are_remote(void **state)
{
	(void)state;
	struct error error = {0};
	struct payload payload;
	assert_false(oip_response_decode(TEXT("\x2A\x7F"), arena, &payload, NULL, &error));
	assert_int_equal(error.kind, ERROR_REMOTE);
}

static void a_message_cut_anywhere_never_gives_more_than_it_has(void **state)
{
	(void)state;
	uint64_t seed = 25;
	for (int round = 0; round < 30; round++) {
		struct error error = {0};
		struct payload payload = payload_drawn(arena, &seed);
		struct oip_request request = {.payload = &payload};
		buffer_clear(&out);
		assert_true(oip_request_encode(&request, &out, &error));
		for (size_t length = 0; length < out.length; length++) {
			struct error cut = {0};
			char *exact = malloc(length ? length : 1); /* so that a sanitizer sees one byte too far */
			memcpy(exact, out.bytes, length);
			(void)decoded(exact, length, &cut);
			assert_true(cut.kind == ERROR_NONE || cut.kind == ERROR_INPUT);
			free(exact);
		}
		arena_reset(arena);
	}
}

/* Contents typed and raw; the id is field 3. */
static void a_refused_message_has_its_id(void **state)
{
	const struct text bodies[] = {TEXT("\x1A\x04mine\x2A\x0F" INT8_X "\x18\x01\x2A\x02\x12\x00"),
				      TEXT("\x2A\x0B" FP32_X "\x18\x01\x3A\x03"
					   "abc\x1A\x04mine")};
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct message message = {.arena = arena};
		struct error error = {0};
		assert_false(format_oip_protobuf.decode(&message, bodies[i], NULL, &error));
		assert_true(text_is(message.payload_id, "mine"));
	}
}

static void other_formats_are_not_taken_for_protobuf(void **state)
{
	(void)state;
	struct message message = {.arena = arena};
	assert_false(format_oip_protobuf.sniff(&message, TEXT("{\"inputs\": []}")));
	assert_false(format_oip_protobuf.sniff(&message, TEXT("[1]")));
	assert_false(format_oip_protobuf.sniff(&message, TEXT("")));
	assert_false(format_oip_protobuf.sniff(&message, (struct text){"\xC3\x01\x12\x34\x56\x78\x9A\xBC\xDE\xF0", 10}));
	assert_false(format_oip_protobuf.sniff(&message, (struct text){"\0\0\0\0\x07\x02", 6}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_library_writes_typed_is_read),
		cmocka_unit_test(what_we_write_the_library_reads_and_writes_again),
		cmocka_unit_test(a_request_to_a_model_server_comes_back_from_the_library),
		cmocka_unit_test(answers_and_requests_come_back_whole),
		cmocka_unit_test(an_error_answer_is_a_status),
		cmocka_unit_test(lists_may_be_packed_or_not_and_come_in_pieces),
		cmocka_unit_test(unknown_fields_and_groups_are_stepped_over),
		cmocka_unit_test(of_parameters_with_one_name_the_last_counts),
		cmocka_unit_test(what_breaks_the_rules_is_refused),
		cmocka_unit_test(a_refused_message_has_its_id),
		cmocka_unit_test(faults_of_a_model_server_are_remote),
		cmocka_unit_test(a_message_cut_anywhere_never_gives_more_than_it_has),
		cmocka_unit_test(other_formats_are_not_taken_for_protobuf),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
