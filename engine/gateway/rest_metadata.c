/* rest_metadata.c: Metadata in the form of the first Seldon Core: of a deployment and of the models that it calls; see rest.h. */
#include "gateway/rest.h"

#include "base/suggest.h"
#include "message/json_write.h"
#include "serving/metadata_json.h"

#define NAME_SHOWN 100 /* characters of a name in a refusal */

/* The n-th model that the pipeline calls for its answer; repeated ones are passed over. NULL: there is none. */
static const struct callee *model_called(const struct pipeline_plan *plan, size_t nth)
{
	for (size_t i = 0; i < plan->callee_count; i++) {
		const struct callee *callee = &plan->callees[i];
		bool is_repeated = false;
		for (size_t j = 0; j < i; j++)
			is_repeated |= plan->callees[j].target == CALL_MODEL && strcmp(plan->callees[j].name, callee->name) == 0;
		if (callee->target == CALL_MODEL && !callee->copy && !is_repeated && nth-- == 0)
			return callee;
	}
	return NULL;
}

/* Appends what `plan` infers of a model by the first step that calls it; tensors that it does not know are left out. */
static void model_write(const struct pipeline_plan *plan, const struct callee *model, struct buffer *out)
{
	static const struct tensor_types none;
	const struct step_types *types = plan->types.steps ? &plan->types.steps[model->step] : NULL;
	json_write_string_after(out, TEXT("{\"name\":"), text_of(model_served_name(model->name)));
	buffer_string(out, ",\"versions\":[],\"platform\":\"\"");
	metadata_tensors_write(out, "inputs", types ? &types->inputs : &none);
	metadata_tensors_write(out, "outputs", types ? &types->outputs : &none);
	buffer_byte(out, '}');
}

void rest_graph_metadata(const struct rest_request *request)
{
	const struct gateway_target *target = rest_target_find(request);
	struct buffer *body = &request->rest->body;
	const struct callee *model;
	if (!target)
		return;
	json_write_string_after(body, TEXT("{\"name\":"), text_of(target->name));
	buffer_string(body, ",\"models\":{");
	for (size_t i = 0; (model = model_called(target->plan, i)); i++) {
		json_write_string_after(body, i > 0 ? TEXT(",") : TEXT(""), text_of(model_served_name(model->name)));
		buffer_byte(body, ':');
		model_write(target->plan, model, body);
	}
	buffer_byte(body, '}');
	metadata_tensors_write(body, "graphinputs", &target->plan->types.request);
	metadata_tensors_write(body, "graphoutputs", &target->plan->types.answer);
	buffer_byte(body, '}');
	rest_answer(request, 200);
}

void rest_node_metadata(const struct rest_request *request)
{
	const struct gateway_target *target = rest_target_find(request);
	const struct callee *model;
	struct suggestion suggestion = suggest_begin(request->node);
	if (!target)
		return;
	for (size_t i = 0; (model = model_called(target->plan, i)); i++) {
		const struct text name = text_of(model_served_name(model->name));
		if (text_equal(name, request->node)) {
			model_write(target->plan, model, &request->rest->body);
			rest_answer(request, 200);
			return;
		}
		suggest_offer(&suggestion, name);
	}
	const char *nearest = suggestion.nearest.bytes;
	rest_refuse(request, 404, "`%s` calls no model `%.*s`%s%.*s%s", target->name,
		    (int)(request->node.length < NAME_SHOWN ? request->node.length : NAME_SHOWN), request->node.bytes,
		    nearest ? "; did you mean `" : "; GET /api/v1.0/metadata lists its models", (int)suggestion.nearest.length,
		    nearest ? nearest : "", nearest ? "`?" : "");
}
