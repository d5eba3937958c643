/* drift_figures.c: see drift_figures.h. */
#include "monitor/alerts/drift_figures.h"

#include "compiler/resources/resource.h"

static void figures_tell(const struct drift_figures *figures, struct text group, const struct last_verdict *last, bool is_present)
{
	struct alert_values values = *figures->others;
	if (last->verdict != DRIFT_LEARNING) {
		values.drift_score = last->score;
		values.is_drift = last->verdict == DRIFT_FOUND;
		drift_cause_words(&last->cause, values.drift);
	}
	values.quality_alarm = last->quality_alarm;
	values.missing_share = last->missing_share;
	values.mistyped_share = last->mistyped_share;
	values.outside_share = last->outside_share;
	values.unseen_share = last->unseen_share;
	values.messages_per_minute = last->messages_per_minute;
	values.newest_age_ms = last->newest_age_ms;
	values.estimated_accuracy = last->accuracy;
	values.estimated_precision = last->precision;
	values.estimated_recall = last->recall;
	values.estimated_auc = last->auc;
	values.estimated_error = last->error;
	figures->take(figures->context, group, &values, is_present);
}

/* NULL: the step does not watch, or not with these segments. */
static struct verdict_entry *figures_entry(const struct drift_figures *figures, size_t step)
{
	const struct graph *graph = figures->graph;
	if (!graph_step_watches(graph, step) ||
	    (figures->segments_of && !alert_groups_as(figures->segments_of, graph->steps[step].spec)))
		return NULL;
	return verdict_board_entry(figures->board, graph->name, graph->steps[step].name);
}

/* ---- all segments together ---- */

/* The worst of the steps but one. */
static struct last_verdict worst_but(const struct drift_figures *figures, size_t left_out)
{
	struct last_verdict worst = verdict_unknown();
	for (size_t i = 0; i < figures->graph->count; i++) {
		struct verdict_entry *entry = i == left_out ? NULL : figures_entry(figures, i);
		if (!entry)
			continue;
		const struct last_verdict last = verdict_entry_judged(entry);
		verdict_fold(&worst, &last);
	}
	return worst;
}

static void step_tell(const struct drift_figures *figures, size_t step, const struct closed_windows *closed)
{
	const struct last_verdict others = worst_but(figures, step);
	for (size_t i = 0; i < closed->count; i++) {
		struct last_verdict last = closed->items[i].all;
		verdict_fold(&last, &others);
		figures_tell(figures, TEXT(""), &last, false);
	}
}

/* ---- each segment ---- */

/* The present verdicts of segments, in the order of their names: the worst of several steps. */
struct segment_figures {
	struct arena *arena;
	struct segment_figure {
		struct segment_figure *next;
		struct text name;
		struct last_verdict last;
	} * first, **at; /* where the next segment of a step may be: they come in the same order */
};

static void segment_add(void *context, struct text segment, struct last_verdict last)
{
	struct segment_figures *segments = context;
	while (*segments->at && text_compare((*segments->at)->name, segment) < 0)
		segments->at = &(*segments->at)->next;
	if (*segments->at && text_equal((*segments->at)->name, segment)) {
		verdict_fold(&(*segments->at)->last, &last);
		return;
	}
	struct segment_figure *figure = ARENA_NEW(segments->arena, struct segment_figure);
	const char *name = figure ? arena_copy(segments->arena, segment.bytes, segment.length) : NULL;
	if (!name)
		return;
	*figure = (struct segment_figure){.next = *segments->at, .name = {name, segment.length}, .last = last};
	*segments->at = figure;
}

/* Those of the steps but one. */
static const struct segment_figure *segments_but(const struct drift_figures *figures, size_t left_out)
{
	struct segment_figures segments = {.arena = figures->arena};
	arena_reset(figures->arena);
	for (size_t i = 0; i < figures->graph->count; i++) {
		struct verdict_entry *entry = i == left_out ? NULL : figures_entry(figures, i);
		segments.at = &segments.first;
		if (entry)
			verdict_entry_each(entry, segment_add, &segments);
	}
	return segments.first;
}

static void step_tell_segments(const struct drift_figures *figures, size_t step, const struct closed_windows *closed)
{
	const struct segment_figure *others = segments_but(figures, step);
	for (size_t i = 0; i < closed->count; i++) {
		struct last_verdict last = closed->items[i].own;
		for (const struct segment_figure *other = others; other; other = other->next)
			if (text_equal(other->name, closed->items[i].segment))
				verdict_fold(&last, &other->last);
		figures_tell(figures, closed->items[i].segment, &last, false);
	}
}

void drift_figures_each(const struct drift_figures *figures)
{
	const size_t none = figures->graph->count;
	for (size_t i = 0; i < figures->graph->count; i++) {
		const struct verdict_entry *entry = figures_entry(figures, i);
		const struct closed_windows *closed = entry ? verdict_entry_closed(entry) : NULL;
		if (closed && closed->count > 0)
			(figures->segments_of ? step_tell_segments : step_tell)(figures, i, closed);
	}
	if (!figures->segments_of) {
		const struct last_verdict worst = worst_but(figures, none);
		figures_tell(figures, TEXT(""), &worst, true);
		return;
	}
	for (const struct segment_figure *segment = segments_but(figures, none); segment; segment = segment->next)
		figures_tell(figures, segment->name, &segment->last, true);
}
