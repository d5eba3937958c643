/* fitting.c: see fitting.h. */
#include "tools/client/data/fitting.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "compiler/graph/graph.h"
#include "compiler/plan/plan.h"
#include "compiler/yaml/options.h"
#include "message/rows.h"
#include "tools/source/fit_rows.h"
#include "tools/source/fit_topic.h"
#include "tools/view/report/drift_page.h"

#define WINDOWS_FIRST 256

struct settled_entry {
	struct settled_score score;
	bool is_found;
};

static void settled_windows_close(struct settled_windows *windows)
{
	memory_give(windows->items);
	*windows = (struct settled_windows){0};
}

/* Takes a record of the topic; `windows` is a struct settled_windows. Others than settled ones of the step are left out. SYSTEM:
 * memory ran out. */
static bool settled_windows_take(void *windows, const struct record *record, struct error *error)
{
	struct settled_windows *self = windows;
	struct settled_score score;
	struct arena *scratch = arena_open(SETTLED_SCORE_BYTES_MAX);
	const bool is_of_step = scratch && settled_score_decode(record->value, scratch, &score) &&
				text_equal(score.pipeline, self->pipeline) && text_equal(score.step, self->step);
	arena_close(scratch);
	if (!is_of_step)
		return scratch || error_memory(error, ERROR_SYSTEM, "reading settled windows");
	struct settled_entry *items = memory_grow(self->items, self->count, &self->room, WINDOWS_FIRST, sizeof *items);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "reading settled windows");
	self->items = items;
	score.segment = text_copied(self->arena, score.segment);
	items[self->count++] = (struct settled_entry){.score = score};
	return !arena_failed(self->arena) || error_memory(error, ERROR_SYSTEM, "reading settled windows");
}

/* ---- order ---- */

/* By what a window of a report is found by. */
static int windows_compare(const struct settled_score *a, const struct settled_score *b)
{
	if (a->begin_ms != b->begin_ms)
		return a->begin_ms < b->begin_ms ? -1 : 1;
	if (a->end_ms != b->end_ms)
		return a->end_ms < b->end_ms ? -1 : 1;
	if (a->messages != b->messages)
		return a->messages < b->messages ? -1 : 1;
	return text_compare(a->segment, b->segment);
}

static int entries_compare(const void *left, const void *right)
{
	const struct settled_score *a = &((const struct settled_entry *)left)->score;
	const struct settled_score *b = &((const struct settled_entry *)right)->score;
	const int order = windows_compare(a, b);
	return order != 0 ? order : (a->window > b->window) - (a->window < b->window);
}

/* To be called when all is read. */
static void settled_windows_sort(struct settled_windows *windows)
{
	struct settled_entry *items = windows->items;
	size_t kept = 0;
	if (windows->count > 0)
		qsort(items, windows->count, sizeof *items, entries_compare);
	for (size_t i = 0; i < windows->count; i++)
		if (kept == 0 || entries_compare(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	windows->count = kept;
}

/* ---- finding ---- */

/* The settled record of a segment's window with messages of these times, and so many rows. Of several the one with the least
 * number, which is not found again. NULL: there is none. The `settled` of a source. */
static const struct settled_score *settled_windows_find(void *windows, struct text segment, int64_t begin_ms, int64_t end_ms,
							uint64_t rows)
{
	struct settled_windows *self = windows;
	const struct settled_score wanted = {.begin_ms = begin_ms, .end_ms = end_ms, .messages = rows, .segment = segment};
	size_t low = 0, high = self->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (windows_compare(&self->items[middle].score, &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < self->count && windows_compare(&self->items[low].score, &wanted) == 0; low++)
		if (!self->items[low].is_found) {
			self->items[low].is_found = true;
			self->found++;
			return &self->items[low].score;
		}
	return NULL;
}

#define DATA_BYTES_MAX ((size_t)4 << 30) /* it is read whole, for it is gone through once for each operation */
#define FILE_BYTES_OUT_MAX ((size_t)256 << 20)
#define FIT_ARENA_BYTES ((size_t)16 << 30)
#define TOPIC_SOURCE "topic:"

struct fit_found {
	const struct step_spec *step;
	const struct resource *pipeline;
	const struct graph *graph; /* of the pipeline */
	size_t count;
};

/* Also a step that is built in, since nothing offers the model that it calls. */
static struct fit_found step_find(const struct fitting *self, const struct spec *spec)
{
	const char *name = self->asked->step;
	struct fit_found found = {0};
	for (size_t i = 0; i < spec->count; i++) {
		if (spec->resources[i]->kind->type != RESOURCE_PIPELINE)
			continue;
		const struct graph *graph = graph_build(spec->resources[i], spec, self->arena, spec->faults);
		for (size_t j = 0; graph && j < graph->count; j++) {
			const struct step_spec *step = graph->steps[j].spec;
			const bool named = !name || (step->name.text && strcmp(step->name.text, name) == 0);
			if (step->kind != self->asked->kind || !named)
				continue;
			found.count++;
			found.step = step;
			found.pipeline = spec->resources[i];
			found.graph = graph;
		}
	}
	return found;
}

static void say_remark(void *listener, const char *text)
{
	const struct fitting *self = listener;
	workspace_note(self->workspace, "%s", text);
}

static double shift_of(void *importances, struct text feature, int64_t begin_ms, int64_t end_ms)
{
	return importance_feature_shift(importances, feature, begin_ms, end_ms);
}

static bool importances_find(struct fitting *self, const struct pipeline_target *target, struct error *error)
{
	const char *topic = pipeline_target_importance(target, target->plan->graph->name, self->arena);
	return importance_list_read(&self->importances, &target->kafka, topic, error);
}

/* The importance of features that a step of the pipeline keeps, if one does. Without a topic of it, nothing is known. */
static bool importances_read(struct fitting *self, const struct pipeline_target *target, struct error *error)
{
	const struct pipeline_plan *plan = target->plan;
	bool kept = false;
	for (size_t i = 0; i < plan->topic_count; i++)
		kept = kept || plan->topics[i].role == TOPIC_IMPORTANCE;
	self->importances = (struct importance_list){.arena = self->arena};
	if (!kept || self->asked->task == FITTING_LEARNS || importances_find(self, target, error))
		return true;
	if (error->kind != ERROR_CONFIG)
		return false;
	*error = (struct error){0};
	return true;
}

/* Whether the observer of the step writes records of windows that have settled. */
static bool step_settles(const struct graph *graph, const char *name)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct step seen = step_seen(graph, i);
		if (step_facts(&seen).awaits_truths && strcmp(graph->steps[graph_step_watched(graph, i)].name, name) == 0)
			return true;
	}
	return false;
}

/* The settled records of the step, from the drift topic of its pipeline. Without that topic, no window has settled. */
static bool settled_read(struct fitting *self, const struct pipeline_target *target, const char *step, struct error *error)
{
	const struct graph *graph = target->plan->graph;
	struct settled_windows *settled = &self->settled;
	const char *topic = topic_own_name(self->arena, target->prefix, target->namespace, graph->name, "drift");
	self->settles = self->asked->task != FITTING_LEARNS && step_settles(graph, step);
	*settled = (struct settled_windows){.arena = self->arena, .pipeline = text_of(graph->name), .step = text_of(step)};
	if (!self->settles)
		return true;
	if (!topic)
		return error_memory(error, ERROR_SYSTEM, "naming topics");
	if (!pipeline_target_give(target, topic, true, settled_windows_take, settled, error))
		return false;
	settled_windows_sort(settled);
	return true;
}

/* The page is made of the JSON. */
static bool report_make(struct fitting *self, struct step *step, struct fit_source *source, struct error *error)
{
	struct buffer page;
	if (!self->asked->kind->learns->review(step, source, self->asked->task != FITTING_REPORTS, &self->made, error))
		return false;
	if (self->asked->task != FITTING_REPORTS_HTML)
		return true;
	if (buffer_failed(&self->made))
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "the report has more than the %zu MiB that a page is made of; use "
				 "-o text, longer windows or fewer segments", FILE_BYTES_OUT_MAX >> 20);
	buffer_open(&page, FILE_BYTES_OUT_MAX);
	const bool good = drift_page_write(buffer_view(&self->made), step->pipeline, step->name, self->arena, &page, error);
	buffer_close(&self->made);
	self->made = page;
	return good;
}

/* Learns, or compares. */
static bool source_read(struct fitting *self, struct step *step, struct fit_source *source, struct error *error)
{
	source->remarked = say_remark;
	source->listener = self;
	if (self->asked->feedback.count > 0) {
		source->truth = feedback_truths_find;
		source->truths = &self->truths;
	}
	if (self->importances.subject_count > 0) {
		source->importance_shift = shift_of;
		source->importances = &self->importances;
	}
	if (self->settles) {
		source->settled = settled_windows_find;
		source->settlements = &self->settled;
	}
	source->past = self->past.file.bytes ? &self->past : NULL;
	if (self->asked->task == FITTING_LEARNS)
		return self->asked->kind->learns->fit(step, source, &self->made, error);
	return report_make(self, step, source, error);
}

/* ---- feedback ---- */

/* `topic:` alone is the pipeline's own. */
static bool feedback_topic_read(struct fitting *self, const char *pipeline, const char *name, struct error *error)
{
	struct pipeline_target target;
	bool good = pipeline_target_open(self->workspace, self->asked->target, pipeline, &target, error);
	const char *topic =
		!good || *name ? name : topic_own_name(self->arena, target.prefix, target.namespace, pipeline, "feedback");
	if (good && !topic)
		good = error_memory(error, ERROR_SYSTEM, "naming topics");
	good = good && feedback_truths_read_topic(&self->truths, &target.kafka, topic, error);
	pipeline_target_close(&target);
	return good;
}

static bool feedback_read_all(struct fitting *self, const char *pipeline, struct error *error)
{
	const struct name_list *sources = &self->asked->feedback;
	struct feedback_truths *truths = &self->truths;
	bool good = true;
	truths->arena = self->arena;
	for (size_t i = 0; i < sources->count && good; i++) {
		const struct text source = text_of(sources->items[i].text);
		good = text_starts_with(source, TEXT(TOPIC_SOURCE))
			       ? feedback_topic_read(self, pipeline, source.bytes + strlen(TOPIC_SOURCE), error)
			       : feedback_truths_read_file(truths, source.bytes, error);
	}
	workspace_note_unreadable(self->workspace, truths->unreadable, " of feedback", &truths->unreadable_why);
	feedback_truths_sort(truths);
	return good;
}

/* ---- the past ---- */

/* The past that the step has stored, if it is compared with that. */
static bool past_read(struct fitting *self, const struct step *step, struct error *error)
{
	const struct past_rebase_asked *asked = &self->asked->past;
	const bool wanted = self->asked->task != FITTING_LEARNS && step_facts(step).reviews_past;
	if (!wanted)
		return (!asked->from && !asked->until && asked->alarms == PAST_ALARMS_LEAVE_OUT) ||
		       error_set(
			       error, ERROR_CONFIG, step->place,
			       "--from, --to and --alarms choose windows of a past, and the reference of step `%s` is none; leave "
			       "them out",
			       step->name);
	self->past_asked = *asked;
	self->past_asked.target = self->asked->target;
	self->past_asked.name = arena_print(self->arena, "%s/%s", step->pipeline, step->name);
	self->rebase = (struct past_rebase){.workspace = self->workspace, .asked = &self->past_asked};
	if (!self->past_asked.name)
		return error_memory(error, ERROR_SYSTEM, "naming a step");
	if (!past_rebase_run(&self->rebase, error))
		return false;
	self->past = (struct rebase_result){buffer_view(&self->rebase.file), self->rebase.made};
	return true;
}

/* ---- sources ---- */

static bool fit_file(struct fitting *self, struct step *step, const struct mapping *mapping, struct error *error)
{
	struct text text;
	struct fit_rows rows;
	const bool timed = self->asked->kind->learns->review; /* in windows; what else learns takes the rows as they come */
	if (!file_read(self->asked->source, DATA_BYTES_MAX + 1, self->arena, &text, error))
		return false;
	if (text.length > DATA_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu GiB that fit reads; take a sample of it",
				 self->asked->source, DATA_BYTES_MAX >> 30);
	if (!fit_rows_open(&rows, self->asked->source, text, &self->asked->tensors, mapping, timed, self->arena, error))
		return false;
	struct fit_source source = fit_rows_source(&rows);
	return source_read(self, step, &source, error);
}

/* `topic:` alone is the pipeline's own. */
static bool fit_topic(struct fitting *self, struct step *step, const struct mapping *mapping, struct error *error)
{
	struct fit_topic topic = {0};
	struct pipeline_target target;
	const char *name = self->asked->source + strlen(TOPIC_SOURCE);
	bool good = pipeline_target_open(self->workspace, self->asked->target, step->pipeline, &target, error);
	const struct fit_topic_config config = {
		.kafka = &target.kafka, .topic = *name ? name : target.inputs, .mapping = mapping, .count = self->asked->count};
	if (good && !config.topic)
		good = error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "pipeline `%s` reads no topic of its own; write topic:NAME, as `sluice plan` lists them",
				 step->pipeline);
	if (good && self->asked->tensors.count > 0)
		good = error_set(error, ERROR_CONFIG, PLACE_NONE, "--tensor combines columns of a CSV, and a topic has requests");
	good = good && importances_read(self, &target, error) && settled_read(self, &target, step->name, error) &&
	       fit_topic_open(&topic, &config, self->arena, error);
	if (good) {
		struct fit_source source = fit_topic_source(&topic);
		good = source_read(self, step, &source, error);
	}
	if (good && self->settled.count > self->settled.found)
		workspace_note(self->workspace,
			       self->settled.count - self->settled.found == 1
				       ? "%zu settled record is of a window that is not in this report, and was left out"
				       : "%zu settled records are of windows that are not in this report, and were left out",
			       self->settled.count - self->settled.found);
	if (topic.count > 0)
		workspace_note_unreadable(self->workspace, topic.left_out, "", &topic.left_out_why);
	if (topic.refused > 0)
		workspace_note(self->workspace,
			       "%llu of %zu records that the step refuses %s left out; the first, partition %d offset %lld: %s",
			       (unsigned long long)topic.refused, topic.count, topic.refused == 1 ? "was" : "were",
			       (int)topic.first_refused.partition, (long long)topic.first_refused.offset, topic.refused_why.text);
	fit_topic_close(&topic);
	pipeline_target_close(&target);
	return good;
}

/* Where an option of the step is stored; its place in the file is forgotten, since it gets another value. */
static void *option_of(const struct step_kind *kind, void *options, struct text name)
{
	const struct option *row = option_named(kind->options, name);
	if (row && row->place_offset)
		*(struct place *)((char *)options + row->place_offset) = PLACE_NONE;
	return row ? (char *)options + row->offset : NULL;
}

/* The options of the step, with those that were asked for instead. NULL: memory ran out. */
static const void *options_asked(struct fitting *self, const void *written)
{
	const struct fitting_asked *asked = self->asked;
	if (!asked->window && !asked->false_alarms)
		return written;
	void *options = arena_copy(self->arena, written, asked->kind->options_size);
	if (!options)
		return NULL;
	struct extent *window = asked->window ? option_of(asked->kind, options, TEXT("window")) : NULL;
	const char **false_alarms = asked->false_alarms ? option_of(asked->kind, options, TEXT("falseAlarms")) : NULL;
	if (window)
		*window = (struct extent){.count = asked->window};
	if (false_alarms)
		*false_alarms = asked->false_alarms;
	return options;
}

static bool fit_step(struct fitting *self, const struct fit_found *found, struct error *error)
{
	const struct mapping *mapping = found->graph->mapping;
	struct step step = {.kind = self->asked->kind,
			    .name = found->step->name.text,
			    .pipeline = found->pipeline->name.text,
			    .options = options_asked(self, found->step->options),
			    .place = found->step->here,
			    .arena = self->arena,
			    .files = files_source(self->files)};
	if (!step.options)
		return error_memory(error, ERROR_SYSTEM, "beginning to fit");
	if (!past_read(self, &step, error) || !feedback_read_all(self, step.pipeline, error))
		return false;
	return text_starts_with(text_of(self->asked->source), TEXT(TOPIC_SOURCE)) ? fit_topic(self, &step, mapping, error)
									   : fit_file(self, &step, mapping, error);
}

/* The files have none of the steps, or several. */
static bool refuse_steps(const struct fit_found *found, const char *kind, const char *name, struct error *error)
{
	if (found->count > 1)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "the files have %zu steps `%s`%s%s; %s", found->count, kind,
				 name ? " called " : "", name ? name : "",
				 name ? "give only the file of one of their pipelines" : "choose one by --step");
	if (name)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the files have no step `%s` called %s; `sluice plan` lists the steps that they have", kind, name);
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the files have no step `%s`; give the file of a pipeline that has one", kind);
}

bool fitting_run(struct fitting *fitting, const struct spec *spec, struct error *error)
{
	const struct fitting_asked *asked = fitting->asked;
	fitting->arena = arena_open(FIT_ARENA_BYTES);
	fitting->files = files_open(error);
	buffer_open(&fitting->made, FILE_BYTES_OUT_MAX);
	if (!fitting->arena || !fitting->files)
		return error_memory(error, ERROR_SYSTEM, "beginning to fit");
	const struct fit_found found = step_find(fitting, spec);
	if (found.count != 1)
		return refuse_steps(&found, asked->kind->name, asked->step, error);
	fitting->step = found.step->name.text;
	return fit_step(fitting, &found, error);
}

void fitting_close(struct fitting *fitting)
{
	past_rebase_close(&fitting->rebase);
	feedback_truths_close(&fitting->truths);
	settled_windows_close(&fitting->settled);
	buffer_close(&fitting->made);
	files_close(fitting->files);
	arena_close(fitting->arena);
}
