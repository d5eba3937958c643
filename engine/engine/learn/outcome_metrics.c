/* outcome_metrics.c: see outcome_metrics.h. */
#include "engine/learn/outcome_metrics.h"

#include <math.h>

#include "base/memory.h"
#include "experiments/outcomes/feedback_value.h"
#include "experiments/outcomes/judged_answer.h"
#include "message/rows.h"

/* ---- series ---- */

struct metric_series_entry {
	const char *pipeline;
	const struct counted_metric *counted;
	struct metric_series_entry *next;
};

static struct metric_series_entry *entry_find(const struct metric_series *series, const char *pipeline,
					      const struct pipeline_metric *metric)
{
	struct metric_series_entry *entry = atomic_load(&series->first);
	while (entry && (strcmp(entry->pipeline, pipeline) != 0 || !counted_metric_is_of(entry->counted, metric)))
		entry = entry->next;
	return entry;
}

static bool pipeline_take(struct metric_series *series, const struct pipeline_plan *plan, const struct counted_pipeline *counted,
			  struct arena *lasting)
{
	for (size_t i = 0; i < plan->metric_count; i++) {
		const struct pipeline_metric *metric = &plan->metrics[i];
		const struct counted_metric *found = metric->of_feedback ? counted_metric_find(counted, metric) : NULL;
		if (!found || entry_find(series, counted->name, metric))
			continue;
		struct metric_series_entry *entry = ARENA_NEW(lasting, struct metric_series_entry);
		if (!entry)
			return false;
		*entry = (struct metric_series_entry){counted->name, found, atomic_load(&series->first)};
		atomic_store(&series->first, entry);
	}
	return true;
}

bool metric_series_take(struct metric_series *series, const struct plan *plan, const struct group *groups, struct arena *lasting,
			struct error *error)
{
	for (const struct group *group = groups; group; group = group->next)
		for (size_t i = 0; i < plan->count; i++) {
			const struct counted_pipeline *counted = counted_pipeline_find(group, plan->pipelines[i].graph->name);
			if (counted && !pipeline_take(series, &plan->pipelines[i], counted, lasting))
				return error_memory(error, ERROR_SYSTEM, "counting metrics of feedback");
		}
	return true;
}

/* ---- values ---- */

/* Whether the exposure has a value of the name already. */
static bool exposure_has(const struct join_windows *windows, uint32_t had, struct text name)
{
	for (size_t i = 0; i < windows->name_count; i++)
		if (text_equal(windows->names[i], name))
			return had >> i & 1;
	return true; /* which the join does not know */
}

static struct outcome_sample *sample_add(struct outcome *outcome, struct outcome_sample *samples, size_t most, struct text metric)
{
	if (outcome->sample_count == most)
		return NULL;
	struct outcome_sample *sample = &samples[outcome->sample_count++];
	*sample = (struct outcome_sample){.metric = metric, .value = (double)NAN};
	return sample;
}

/* A sample of each element that the metric takes, and one more if it does not take all. `value` NULL: it could not be computed. */
static void samples_add(struct outcome *outcome, struct outcome_sample *samples, const struct pipeline_metric *metric,
			const struct judged_value *value, struct arena *arena)
{
	const struct series_form *form = &metric->form;
	const struct text name = text_of(metric->spec.name.text);
	char digits[METRIC_LABEL_DIGITS];
	bool is_whole = value != NULL;
	for (size_t nth = 0; value && nth < value->value->count; nth++) {
		const double number = tensor_number(value->value, nth);
		struct text *labels = ARENA_ARRAY(arena, struct text, form->label_count + 1);
		struct outcome_sample *sample =
			labels && series_takes(form->type, number) ? sample_add(outcome, samples, OUTCOME_SAMPLES_MAX, name) : NULL;
		is_whole &= sample != NULL;
		for (size_t i = 0; sample && i < form->label_count; i++)
			labels[i] = text_copied(arena, metric_label(value, i, nth, digits));
		if (sample)
			*sample = (struct outcome_sample){name, number, form->label_count, labels};
	}
	if (!is_whole)
		(void)sample_add(outcome, samples, OUTCOME_SAMPLES_MAX + FEEDBACK_METRICS_COUNTED, name);
}

struct computing {
	const struct pipeline_plan *pipeline;
	const struct feedback *feedback;
	struct judged_answer judged;
	bool is_read; /* there are bytes of the answer */
	struct arena *arena;
};

static bool metric_compute(struct computing *computing, const struct pipeline_metric *metric, struct judged_value *value)
{
	return computing->is_read &&
	       feedback_value_evaluate(metric, &computing->judged, computing->feedback, computing->arena, value);
}

size_t outcome_metrics_compute(const struct pipeline_plan *pipeline, const struct join_windows *windows, size_t window,
			       const struct feedback *feedback, struct outcome *outcome, struct text kept, uint32_t had,
			       struct outcome_metric *metrics, size_t room, struct arena *arena)
{
	struct computing computing = {.pipeline = pipeline, .feedback = feedback, .arena = arena};
	const bool is_answer = windows->items[window].experiment.length == 0;
	struct message message;
	struct outcome_sample *samples = NULL;
	size_t count = 0;
	if (is_answer)
		samples = ARENA_ARRAY(arena, struct outcome_sample, OUTCOME_SAMPLES_MAX + FEEDBACK_METRICS_COUNTED);
	computing.is_read = kept.bytes && judged_answer_read(kept, arena, &message, &computing.judged);
	computing.judged.pipeline = pipeline->graph->name;
	if (computing.is_read) {
		outcome->answer = computing.judged.answer->tensors;
		outcome->request = message.payload.tensors;
	}
	for (size_t i = 0; i < pipeline->metric_count; i++) {
		const struct pipeline_metric *metric = &pipeline->metrics[i];
		const struct text name = text_of(metric->spec.name.text);
		struct judged_value value;
		if (!metric->of_feedback || !feedback_value_is_due(feedback, metric) ||
		    (exposure_has(windows, had, name) && !outcome_metric_find(outcome, name)))
			continue;
		const bool good = metric_compute(&computing, metric, &value);
		const double mean = good ? feedback_value_mean(&value) : (double)NAN;
		if (!feedback_value_given(feedback, metric) && count < room)
			metrics[count++] =
				(struct outcome_metric){name, isfinite(mean) ? mean : (double)NAN, OUTCOME_COMPUTED};
		if (samples)
			samples_add(outcome, samples, metric, good ? &value : NULL, arena);
	}
	outcome->samples = samples;
	return count;
}

/* ---- counting ---- */

struct outcome_metrics {
	const struct readers_context *context;
	uint64_t lost[JOIN_NAMES_MAX]; /* of each name, that were counted */
};

/* NULL: no group of this engine serves the pipeline with such a metric. */
static struct series_table *table_find(const struct outcome_metrics *self, struct text name)
{
	const struct pipeline_plan *pipeline = self->context->pipeline;
	for (size_t i = 0; i < pipeline->metric_count; i++) {
		const struct pipeline_metric *metric = &pipeline->metrics[i];
		if (!metric->of_feedback || !text_is(name, metric->spec.name.text))
			continue;
		const struct metric_series_entry *entry = entry_find(self->context->series, pipeline->graph->name, metric);
		return entry ? entry->counted->tables[0] : NULL; /* the worker counts none of these itself */
	}
	return NULL;
}

/* What another engine wrote may be of other labels. */
static bool outcome_take(void *context, const struct outcome *outcome, int64_t offset, struct error *error)
{
	const struct outcome_metrics *self = context;
	(void)offset, (void)error;
	for (size_t i = 0; i < outcome->sample_count; i++) {
		const struct outcome_sample *sample = &outcome->samples[i];
		struct series_table *table = table_find(self, sample->metric);
		const struct series_form *form = table ? series_table_form(table) : NULL;
		if (!table)
			continue;
		if (sample->label_count == form->label_count && series_takes(form->type, sample->value))
			series_add(table, sample->labels, sample->value, (uint64_t)outcome->written_ms);
		else
			series_miss(table);
	}
	return true;
}

static bool losses_count(void *context, struct fenced_writer *writer, int64_t now_ms, struct error *error)
{
	struct outcome_metrics *self = context;
	const struct join_windows *windows = self->context->windows;
	const struct exposure_join_counts counts = self->context->counts(self->context->lead, TEXT(""));
	(void)writer, (void)now_ms, (void)error;
	for (size_t i = 0; i < windows->name_count; i++) {
		struct series_table *table = counts.lacking[i] > self->lost[i] ? table_find(self, windows->names[i]) : NULL;
		if (table)
			series_lose(table, counts.lacking[i] - self->lost[i]);
		self->lost[i] = counts.lacking[i];
	}
	return true;
}

bool outcome_metrics_open(const struct readers_context *context, struct outcome_reader *reader, struct error *error)
{
	struct outcome_metrics *self = memory_take(1, sizeof *self);
	if (!self)
		return error_memory(error, ERROR_SYSTEM, "counting metrics of feedback");
	self->context = context;
	*reader = (struct outcome_reader){.name = "metrics",
					  .next = OFFSET_NONE,
					  .since_ms = INT64_MAX,
					  .outcome = outcome_take,
					  .due = losses_count,
					  .close = memory_give,
					  .context = self};
	return true;
}
