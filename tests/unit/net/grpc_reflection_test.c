/* grpc_reflection_test.c: server reflection: what is listed, which file a name is in, and what a file says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc_reflection.h"
#include "models/server/inference_proto.h"
#include "models/server/seldon_proto.h"

#define ANSWER_BYTES ((size_t)1 << 20)
#define ASKED_BYTES 512

enum { BY_NAME = 3, OF_SYMBOL = 4, OF_EXTENSION = 5, LIST = 7 }; /* fields of requests */

static const struct proto_file *const files[] = {&inference_file,	 &health_file,		 &seldon_file,
						 &protobuf_struct_file,	 &protobuf_empty_file,	 &tensorflow_tensor_file,
						 &tensorflow_shape_file, &tensorflow_types_file, NULL};

/* The field of that number; `nth` counts from 0. Bytes NULL: there is none. */
static struct text part_of(struct text message, uint32_t number, size_t nth)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, number, WIRE_BYTES) && nth-- == 0)
			return field.bytes;
	assert_false(cursor.failed);
	return (struct text){0};
}

static uint64_t number_of(struct text message, uint32_t number)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, number, WIRE_VARINT))
			return field.value;
	return UINT64_MAX;
}

/* The part of that list whose field 1 is the name. */
static struct text named(struct text message, uint32_t number, const char *name)
{
	for (size_t i = 0;; i++) {
		struct text part = part_of(message, number, i);
		if (!part.bytes)
			fail_msg("there is no %s", name);
		if (text_is(part_of(part, 1, 0), name))
			return part;
	}
}

static struct text ask(struct buffer *out, uint32_t number, const char *value)
{
	char bytes[ASKED_BYTES], *end = protobuf_put_bytes(bytes, number, text_of(value));
	end = protobuf_put_bytes(end, 1, TEXT("host")); /* fields may come in any order */
	const struct text request = {bytes, (size_t)(end - bytes)};
	buffer_clear(out);
	assert_true(grpc_reflection_answer(files, request, out));
	assert_false(buffer_failed(out));
	assert_true(text_is(part_of(buffer_view(out), 1, 0), "host"));
	assert_true(text_equal(part_of(buffer_view(out), 2, 0), request)); /* the original */
	return buffer_view(out);
}

static void services_are_listed_with_those_of_reflection(void **state)
{
	static const char *const wanted[] = {"inference.GRPCInferenceService", "grpc.health.v1.Health", "seldon.protos.Seldon",
					     "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"};
	struct buffer out;
	(void)state;
	buffer_open(&out, ANSWER_BYTES);
	struct text list = part_of(ask(&out, LIST, "*"), 6, 0);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		assert_true(text_is(part_of(part_of(list, 1, i), 1, 0), wanted[i]));
	assert_null(part_of(list, 1, sizeof wanted / sizeof *wanted).bytes);
	buffer_close(&out);
}

/* The name of the file that the answer has; empty: it is an error of that status. */
static const char *file_of(uint32_t number, const char *symbol, uint64_t status)
{
	static char name[128];
	struct buffer out;
	buffer_open(&out, ANSWER_BYTES);
	struct text answer = ask(&out, number, symbol);
	struct text file = part_of(part_of(answer, 4, 0), 1, 0);
	if (status > 0)
		assert_int_equal(number_of(part_of(answer, 7, 0), 1), status);
	(void)snprintf(name, sizeof name, TEXT_FORMAT, TEXT_ARGUMENTS(part_of(file, 1, 0)));
	buffer_close(&out);
	return name;
}

static void a_symbol_is_found_in_its_file(void **state)
{
	static const struct {
		const char *symbol, *file;
	} rows[] = {
		{"inference.GRPCInferenceService", "grpc_service.proto"},
		{"inference.GRPCInferenceService.ModelInfer", "grpc_service.proto"},
		{"inference.ModelInferRequest", "grpc_service.proto"},
		{"inference.ModelInferRequest.InferInputTensor", "grpc_service.proto"},
		{"inference.ModelInferRequest.InferInputTensor.shape", "grpc_service.proto"},
		{"inference.ModelInferRequest.id", "grpc_service.proto"},
		{"grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"},
		{"grpc.reflection.v1.ServerReflection", "grpc/reflection/v1/reflection.proto"},
		{"grpc.reflection.v1alpha.ErrorResponse", "grpc/reflection/v1alpha/reflection.proto"},
		{"seldon.protos.Seldon.GraphMetadata", "proto/prediction.proto"},
		{"seldon.protos.Metric.MetricType", "proto/prediction.proto"},
		{"seldon.protos.DefaultData.tftensor", "proto/prediction.proto"},
		{"seldon.protos.SeldonMessage.customData", ""}, /* it is refused */
		{"tensorflow.TensorProto.dtype", "tensorflow/core/framework/tensor.proto"},
		{"tensorflow.TensorShapeProto.Dim.size", "tensorflow/core/framework/tensor_shape.proto"},
		{"tensorflow.DataType", "tensorflow/core/framework/types.proto"},
		{"google.protobuf.Value.kind", ""},
		{"google.protobuf.Value.list_value", "google/protobuf/struct.proto"},
		{"google.protobuf.NullValue", "google/protobuf/struct.proto"},
		{"google.protobuf.NullValue.more", ""},
		{"google.protobuf.Empty", "google/protobuf/empty.proto"},
		{"google.protobuf.Empty.more", ""},
		{"google.protobuf.Nothing", ""},
		{"inference.Nothing", ""},
		{"inference.ModelInferRequest.nothing", ""},
		{"inference.ModelInferRequest.id.more", ""},
		{"inference.GRPCInferenceService.Nothing", ""},
		{"inference", ""},
		{"inference.", ""},
		{"inferencexGRPCInferenceService", ""},
		{"", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(file_of(OF_SYMBOL, rows[i].symbol, rows[i].file[0] ? 0 : 5), rows[i].file) != 0)
			fail_msg("%s", rows[i].symbol);
	assert_string_equal(file_of(BY_NAME, "grpc/health/v1/health.proto", 0), "grpc/health/v1/health.proto");
	assert_string_equal(file_of(BY_NAME, "other.proto", 5), "");
	assert_string_equal(file_of(OF_EXTENSION, "", 12), "");
}

static struct text file_bytes(struct buffer *out, const struct proto_file *file)
{
	buffer_clear(out);
	proto_file_write(file, out);
	assert_false(buffer_failed(out));
	return buffer_view(out);
}

static void a_file_describes_its_messages_and_methods(void **state)
{
	struct buffer out;
	(void)state;
	buffer_open(&out, ANSWER_BYTES);
	struct text file = file_bytes(&out, &inference_file);
	assert_true(text_is(part_of(file, 2, 0), "inference"));
	assert_true(text_is(part_of(file, 12, 0), "proto3"));
	struct text request = named(file, 4, "ModelInferRequest");
	struct text inputs = named(request, 2, "inputs");
	assert_int_equal(number_of(inputs, 3), 5);
	assert_int_equal(number_of(inputs, 4), 3);  /* repeated */
	assert_int_equal(number_of(inputs, 5), 11); /* a message */
	assert_true(text_is(part_of(inputs, 6, 0), ".inference.ModelInferRequest.InferInputTensor"));
	struct text name = named(request, 2, "model_name");
	assert_int_equal(number_of(name, 4), 1);
	assert_int_equal(number_of(name, 5), 9);
	assert_null(part_of(name, 6, 0).bytes);
	struct text tensor = named(request, 3, "InferInputTensor");
	struct text parameters = named(tensor, 2, "parameters");
	assert_true(text_is(part_of(parameters, 6, 0), ".inference.ModelInferRequest.InferInputTensor.ParametersEntry"));
	struct text entry = named(tensor, 3, "ParametersEntry");
	assert_int_equal(number_of(part_of(entry, 7, 0), 7), 1); /* map_entry */
	assert_int_equal(number_of(named(entry, 2, "key"), 5), 9);
	assert_true(text_is(part_of(named(entry, 2, "value"), 6, 0), ".inference.InferParameter"));
	struct text choice = named(file, 4, "InferParameter");
	assert_true(text_is(part_of(part_of(choice, 8, 0), 1, 0), "parameter_choice"));
	assert_int_equal(number_of(named(choice, 2, "uint64_param"), 9), 0);
	struct text infer = named(part_of(file, 6, 0), 2, "ModelInfer");
	assert_true(text_is(part_of(infer, 2, 0), ".inference.ModelInferRequest"));
	assert_true(text_is(part_of(infer, 3, 0), ".inference.ModelInferResponse"));
	assert_int_equal(number_of(infer, 5), UINT64_MAX);
	struct text health = file_bytes(&out, &health_file);
	struct text response = named(health, 4, "HealthCheckResponse");
	assert_int_equal(number_of(named(response, 2, "status"), 5), 14);
	assert_int_equal(number_of(named(named(response, 4, "ServingStatus"), 2, "UNKNOWN"), 2), 0);
	assert_int_equal(number_of(named(part_of(health, 6, 0), 2, "Watch"), 6), 1);
	buffer_close(&out);
}

static void a_file_has_imports_and_types_of_them(void **state)
{
	struct buffer out;
	(void)state;
	buffer_open(&out, ANSWER_BYTES);
	struct text file = file_bytes(&out, &seldon_file);
	assert_true(text_is(part_of(file, 3, 0), "google/protobuf/struct.proto"));
	assert_true(text_is(part_of(file, 3, 1), "google/protobuf/empty.proto"));
	assert_true(text_is(part_of(file, 3, 2), "tensorflow/core/framework/tensor.proto"));
	assert_null(part_of(file, 3, 3).bytes);
	struct text json = named(named(file, 4, "SeldonMessage"), 2, "jsonData");
	assert_int_equal(number_of(json, 5), 11); /* a message */
	assert_true(text_is(part_of(json, 6, 0), ".google.protobuf.Value"));
	assert_int_equal(number_of(json, 9), 0); /* of the oneof */
	struct text tags = named(named(named(file, 4, "Meta"), 3, "TagsEntry"), 2, "value");
	assert_true(text_is(part_of(tags, 6, 0), ".google.protobuf.Value"));
	struct text graph = named(part_of(file, 6, 0), 2, "GraphMetadata");
	assert_true(text_is(part_of(graph, 2, 0), ".google.protobuf.Empty"));
	assert_true(text_is(part_of(graph, 3, 0), ".seldon.protos.SeldonGraphMetadata"));
	file = file_bytes(&out, &protobuf_struct_file);
	assert_null(part_of(file, 6, 0).bytes); /* no service */
	assert_int_equal(number_of(named(named(file, 5, "NullValue"), 2, "NULL_VALUE"), 2), 0);
	struct text null = named(named(file, 4, "Value"), 2, "null_value");
	assert_int_equal(number_of(null, 5), 14); /* an enum */
	assert_true(text_is(part_of(null, 6, 0), ".google.protobuf.NullValue"));
	buffer_close(&out);
}

static void what_is_no_request_is_told(void **state)
{
	struct buffer out;
	(void)state;
	buffer_open(&out, ANSWER_BYTES);
	assert_false(grpc_reflection_answer(files, (struct text){"\x3a\x05x", 3}, &out));
	assert_true(grpc_reflection_is_path(TEXT("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")));
	assert_true(grpc_reflection_is_path(TEXT("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")));
	assert_false(grpc_reflection_is_path(TEXT("/grpc.reflection.v2.ServerReflection/ServerReflectionInfo")));
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_listed_with_those_of_reflection),
		cmocka_unit_test(a_symbol_is_found_in_its_file),
		cmocka_unit_test(a_file_describes_its_messages_and_methods),
		cmocka_unit_test(a_file_has_imports_and_types_of_them),
		cmocka_unit_test(what_is_no_request_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
