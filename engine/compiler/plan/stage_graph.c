/* stage_graph.c: Part of the graph that each stage of a pipeline runs, its view of the other parts, and the contents
 * of its records to later stages; and the part of the relay of feedback. Part of plan_make().
 *
 * A stage's graph has all steps of the pipeline under their own numbers, so that errors name them and joins find
 * them. Its part marks the steps that run in the stage.
 */
#include "message/key.h"
#include "compiler/plan/compile.h"

struct parting {
	struct compiler *compiler;
	const struct pipeline_plan *plan;
	const struct graph *graph;
	size_t stage;
};

/* It and all that its records reach. */
static uint64_t reached_from(const struct pipeline_plan *plan, size_t stage)
{
	uint64_t reached = 0;
	for (size_t i = 0; i < plan->stage_count; i++)
		if (stage_reads(&plan->stages[i], stage))
			reached |= stage_bit(i);
	return reached;
}

static enum step_side side_of(const struct parting *parting, size_t step)
{
	size_t its = parting->plan->stage_of[step];
	if (its == parting->stage)
		return STEP_HERE;
	if (stage_reads(&parting->plan->stages[parting->stage], its))
		return STEP_BEFORE;
	return stage_reads(&parting->plan->stages[its], parting->stage) ? STEP_AFTER : STEP_APART;
}

/* Whether every way to the answer leads through here. */
static bool stage_graph_decides(const struct parting *parting)
{
	const struct pipeline_plan *plan = parting->plan;
	if (!parting->graph->has_output)
		return false;
	uint64_t on_the_way = plan->stages[plan->answer_stage].ancestors;
	uint64_t known = plan->stages[parting->stage].ancestors | reached_from(plan, parting->stage);
	return (on_the_way & stage_bit(parting->stage)) != 0 && (on_the_way & ~known) == 0;
}

/* ---- what the stages behind need ---- */

static bool text_contains(struct text text, struct text word)
{
	for (size_t i = 0; word.length && i + word.length <= text.length; i++)
		if (memcmp(text.bytes + i, word.bytes, word.length) == 0)
			return true;
	return false;
}

/* Whether an expression in these options has that word in it; of those that are kept
 * nowhere nobody knows. */
static bool rows_mention(const struct option *rows, const void *options, struct text word)
{
	for (const struct option *row = rows; row && row->type != OPTION_END; row++) {
		bool kept = options && row->offset != OPTION_UNSTORED;
		const void *value = kept ? (const unsigned char *)options + row->offset : NULL;
		const struct item_list *list = value;
		bool mentioned = false;
		if (row->type == OPTION_EXPRESSION && kept) {
			const struct expression *expression = *(const struct expression *const *)value;
			mentioned = expression && text_contains(expression_source(expression), word);
		} else if (row->type == OPTION_EXPRESSION) {
			mentioned = true;
		} else if (row->type == OPTION_MAP || !kept) {
			mentioned = rows_mention(row->rows, value, word);
		}
		bool items = kept && (row->type == OPTION_LIST || row->type == OPTION_TABLE);
		for (size_t i = 0; items && i < list->count && !mentioned; i++)
			mentioned = rows_mention(row->rows, (const unsigned char *)list->items + i * row->item_size, word);
		const struct operation *operations = kept && row->type == OPTION_OPERATIONS ? list->items : NULL;
		for (size_t i = 0; operations && i < list->count && !mentioned; i++)
			mentioned = rows_mention(operations[i].row->rows, operations[i].options, word);
		if (mentioned)
			return true;
	}
	return false;
}

static bool step_mentions(const struct step_spec *spec, struct text word)
{
	if (spec->when && text_contains(expression_source(spec->when), word))
		return true;
	return spec->kind && rows_mention(spec->kind->options, spec->options, word);
}

struct needs {
	bool *inputs, *outputs;
	bool request;
};

static void need_sources(struct needs *needs, const struct join *join)
{
	for (size_t i = 0; i < join->count; i++) {
		const struct source *source = &join->sources[i];
		if (source->step == STEP_NONE)
			needs->request = true;
		else
			(source->point == SOURCE_STEP_INPUTS ? needs->inputs : needs->outputs)[source->step] = true;
	}
}

static void need_mentioned(const struct graph *graph, struct needs *needs, const struct step_spec *spec)
{
	for (size_t i = 0; i < graph->count; i++)
		needs->outputs[i] |= step_mentions(spec, text_of(graph->steps[i].name));
	needs->request |= step_mentions(spec, TEXT("request")) || step_mentions(spec, TEXT("params"));
}

static bool expression_mentions(const struct expression *expression, struct text word)
{
	return expression && text_contains(expression_source(expression), word);
}

/* Metrics are counted with the answer, in the stage that gives it. */
static bool metrics_mention(const struct graph *graph, struct text word)
{
	const struct metric_spec *metrics = graph->spec->metrics.items;
	for (size_t i = 0; i < graph->spec->metrics.count; i++) {
		const struct metric_label *labels = metrics[i].labels.items;
		if (expression_mentions(metrics[i].value, word))
			return true;
		for (size_t j = 0; j < metrics[i].labels.count; j++)
			if (expression_mentions(labels[j].value, word))
				return true;
	}
	return false;
}

/* What goes from this stage to `to`: what that and those behind it read and this one,
 * or one before it, made. */
static bool fill_needs(const struct parting *parting, size_t to, struct needs *needs)
{
	const struct pipeline_plan *plan = parting->plan;
	const struct graph *graph = parting->graph;
	uint64_t behind = reached_from(plan, to);
	needs->inputs = ARENA_ARRAY(parting->compiler->arena, bool, graph->count);
	needs->outputs = ARENA_ARRAY(parting->compiler->arena, bool, graph->count);
	if (!needs->inputs || !needs->outputs)
		return false;
	for (size_t i = 0; i < graph->count; i++) {
		if (!(behind & stage_bit(plan->stage_of[i])))
			continue;
		need_sources(needs, &graph->steps[i].inputs);
		need_sources(needs, &graph->steps[i].triggers);
		need_mentioned(graph, needs, graph->steps[i].spec);
	}
	if (graph->has_output && behind & stage_bit(plan->answer_stage))
		need_sources(needs, &graph->output);
	if (behind & stage_bit(plan->answer_stage))
		needs->request |= metrics_mention(graph, TEXT("request")) || metrics_mention(graph, TEXT("params"));
	for (size_t i = 0; i < graph->count; i++) {
		bool known = stage_reads(&plan->stages[parting->stage], plan->stage_of[i]);
		needs->inputs[i] &= known;
		needs->outputs[i] &= known;
	}
	return true;
}

/* ---- where a record goes ---- */

/* All stages whose records meet somewhere behind `to` with those that go there: either
 * all of them get a record of a message, or none. */
static uint64_t bound_together(const struct parting *parting, size_t to)
{
	const struct pipeline_plan *plan = parting->plan;
	uint64_t behind = reached_from(plan, parting->stage) & ~stage_bit(parting->stage);
	uint64_t all = reached_from(plan, to), before;
	do {
		before = all;
		for (size_t i = 0; i < plan->stage_count; i++)
			if (all & stage_bit(i))
				all |= (plan->stages[i].ancestors & behind) | reached_from(plan, i);
	} while (all != before);
	return all;
}

static bool joins_others(const struct parting *parting, uint64_t together)
{
	const struct pipeline_plan *plan = parting->plan;
	uint64_t from_here = reached_from(plan, parting->stage);
	for (size_t i = 0; i < plan->stage_count; i++)
		if (together & stage_bit(i) && plan->stages[i].parents & ~from_here)
			return true;
	return false;
}

/* The key of an observer's records names nothing of a message. Empty: another step's does, or memory ran out. */
static struct text key_of_observer(const struct parting *parting, size_t step)
{
	const struct expression *key = parting->graph->steps[step].key;
	const struct scope nothing = {0};
	struct error error = {0};
	const struct tensor *made = key ? expression_evaluate(key, &nothing, parting->compiler->arena, &error) : NULL;
	return made ? key_of_tensor(made, parting->compiler->arena) : (struct text){0};
}

static void choose_key(const struct parting *parting, struct graph_next *next)
{
	const struct pipeline_plan *plan = parting->plan;
	const struct stage *from = &plan->stages[parting->stage], *to = &plan->stages[next->stage];
	if (!to->key)
		next->key = STAGE_KEY_CLIENT;
	else if (strings_equal(to->key, from->key))
		next->key = STAGE_KEY_SAME;
	else if (strings_equal(to->key, STAGE_KEY_ID))
		next->key = STAGE_KEY_REQUEST_ID;
	for (size_t i = 0; i < to->count && to->key && !strings_equal(to->key, from->key); i++) {
		const struct expression *expression = step_key(parting->graph, to->steps[i]);
		if (!expression || !text_is(expression_source(expression), to->key))
			continue;
		next->key = STAGE_KEY_EXPRESSION;
		next->key_step = to->steps[i];
		next->key_expression = expression;
		next->key_text = key_of_observer(parting, to->steps[i]);
		break;
	}
}

/* Lists the observers of a stage, in the order of their numbers, which is that of the steps that they watch. */
static bool fill_observers(const struct parting *parting, size_t to, struct graph_next *next)
{
	const struct graph *graph = parting->graph;
	size_t *observers = ARENA_ARRAY(parting->compiler->arena, size_t, parting->plan->stages[to].count);
	const char **names = ARENA_ARRAY(parting->compiler->arena, const char *, parting->plan->stages[to].count);
	if (!observers || !names)
		return false;
	next->observers = observers;
	next->observer_names = names;
	for (size_t i = 0; plan_stage_observes(parting->plan, to) && i < graph->count; i++) {
		if (parting->plan->stage_of[i] != to)
			continue;
		const struct step step = step_seen(graph, i);
		next->slices = step_facts(&step).slices; /* as the others (plan_observers_meet()) */
		next->truths |= step_facts(&step).awaits_truths;
		names[next->observer_count] = step.name;
		observers[next->observer_count++] = i;
	}
	for (size_t i = 0; i < graph->count; i++)
		next->results |= next->outputs[i] || (next->inputs[i] && !next->slices);
	return true;
}

static bool fill_next(const struct parting *parting, size_t to, struct graph_next *next)
{
	const struct pipeline_plan *plan = parting->plan;
	struct needs needs = {0};
	bool *steps = ARENA_ARRAY(parting->compiler->arena, bool, parting->graph->count);
	uint64_t together = bound_together(parting, to);
	if (!steps || !fill_needs(parting, to, &needs))
		return false;
	for (size_t i = 0; i < parting->graph->count; i++)
		steps[i] = (together & stage_bit(plan->stage_of[i])) != 0;
	*next = (struct graph_next){
		.stage = to,
		.steps = steps,
		.answer = parting->graph->has_output && together & stage_bit(plan->answer_stage),
		.always = joins_others(parting, together),
		.inputs = needs.inputs,
		.outputs = needs.outputs,
		.request = needs.request,
	};
	choose_key(parting, next);
	return fill_observers(parting, to, next);
}

/* ---- where records come from ---- */

static void fill_parents(const struct parting *parting, struct graph_part *part)
{
	const struct pipeline_plan *plan = parting->plan;
	const char **names = ARENA_ARRAY(parting->compiler->arena, const char *, plan->stage_count);
	for (size_t i = 0; names && i < plan->stage_count; i++)
		if (plan->stages[parting->stage].parents & stage_bit(i))
			names[part->parent_count++] = plan->stages[i].name;
	part->parents = names;
}

/* Where the stage that is to get the outcomes of its experiments is. */
static size_t onward_find(const struct parting *parting, const struct graph_part *part)
{
	const size_t onward = plan_stage_onward(parting->plan, parting->stage);
	for (size_t i = 0; i < part->next_count; i++)
		if (part->next[i].stage == onward)
			return i;
	return STEP_NONE;
}

/* How long one of its joins may wait; of a stage without a step that joins for those behind it, one of theirs. */
static int64_t longest_window_ms(const struct parting *parting, const struct graph *graph, const struct graph_part *part)
{
	if (parting->plan->stages[parting->stage].parents == 0 || part->gathers)
		return graph->inputs.window_ms;
	int64_t longest_ms = part->answers ? graph->output.window_ms : 0;
	bool steps = part->answers || parting->plan->stages[parting->stage].count > 0;
	for (size_t i = 0; i < graph->count; i++)
		if (part->sides[i] == (steps ? STEP_HERE : STEP_AFTER) && graph->steps[i].inputs.window_ms > longest_ms)
			longest_ms = graph->steps[i].inputs.window_ms;
	return longest_ms;
}

/* ---- the part ---- */

static const struct graph *part_make(const struct parting *parting)
{
	struct arena *arena = parting->compiler->arena;
	const struct pipeline_plan *plan = parting->plan;
	struct graph *graph = ARENA_NEW(arena, struct graph);
	struct graph_part *part = ARENA_NEW(arena, struct graph_part);
	unsigned char *sides = ARENA_ARRAY(arena, unsigned char, parting->graph->count);
	struct graph_next *next = ARENA_ARRAY(arena, struct graph_next, plan->stage_count);
	if (arena_failed(arena))
		return NULL;
	*graph = *parting->graph;
	graph->part = part;
	graph->cyclic = false;
	for (size_t i = 0; i < graph->count; i++) {
		sides[i] = (unsigned char)side_of(parting, i);
		graph->cyclic |= sides[i] == STEP_HERE && graph->steps[i].on_cycle;
	}
	*part = (struct graph_part){
		.stage = parting->stage,
		.name = plan->stages[parting->stage].name,
		.own_key = !plan->stages[parting->stage].key,
		.gathers = parting->stage == 1 && external_points(graph) > 1,
		.sides = sides,
		.first = parting->stage == 0,
		.observes = plan_stage_observes(plan, parting->stage),
		.answers = graph->has_output && parting->stage == plan->answer_stage,
		.decides = stage_graph_decides(parting),
		.next = next,
	};
	for (size_t i = 0; i < plan->stage_count; i++)
		if (plan->stages[i].parents >> parting->stage & 1 && !fill_next(parting, i, &next[part->next_count++]))
			return NULL;
	fill_parents(parting, part);
	part->onward = onward_find(parting, part);
	part->judges = plan_stage_judges(parting->plan, parting->stage);
	part->window_ms = longest_window_ms(parting, graph, part);
	return graph;
}

void plan_stage_graphs(struct compiler *compiler, struct pipeline_plan *plan)
{
	plan->stages[0].graph = plan->graph;
	for (size_t i = 0; i < plan->stage_count && plan->stage_count > 1; i++) {
		const struct parting parting = {compiler, plan, plan->graph, i};
		plan->stages[i].graph = part_make(&parting);
	}
}

/* ---- the relay of feedback ---- */

bool plan_awaits_truths(const struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct step step = step_seen(graph, i);
		if (graph->steps[i].key && step_facts(&step).awaits_truths)
			return true;
	}
	return false;
}

/* Lists the stages of observers that wait for truths, as the stages before list them: but truths go alone. */
static size_t relay_fill(const struct pipeline_plan *plan, struct graph_next *list)
{
	uint64_t listed = 0;
	size_t count = 0;
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct graph_part *part = plan->stages[i].graph->part;
		for (size_t j = 0; part && j < part->next_count; j++) {
			if (!part->next[j].truths || listed & stage_bit(part->next[j].stage))
				continue;
			listed |= stage_bit(part->next[j].stage);
			list[count] = part->next[j];
			list[count].slices = list[count].request = false;
			list[count++].key = STAGE_KEY_EXPRESSION;
		}
	}
	return count;
}

void plan_truth_relay(struct compiler *compiler, struct pipeline_plan *plan)
{
	struct arena *arena = compiler->arena;
	if (!plan_awaits_truths(plan->graph))
		return;
	struct graph *graph = ARENA_NEW(arena, struct graph);
	struct graph_part *part = ARENA_NEW(arena, struct graph_part);
	struct graph_next *next = ARENA_ARRAY(arena, struct graph_next, plan->stage_count);
	unsigned char *sides = ARENA_ARRAY(arena, unsigned char, plan->graph->count);
	if (!graph || !part || !next || !sides)
		return;
	memset(sides, STEP_APART, plan->graph->count);
	*graph = *plan->graph;
	graph->part = part;
	graph->cyclic = false;
	*part = (struct graph_part){.stage = plan->stage_count,
				    .name = "feedback",
				    .sides = sides,
				    .observes = true,
				    .next_count = relay_fill(plan, next),
				    .next = next};
	plan->relay = graph;
}
