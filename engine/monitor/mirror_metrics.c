/* mirror_metrics.c: see mirror_metrics.h. */
#include "monitor/mirror_metrics.h"

#include "engine/setup/group_setup.h"
#include "monitor/subject_list.h"

size_t graph_count_mirrors(const struct graph *graph)
{
	size_t count = 0;
	for (size_t i = 0; i < graph->count; i++)
		count += graph_step_mirrors(graph, i);
	return count;
}

/* Adds the counts of a step in all workers of a group. */
static void step_add(const struct group *group, const struct counted *step, struct mirror_counts *sum)
{
	const struct step_counts *counts = step->counts;
	for (size_t i = 0; i < group->worker_count; i++)
		counts_add(sum, &counts[i].mirror, COUNT_WORDS(struct mirror_counts));
}

/* `step` NULL: of all steps. */
static void pipeline_add(const struct engine *engine, const char *pipeline, const char *step, struct mirror_counts *sum)
{
	for (const struct group *group = engine_groups(engine); group; group = group->next) {
		const struct counted_pipeline *found = counted_pipeline_find(group, pipeline);
		for (const struct counted *one = found ? found->steps : NULL; one; one = one->next)
			if (!step || strcmp(one->name, step) == 0)
				step_add(group, one, sum);
	}
}

struct mirror_counts mirror_counts_now(const struct engine *engine, const char *pipeline)
{
	struct mirror_counts sum = {0};
	pipeline_add(engine, pipeline, NULL, &sum);
	return sum;
}

void mirror_metrics_write(const struct engine *engine, const struct plan *plan, struct arena *arena, struct exposition *exposition)
{
	struct subject_list sums;
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++)
		count += graph_count_mirrors(plan->pipelines[i].graph);
	if (!subject_list_open(&sums, count, arena))
		return;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const struct graph *graph = pipeline->graph;
		for (size_t j = 0; j < graph->count; j++) {
			struct mirror_counts *sum = graph_step_mirrors(graph, j) ? ARENA_NEW(arena, struct mirror_counts) : NULL;
			if (!sum)
				continue;
			pipeline_add(engine, graph->name, graph->steps[j].name, sum);
			subject_list_add(&sums, (struct metric_subject){{text_of(pipeline->namespace), text_of(graph->name),
									 text_of(graph->steps[j].name)},
									sum});
		}
	}
	exposition_write(exposition, SCOPE_MIRROR, sums.items, sums.count);
}
