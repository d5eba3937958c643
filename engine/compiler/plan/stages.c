/* stages.c: Partition of a pipeline into as few stages as possible.
 *
 * Steps are placed in their order. A step stays in the stage of its sources, except in three cases: it needs its
 * records partitioned by another key; it is isolated or reads an isolated step; it joins the results of separate
 * stages. Observers of the same messages share the stage of the first of them. The inputs from other pipelines are joined by the
 * request's id, the results of stages by the key that their records have in common. A record contains the earlier results, so a
 * step may also read from every ancestor of its stage.
 */
#include "compiler/plan/compile.h"

#include "message/records/slice.h"
#include "compiler/yaml/fault_codes.h"

#define STAGE_NONE ((size_t)-1)

struct cutter {
	struct compiler *compiler;
	struct pipeline_plan *plan;
	const struct graph *graph;
	size_t step;   /* the one being placed; STEP_NONE: the output */
	uint64_t from; /* the stages of its sources */
	size_t root;   /* the stage where the request is whole */
	bool full;     /* STAGES_MAX was met */
};

const char *boundary_name(enum boundary boundary)
{
	static const char *const names[] = {[BOUNDARY_REQUEST] = "request",
					    [BOUNDARY_KEY] = "key",
					    [BOUNDARY_ISOLATED] = "isolated",
					    [BOUNDARY_JOIN] = "join"};
	return names[boundary];
}

static const char *expression_text(struct arena *arena, const struct expression *expression)
{
	struct text source = expression_source(expression);
	return arena_copy(arena, source.bytes, source.length);
}

/* Whether records that came in by the pipeline's key are where `key` wants them: the
 * same word, or a mapped tensor of the same path. */
static bool is_message_key(const struct pipeline_input *input, const char *key)
{
	const struct input_tensor *tensors = input->tensors.items;
	if (strcmp(key, "key") == 0)
		return true;
	if (!input->key)
		return false;
	if (strcmp(key, input->key) == 0)
		return true;
	for (size_t i = 0; i < input->tensors.count; i++)
		if (tensors[i].name.text && tensors[i].path && strcmp(tensors[i].name.text, key) == 0)
			return strcmp(tensors[i].path, input->key) == 0;
	return false;
}

const struct expression *step_key(const struct graph *graph, size_t step)
{
	const struct step self = step_seen(graph, step);
	return graph->steps[step].key ? graph->steps[step].key : step_facts(&self).key;
}

static const char *wanted_key(const struct cutter *cutter, size_t step)
{
	const struct expression *expression = step_key(cutter->graph, step);
	return expression ? expression_text(cutter->compiler->arena, expression) : NULL;
}

static uint64_t stages_of(const struct cutter *cutter, const struct join *join)
{
	uint64_t from = 0;
	for (size_t i = 0; i < join->count; i++) {
		size_t step = join->sources[i].step;
		if (step == STEP_NONE)
			from |= stage_bit(cutter->root);
		else if (cutter->plan->stage_of[step] != STAGE_NONE) /* else: the edge that closes a cycle */
			from |= stage_bit(cutter->plan->stage_of[step]);
	}
	return from;
}

/* The one of these stages that has all others before it; STAGE_NONE: they lie apart. */
static size_t last_of(const struct cutter *cutter, uint64_t from)
{
	for (size_t i = cutter->plan->stage_count; i-- > 0;)
		if (from & stage_bit(i))
			return (from & ~cutter->plan->stages[i].ancestors) == 0 ? i : STAGE_NONE;
	return STAGE_NONE;
}

/* Without those that others have before them. */
static uint64_t outermost(const struct cutter *cutter, uint64_t from)
{
	uint64_t result = from;
	for (size_t i = 0; i < cutter->plan->stage_count; i++)
		if (from & stage_bit(i))
			result &= ~(cutter->plan->stages[i].ancestors & ~stage_bit(i));
	return result;
}

/* A stage that began for the same cause, and that all of `from` already reaches. */
static size_t existing(const struct cutter *cutter, enum boundary boundary, const char *key)
{
	for (size_t i = 1; i < cutter->plan->stage_count; i++) {
		const struct stage *stage = &cutter->plan->stages[i];
		if (stage->boundary == boundary && strings_equal(stage->key, key) && (cutter->from & ~stage->ancestors) == 0 &&
		    !stage->isolated)
			return i;
	}
	return STAGE_NONE;
}

static size_t begin_stage(struct cutter *cutter, enum boundary boundary, const char *key, const char *reason)
{
	struct pipeline_plan *plan = cutter->plan;
	if (plan->stage_count == STAGES_MAX) {
		if (!cutter->full)
			fault_add(cutter->compiler->spec->faults, CODE_MANY_STAGES, cutter->graph->resource->name.place, NULL,
				  "pipeline `%s` would need more than %d stages", cutter->graph->name, STAGES_MAX);
		cutter->full = true;
		return STAGES_MAX - 1;
	}
	size_t index = plan->stage_count++;
	struct stage *stage = &plan->stages[index];
	*stage = (struct stage){
		.name = index == 0		    ? "request"
			: cutter->step == STEP_NONE ? "output"
						    : cutter->graph->steps[cutter->step].name,
		.boundary = boundary,
		.reason = reason,
		.key = key,
		.parents = outermost(cutter, cutter->from),
		.ancestors = stage_bit(index),
		.topic = TOPIC_NONE,
	};
	for (size_t i = 0; i < index; i++)
		if (cutter->from & stage_bit(i))
			stage->ancestors |= plan->stages[i].ancestors;
	return index;
}

static const char *stage_names(const struct cutter *cutter, uint64_t stages)
{
	const char *names = "";
	for (size_t i = 0; names && i < cutter->plan->stage_count; i++)
		if (stages & stage_bit(i))
			names = arena_print(cutter->compiler->arena, "%s%s`%s`", names, *names ? " and " : "",
					    cutter->plan->stages[i].name);
	return names;
}

/* What all that comes of a request has in common: the key of the stages that it comes from, or else that of the stage where
 * the request was whole. By the request's own key parts also have the partition in which it came. */
static const char *common_key(const struct cutter *cutter)
{
	const struct stage *stages = cutter->plan->stages;
	const char *key = stages[cutter->root].key;
	size_t first = STAGE_NONE;
	for (size_t i = 0; i < cutter->plan->stage_count; i++) {
		if (!(cutter->from & stage_bit(i)))
			continue;
		if (first != STAGE_NONE && !strings_equal(stages[i].key, stages[first].key))
			return key;
		first = i;
	}
	return first == STAGE_NONE ? key : stages[first].key;
}

static size_t join_stage(struct cutter *cutter)
{
	const char *key = common_key(cutter);
	size_t stage = existing(cutter, BOUNDARY_JOIN, key);
	if (stage != STAGE_NONE)
		return stage;
	const char *who = cutter->step == STEP_NONE
				  ? "the output"
				  : arena_print(cutter->compiler->arena, "step `%s`", cutter->graph->steps[cutter->step].name);
	const char *reason = arena_print(cutter->compiler->arena, "%s joins the results of the stages %s for one request", who,
					 stage_names(cutter, outermost(cutter, cutter->from)));
	return begin_stage(cutter, BOUNDARY_JOIN, key, reason);
}

/* The last stage before a step that begins one of its own: what lies apart is joined before that, in a stage without a step. */
static size_t last_or_joined(struct cutter *cutter, const char *name)
{
	size_t last = last_of(cutter, cutter->from);
	if (last != STAGE_NONE)
		return last;
	size_t count = cutter->plan->stage_count;
	last = join_stage(cutter);
	if (last == count)
		cutter->plan->stages[last].name = arena_print(cutter->compiler->arena, "%s.join", name);
	cutter->from = stage_bit(last);
	return last;
}

static size_t keyed_stage(struct cutter *cutter, const char *name, const char *key)
{
	size_t stage = existing(cutter, BOUNDARY_KEY, key);
	size_t last = last_of(cutter, cutter->from);
	if (last == STAGE_NONE && stage != STAGE_NONE)
		return stage;
	last = last_or_joined(cutter, name);
	if (strings_equal(cutter->plan->stages[last].key, key) && !cutter->plan->stages[last].isolated)
		return last;
	if (stage != STAGE_NONE)
		return stage;
	const char *before = cutter->plan->stages[last].key;
	if (!before)
		before = cutter->graph->spec->input.key ? cutter->graph->spec->input.key : "the record's own key";
	return begin_stage(cutter, BOUNDARY_KEY, key,
			   arena_print(cutter->compiler->arena, "step `%s` needs its records by %s%s%s, and they are "
								"partitioned by %s", name,
				       key ? "`" : "", key ? key : "their own key", key ? "`" : "", before));
}

/* Whether it remembers by the record's own key, and its records come by another. */
static bool wants_own_key(const struct cutter *cutter, size_t last)
{
	struct step step = step_seen(cutter->graph, cutter->step);
	const char *key = wanted_key(cutter, cutter->step);
	bool remembers = step.kind && step_is_stateful(&step);
	bool own = key ? is_message_key(&cutter->graph->spec->input, key) : remembers;
	const char *comes_by = last == STAGE_NONE ? common_key(cutter) : cutter->plan->stages[last].key;
	return own && comes_by && !cutter->graph->steps[cutter->step].on_cycle;
}

static size_t members_of(const struct cutter *cutter, size_t stage)
{
	size_t members = 0;
	for (size_t i = 0; i < cutter->graph->count; i++)
		members += cutter->plan->stage_of[i] == stage;
	return members;
}

/* The first, in the order of the file, of the observers in a stage that get the same messages; STEP_NONE: there is none, or the
 * stage is full. It stands for the others. */
static size_t observer_met(const struct cutter *cutter)
{
	const struct graph *graph = cutter->graph;
	for (size_t i = 0; i < graph->count; i++) {
		const size_t stage = cutter->plan->stage_of[i];
		if (graph->steps[i].key && stage != STAGE_NONE && cutter->plan->stages[stage].name == graph->steps[i].name &&
		    cutter->plan->stages[stage].parents == outermost(cutter, cutter->from) &&
		    plan_observers_meet(graph, i, cutter->step) && members_of(cutter, stage) < SLICE_OBSERVERS_MAX)
			return i;
	}
	return STEP_NONE;
}

/* A stage that several share has the name and the key of the first in the order of the file: a step that is put behind the others
 * changes neither. */
static size_t observing_stage(struct cutter *cutter, const char *key)
{
	const size_t met = observer_met(cutter);
	if (met == STEP_NONE) {
		const size_t own = begin_stage(cutter, BOUNDARY_ISOLATED, key,
					       "it watches what comes to the step, beside the answer; its records have one key, so "
					       "that one task has them all");
		cutter->plan->stages[own].isolated = true;
		return own;
	}
	struct stage *stage = &cutter->plan->stages[cutter->plan->stage_of[met]];
	if (cutter->step < met) {
		stage->name = cutter->graph->steps[cutter->step].name;
		stage->key = key;
	}
	stage->reason =
		"they watch the same messages, beside the answer: a record serves all of them; its records have one key, so "
		"that one task has them all";
	return cutter->plan->stage_of[met];
}

/* By its own key, where it has one or remembers by the record's; else as its records come. */
static size_t isolated_stage(struct cutter *cutter, const char *name, const char *key)
{
	struct arena *arena = cutter->compiler->arena;
	size_t last = last_or_joined(cutter, name);
	const char *before = cutter->plan->stages[last].key;
	if (!key && !wants_own_key(cutter, last))
		key = before;
	if (cutter->graph->steps[cutter->step].key)
		return observing_stage(cutter, key);
	const char *reason = cutter->graph->steps[cutter->step].spec->isolate
				     ? arena_print(arena, "step `%s` is marked isolate", name)
				     : arena_print(arena, "step `%s` explains beside the answer, which does not wait for it", name);
	if (!strings_equal(key, before))
		reason = arena_print(arena, "%s, and needs its records by %s%s%s", reason, key ? "`" : "",
				     key ? key : "their own key", key ? "`" : "");
	size_t stage = begin_stage(cutter, BOUNDARY_ISOLATED, key, reason);
	cutter->plan->stages[stage].isolated = true;
	return stage;
}

static bool is_isolated(const struct cutter *cutter)
{
	const struct step step = step_seen(cutter->graph, cutter->step);
	return cutter->graph->steps[cutter->step].spec->isolate || step_is_beside(&step);
}

static size_t stage_for(struct cutter *cutter)
{
	const struct graph_step *step = &cutter->graph->steps[cutter->step];
	const char *key = wanted_key(cutter, cutter->step);
	bool keyed = key && !is_message_key(&cutter->graph->spec->input, key);
	cutter->from = stages_of(cutter, &step->inputs) | stages_of(cutter, &step->triggers);
	if (cutter->from == 0)
		cutter->from = stage_bit(cutter->root);
	if (step->on_cycle && (key || is_isolated(cutter)))
		note_add(cutter->compiler, &cutter->plan->notes, step->spec->here,
			 "step `%s` is on a cycle: a cycle runs in one stage, so its key or isolate has no effect",
			 step->name);
	else if (is_isolated(cutter))
		return isolated_stage(cutter, step->name, keyed ? key : NULL);
	else if (keyed)
		return keyed_stage(cutter, step->name, key);
	size_t last = last_of(cutter, cutter->from);
	if (wants_own_key(cutter, last))
		return keyed_stage(cutter, step->name, NULL);
	if (last == STAGE_NONE)
		return join_stage(cutter);
	if (!cutter->plan->stages[last].isolated || step->on_cycle)
		return last;
	size_t after = existing(cutter, BOUNDARY_ISOLATED, cutter->plan->stages[last].key);
	if (after != STAGE_NONE)
		return after;
	return begin_stage(cutter, BOUNDARY_ISOLATED, cutter->plan->stages[last].key,
			   arena_print(cutter->compiler->arena, "it reads step `%s`, which is marked isolate",
				       cutter->plan->stages[last].name));
}

/* Nothing may flow against the order of the stages: a cycle that would has been cut by
 * what is between its steps. */
static void check_edges(struct cutter *cutter)
{
	const size_t *stage_of = cutter->plan->stage_of;
	for (size_t i = 0; i < cutter->graph->count; i++) {
		const struct graph_step *step = &cutter->graph->steps[i];
		for (size_t j = 0; j < step->inputs.count && step->on_cycle; j++) {
			const struct source *source = &step->inputs.sources[j];
			if (source->step == STEP_NONE || stage_reads(&cutter->plan->stages[stage_of[i]], stage_of[source->step]))
				continue;
			fault_add(cutter->compiler->spec->faults, CODE_CYCLE, source->place, NULL,
				  "step `%s` is in another stage than `%s`, to which it would have to send back: a cycle must "
				  "stay in one",
				  cutter->graph->steps[source->step].name, step->name);
		}
	}
}

/* Offspring stay in the stage of the step that makes them, until they are gathered or leave. */
static void check_offspring(struct cutter *cutter)
{
	const struct graph *graph = cutter->graph;
	const struct pipeline_plan *plan = cutter->plan;
	for (size_t i = 0; graph->offspring && i <= graph->count; i++) {
		size_t maker = graph->offspring->of[i];
		bool output = i == graph->count;
		if (maker == STEP_NONE || (output && !graph->has_output))
			continue;
		size_t stage = output ? plan->answer_stage : plan->stage_of[i];
		if (stage == plan->stage_of[maker])
			continue;
		struct place here = output ? graph->output.sources[0].place : graph->steps[i].spec->here;
		fault_add(cutter->compiler->spec->faults, CODE_OFFSPRING, here, NULL,
			  "%s%s%s is in another stage than `%s`, and messages that a step makes stay in its stage: remove "
			  "`isolate` and `key` between them, combine the parts first, or read this pipeline's outputs by "
			  "another one",
			  output ? "the output" : "step `", output ? "" : graph->steps[i].name, output ? "" : "`",
			  graph->steps[maker].name);
	}
}

/* Each stage's steps, in the order of the graph. */
static void list_steps(struct cutter *cutter)
{
	struct pipeline_plan *plan = cutter->plan;
	size_t *all = ARENA_ARRAY(cutter->compiler->arena, size_t, cutter->graph->count);
	size_t begin[STAGES_MAX] = {0}, filled[STAGES_MAX] = {0};
	if (!all)
		return;
	for (size_t i = 0; i < plan->stage_count; i++)
		plan->stages[i].count = 0;
	for (size_t i = 0; i < cutter->graph->count; i++)
		plan->stages[plan->stage_of[i]].count++;
	for (size_t i = 1; i < plan->stage_count; i++)
		begin[i] = begin[i - 1] + plan->stages[i - 1].count;
	for (size_t i = 0; i < cutter->graph->count; i++) {
		size_t step = cutter->graph->order[i], stage = plan->stage_of[step];
		all[begin[stage] + filled[stage]++] = step;
	}
	for (size_t i = 0; i < plan->stage_count; i++)
		plan->stages[i].steps = all + begin[i];
}

/* A key that is read in the record is the writers' promise: nothing is sent on by it. */
static void note_promise(struct cutter *cutter, const struct stage *stage, const struct step *step, const char *key)
{
	const char *path = cutter->graph->spec->input.key;
	if (stage->boundary == BOUNDARY_REQUEST && path && strcmp(key, "key") != 0)
		note_add(cutter->compiler, &cutter->plan->notes, step->place,
			 "step `%s` assumes that records are written to the topic with the key `%s`; if that is not certain, "
			 "remove `input.key`, and each record is first sent on with that key",
			 step->name, path);
}

/* What the observers of a stage remember. */
static const char *observed_state(const struct cutter *cutter, size_t stage)
{
	const char *state = NULL;
	for (size_t i = 0; i < cutter->graph->count; i++) {
		if (cutter->plan->stage_of[i] != stage)
			continue;
		const struct step step = step_seen(cutter->graph, i);
		state = arena_print(cutter->compiler->arena, "%s%s%s of step `%s`", state ? state : "", state ? ", " : "",
				    graph_step_watches(cutter->graph, graph_step_watched(cutter->graph, i)) ? "the open window"
													    : "the past",
				    step.name);
	}
	return state;
}

/* What a stage must remember from one record to the next. */
static void find_state(struct cutter *cutter)
{
	struct arena *arena = cutter->compiler->arena;
	const struct graph *graph = cutter->graph;
	for (size_t i = 0; i < cutter->plan->stage_count; i++) {
		struct stage *stage = &cutter->plan->stages[i];
		if (stage->boundary == BOUNDARY_JOIN)
			stage->state = "the parts of a request that wait for the others";
		if (i > 0 && i == cutter->root)
			stage->state = "the parts of a request from other pipelines that wait for the others";
		bool joins = stage->state != NULL;
		stage->joins = joins;
		for (size_t j = 0; j < stage->count && !stage->risk; j++) {
			const char *key = wanted_key(cutter, stage->steps[j]);
			const struct step step = step_seen(graph, stage->steps[j]);
			bool remembers = key || (step.kind && step_is_stateful(&step));
			if (remembers)
				stage->risk = joins ? "after a crash, the state of its steps may count a request twice"
						    : "after a crash, it may count a request twice";
			if (graph->steps[stage->steps[j]].key) {
				stage->state = observed_state(cutter, i);
			} else if (remembers && step_explains(&step) && !joins) {
				stage->state = arena_print(arena, "the open window of importance of step `%s`", step.name);
			} else if (key && !joins) {
				note_promise(cutter, stage, &step, key);
				stage->state = arena_print(arena, "the state of step `%s` for each `%s`", step.name, key);
			} else if (remembers && !joins) {
				stage->state = arena_print(arena, "the state of step `%s` for each key of a record", step.name);
			}
		}
	}
}

static const char *first_reason(const struct cutter *cutter)
{
	const struct graph *graph = cutter->graph;
	const char *reason = "requests arrive here";
	for (size_t i = 0; reason && i < graph->inputs.count; i++) {
		const struct external *external = &graph->inputs.items[i];
		reason = arena_print(cutter->compiler->arena, "%s%s `%s`", reason, i ? "," : ", and an input from pipeline",
				     external->pipeline);
	}
	return reason;
}

/* A first stage without a step, before one of the same key, would only copy: the next
 * reads the request itself. What others read of the request travels in its records. */
static void drop_empty_first(struct cutter *cutter)
{
	struct pipeline_plan *plan = cutter->plan;
	size_t children = 0, steps = 0;
	for (size_t i = 1; i < plan->stage_count; i++)
		children += plan->stages[i].parents & 1;
	for (size_t i = 0; i < cutter->graph->count; i++)
		steps += plan->stage_of[i] == 0;
	if (steps > 0 || children != 1 || plan->stages[1].key)
		return;
	plan->stages[1].name = plan->stages[0].name;
	plan->stages[1].boundary = plan->stages[0].boundary;
	plan->stages[1].reason = plan->stages[0].reason;
	plan->stage_count--;
	plan->answer_stage -= plan->answer_stage > 0;
	for (size_t i = 0; i < cutter->graph->count; i++)
		plan->stage_of[i]--;
	for (size_t i = 0; i < plan->stage_count; i++) {
		plan->stages[i] = plan->stages[i + 1];
		plan->stages[i].parents >>= 1;
		plan->stages[i].ancestors >>= 1;
	}
}

/* Requests come from several topics, whose partitions need not agree: they are brought
 * together by their id before anything else. */
static void gather_inputs(struct cutter *cutter)
{
	if (external_points(cutter->graph) < 2)
		return;
	cutter->from = stage_bit(0);
	cutter->root = begin_stage(cutter, BOUNDARY_JOIN, STAGE_KEY_ID,
				   "the results of its external inputs for one request are joined by the request's id");
	cutter->plan->stages[cutter->root].name = "inputs";
}

/* Most pipelines have one of the STAGES_MAX: of ten thousand the room would be a fifth of the plan. */
static void trim_stages(struct compiler *compiler, struct pipeline_plan *plan)
{
	struct stage *stages = ARENA_ARRAY(compiler->arena, struct stage, plan->stage_count + 1);
	if (stages)
		memcpy(stages, plan->stages, plan->stage_count * sizeof *stages);
	plan->stages = stages;
}

void plan_stages(struct compiler *compiler, struct pipeline_plan *plan)
{
	struct stage all[STAGES_MAX] = {0};
	const struct graph *graph = plan->graph;
	struct cutter cutter = {.compiler = compiler, .plan = plan, .graph = graph};
	plan->stages = all;
	plan->stage_of = ARENA_ARRAY(compiler->arena, size_t, graph->count);
	if (!plan->stage_of) {
		plan->stages = NULL;
		return;
	}
	for (size_t i = 0; i < graph->count; i++)
		plan->stage_of[i] = STAGE_NONE;
	cutter.step = STEP_NONE;
	begin_stage(&cutter, BOUNDARY_REQUEST, NULL, first_reason(&cutter));
	gather_inputs(&cutter);
	for (size_t i = 0; i < graph->count; i++) {
		cutter.step = graph->order[i];
		plan->stage_of[cutter.step] = stage_for(&cutter);
	}
	cutter.step = STEP_NONE;
	cutter.from = stages_of(&cutter, &graph->output);
	plan->answer_stage = cutter.root;
	if (graph->has_output) {
		size_t last = last_of(&cutter, cutter.from);
		plan->answer_stage = last == STAGE_NONE ? join_stage(&cutter) : last;
	}
	check_edges(&cutter);
	drop_empty_first(&cutter);
	check_offspring(&cutter);
	list_steps(&cutter);
	find_state(&cutter);
	trim_stages(compiler, plan);
}
