/* shared_observers.c: Observers that watch the same messages, and so share a stage and its records. Part of plan_stages(). */
#include "compiler/plan/compile.h"

/* Whether all that comes to the step leaves it, with what it adds. */
static bool step_marks_all(const struct graph_step *step)
{
	const struct step_spec *spec = step->spec;
	const struct monitor_rules *rules = spec->kind ? spec->kind->monitors : NULL;
	return rules && (rules->only_marks || rules->flag) && !spec->when && spec->outputs.count == 0 &&
	       step->triggers.count == 0 && !step->on_cycle;
}

/* The step whose outputs are all that comes to this one; STEP_NONE: there is no such step. */
static size_t step_before(const struct graph_step *step)
{
	const struct source *source = step->inputs.sources;
	const bool whole = step->inputs.count == 1 && source->point == SOURCE_STEP_OUTPUTS && source->tensor.length == 0 &&
			   source->rename_count == 0;
	return whole ? source->step : STEP_NONE;
}

/* The first step to which comes what comes to this one, through steps that mark. A graph with faults may lead in a circle. */
static const struct graph_step *watched_point(const struct graph *graph, size_t step)
{
	for (size_t i = 0, before; i < graph->count; i++, step = before) {
		before = step_before(&graph->steps[step]);
		if (before == STEP_NONE || !step_marks_all(&graph->steps[before]))
			break;
	}
	return &graph->steps[step];
}

static bool sources_are(const struct source *a, const struct source *b)
{
	return a->point == b->point && a->step == b->step && text_equal(a->tensor, b->tensor) && a->rename_count == 0 &&
	       b->rename_count == 0;
}

/* Whether an output of the step may go to one of its readers alone. */
static bool source_chooses(const struct graph *graph, const struct source *source)
{
	const struct step_kind *kind = source->step == STEP_NONE ? NULL : graph->steps[source->step].spec->kind;
	return kind && kind->routes;
}

static bool point_is(const struct graph *graph, const struct graph_step *a, const struct graph_step *b)
{
	bool same = a->inputs.count == b->inputs.count && a->inputs.type == JOIN_INNER && b->inputs.type == JOIN_INNER &&
		    a->triggers.count + b->triggers.count == 0 && !a->on_cycle && !b->on_cycle;
	for (size_t i = 0; same && i < a->inputs.count; i++)
		same = sources_are(&a->inputs.sources[i], &b->inputs.sources[i]) && !source_chooses(graph, &a->inputs.sources[i]);
	return a == b || same;
}

/* Whether the step gets each message that comes to it. */
static bool comes_always(const struct graph *graph, size_t step)
{
	return graph->steps[step].triggers.count == 0 && !graph->steps[step].spec->when;
}

bool plan_observers_meet(const struct graph *graph, size_t observer, size_t other)
{
	if (graph->steps[observer].inputs.count == 0 || graph->steps[other].inputs.count == 0) /* of a graph with faults */
		return false;
	const struct step one = step_seen(graph, observer), two = step_seen(graph, other);
	const size_t watched = graph_step_watched(graph, observer), also = graph_step_watched(graph, other);
	return step_facts(&one).slices == step_facts(&two).slices && comes_always(graph, watched) && comes_always(graph, also) &&
	       point_is(graph, watched_point(graph, watched), watched_point(graph, also));
}
