/* feeds.c: which pipelines read what others give, so that those topics are written, and
 * whether one gets back what it gave: its records would never stop; and which would take
 * records from each other. Part of plan_make().
 */
#include "plan/compile.h"

#include "spec/fault_codes.h"

static void mark_read(struct compiler *compiler, const struct externals *externals)
{
	for (size_t i = 0; i < externals->count; i++) {
		const struct external *external = &externals->items[i];
		size_t index = names_find(&compiler->pipelines, text_of(external->pipeline));
		if (!external->step || index == NAME_NONE)
			continue;
		const struct graph *graph = compiler->plan->pipelines[index].graph;
		size_t step = graph_find(graph, external->step);
		if (step == STEP_NONE)
			continue;
		bool **flags = &compiler->read_topics[index];
		if (!*flags)
			*flags = ARENA_ARRAY(compiler->arena, bool, 2 * graph->count);
		if (*flags)
			(*flags)[2 * step + (external->point == SOURCE_STEP_OUTPUTS)] = true;
	}
}

/* ---- pipelines in a circle ---- */

enum colour { WHITE, GREY, BLACK };

struct frame {
	size_t pipeline;
	size_t next; /* of its external inputs and, behind them, triggers */
};

struct walk {
	struct compiler *compiler;
	unsigned char *colours;
	struct frame *stack;
	size_t depth;
};

static const struct external *nth_external(const struct graph *graph, size_t nth)
{
	if (nth < graph->inputs.count)
		return &graph->inputs.items[nth];
	nth -= graph->inputs.count;
	return nth < graph->triggers.count ? &graph->triggers.items[nth] : NULL;
}

static void push(struct walk *walk, size_t pipeline)
{
	walk->colours[pipeline] = GREY;
	walk->stack[walk->depth++] = (struct frame){pipeline, 0};
}

/* Goes against the flow, to those that feed. What another pipeline was sent is not what
 * it gave, so its inputs lead nowhere. */
static void walk_from(struct walk *walk, size_t root)
{
	const struct plan *plan = walk->compiler->plan;
	push(walk, root);
	while (walk->depth) {
		struct frame *frame = &walk->stack[walk->depth - 1];
		const struct graph *graph = plan->pipelines[frame->pipeline].graph;
		const struct external *external = nth_external(graph, frame->next++);
		if (!external) {
			walk->colours[frame->pipeline] = BLACK;
			walk->depth--;
			continue;
		}
		size_t source = names_find(&walk->compiler->pipelines, text_of(external->pipeline));
		if (source == NAME_NONE || external->point == SOURCE_REQUEST)
			continue;
		if (walk->colours[source] == WHITE)
			push(walk, source);
		else if (walk->colours[source] == GREY && !graph->spec->allow_cycles)
			fault_add(walk->compiler->spec->faults, CODE_CYCLE, external->place, NULL,
				  "pipeline `%s` reads what comes of its own outputs by way of pipeline `%s`: a cycle that never "
				  "ends",
				  graph->name, external->pipeline);
	}
}

bool plan_feeds(struct compiler *compiler)
{
	struct plan *plan = compiler->plan;
	struct walk walk = {
		.compiler = compiler,
		.colours = ARENA_ARRAY(compiler->arena, unsigned char, plan->count + 1),
		.stack = ARENA_ARRAY(compiler->arena, struct frame, plan->count + 1),
	};
	compiler->read_topics = ARENA_ARRAY(compiler->arena, bool *, plan->count + 1);
	if (arena_failed(compiler->arena))
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		mark_read(compiler, &plan->pipelines[i].graph->inputs);
		mark_read(compiler, &plan->pipelines[i].graph->triggers);
		if (walk.colours[i] == WHITE)
			walk_from(&walk, i);
	}
	return !arena_failed(compiler->arena);
}

/* ---- one topic and one group ---- */

/* In one group a topic's records are shared out: each of two readers would miss some. */
void plan_readers(const struct compiler *compiler)
{
	const struct plan *plan = compiler->plan;
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct pipeline_plan *one = &plan->pipelines[i], *other = &plan->pipelines[j];
			if (strcmp(one->group, other->group) != 0 || strcmp(one->topics[0].name, other->topics[0].name) != 0)
				continue;
			struct place place = one->graph->spec->input.topic_place;
			fault_add(compiler->spec->faults, CODE_TWO_READERS,
				  place.line > 0 ? place : other->graph->spec->input.topic_place, NULL,
				  "pipelines `%s` and `%s` read the same topic `%s` in one group, so each would see a part of it "
				  "only; let `%s` read what `%s` does, by `externalInputs: [%s.inputs]` in place of `topic`",
				  other->graph->name, one->graph->name, one->topics[0].name, one->graph->name, other->graph->name,
				  other->graph->name);
			break;
		}
}
