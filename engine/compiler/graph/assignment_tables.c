/* assignment_tables.c: Tables of the steps that split messages among choices (compiler/step/assignment.h). A table is the recorded
 * one or, if there is none, follows from the names and weights of the choices alone. */
#include "compiler/graph/build.h"
#include "compiler/step/assignment_table.h"

/* The shares of a step; 0: it has none that could be used. */
static size_t shares_of(const struct graph *graph, size_t index, struct share *shares)
{
	const struct step_spec *spec = graph->steps[index].spec;
	struct step step = step_seen(graph, index);
	size_t count = 0;
	const struct route_rules *rules = spec->kind && spec->options ? spec->kind->routes : NULL;
	if (!rules || !rules->shares)
		return 0;
	for (struct share share; rules->shares(&step, count, &share); count++) {
		if (count == ASSIGNMENT_WAYS_MAX || !share.name)
			return 0;
		shares[count] = share;
	}
	return count;
}

size_t graph_shares(const struct graph *graph, size_t step, struct share *shares, size_t *buckets)
{
	const struct graph_experiment *experiment = graph->steps[step].experiment;
	const struct assignment *assignment = experiment ? experiment->assignment : graph->steps[step].assignment;
	size_t count = experiment ? experiment->count : assignment ? shares_of(graph, step, shares) : 0;
	for (size_t i = 0; experiment && i < count; i++)
		shares[i] = experiment->shares[i];
	for (size_t i = 0; i < count; i++)
		buckets[i] = 0;
	for (size_t i = 0; count > 0 && i < ASSIGNMENT_BUCKETS; i++)
		buckets[assignment->ways[i]]++;
	return count;
}

void build_shares(struct graph_build *build)
{
	struct graph *graph = build->graph;
	for (size_t i = 0; i < graph->count; i++) {
		struct share shares[ASSIGNMENT_WAYS_MAX];
		size_t count = shares_of(graph, i, shares);
		const char *choice = arena_print(build->arena, "%s/%s", graph->name, graph->steps[i].name);
		if (count > 0 && choice)
			graph->steps[i].assignment =
				assignment_choose(build->arena, build->spec->tables, choice, shares, count);
	}
}
