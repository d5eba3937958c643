/* inference_proto.c: see inference_proto.h. */
#include "models/server/inference_proto.h"

/* ---- inference ---- */

static const struct proto_field live_fields[] = {{"live", 1, "bool"}, {0}};
static const struct proto_field ready_fields[] = {{"ready", 1, "bool"}, {0}};
static const struct proto_field model_fields[] = {{"name", 1, "string"}, {"version", 2, "string"}, {0}};
static const struct proto_field server_fields[] = {
	{"name", 1, "string"}, {"version", 2, "string"}, {"extensions", 3, "repeated string"}, {0}};
static const struct proto_field metadata_fields[] = {
	{"name", 1, "string"},
	{"versions", 2, "repeated string"},
	{"platform", 3, "string"},
	{"inputs", 4, "repeated .ModelMetadataResponse.TensorMetadata"},
	{"outputs", 5, "repeated .ModelMetadataResponse.TensorMetadata"},
	{0},
};
static const struct proto_field tensor_metadata_fields[] = {
	{"name", 1, "string"}, {"datatype", 2, "string"}, {"shape", 3, "repeated int64"}, {0}};
static const struct proto_message metadata_nested[] = {{.name = "TensorMetadata", .fields = tensor_metadata_fields}, {0}};
static const struct proto_field request_fields[] = {
	{"model_name", 1, "string"},
	{"model_version", 2, "string"},
	{"id", 3, "string"},
	{"parameters", 4, "map .InferParameter"},
	{"inputs", 5, "repeated .ModelInferRequest.InferInputTensor"},
	{"outputs", 6, "repeated .ModelInferRequest.InferRequestedOutputTensor"},
	{"raw_input_contents", 7, "repeated bytes"},
	{0},
};
static const struct proto_field tensor_fields[] = {
	{"name", 1, "string"},
	{"datatype", 2, "string"},
	{"shape", 3, "repeated int64"},
	{"parameters", 4, "map .InferParameter"},
	{"contents", 5, ".InferTensorContents"},
	{0},
};
static const struct proto_field wanted_fields[] = {{"name", 1, "string"}, {"parameters", 2, "map .InferParameter"}, {0}};
static const struct proto_message request_nested[] = {
	{.name = "InferInputTensor", .fields = tensor_fields},
	{.name = "InferRequestedOutputTensor", .fields = wanted_fields},
	{0},
};
static const struct proto_field response_fields[] = {
	{"model_name", 1, "string"},
	{"model_version", 2, "string"},
	{"id", 3, "string"},
	{"parameters", 4, "map .InferParameter"},
	{"outputs", 5, "repeated .ModelInferResponse.InferOutputTensor"},
	{"raw_output_contents", 6, "repeated bytes"},
	{0},
};
static const struct proto_message response_nested[] = {{.name = "InferOutputTensor", .fields = tensor_fields}, {0}};
static const struct proto_field streamed_fields[] = {
	{"error_message", 1, "string"}, {"infer_response", 2, ".ModelInferResponse"}, {0}};
static const struct proto_field parameter_fields[] = {
	{"bool_param", 1, "oneof bool"},
	{"int64_param", 2, "oneof int64"},
	{"string_param", 3, "oneof string"},
	{"double_param", 4, "oneof double"},
	{"uint64_param", 5, "oneof uint64"},
	{0},
};
static const struct proto_field contents_fields[] = {
	{"bool_contents", 1, "repeated bool"},
	{"int_contents", 2, "repeated int32"},
	{"int64_contents", 3, "repeated int64"},
	{"uint_contents", 4, "repeated uint32"},
	{"uint64_contents", 5, "repeated uint64"},
	{"fp32_contents", 6, "repeated float"},
	{"fp64_contents", 7, "repeated double"},
	{"bytes_contents", 8, "repeated bytes"},
	{0},
};
static const struct proto_message inference_messages[] = {
	{.name = "ServerLiveRequest"},
	{.name = "ServerLiveResponse", .fields = live_fields},
	{.name = "ServerReadyRequest"},
	{.name = "ServerReadyResponse", .fields = ready_fields},
	{.name = "ModelReadyRequest", .fields = model_fields},
	{.name = "ModelReadyResponse", .fields = ready_fields},
	{.name = "ServerMetadataRequest"},
	{.name = "ServerMetadataResponse", .fields = server_fields},
	{.name = "ModelMetadataRequest", .fields = model_fields},
	{.name = "ModelMetadataResponse", .fields = metadata_fields, .nested = metadata_nested},
	{.name = "ModelInferRequest", .fields = request_fields, .nested = request_nested},
	{.name = "ModelInferResponse", .fields = response_fields, .nested = response_nested},
	{.name = "ModelStreamInferResponse", .fields = streamed_fields},
	{.name = "InferParameter", .fields = parameter_fields, .oneof = "parameter_choice"},
	{.name = "InferTensorContents", .fields = contents_fields},
	{0},
};
static const struct proto_method inference_methods[] = {
	{"ServerLive", ".ServerLiveRequest", ".ServerLiveResponse", false, false},
	{"ServerReady", ".ServerReadyRequest", ".ServerReadyResponse", false, false},
	{"ModelReady", ".ModelReadyRequest", ".ModelReadyResponse", false, false},
	{"ServerMetadata", ".ServerMetadataRequest", ".ServerMetadataResponse", false, false},
	{"ModelMetadata", ".ModelMetadataRequest", ".ModelMetadataResponse", false, false},
	{"ModelInfer", ".ModelInferRequest", ".ModelInferResponse", false, false},
	{"ModelStreamInfer", ".ModelInferRequest", ".ModelStreamInferResponse", true, true},
	{0},
};
const struct proto_file inference_file = {.name = "grpc_service.proto",
					  .package = INFERENCE_PACKAGE,
					  .messages = inference_messages,
					  .service = INFERENCE_SERVICE,
					  .methods = inference_methods};

/* ---- health ---- */

static const struct proto_field health_request_fields[] = {{"service", 1, "string"}, {0}};
static const struct proto_field health_response_fields[] = {{"status", 1, "enum .HealthCheckResponse.ServingStatus"}, {0}};
static const struct proto_value serving_values[] = {{"UNKNOWN", HEALTH_UNKNOWN},
						     {"SERVING", HEALTH_SERVING},
						     {"NOT_SERVING", HEALTH_NOT_SERVING},
						     {"SERVICE_UNKNOWN", HEALTH_SERVICE_UNKNOWN},
						     {0}};
static const struct proto_message health_messages[] = {
	{.name = "HealthCheckRequest", .fields = health_request_fields},
	{.name = "HealthCheckResponse",
	 .fields = health_response_fields,
	 .enum_name = "ServingStatus",
	 .values = serving_values},
	{0},
};
static const struct proto_method health_methods[] = {
	{"Check", ".HealthCheckRequest", ".HealthCheckResponse", false, false},
	{"Watch", ".HealthCheckRequest", ".HealthCheckResponse", false, true},
	{0},
};
const struct proto_file health_file = {.name = "grpc/health/v1/health.proto",
				       .package = HEALTH_PACKAGE,
				       .messages = health_messages,
				       .service = HEALTH_SERVICE,
				       .methods = health_methods};
