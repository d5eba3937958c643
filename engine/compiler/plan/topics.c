/* topics.c: Topics of a pipeline, with the reason of each: which it has follows from its steps, stages and experiments. */
#include <assert.h>

#include "base/topic_name.h"
#include "compiler/plan/compile.h"
#include "compiler/graph/model_name.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/inline_models.h"

static const char *topic_name(struct compiler *compiler, const struct pipeline_plan *plan, const char *pipeline, const char *rest)
{
	return topic_own_name(compiler->arena, plan->prefix, plan->namespace, pipeline, rest);
}

static const char *step_topic_name(struct compiler *compiler, const struct pipeline_plan *plan, size_t step, bool outputs)
{
	const char *rest =
		arena_print(compiler->arena, "step.%s.%s", plan->graph->steps[step].name, outputs ? "outputs" : "inputs");
	return rest ? topic_name(compiler, plan, plan->graph->name, rest) : NULL;
}

static size_t plan_topic_add(struct compiler *compiler, struct pipeline_plan *plan, struct topic topic)
{
	struct topic *topics =
		arena_grow(compiler->arena, plan->topics, plan->topic_count, &plan->topic_room, PLAN_LIST_FIRST, sizeof *topics);
	if (!topics || !topic.name)
		return TOPIC_NONE;
	if (!topic.bound && strlen(topic.name) > TOPIC_CHARACTERS_MAX)
		fault_add(compiler->spec->faults, CODE_BAD_TOPIC, plan->graph->resource->name.place, NULL,
			  "the topic `%s` would have %zu characters, more than the %d that Kafka allows; shorten the names in it",
			  topic.name, strlen(topic.name), TOPIC_CHARACTERS_MAX);
	if (!topic.bound && !topic.partitions && compiler->runtime)
		topic.partitions = compiler->runtime->partitions;
	if (!topic.bound && !topic.retention_ms)
		topic.retention_ms = topic_roles[topic.role].retention_ms;
	plan->topics = topics;
	topics[plan->topic_count] = topic;
	return plan->topic_count++;
}

static void add_inputs(struct compiler *compiler, struct pipeline_plan *plan)
{
	const struct pipeline_input *input = &plan->graph->spec->input;
	struct topic topic = {
		.name = input->topic ? input->topic : topic_name(compiler, plan, plan->graph->name, "inputs"),
		.role = TOPIC_INPUTS,
		.bound = input->topic != NULL,
		.of = TOPIC_NONE,
		.key = input->key ? input->key : "the record's own",
		.reason = input->topic ? "input.topic" : "requests arrive here",
	};
	plan_topic_add(compiler, plan, topic);
}

static const char *external_name(struct compiler *compiler, const struct pipeline_plan *plan, const struct external *external)
{
	const char *rest = external->point == SOURCE_STEP_OUTPUTS ? "outputs" : "inputs";
	if (external->step)
		rest = arena_print(compiler->arena, "step.%s.%s", external->step, rest);
	size_t index = names_find(&compiler->pipelines, text_of(external->pipeline));
	const struct pipeline_spec *other = index == NAME_NONE ? NULL : compiler->plan->pipelines[index].graph->spec;
	if (other && !external->step && external->point == SOURCE_STEP_OUTPUTS && other->output.topic)
		return other->output.topic;
	if (other && !external->step && external->point == SOURCE_REQUEST && other->input.topic)
		return other->input.topic;
	return rest ? topic_name(compiler, plan, external->pipeline, rest) : NULL;
}

/* Of a pipeline of other files nothing is known: neither what it reads nor by which group. */
static void note_missing(struct compiler *compiler, struct pipeline_plan *plan, const struct externals *externals,
			 const struct external *external)
{
	bool follows = external->point != SOURCE_REQUEST || external->step;
	note_add(compiler, &plan->notes, external->place,
		 "pipeline `%s` is not among the files: its topic must exist when this one runs", external->pipeline);
	if (!follows || externals->type != JOIN_INNER || external_points(plan->graph) < 2)
		return;
	note_add(compiler, &plan->notes, external->place,
		 "and the engine cannot check whether `%s` is behind: the join window of %lld ms does not stand still for it, "
		 "and a request whose part arrives later is not joined; give its file too, or a longer `joinWindowMs`",
		 external->pipeline, (long long)externals->window_ms);
	fault_add(compiler->spec->faults, CODE_SOURCE_UNSEEN, external->place, NULL,
		  "pipeline `%s` is not among the files: the join window of %lld ms does not stand still while it is behind, "
		  "and a request whose part arrives later is not joined",
		  external->pipeline, (long long)externals->window_ms);
}

static void add_externals(struct compiler *compiler, struct pipeline_plan *plan, const struct externals *externals, size_t first,
			  const char *reason)
{
	for (size_t i = 0; i < externals->count; i++) {
		const struct external *external = &externals->items[i];
		struct topic topic = {
			.name = external_name(compiler, plan, external),
			.role = TOPIC_EXTERNAL,
			.bound = true,
			.of = first + i,
			.key = "the record's own",
			.reason = reason,
		};
		bool known = false;
		for (size_t j = 0; topic.name && j < plan->topic_count && !known; j++)
			known = strcmp(plan->topics[j].name, topic.name) == 0;
		if (!known)
			plan_topic_add(compiler, plan, topic);
		if (names_find(&compiler->pipelines, text_of(external->pipeline)) == NAME_NONE)
			note_missing(compiler, plan, externals, external);
	}
}

static void add_answers(struct compiler *compiler, struct pipeline_plan *plan)
{
	const struct pipeline_output *output = &plan->graph->spec->output;
	const char *key = "the request's"; /* without one, the partition number of its input is kept */
	struct topic answers = {
		.name = output->topic ? output->topic : topic_name(compiler, plan, plan->graph->name, "outputs"),
		.role = TOPIC_OUTPUTS,
		.bound = output->topic != NULL,
		.of = TOPIC_NONE,
		.key = key,
		.reason = output->topic ? "output.topic" : "answers leave here",
	};
	struct topic errors = {
		.name = topic_name(compiler, plan, plan->graph->name, "errors"),
		.role = TOPIC_ERRORS,
		.of = TOPIC_NONE,
		.key = key,
		.reason = "requests that failed",
	};
	if (plan->graph->has_output)
		plan_topic_add(compiler, plan, answers);
	plan_topic_add(compiler, plan, errors);
}

static void add_explanations(struct compiler *compiler, struct pipeline_plan *plan)
{
	const char *reason = NULL;
	for (size_t i = 0; i < plan->graph->count && !reason; i++)
		if (plan->graph->steps[i].explained)
			reason = arena_print(compiler->arena, "step `%s` explains answers", plan->graph->steps[i].name);
	const struct topic topic = {
		.name = topic_name(compiler, plan, plan->graph->name, "explanations"),
		.role = TOPIC_EXPLANATIONS,
		.of = TOPIC_NONE,
		.key = "the request's",
		.reason = reason,
	};
	if (reason)
		plan_topic_add(compiler, plan, topic);
}

/* Whether the step is an observer that closes windows. */
static bool step_judges(const struct graph *graph, size_t step)
{
	return graph->steps[step].key && graph_step_watches(graph, graph_step_watched(graph, step));
}

/* Adds the topic that the steps of that sort write, by their names; without such a step there is none. */
static void add_of_steps(struct compiler *compiler, struct pipeline_plan *plan,
			 bool (*writes)(const struct graph *graph, size_t step), enum topic_role role, const char *what)
{
	const struct graph *graph = plan->graph;
	const char *names = NULL;
	for (size_t i = 0; i < graph->count; i++)
		if (writes(graph, i))
			names = arena_print(compiler->arena, "%s%s`%s`", names ? names : "", names ? ", " : "",
					    graph->steps[i].name);
	const struct topic topic = {
		.name = topic_name(compiler, plan, graph->name, topic_roles[role].name),
		.role = role,
		.of = TOPIC_NONE,
		.key = "the step's name",
		.reason = names ? arena_print(compiler->arena, "%s %s", what, names) : NULL,
	};
	if (names)
		plan_topic_add(compiler, plan, topic);
}

static void add_verdicts(struct compiler *compiler, struct pipeline_plan *plan)
{
	add_of_steps(compiler, plan, step_judges, TOPIC_VERDICTS, "verdicts of");
}

static void add_importance(struct compiler *compiler, struct pipeline_plan *plan)
{
	add_of_steps(compiler, plan, graph_step_weighs, TOPIC_IMPORTANCE, "importance of features by");
}

static bool alert_has_topic(const struct alert_spec *alert)
{
	const struct alert_action *actions = alert->actions.items;
	for (size_t i = 0; i < alert->actions.count; i++)
		if (actions[i].type == ALERT_TOPIC)
			return alert->name.text;
	return false;
}

static void add_alerts(struct compiler *compiler, struct pipeline_plan *plan)
{
	const char *names = NULL;
	const struct item_list alerts = plan->graph->spec->alerts;
	for (size_t i = 0; i < alerts.count; i++) {
		const struct alert_spec *alert = &((const struct alert_spec *)alerts.items)[i];
		if (alert_has_topic(alert))
			names = arena_print(compiler->arena, "%s%s`%s`", names ? names : "", names ? ", " : "", alert->name.text);
	}
	const struct topic topic = {
		.name = topic_name(compiler, plan, plan->graph->name, "alerts"),
		.role = TOPIC_ALERTS,
		.of = TOPIC_NONE,
		.key = "the alert's name",
		.reason = names ? arena_print(compiler->arena, "notices of %s", names) : NULL,
	};
	if (names)
		plan_topic_add(compiler, plan, topic);
}

static void add_stages(struct compiler *compiler, struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->stage_count; i++) {
		struct stage *stage = &plan->stages[i];
		const char *rest = arena_print(compiler->arena, "stage.%s", stage->name);
		const char *state = arena_print(compiler->arena, "stage.%s.state", stage->name);
		if (!rest || !state)
			return;
		struct topic topic = {
			.name = topic_name(compiler, plan, plan->graph->name, rest),
			.role = TOPIC_STAGE,
			.of = i,
			.key = stage->key ? stage->key : "the record's own",
			.reason = stage->reason,
		};
		struct topic changelog = {
			.name = topic_name(compiler, plan, plan->graph->name, state),
			.role = TOPIC_STATE,
			.of = i,
			.key = stage->key ? stage->key : "request id",
			.reason = stage->state,
		};
		if (i > 0)
			stage->topic = plan_topic_add(compiler, plan, topic);
		if (stage->state)
			plan_topic_add(compiler, plan, changelog);
	}
}

bool *leaf_steps(const struct graph *graph, struct arena *arena)
{
	bool *leaves = ARENA_ARRAY(arena, bool, graph->count);
	if (!leaves)
		return NULL;
	for (size_t i = 0; i < graph->count; i++)
		leaves[i] = !graph->steps[i].key; /* an observer has no output */
	for (size_t i = 0; i < graph->count; i++)
		for (size_t j = 0; j < graph->steps[i].inputs.count; j++) {
			const struct source *source = &graph->steps[i].inputs.sources[j];
			if (source->step != STEP_NONE && source->point == SOURCE_STEP_OUTPUTS)
				leaves[source->step] = false;
		}
	return leaves;
}

/* A step's topics exist when another pipeline reads them, when they are all that comes
 * of a pipeline without output, or when its lineage is asked for. */
static void add_step_topics(struct compiler *compiler, struct pipeline_plan *plan)
{
	const struct graph *graph = plan->graph;
	const bool *leaves = leaf_steps(graph, compiler->arena);
	const bool *read = compiler->read_topics[plan - compiler->plan->pipelines];
	for (size_t i = 0; leaves && i < graph->count; i++) {
		int lineage =
			graph->steps[i].spec->lineage == LINEAGE_OF_PIPELINE ? graph->spec->lineage : graph->steps[i].spec->lineage;
		for (size_t outputs = 0; outputs < 2; outputs++) {
			bool read_by_others = read && read[2 * i + outputs];
			bool leaf = outputs && !graph->has_output && leaves[i];
			if (!read_by_others && !leaf && lineage == LINEAGE_NONE)
				continue;
			struct topic topic = {
				.name = step_topic_name(compiler, plan, i, outputs),
				.role = outputs ? TOPIC_STEP_OUTPUTS : TOPIC_STEP_INPUTS,
				.of = i,
				.best_effort = !read_by_others && !leaf,
				.retention_ms = read_by_others || leaf ? topic_roles[TOPIC_OUTPUTS].retention_ms : 0,
				.key = "the request's",
				.reason = read_by_others ? "another pipeline reads it"
					  : leaf	 ? "the pipeline has no output: its last steps' outputs stay here"
					  : lineage == LINEAGE_FULL ? "lineage: full"
								    : "lineage: sampled",
			};
			plan_topic_add(compiler, plan, topic);
		}
	}
}

static bool experiment_exposes(const struct graph_experiment *experiment)
{
	return experiment->exposes;
}

static bool experiment_mirrors(const struct graph_experiment *experiment)
{
	return experiment->spec->mirror_name.text != NULL;
}

static bool experiment_learns(const struct graph_experiment *experiment)
{
	return experiment->learns;
}

static bool experiment_is_judged(const struct graph_experiment *experiment)
{
	return experiment->judged;
}

/* Whether messages of the graph can reach an experiment of that sort. */
static bool graph_reaches_any(const struct graph *graph, bool (*is_of)(const struct graph_experiment *experiment))
{
	for (size_t i = 0; i < graph->reachable_count; i++)
		if (is_of(graph->reachable[i]))
			return true;
	return false;
}

static bool experiment_is_carried(const struct graph_experiment *experiment)
{
	return experiment->carried;
}

/* Whether a pipeline that the step calls, or one that this calls, has such an experiment: the caller has its exposures. */
static bool called_carry(const struct compiler *compiler, const struct graph *graph, size_t step)
{
	enum call_target target;
	const char *name;
	for (size_t nth = 0; graph->steps[step].spec->options && graph_calls(graph, step, nth, &target, &name); nth++) {
		const size_t index = target == CALL_PIPELINE ? names_find(&compiler->pipelines, text_of(name)) : NAME_NONE;
		if (index != NAME_NONE && graph_reaches_any(compiler->plan->pipelines[index].graph, experiment_is_carried))
			return true;
	}
	return false;
}

/* Whether exposures that answers are to carry are chosen where no answer is given. */
static bool writes_thin(struct compiler *compiler, struct pipeline_plan *plan)
{
	bool writes = false;
	for (size_t i = 0; i < plan->graph->count; i++) {
		if (plan->stage_of[i] == plan->answer_stage ||
		    (!graph_step_carries(plan->graph, i) && !called_carry(compiler, plan->graph, i)))
			continue;
		writes = true;
		plan->volume.exposures++;
		note_add(compiler, &plan->notes, plan->graph->steps[i].spec->name.place,
			 "another stage than that of step `%s` answers, so the exposures of its experiments are written to a topic",
			 plan->graph->steps[i].name);
	}
	return writes;
}

bool graph_learns(const struct graph *graph)
{
	return graph_reaches_any(graph, experiment_learns);
}

const char *graph_reference_topic(const struct graph_step *step)
{
	const struct step asked = {.kind = step->spec->kind, .options = step->spec->options};
	return step_facts(&asked).learns_from;
}

size_t graph_background_rows(const struct graph *graph, const struct graph_step *step)
{
	const struct step asked = {.kind = step->spec->kind, .options = step->spec->options};
	if (!step->explained)
		return 0;
	const struct join *inputs = &graph->steps[step->explained_index].inputs;
	const struct source *only = inputs->count == 1 ? inputs->sources : NULL;
	const bool whole = only && only->point == SOURCE_REQUEST && only->tensor.length == 0 && only->rename_count == 0;
	return whole ? step_facts(&asked).background_rows : 0;
}

bool graph_is_judged(const struct graph *graph)
{
	return graph_reaches_any(graph, experiment_is_judged);
}

const char *plan_outcomes_group(const struct pipeline_plan *plan, struct arena *arena)
{
	return topic_namespace_name(arena, plan->prefix, plan->namespace, "outcomes");
}

/* The keeper knows no pipelines, so the topic is that of the experiment's own name. */
static void add_moves(struct compiler *compiler, struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->graph->experiment_count; i++) {
		const struct graph_experiment *experiment = plan->graph->experiments[i];
		if ((experiment->inside || strcmp(experiment->name, plan->graph->name) == 0) &&
		    experiment_writes_moves(experiment->spec))
			plan_topic_add(compiler, plan,
				       (struct topic){.name = topic_moves_name(compiler->arena, plan->prefix, plan->namespace,
									       experiment->name),
						      .role = TOPIC_MOVES,
						      .of = TOPIC_NONE,
						      .key = "the experiment's name",
						      .reason = "moves of its rollout"});
	}
}

static void add_experiment_topics(struct compiler *compiler, struct pipeline_plan *plan)
{
	struct topic exposures = {
		.name = topic_name(compiler, plan, plan->graph->name, "exposures"),
		.role = TOPIC_EXPOSURES,
		.of = TOPIC_NONE,
		.key = "the request id",
		.reason = "exposures of its experiments",
	};
	struct topic feedback = {
		.name = topic_name(compiler, plan, plan->graph->name, "feedback"),
		.role = TOPIC_FEEDBACK,
		.of = TOPIC_NONE,
		.key = "the request id, or the unit",
		.reason = "what became of answers, for its experiments",
	};
	/* Of one partition: then its order is one, and a position in it is one number. */
	const struct topic outcomes = {
		.name = topic_name(compiler, plan, plan->graph->name, "outcomes"),
		.role = TOPIC_OUTCOMES,
		.of = TOPIC_NONE,
		.partitions = 1,
		.key = "the request id",
		.reason = "feedback, joined to what it is of",
	};
	const struct topic shadow = {
		.name = topic_name(compiler, plan, plan->graph->name, SHADOW_TOPIC),
		.role = TOPIC_SHADOW,
		.of = TOPIC_NONE,
		.best_effort = true,
		.key = "the request id",
		.reason = "replies of the mirrors of its experiments",
	};
	struct topic policy = {
		.name = topic_name(compiler, plan, plan->graph->name, "policy"),
		.role = TOPIC_POLICY,
		.of = TOPIC_NONE,
		.partitions = 1,
		.key = "the experiment's name",
		.reason = "policies of its bandits",
	};
	const bool writes = writes_thin(compiler, plan);
	if (writes || graph_reaches_any(plan->graph, experiment_exposes))
		plan_topic_add(compiler, plan, exposures);
	if (graph_reaches_any(plan->graph, experiment_mirrors))
		plan_topic_add(compiler, plan, shadow);
	if (graph_learns(plan->graph))
		plan_topic_add(compiler, plan, policy);
	const bool counted = metrics_need_feedback(plan->graph, compiler->arena);
	if (counted)
		feedback.reason = "what became of answers, for its metrics";
	else if (plan->graph->reachable_count == 0)
		feedback.reason = "what became of answers, for the estimates of its drift steps";
	if (counted || plan->graph->reachable_count > 0 || plan_awaits_truths(plan->graph))
		plan_topic_add(compiler, plan, feedback);
	if (counted || graph_learns(plan->graph) || graph_is_judged(plan->graph))
		plan_topic_add(compiler, plan, outcomes);
	add_moves(compiler, plan);
}

void plan_topics(struct compiler *compiler, struct pipeline_plan *plan)
{
	add_inputs(compiler, plan);
	add_externals(compiler, plan, &plan->graph->inputs, 0, "input.externalInputs");
	add_externals(compiler, plan, &plan->graph->triggers, plan->graph->inputs.count, "input.externalTriggers");
	add_answers(compiler, plan);
	add_explanations(compiler, plan);
	add_verdicts(compiler, plan);
	add_importance(compiler, plan);
	add_alerts(compiler, plan);
	add_stages(compiler, plan);
	add_step_topics(compiler, plan);
	add_experiment_topics(compiler, plan);
	if (external_points(plan->graph) > 1)
		note_add(compiler, &plan->notes, plan->graph->spec->input.here,
			 "its external inputs are joined by request id, so requests need ids of their own: in the header "
			 "x-request-id, or in their payload");
}

/* Models of one name on their servers have the settings of one Model, and its topics. */
static size_t add_model(struct compiler *compiler, struct pipeline_plan *plan, const struct callee *callee,
			const struct model_spec *model)
{
	const char *served = model_served_name(callee->name);
	for (size_t i = 0; &plan->callees[i] < callee; i++)
		if (plan->callees[i].tap && strcmp(model_served_name(plan->callees[i].name), served) == 0)
			return plan->callees[i].tap;
	const size_t first = plan->topic_count;
	for (size_t outputs = 0; outputs < 2; outputs++) {
		struct topic topic = {
			.name = arena_print(compiler->arena, "%s.%s.model.%s.%s", plan->prefix, plan->namespace, served,
					    outputs ? "outputs" : "inputs"),
			.role = outputs ? TOPIC_MODEL_OUTPUTS : TOPIC_MODEL_INPUTS,
			.of = callee->step,
			.percent = model->logger_percent,
			.best_effort = true,
			.key = "the request's",
			.reason = arena_print(compiler->arena, "logger.percent: %lld", (long long)model->logger_percent),
		};
		plan_topic_add(compiler, plan, topic);
	}
	return first;
}

void plan_model_topics(struct compiler *compiler, struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->callee_count; i++) {
		struct callee *callee = &plan->callees[i];
		const struct resource *model =
			callee->target == CALL_MODEL ? spec_model(compiler->plan->spec, callee->name) : NULL;
		if (model && model->spec && ((const struct model_spec *)model->spec)->logger_percent > 0)
			callee->tap = add_model(compiler, plan, callee, model->spec);
	}
}

bool plan_is_first_of_namespace(const struct plan *plan, size_t index)
{
	assert(index < plan->count);
	for (size_t i = 0; i < index; i++)
		if (strcmp(plan->pipelines[i].namespace, plan->pipelines[index].namespace) == 0)
			return false;
	return true;
}

const struct pipeline_plan *plan_find(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->pipelines[i].graph->name, name) == 0)
			return &plan->pipelines[i];
	return NULL;
}

const char *plan_changelog_input(const struct pipeline_plan *plan, const struct topic *topic)
{
	if (topic->role != TOPIC_STATE)
		return NULL;
	size_t read = plan->stages[topic->of].topic;
	return plan->topics[read == TOPIC_NONE ? 0 : read].name;
}

bool stage_reads_topic(const struct pipeline_plan *plan, size_t stage, size_t topic)
{
	assert(stage < plan->stage_count && topic < plan->topic_count);
	const struct topic *of = &plan->topics[topic];
	switch (of->role) {
	case TOPIC_INPUTS:
	case TOPIC_EXTERNAL:
		return stage == 0;
	case TOPIC_STAGE:
	case TOPIC_STATE:
		return of->of == stage;
	default:
		return false;
	}
}

bool stage_writes_topic(const struct pipeline_plan *plan, size_t stage, size_t topic)
{
	assert(stage < plan->stage_count && topic < plan->topic_count);
	const struct topic *of = &plan->topics[topic];
	switch (of->role) {
	case TOPIC_OUTPUTS:
		return stage == plan->answer_stage;
	case TOPIC_ERRORS:
	case TOPIC_EXPOSURES:
	case TOPIC_SHADOW:
		return true;
	case TOPIC_EXPLANATIONS:
		for (size_t i = 0; i < plan->graph->count; i++)
			if (plan->graph->steps[i].explained && plan->stage_of[i] == stage)
				return true;
		return false;
	case TOPIC_IMPORTANCE:
		for (size_t i = 0; i < plan->graph->count; i++)
			if (graph_step_weighs(plan->graph, i) && plan->stage_of[i] == stage)
				return true;
		return false;
	case TOPIC_VERDICTS:
		for (size_t i = 0; i < plan->stages[stage].count; i++)
			if (step_judges(plan->graph, plan->stages[stage].steps[i]))
				return true;
		return false;
	case TOPIC_STAGE:
		return (plan->stages[of->of].parents >> stage & 1) != 0;
	case TOPIC_STATE:
		return of->of == stage;
	case TOPIC_STEP_INPUTS:
	case TOPIC_STEP_OUTPUTS:
	case TOPIC_MODEL_INPUTS:
	case TOPIC_MODEL_OUTPUTS:
		return plan->stage_of[of->of] == stage;
	default:
		return false;
	}
}
