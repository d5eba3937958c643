/* rest_metadata.c: Metadata in the form of the first Seldon Core: of a deployment and of the models that it calls; see rest.h. */
#include "gateway/rest.h"

#include "base/suggest.h"
#include "message/json_write.h"
#include "serving/metadata_json.h"

/* Whether the answer needs its reply. */
static bool callee_answers(const struct callee *callee)
{
	return callee->target == CALL_MODEL && !callee->copy;
}

/* Whether it is a model of the deployment: the first one of that name, which nodes of several predictors may have. */
static bool callee_is_listed(const struct pipeline_plan *plan, size_t index)
{
	const char *name = model_served_name(plan->callees[index].name);
	for (size_t i = 0; i < index; i++)
		if (callee_answers(&plan->callees[i]) && strcmp(model_served_name(plan->callees[i].name), name) == 0)
			return false;
	return callee_answers(&plan->callees[index]);
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
	struct text before = TEXT("");
	if (!target)
		return;
	json_write_string_after(body, TEXT("{\"name\":"), text_of(target->name));
	buffer_string(body, ",\"models\":{");
	for (size_t i = 0; i < target->plan->callee_count; i++) {
		const struct callee *callee = &target->plan->callees[i];
		if (!callee_is_listed(target->plan, i))
			continue;
		json_write_string_after(body, before, text_of(model_served_name(callee->name)));
		buffer_byte(body, ':');
		model_write(target->plan, callee, body);
		before = TEXT(",");
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
	struct suggestion suggestion = suggest_begin(request->node);
	if (!target)
		return;
	for (size_t i = 0; i < target->plan->callee_count; i++) {
		const struct callee *callee = &target->plan->callees[i];
		const struct text name = text_of(model_served_name(callee->name));
		if (!callee_is_listed(target->plan, i))
			continue;
		if (text_equal(name, request->node)) {
			model_write(target->plan, callee, &request->rest->body);
			rest_answer(request, 200);
			return;
		}
		suggest_offer(&suggestion, name);
	}
	const struct text asked = call_name_shown(request->node), nearest = suggestion.nearest;
	if (nearest.bytes)
		rest_refuse(request, 404, "`%s` calls no model `" TEXT_FORMAT "`; did you mean `" TEXT_FORMAT "`?", target->name,
			    TEXT_ARGUMENTS(asked), TEXT_ARGUMENTS(nearest));
	else
		rest_refuse(request, 404, "`%s` calls no model `" TEXT_FORMAT "`; GET /api/v1.0/metadata lists its models",
			    target->name, TEXT_ARGUMENTS(asked));
}
