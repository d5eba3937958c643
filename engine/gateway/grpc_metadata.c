/* grpc_metadata.c: see grpc_metadata.h. */
#include "gateway/grpc_metadata.h"

#include "message/formats/protobuf_wire.h"
#include "models/server/metadata_protobuf.h"

#define MODEL_BYTES_MAX ((size_t)1 << 20)

enum { MODEL_NAME = 1, MODEL_VERSIONS = 2, MODEL_PLATFORM = 3, MODEL_INPUTS = 4, MODEL_OUTPUTS = 5 }; /* of both protocols */
enum { GRAPH_NAME = 1, GRAPH_MODELS = 2, GRAPH_INPUTS = 3, GRAPH_OUTPUTS = 4 };
enum { MAP_KEY = 1, MAP_VALUE = 2 };

void grpc_metadata_write(const struct gateway_target *target, struct buffer *out)
{
	char digits[GATEWAY_VERSION_BYTES];
	protobuf_write_text(out, MODEL_NAME, text_of(target->name));
	protobuf_write_text(out, MODEL_VERSIONS, gateway_target_version(target, digits));
	protobuf_write_text(out, MODEL_PLATFORM, TEXT("sluice"));
	metadata_tensors_write_protobuf(out, MODEL_INPUTS, TENSORS_OF_INFERENCE, &target->plan->types.expected);
	metadata_tensors_write_protobuf(out, MODEL_OUTPUTS, TENSORS_OF_INFERENCE, &target->plan->types.answer);
}

void grpc_metadata_write_seldon_model(const struct deployment_model *model, struct buffer *out)
{
	protobuf_write_text(out, MODEL_NAME, model->name);
	metadata_tensors_write_protobuf(out, MODEL_INPUTS, TENSORS_OF_SELDON, model->inputs);
	metadata_tensors_write_protobuf(out, MODEL_OUTPUTS, TENSORS_OF_SELDON, model->outputs);
}

/* An entry of a map is a message. */
static void graph_model_write(const struct deployment_model *model, struct buffer *out)
{
	struct buffer value, entry;
	buffer_open(&value, MODEL_BYTES_MAX);
	buffer_open(&entry, MODEL_BYTES_MAX);
	grpc_metadata_write_seldon_model(model, &value);
	protobuf_write_text(&entry, MAP_KEY, model->name);
	protobuf_write_text(&entry, MAP_VALUE, buffer_view(&value));
	protobuf_write_text(out, GRAPH_MODELS, buffer_view(&entry));
	out->failed = out->failed || buffer_failed(&value) || buffer_failed(&entry);
	buffer_close(&entry);
	buffer_close(&value);
}

void grpc_metadata_write_seldon_graph(const struct gateway_target *target, struct buffer *out)
{
	struct deployment_model model;
	protobuf_write_text(out, GRAPH_NAME, text_of(target->name));
	for (size_t place = 0; deployment_model_next(target, &place, &model);)
		graph_model_write(&model, out);
	metadata_tensors_write_protobuf(out, GRAPH_INPUTS, TENSORS_OF_SELDON, &target->plan->types.expected);
	metadata_tensors_write_protobuf(out, GRAPH_OUTPUTS, TENSORS_OF_SELDON, &target->plan->types.answer);
}
