/* feedback_metrics.c: see feedback_metrics.h. */
#include "tools/client/data/feedback_metrics.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "experiments/outcomes/feedback_value.h"
#include "message/rows.h"

#define RECORD_ARENA_BYTES ((size_t)64 << 20)

struct named_record {
	struct text name;
	size_t place; /* in the topic's records */
};

struct answer_index {
	struct fit_topic topic;
	struct fit_topic_config config;
	struct named_record *items; /* by name; the first of a name counts */
	size_t count;
};

/* ---- records by name ---- */

static int records_compare(const void *left, const void *right)
{
	const struct named_record *a = left, *b = right;
	const int order = text_compare(a->name, b->name);
	return order ? order : (a->place > b->place) - (a->place < b->place);
}

static int record_compare(const void *name, const void *item)
{
	return text_compare(*(const struct text *)name, ((const struct named_record *)item)->name);
}

/* The id of each message, and the origin of its record. */
static bool index_names(struct answer_index *index, struct arena *arena, struct arena *record_arena, struct error *error)
{
	const struct fit_source source = fit_topic_source(&index->topic);
	struct payload payload;
	index->items = ARENA_ARRAY(arena, struct named_record, 2 * index->topic.count + 1);
	while (index->items && (arena_reset(record_arena), source.next(source.context, record_arena, &payload, error))) {
		const struct fit_name name = source.name(source.context);
		const size_t place = index->topic.at - 1;
		if (name.id.length > 0)
			index->items[index->count++] = (struct named_record){text_copied(arena, name.id), place};
		index->items[index->count++] = (struct named_record){text_copied(arena, name.origin), place};
	}
	if (index->items && error->kind == ERROR_NONE && !arena_failed(arena) && index->count > 0)
		qsort(index->items, index->count, sizeof *index->items, records_compare);
	return error->kind == ERROR_NONE && (!arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading answers"));
}

/* A topic without a readable record has no names. */
static bool index_open(struct answer_index **made, const struct kafka *kafka, const char *topic, struct arena *arena,
		       struct error *error)
{
	struct answer_index *index = ARENA_NEW(arena, struct answer_index);
	struct arena *record_arena = arena_open(RECORD_ARENA_BYTES);
	bool good = index && record_arena;
	if (!good) {
		error_memory(error, ERROR_SYSTEM, "reading answers");
	} else {
		index->config = (struct fit_topic_config){.kafka = kafka, .topic = topic};
		*made = index;
		good = fit_topic_open(&index->topic, &index->config, arena, error);
		if (!good && error->kind == ERROR_INPUT) {
			*error = (struct error){0};
			good = true;
		}
		good = good && index_names(index, arena, record_arena, error);
	}
	arena_close(record_arena);
	return good;
}

/* The payload of a message; NULL: it is not there. */
static const struct payload *index_find(struct answer_index *index, const struct feedback *feedback, struct arena *arena)
{
	const struct text name = feedback_key(feedback, arena);
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct error error = {0};
	const struct named_record *found = NULL;
	if (index && name.bytes && payload && index->count > 0)
		found = bsearch(&name, index->items, index->count, sizeof *found, record_compare);
	if (!found)
		return NULL;
	const struct fit_source source = fit_topic_source(&index->topic);
	index->topic.at = found->place;
	return source.next(source.context, arena, payload, &error) ? payload : NULL;
}

/* ---- exposures ---- */

static bool exposure_put(struct feedback_metrics *self, struct text name, struct text variant, double latency_ms,
			 struct error *error)
{
	struct named_exposure *made = heap_list_add(&self->exposures, sizeof *made, error);
	if (!made)
		return false;
	*made = (struct named_exposure){name, variant, latency_ms};
	return name.bytes || error_memory(error, ERROR_SYSTEM, "reading exposures");
}

bool feedback_metrics_expose(struct feedback_metrics *self, const struct exposure *exposure, struct error *error)
{
	struct feedback named = {.origin = exposure->origin};
	const double latency_ms = exposure->latency_ms;
	if (!self->of_exposure)
		return true;
	const struct text variant = text_copied(self->arena, exposure->variant);
	return (exposure->id.length == 0 ||
		exposure_put(self, text_copied(self->arena, exposure->id), variant, latency_ms, error)) &&
	       (exposure->origin.topic.length == 0 ||
		exposure_put(self, feedback_key(&named, self->arena), variant, latency_ms, error));
}

static int exposures_compare(const void *left, const void *right)
{
	return text_compare(((const struct named_exposure *)left)->name, ((const struct named_exposure *)right)->name);
}

/* What is known of the request; without an exposure it has no variant and no latency. */
static struct named_exposure exposure_find(struct feedback_metrics *self, const struct feedback *feedback, struct arena *arena)
{
	struct named_exposure wanted = {.name = feedback_key(feedback, arena), .latency_ms = (double)NAN};
	if (!self->exposures_sorted && self->exposures.count > 0)
		qsort(self->exposures.items, self->exposures.count, sizeof wanted, exposures_compare);
	self->exposures_sorted = true;
	const struct named_exposure *found =
		wanted.name.bytes && self->exposures.count > 0
			? bsearch(&wanted, self->exposures.items, self->exposures.count, sizeof wanted, exposures_compare)
			: NULL;
	return found ? *found : wanted;
}

/* ---- metrics ---- */

bool feedback_metrics_open(struct feedback_metrics *self, const struct graph *graph, struct faults *faults,
			   const struct kafka *kafka, const char *answers, const char *requests, struct error *error)
{
	const struct metric_spec *specs = graph->spec->metrics.items;
	bool of_answer = false, of_request = false;
	self->items = ARENA_ARRAY(self->arena, struct pipeline_metric, graph->spec->metrics.count + 1);
	for (size_t i = 0; self->items && i < graph->spec->metrics.count; i++) {
		struct pipeline_metric *metric = &self->items[self->count];
		if (!specs[i].name.text || !specs[i].value)
			continue;
		pipeline_metric_read(metric, &specs[i], graph, self->arena, faults);
		self->count += metric->of_feedback;
		self->of_exposure = self->of_exposure || (metric->of_feedback && (metric->of_variant || metric->of_latency));
		of_answer = of_answer || (metric->of_feedback && metric->of_answer);
		of_request = of_request || (metric->of_feedback && metric->of_request);
	}
	if (!self->items)
		return error_memory(error, ERROR_SYSTEM, "reading metrics");
	return (!of_answer || !answers || index_open(&self->answers, kafka, answers, self->arena, error)) &&
	       (!of_request || !requests || index_open(&self->requests, kafka, requests, self->arena, error));
}

void feedback_metrics_close(struct feedback_metrics *self)
{
	if (self->answers)
		fit_topic_close(&self->answers->topic);
	if (self->requests)
		fit_topic_close(&self->requests->topic);
	memory_give(self->exposures.items);
	*self = (struct feedback_metrics){0};
}

bool feedback_metrics_add(struct feedback_metrics *self, struct feedback *feedback, struct arena *arena)
{
	static const struct payload nothing = {0};
	if (self->count == 0 || feedback_is_computed(feedback))
		return true;
	const struct payload *answer = index_find(self->answers, feedback, arena);
	const struct payload *request = index_find(self->requests, feedback, arena);
	const struct named_exposure exposure = exposure_find(self, feedback, arena);
	const struct message message = {.id = feedback->id, .time_ms = feedback->time_ms, .payload = request ? *request : nothing};
	struct judged_answer judged = {.message = &message,
				       .answer = answer ? answer : &nothing,
				       .pipeline = "",
				       .variant = exposure.variant,
				       .latency_ms = exposure.latency_ms};
	struct feedback_metric *all = ARENA_ARRAY(arena, struct feedback_metric, feedback->metric_count + self->count);
	if (!all)
		return false;
	for (size_t i = 0; i < feedback->metric_count; i++)
		all[i] = feedback->metrics[i];
	feedback->metrics = all;
	for (size_t i = 0; i < self->count; i++) {
		const char *name = self->items[i].spec.name.text;
		if (feedback_metric_find(feedback, text_of(name)) || feedback->metric_count == FEEDBACK_METRICS_MAX)
			continue;
		struct judged_value value;
		const double mean = feedback_value_evaluate(&self->items[i], &judged, feedback, arena, &value)
					    ? feedback_value_mean(&value)
					    : (double)NAN;
		if (isfinite(mean)) {
			all[feedback->metric_count++] = (struct feedback_metric){text_of(name), mean};
			feedback->computed_count++;
			continue;
		}
		self->missed++;
		const bool unanswered = (self->items[i].of_answer && !answer) || (self->items[i].of_request && !request);
		self->unanswered += unanswered;
		self->unnamed += !unanswered && self->items[i].of_answer && self->answers->topic.unnamed;
	}
	return !arena_failed(arena);
}
