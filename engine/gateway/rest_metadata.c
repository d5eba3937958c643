/* rest_metadata.c: Metadata in the form of the first Seldon Core: of a deployment and of the models that it calls; see rest.h. */
#include "gateway/rest.h"

#include "gateway/calls/deployment_models.h"
#include "message/json/json_write.h"
#include "models/server/metadata_json.h"

/* Tensors of which `plan` knows no datatype are left out. */
static void model_write(const struct deployment_model *model, struct buffer *out)
{
	json_write_string_after(out, TEXT("{\"name\":"), model->name);
	buffer_string(out, ",\"versions\":[],\"platform\":\"\"");
	metadata_tensors_write(out, "inputs", model->inputs);
	metadata_tensors_write(out, "outputs", model->outputs);
	buffer_byte(out, '}');
}

void rest_graph_metadata(const struct rest_request *request)
{
	const struct gateway_target *target = rest_target_find(request);
	struct buffer *body = &request->rest->body;
	struct deployment_model model;
	struct text before = TEXT("");
	if (!target)
		return;
	json_write_string_after(body, TEXT("{\"name\":"), text_of(target->name));
	buffer_string(body, ",\"models\":{");
	for (size_t place = 0; deployment_model_next(target, &place, &model);) {
		json_write_string_after(body, before, model.name);
		buffer_byte(body, ':');
		model_write(&model, body);
		before = TEXT(",");
	}
	buffer_byte(body, '}');
	metadata_tensors_write(body, "graphinputs", &target->plan->types.expected);
	metadata_tensors_write(body, "graphoutputs", &target->plan->types.answer);
	buffer_byte(body, '}');
	rest_answer(request, 200);
}

void rest_node_metadata(const struct rest_request *request)
{
	const struct gateway_target *target = rest_target_find(request);
	struct deployment_model model;
	struct call_refusal refusal;
	if (!target)
		return;
	if (!deployment_model_find(target, request->node, "GET /api/v1.0/metadata", &model, &refusal)) {
		rest_refuse(request, refusal.status, "%s", refusal.words);
		return;
	}
	model_write(&model, &request->rest->body);
	rest_answer(request, 200);
}
