/* step_order.c: Order of the steps, each after its sources, and the cycles where no such order exists. Part of
 * graph_build().
 *
 * The order is the reverse postorder of a search from the request along the readers. The search enters a cycle where
 * the request enters it, and the edges that lead back to a step still in the search are exactly those that close
 * cycles.
 */
#include "compiler/graph/build.h"

#include "compiler/yaml/fault_codes.h"

#define CYCLE_NAMES_MAX 8 /* of a cycle's steps in its fault: enough to see it */

enum order_colour { WHITE, GREY, BLACK };

struct order_frame {
	size_t step;
	size_t edge; /* behind the next one to follow, which goes down */
};

struct search {
	struct graph_build *build;
	unsigned char *colours;
	struct order_frame *stack;
	size_t depth;
	size_t *order;
	size_t free; /* order[free...] is filled in */
};

static size_t count_edges(const struct join *join, size_t *counts)
{
	size_t total = 0;
	for (size_t i = 0; i < join->count; i++)
		if (join->sources[i].step != STEP_NONE) {
			counts[join->sources[i].step]++;
			total++;
		}
	return total;
}

static void put_edges(struct graph_build *build, const struct join *join, size_t reader, bool trigger, size_t *at)
{
	for (size_t i = 0; i < join->count; i++)
		if (join->sources[i].step != STEP_NONE)
			build->edges[at[join->sources[i].step]++] = (struct edge){reader, &join->sources[i], trigger};
}

static bool build_edges(struct graph_build *build)
{
	const struct graph *graph = build->graph;
	size_t total = 0;
	size_t *counts = ARENA_ARRAY(build->arena, size_t, graph->count);
	build->edge_begin = ARENA_ARRAY(build->arena, size_t, graph->count + 1);
	if (arena_failed(build->arena))
		return false;
	for (size_t i = 0; i < graph->count; i++)
		total += count_edges(&graph->steps[i].inputs, counts) + count_edges(&graph->steps[i].triggers, counts);
	build->edges = ARENA_ARRAY(build->arena, struct edge, total + 1);
	if (!build->edges)
		return false;
	for (size_t i = 0; i < graph->count; i++) {
		build->edge_begin[i + 1] = build->edge_begin[i] + counts[i];
		counts[i] = build->edge_begin[i]; /* from here on: where its next edge goes */
	}
	for (size_t i = 0; i < graph->count; i++) {
		put_edges(build, &graph->steps[i].inputs, i, false, counts);
		put_edges(build, &graph->steps[i].triggers, i, true, counts);
	}
	return true;
}

/* "a -> b -> a", the steps on the stack from `entry` on. */
static const char *cycle_text(const struct search *search, size_t entry)
{
	const struct graph *graph = search->build->graph;
	size_t begin = search->depth;
	while (begin > 0 && search->stack[begin - 1].step != entry)
		begin--;
	begin = begin ? begin - 1 : 0;
	const char *text = "";
	for (size_t i = begin; text && i < search->depth; i++) {
		if (i - begin == CYCLE_NAMES_MAX) {
			text = arena_print(search->build->arena, "%s... -> ", text);
			break;
		}
		text = arena_print(search->build->arena, "%s%s -> ", text, graph->steps[search->stack[i].step].name);
	}
	return text ? arena_print(search->build->arena, "%s%s", text, graph->steps[entry].name) : NULL;
}

/* The step on top of the stack is read by one that the search came through. */
static void meet_cycle(struct search *search, size_t edge)
{
	struct graph_build *build = search->build;
	size_t source = search->stack[search->depth - 1].step;
	size_t reader = build->edges[edge].reader;
	build->graph->cyclic = true;
	/* Two references of one step to another are one cycle. */
	bool first = edge == build->edge_begin[source] || build->edges[edge - 1].reader != reader;
	if (build->graph->spec->allow_cycles || !first)
		return;
	struct place place = build->edges[edge].source->place;
	const char *name = build->graph->steps[reader].name;
	if (source == reader) {
		fault_add(build->faults, CODE_SELF_REFERENCE, place, NULL,
			  "step `%s` of pipeline `" TEXT_FORMAT "` reads itself: a cycle", name, TEXT_ARGUMENTS(build->pipeline));
		return;
	}
	const char *text = cycle_text(search, reader);
	fault_add(build->faults, CODE_CYCLE, place, NULL, "pipeline `" TEXT_FORMAT "` has a cycle: %s",
		  TEXT_ARGUMENTS(build->pipeline), text ? text : name);
}

static void order_push(struct search *search, size_t step)
{
	search->colours[step] = GREY;
	search->stack[search->depth++] = (struct order_frame){step, search->build->edge_begin[step + 1]};
}

static void search_from(struct search *search, size_t root)
{
	const struct graph_build *build = search->build;
	if (search->colours[root] != WHITE)
		return;
	order_push(search, root);
	while (search->depth) {
		struct order_frame *frame = &search->stack[search->depth - 1];
		if (frame->edge == build->edge_begin[frame->step]) {
			search->colours[frame->step] = BLACK;
			search->order[--search->free] = frame->step;
			search->depth--;
			continue;
		}
		size_t edge = --frame->edge;
		size_t reader = build->edges[edge].reader;
		if (search->colours[reader] == WHITE)
			order_push(search, reader);
		else if (search->colours[reader] == GREY)
			meet_cycle(search, edge);
	}
}

static bool reads_request(const struct join *join)
{
	for (size_t i = 0; i < join->count; i++)
		if (join->sources[i].step == STEP_NONE)
			return true;
	return false;
}

/* The steps from which one comes back to oneself: the strongly connected components,
 * flooded against the edges in the order that the search gave. */
static void mark_cycles(struct graph_build *build, const size_t *order, size_t *stack)
{
	struct graph *graph = build->graph;
	unsigned char *seen = ARENA_ARRAY(build->arena, unsigned char, graph->count);
	if (!seen)
		return;
	for (size_t i = 0; i < graph->count; i++) {
		size_t depth = 0, root = order[i];
		if (seen[root])
			continue;
		seen[root] = 1;
		stack[depth++] = root;
		while (depth) {
			const struct graph_step *step = &graph->steps[stack[--depth]];
			const struct join *joins[] = {&step->inputs, &step->triggers};
			for (size_t j = 0; j < 2; j++)
				for (size_t k = 0; k < joins[j]->count; k++) {
					size_t source = joins[j]->sources[k].step;
					if (source == root)
						graph->steps[root].on_cycle = true;
					if (source == STEP_NONE || seen[source])
						continue;
					seen[source] = 1;
					graph->steps[source].on_cycle = true;
					stack[depth++] = source;
				}
		}
	}
}

void build_order(struct graph_build *build)
{
	struct graph *graph = build->graph;
	size_t *order = ARENA_ARRAY(build->arena, size_t, graph->count);
	struct search search = {
		.build = build,
		.colours = ARENA_ARRAY(build->arena, unsigned char, graph->count),
		.stack = ARENA_ARRAY(build->arena, struct order_frame, graph->count),
		.order = order,
		.free = graph->count,
	};
	if (arena_failed(build->arena) || !build_edges(build))
		return;
	for (size_t i = graph->count; i-- > 0;)
		if (reads_request(&graph->steps[i].inputs))
			search_from(&search, i);
	for (size_t i = graph->count; i-- > 0;)
		search_from(&search, i);
	graph->order = order;
	if (!graph->cyclic)
		return;
	size_t *stack = ARENA_ARRAY(build->arena, size_t, graph->count);
	if (stack)
		mark_cycles(build, order, stack);
}
