/* seldon_proto.c: see seldon_proto.h. */
#include "models/server/seldon_proto.h"

#define STRUCT_FILE "google/protobuf/struct.proto"
#define EMPTY_FILE "google/protobuf/empty.proto"
#define TENSOR_FILE "tensorflow/core/framework/tensor.proto"
#define TENSOR_SHAPE_FILE "tensorflow/core/framework/tensor_shape.proto"
#define TYPES_FILE "tensorflow/core/framework/types.proto"
#define TENSORFLOW_PACKAGE "tensorflow"

/* ---- messages of data ---- */

static const struct proto_field message_fields[] = {
	{"status", 1, ".Status"},
	{"meta", 2, ".Meta"},
	{"data", 3, "oneof .DefaultData"},
	{"binData", 4, "oneof bytes"},
	{"strData", 5, "oneof string"},
	{"jsonData", 6, "oneof google.protobuf.Value"},
	{0},
};
static const struct proto_field data_fields[] = {
	{"names", 1, "repeated string"},
	{"tensor", 2, "oneof .Tensor"},
	{"ndarray", 3, "oneof google.protobuf.ListValue"},
	{"tftensor", 4, "oneof tensorflow.TensorProto"},
	{0},
};
static const struct proto_field tensor_fields[] = {{"shape", 1, "repeated int32"}, {"values", 2, "repeated double"}, {0}};
static const struct proto_field meta_fields[] = {
	{"puid", 1, "string"},
	{"tags", 2, "map google.protobuf.Value"},
	{"routing", 3, "map int32"},
	{"requestPath", 4, "map string"},
	{"metrics", 5, "repeated .Metric"},
	{0},
};
static const struct proto_field metric_fields[] = {
	{"key", 1, "string"},
	{"type", 2, "enum .Metric.MetricType"},
	{"value", 3, "float"},
	{"tags", 4, "map string"},
	{0},
};
static const struct proto_value metric_types[] = {{"COUNTER", 0}, {"GAUGE", 1}, {"TIMER", 2}, {0}};
static const struct proto_field status_fields[] = {
	{"code", 1, "int32"},
	{"info", 2, "string"},
	{"reason", 3, "string"},
	{"status", 4, "enum .Status.StatusFlag"},
	{0},
};
static const struct proto_value status_flags[] = {{"SUCCESS", 0}, {"FAILURE", 1}, {0}};
static const struct proto_field feedback_fields[] = {
	{"request", 1, ".SeldonMessage"},
	{"response", 2, ".SeldonMessage"},
	{"reward", 3, "float"},
	{"truth", 4, ".SeldonMessage"},
	{0},
};

/* ---- messages of metadata ---- */

static const struct proto_field model_request_fields[] = {{"name", 1, "string"}, {0}};
static const struct proto_field tensor_metadata_fields[] = {
	{"messagetype", 1, "string"},
	{"schema", 2, "google.protobuf.Value"},
	{"name", 3, "string"},
	{"datatype", 4, "string"},
	{"shape", 5, "repeated int64"},
	{0},
};
static const struct proto_field model_fields[] = {
	{"name", 1, "string"},
	{"versions", 2, "repeated string"},
	{"platform", 3, "string"},
	{"inputs", 4, "repeated .SeldonMessageMetadata"},
	{"outputs", 5, "repeated .SeldonMessageMetadata"},
	{"custom", 6, "map string"},
	{0},
};
static const struct proto_field graph_fields[] = {
	{"name", 1, "string"},
	{"models", 2, "map .SeldonModelMetadata"},
	{"inputs", 3, "repeated .SeldonMessageMetadata"},
	{"outputs", 4, "repeated .SeldonMessageMetadata"},
	{0},
};

/* ---- the service ---- */

static const struct proto_message seldon_messages[] = {
	{.name = "SeldonMessage", .fields = message_fields, .oneof = "data_oneof"},
	{.name = "DefaultData", .fields = data_fields, .oneof = "data_oneof"},
	{.name = "Tensor", .fields = tensor_fields},
	{.name = "Meta", .fields = meta_fields},
	{.name = "Metric", .fields = metric_fields, .enum_name = "MetricType", .values = metric_types},
	{.name = "Status", .fields = status_fields, .enum_name = "StatusFlag", .values = status_flags},
	{.name = "Feedback", .fields = feedback_fields},
	{.name = "SeldonModelMetadataRequest", .fields = model_request_fields},
	{.name = "SeldonMessageMetadata", .fields = tensor_metadata_fields},
	{.name = "SeldonModelMetadata", .fields = model_fields},
	{.name = "SeldonGraphMetadata", .fields = graph_fields},
	{0},
};
static const struct proto_method seldon_methods[] = {
	{"Predict", ".SeldonMessage", ".SeldonMessage", false, false},
	{"SendFeedback", ".Feedback", ".SeldonMessage", false, false},
	{"ModelMetadata", ".SeldonModelMetadataRequest", ".SeldonModelMetadata", false, false},
	{"GraphMetadata", "google.protobuf.Empty", ".SeldonGraphMetadata", false, false},
	{0},
};
static const char *const seldon_imports[] = {STRUCT_FILE, EMPTY_FILE, TENSOR_FILE, NULL};
const struct proto_file seldon_file = {.name = "proto/prediction.proto",
				       .package = SELDON_PACKAGE,
				       .messages = seldon_messages,
				       .service = SELDON_SERVICE,
				       .methods = seldon_methods,
				       .imports = seldon_imports};

/* ---- TensorFlow's files: as much of them as is read ---- */

static const struct proto_value data_types[] = {
	{"DT_INVALID", 0}, {"DT_FLOAT", 1},   {"DT_DOUBLE", 2},	   {"DT_INT32", 3},
	{"DT_UINT8", 4},   {"DT_INT16", 5},   {"DT_INT8", 6},	   {"DT_STRING", 7},
	{"DT_INT64", 9},   {"DT_BOOL", 10},   {"DT_BFLOAT16", 14}, {"DT_UINT16", 17},
	{"DT_HALF", 19},   {"DT_UINT32", 22}, {"DT_UINT64", 23},   {0},
};
const struct proto_file tensorflow_types_file = {
	.name = TYPES_FILE, .package = TENSORFLOW_PACKAGE, .enum_name = "DataType", .values = data_types};

static const struct proto_field dimension_fields[] = {{"size", 1, "int64"}, {"name", 2, "string"}, {0}};
static const struct proto_message shape_nested[] = {{.name = "Dim", .fields = dimension_fields}, {0}};
static const struct proto_field shape_fields[] = {{"dim", 2, "repeated .TensorShapeProto.Dim"}, {"unknown_rank", 3, "bool"}, {0}};
static const struct proto_message shape_messages[] = {{.name = "TensorShapeProto", .fields = shape_fields, .nested = shape_nested},
						      {0}};
const struct proto_file tensorflow_shape_file = {
	.name = TENSOR_SHAPE_FILE, .package = TENSORFLOW_PACKAGE, .messages = shape_messages};

static const struct proto_field tensorflow_tensor_fields[] = {
	{"dtype", 1, "enum tensorflow.DataType"}, {"tensor_shape", 2, "tensorflow.TensorShapeProto"},
	{"version_number", 3, "int32"},		  {"tensor_content", 4, "bytes"},
	{"half_val", 13, "repeated int32"},	  {"float_val", 5, "repeated float"},
	{"double_val", 6, "repeated double"},	  {"int_val", 7, "repeated int32"},
	{"string_val", 8, "repeated bytes"},	  {"int64_val", 10, "repeated int64"},
	{"bool_val", 11, "repeated bool"},	  {"uint32_val", 16, "repeated uint32"},
	{"uint64_val", 17, "repeated uint64"},	  {0},
};
static const struct proto_message tensor_messages[] = {{.name = "TensorProto", .fields = tensorflow_tensor_fields}, {0}};
static const char *const tensor_imports[] = {TENSOR_SHAPE_FILE, TYPES_FILE, NULL};
const struct proto_file tensorflow_tensor_file = {
	.name = TENSOR_FILE, .package = TENSORFLOW_PACKAGE, .messages = tensor_messages, .imports = tensor_imports};

/* ---- protobuf's own files ---- */

static const struct proto_field struct_fields[] = {{"fields", 1, "map .Value"}, {0}};
static const struct proto_field value_fields[] = {
	{"null_value", 1, "oneof enum .NullValue"},
	{"number_value", 2, "oneof double"},
	{"string_value", 3, "oneof string"},
	{"bool_value", 4, "oneof bool"},
	{"struct_value", 5, "oneof .Struct"},
	{"list_value", 6, "oneof .ListValue"},
	{0},
};
static const struct proto_field list_fields[] = {{"values", 1, "repeated .Value"}, {0}};
static const struct proto_value null_values[] = {{"NULL_VALUE", 0}, {0}};
static const struct proto_message struct_messages[] = {
	{.name = "Struct", .fields = struct_fields},
	{.name = "Value", .fields = value_fields, .oneof = "kind"},
	{.name = "ListValue", .fields = list_fields},
	{0},
};
static const struct proto_message empty_messages[] = {{.name = "Empty"}, {0}};
const struct proto_file protobuf_struct_file = {.name = STRUCT_FILE,
						.package = "google.protobuf",
						.messages = struct_messages,
						.enum_name = "NullValue",
						.values = null_values};
const struct proto_file protobuf_empty_file = {.name = EMPTY_FILE, .package = "google.protobuf", .messages = empty_messages};
