/* json.c: JSON form of a plan, for programs. It contains all that the text contains, and more; see plan.h. */
#include "compiler/print/print.h"

#include "compiler/graph/type_list.h"

#define JSON_ARENA_BYTES ((size_t)256 << 20) /* of the small words made on the way */

struct plan_json_writer {
	struct arena *arena;
	struct emitter *emitter;
	const struct pipeline_plan *plan; /* the one being written */
};

static void emit_place(const struct plan_json_writer *writer, struct place place)
{
	if (!place.line)
		return;
	emit_text(writer->emitter, "file", place.file);
	emit_integer(writer->emitter, "line", place.line);
	emit_integer(writer->emitter, "column", place.column);
}

static void emit_notes(const struct plan_json_writer *writer, const struct notes *notes)
{
	emit_open(writer->emitter, "notes", '[');
	for (size_t i = 0; i < notes->count; i++) {
		emit_open(writer->emitter, NULL, '{');
		emit_place(writer, notes->items[i].place);
		emit_text(writer->emitter, "text", notes->items[i].text);
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
}

/* ---- stages ---- */

static void emit_stage_topics(const struct plan_json_writer *writer, size_t stage, bool writes)
{
	emit_open(writer->emitter, writes ? "writes" : "reads", '[');
	for (size_t i = 0; i < writer->plan->topic_count; i++)
		if (writes ? stage_writes_topic(writer->plan, stage, i) : stage_reads_topic(writer->plan, stage, i))
			emit_text(writer->emitter, NULL, writer->plan->topics[i].name);
	emit_close(writer->emitter, ']');
}

static void emit_stages(const struct plan_json_writer *writer)
{
	emit_open(writer->emitter, "stages", '[');
	for (size_t i = 0; i < writer->plan->stage_count; i++) {
		const struct stage *stage = &writer->plan->stages[i];
		emit_open(writer->emitter, NULL, '{');
		emit_text(writer->emitter, "name", stage->name);
		emit_text(writer->emitter, "boundary", boundary_name(stage->boundary));
		emit_text(writer->emitter, "reason", stage->reason);
		emit_text(writer->emitter, "key", stage->key);
		emit_text(writer->emitter, "state", stage->state);
		emit_open(writer->emitter, "steps", '[');
		for (size_t j = 0; j < stage->count; j++)
			emit_text(writer->emitter, NULL, writer->plan->graph->steps[stage->steps[j]].name);
		emit_close(writer->emitter, ']');
		emit_stage_topics(writer, i, false);
		emit_stage_topics(writer, i, true);
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
}

/* ---- steps ---- */

static void emit_source(const struct plan_json_writer *writer, const struct source *source)
{
	static const char *const points[] = {
		[SOURCE_REQUEST] = "request", [SOURCE_STEP_INPUTS] = "inputs", [SOURCE_STEP_OUTPUTS] = "outputs"};
	emit_open(writer->emitter, NULL, '{');
	emit_text(writer->emitter, "point", points[source->point]);
	if (source->step != STEP_NONE)
		emit_text(writer->emitter, "step", writer->plan->graph->steps[source->step].name);
	if (source->tensor.length)
		emit_view(writer->emitter, "tensor", source->tensor);
	emit_open(writer->emitter, "renames", '[');
	for (size_t i = 0; i < source->rename_count; i++) {
		emit_open(writer->emitter, NULL, '{');
		emit_view(writer->emitter, "from", source->renames[i].from);
		emit_view(writer->emitter, "to", source->renames[i].to);
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
	emit_close(writer->emitter, '}');
}

static void emit_join(const struct plan_json_writer *writer, const char *key, const struct join *join)
{
	static const char *const types[] = {[JOIN_INNER] = "inner", [JOIN_OUTER] = "outer", [JOIN_ANY] = "any"};
	emit_open(writer->emitter, key, '{');
	emit_text(writer->emitter, "type", types[join->type]);
	emit_integer(writer->emitter, "windowMs", join->window_ms);
	emit_open(writer->emitter, "sources", '[');
	for (size_t i = 0; i < join->count; i++)
		emit_source(writer, &join->sources[i]);
	emit_close(writer->emitter, ']');
	emit_close(writer->emitter, '}');
}

static void emit_types(const struct plan_json_writer *writer, const char *key, const struct tensor_types *types)
{
	emit_open(writer->emitter, key, '{');
	emit_flag(writer->emitter, "complete", types->complete);
	emit_open(writer->emitter, "tensors", '[');
	for (size_t i = 0; i < types->count; i++) {
		emit_open(writer->emitter, NULL, '{');
		emit_view(writer->emitter, "name", types->items[i].name);
		emit_text(writer->emitter, "type", type_text(&types->items[i].type, writer->arena));
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
	emit_close(writer->emitter, '}');
}

static void emit_shares(const struct plan_json_writer *writer, size_t index)
{
	struct share shares[ASSIGNMENT_WAYS_MAX];
	size_t buckets[ASSIGNMENT_WAYS_MAX], count = graph_shares(writer->plan->graph, index, shares, buckets);
	if (count == 0)
		return;
	emit_open(writer->emitter, "shares", '[');
	for (size_t i = 0; i < count; i++) {
		emit_open(writer->emitter, NULL, '{');
		emit_text(writer->emitter, "way", shares[i].name);
		emit_integer(writer->emitter, "buckets", (int64_t)buckets[i]);
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
}

static void emit_experiment(const struct plan_json_writer *writer, const struct graph_experiment *experiment)
{
	const struct experiment_spec *spec = experiment->spec;
	emit_open(writer->emitter, "experiment", '{');
	emit_text(writer->emitter, "name", experiment->name);
	if (spec->layer.here.line > 0) {
		emit_text(writer->emitter, "layer", spec->layer.name.text);
		emit_number(writer->emitter, "from", spec->layer.from);
		emit_number(writer->emitter, "share", spec->layer.share);
	}
	emit_number(writer->emitter, "holdout", spec->holdout);
	emit_flag(writer->emitter, "learns", experiment->learns);
	if (experiment->fallback < experiment->count)
		emit_text(writer->emitter, "fallback", experiment->shares[experiment->fallback].name);
	emit_flag(writer->emitter, "rolledOut", experiment_is_rolled_out(spec));
	emit_close(writer->emitter, '}');
}

static void emit_step(const struct plan_json_writer *writer, size_t index)
{
	const struct graph_step *step = &writer->plan->graph->steps[index];
	emit_open(writer->emitter, NULL, '{');
	emit_text(writer->emitter, "name", step->name);
	emit_text(writer->emitter, "kind", step->spec->kind ? step->spec->kind->name : NULL);
	emit_text(writer->emitter, "stage", writer->plan->stages[writer->plan->stage_of[index]].name);
	emit_flag(writer->emitter, "answers", step->answers);
	emit_flag(writer->emitter, "onCycle", step->on_cycle);
	emit_join(writer, "inputs", &step->inputs);
	if (step->triggers.count)
		emit_join(writer, "triggers", &step->triggers);
	emit_integer(writer->emitter, "timeoutMs", step->timeout_ms);
	emit_integer(writer->emitter, "batchSize", step->spec->batch.size);
	emit_shares(writer, index);
	if (step->experiment || step->split)
		emit_experiment(writer, step->experiment ? step->experiment : step->split);
	if (writer->plan->types.steps) {
		emit_types(writer, "takes", &writer->plan->types.steps[index].inputs);
		emit_types(writer, "gives", &writer->plan->types.steps[index].outputs);
		if (writer->plan->types.steps[index].outputs.remark)
			emit_text(writer->emitter, "uses", writer->plan->types.steps[index].outputs.remark);
	}
	emit_close(writer->emitter, '}');
}

static void emit_steps(const struct plan_json_writer *writer)
{
	emit_open(writer->emitter, "steps", '[');
	for (size_t i = 0; i < writer->plan->graph->count; i++)
		emit_step(writer, writer->plan->graph->order[i]);
	emit_close(writer->emitter, ']');
	if (writer->plan->graph->has_output)
		emit_join(writer, "output", &writer->plan->graph->output);
}

/* ---- calls, topics, cost ---- */

static void emit_endpoint(const struct plan_json_writer *writer, const struct endpoint *endpoint)
{
	emit_open(writer->emitter, "endpoint", '{');
	emit_text(writer->emitter, "addresses", endpoint->addresses);
	emit_text(writer->emitter, "found", endpoint_origin_text(endpoint->origin));
	emit_text(writer->emitter, "server", endpoint->server);
	emit_text(writer->emitter, "advice", endpoint->advice);
	emit_close(writer->emitter, '}');
}

static void emit_calls(const struct plan_json_writer *writer)
{
	emit_open(writer->emitter, "calls", '[');
	for (size_t i = 0; i < writer->plan->callee_count; i++) {
		const struct callee *callee = &writer->plan->callees[i];
		emit_open(writer->emitter, NULL, '{');
		emit_text(writer->emitter, "step", writer->plan->graph->steps[callee->step].name);
		emit_text(writer->emitter, "target", call_target_name(callee->target));
		emit_text(writer->emitter, "name", callee->name);
		emit_text(writer->emitter, "how", callee->how);
		if (callee->target == CALL_MODEL)
			emit_endpoint(writer, &callee->endpoint);
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
}

static void emit_topics(const struct plan_json_writer *writer)
{
	emit_open(writer->emitter, "topics", '[');
	for (size_t i = 0; i < writer->plan->topic_count; i++) {
		const struct topic *topic = &writer->plan->topics[i];
		const struct topic_role_row *role = &topic_roles[topic->role];
		emit_open(writer->emitter, NULL, '{');
		emit_text(writer->emitter, "name", topic->name);
		emit_text(writer->emitter, "role", role->name);
		emit_integer(writer->emitter, "partitions", topic->partitions);
		emit_text(writer->emitter, "key", topic->key);
		emit_flag(writer->emitter, "existing", topic->bound);
		emit_flag(writer->emitter, "compacted", !topic->bound && role->compacted);
		emit_integer(writer->emitter, "retentionMs", topic->retention_ms);
		emit_flag(writer->emitter, "bestEffort", topic->best_effort);
		emit_text(writer->emitter, "reason", topic->reason);
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
}

static void emit_observers(const struct plan_json_writer *writer)
{
	emit_open(writer->emitter, "observers", '[');
	for (size_t i = 0; i < writer->plan->observer_count; i++) {
		const struct observer_plan *observer = &writer->plan->observers[i];
		emit_open(writer->emitter, NULL, '{');
		emit_text(writer->emitter, "step", observer->step);
		emit_text(writer->emitter, "way", "written");
		emit_text(writer->emitter, "reason", observer->why);
		emit_text(writer->emitter, "topic", observer->topic);
		emit_number(writer->emitter, "share", observer->share);
		emit_flag(writer->emitter, "slices", observer->slices);
		emit_integer(writer->emitter, "bytesPerMessage", (int64_t)observer->bytes);
		emit_flag(writer->emitter, "bytesAssumed", observer->bytes_assumed);
		emit_open(writer->emitter, "recordSharedWith", '[');
		for (size_t j = 0; j < observer->shared_count; j++)
			emit_text(writer->emitter, NULL, observer->shared_with[j]);
		emit_close(writer->emitter, ']');
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
}

static void emit_volume(const struct plan_json_writer *writer, double rate)
{
	const struct volume *volume = &writer->plan->volume;
	double records = volume_records(volume);
	double bytes = (double)volume->bytes + volume->observed_bytes;
	double requests = rate * 86400.0;
	emit_open(writer->emitter, "perRequest", '{');
	emit_integer(writer->emitter, "requests", (int64_t)volume->requests);
	emit_integer(writer->emitter, "answers", (int64_t)volume->answers);
	emit_integer(writer->emitter, "crossings", (int64_t)volume->stage_links);
	emit_integer(writer->emitter, "taps", (int64_t)volume->taps);
	emit_integer(writer->emitter, "states", (int64_t)volume->states);
	emit_integer(writer->emitter, "exposures", (int64_t)volume->exposures);
	emit_number(writer->emitter, "shadows", volume->shadows);
	if (writer->plan->observer_count)
		emit_number(writer->emitter, "observed", volume->observed);
	emit_integer(writer->emitter, "bytes", (int64_t)bytes);
	emit_flag(writer->emitter, "bytesAssumed", volume->bytes_assumed);
	emit_close(writer->emitter, '}');
	/* Beyond this, whole numbers of a double are not exact, and no cluster is meant. */
	if (rate <= 0 || (records + bytes) * requests > 9e15)
		return;
	emit_open(writer->emitter, "perDay", '{');
	emit_integer(writer->emitter, "records", (int64_t)(records * requests));
	emit_integer(writer->emitter, "bytes", (int64_t)(bytes * requests));
	emit_close(writer->emitter, '}');
}

static void emit_pipeline(struct plan_json_writer *writer, const struct pipeline_plan *plan, const struct plan_view *view)
{
	struct emitter *emitter = writer->emitter;
	writer->plan = plan;
	emit_open(emitter, NULL, '{');
	emit_text(emitter, "name", plan->graph->name);
	emit_text(emitter, "namespace", plan->namespace);
	emit_place(writer, plan->graph->resource->place);
	emit_text(emitter, "delivery", plan->delivery == DELIVERY_EXACTLY_ONCE ? "exactly-once" : "at-least-once");
	emit_text(emitter, "deliveryReason", plan->delivery_reason);
	emit_text(emitter, "ingress", plan->direct ? "direct" : "log");
	if (plan->delivery == DELIVERY_EXACTLY_ONCE)
		emit_text(emitter, "reply", plan->graph->spec->reply == REPLY_EARLY ? "early" : "committed");
	emit_text(emitter, "order", plan->graph->spec->order == ORDER_PARTITION ? "partition" : "key");
	emit_text(emitter, "orderReason", plan->order_reason);
	emit_integer(emitter, "longestWaitMs", plan->wait_ms);
	emit_text(emitter, "longestWaitReason", plan->wait_reason);
	emit_text(emitter, "onGap", plan->graph->spec->on_gap == GAP_STOP ? "stop" : "continue");
	emit_text(emitter, "group", plan->group);
	if (plan->observers_group)
		emit_text(emitter, "observersGroup", plan->observers_group);
	if (plan->explainers_group)
		emit_text(emitter, "explainersGroup", plan->explainers_group);
	emit_stages(writer);
	emit_steps(writer);
	emit_calls(writer);
	emit_topics(writer);
	if (plan->observer_count)
		emit_observers(writer);
	emit_volume(writer, view->rate);
	emit_notes(writer, &plan->notes);
	emit_close(emitter, '}');
}

static void emit_models(const struct plan_json_writer *writer, const struct plan *plan)
{
	emit_open(writer->emitter, "models", '[');
	for (size_t i = 0; i < plan->model_count; i++) {
		emit_open(writer->emitter, NULL, '{');
		emit_text(writer->emitter, "name", plan->models[i].resource->name.text);
		emit_endpoint(writer, &plan->models[i].endpoint);
		emit_close(writer->emitter, '}');
	}
	emit_close(writer->emitter, ']');
}

void plan_print_json(const struct plan *plan, const struct plan_view *view, struct buffer *out)
{
	struct emitter emitter = {.out = out};
	struct plan_json_writer writer = {.arena = arena_open(JSON_ARENA_BYTES), .emitter = &emitter};
	if (!writer.arena) {
		out->failed = true;
		return;
	}
	emit_open(&emitter, NULL, '{');
	emit_open(&emitter, "pipelines", '[');
	for (size_t i = 0; i < plan->count; i++)
		emit_pipeline(&writer, &plan->pipelines[i], view);
	emit_close(&emitter, ']');
	emit_models(&writer, plan);
	emit_notes(&writer, &plan->notes);
	if (view->acls)
		acls_emit(plan, writer.arena, &emitter);
	if (view->targets)
		targets_emit(plan, view->rate, writer.arena, &emitter);
	emit_close(&emitter, '}');
	buffer_byte(out, '\n');
	if (arena_failed(writer.arena))
		out->failed = true;
	arena_close(writer.arena);
}
