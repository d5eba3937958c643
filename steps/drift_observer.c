/* drift_observer.c: see drift_observer.h. */
#include "steps/drift_observer.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "message/drift_score.h"
#include "observe/verdict_board.h"
#include "steps/drift_comparison.h"

#define KEPT_VERSION 1
#define KEPT_KEY "window"
#define CHUNK_BYTES_MAX 65536 /* of rows, so that a chunk fits a record */
#define CHUNK_KEY_BYTES 32
#define UNUSABLE_USUAL 500 /* messages that do not fit, of a window by time */

/* What is stored under KEPT_KEY. */
struct drift_kept {
	uint64_t version;
	uint64_t identity; /* of the reference and the window */
	uint64_t chain;	   /* hash of all rows so far, in their order */
	uint64_t chunks;   /* of the open window */
	uint64_t unusable; /* messages since the last verdict */
	struct monitor_position position;
	uint64_t verdict; /* enum drift_verdict: the last one */
	double score;
};

/* What is stored of some rows of the open window, before their numbers. */
struct drift_chunk {
	uint64_t first; /* number of the first row in the window */
	uint64_t count;
};

struct drift_observer {
	struct drift_comparison comparison;
	uint64_t identity;
	uint64_t chain; /* of the monitor in memory */
	const char *watched; /* name of the step that it observes */
	struct verdict_entry *entry;
	bool filled; /* the monitor is where the state is */
};

/* ---- opening ---- */

static double observer_share(const struct step *step)
{
	return ((const struct drift *)step->options)->share;
}

static uint64_t identity_of(const struct drift_comparison *comparison)
{
	const struct monitor_settings *settings = &comparison->settings;
	const int64_t window[] = {settings->window_rows, settings->window_ms};
	return hash_bytes(window, sizeof window, hash_bytes(comparison->content.bytes, comparison->content.length, KEPT_VERSION));
}

static bool observer_open(struct step *step, struct error *error)
{
	struct drift_observer *self = ARENA_NEW(step->arena, struct drift_observer);
	if (!self)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	if (!drift_comparison_open(&self->comparison, step, error))
		return false;
	self->identity = identity_of(&self->comparison);
	self->watched = arena_copy(step->arena, step->name, strlen(step->name) - strlen(OBSERVER_SUFFIX));
	self->entry = self->watched ? verdict_board_entry(step->board, step->pipeline, self->watched) : NULL;
	step->state = self;
	return (self->watched && (self->entry || !step->board)) || error_memory(error, ERROR_SYSTEM, "opening a step");
}

/* ---- state ---- */

static struct text chunk_key(uint64_t number, char bytes[CHUNK_KEY_BYTES])
{
	const int length = snprintf(bytes, CHUNK_KEY_BYTES, "rows/%llu", (unsigned long long)number);
	return (struct text){bytes, (size_t)length};
}

static size_t row_bytes(const struct drift_observer *self)
{
	return self->comparison.reference.feature_count * sizeof(double);
}

/* Puts back the rows of a chunk. False: it is not whole. */
static bool chunk_put_back(struct drift_observer *self, struct visit *visit, uint64_t number)
{
	char bytes[CHUNK_KEY_BYTES];
	struct text value;
	struct drift_chunk chunk;
	if (!visit_recall(visit, chunk_key(number, bytes), &value) || value.length < sizeof chunk)
		return false;
	memcpy(&chunk, value.bytes, sizeof chunk);
	const size_t stored = value.length - sizeof chunk;
	if (chunk.count > stored / row_bytes(self))
		return false;
	const double *rows = (const double *)(const void *)(value.bytes + sizeof chunk);
	for (uint64_t i = 0; i < chunk.count; i++)
		monitor_put_back(self->comparison.monitor, chunk.first + i, rows + i * self->comparison.reference.feature_count);
	return true;
}

/* Reads what is stored, and brings the monitor there. What does not belong to this reference and window, or is not whole, is
 * left: the window begins anew, and its number goes on. */
static void state_take(struct drift_observer *self, struct visit *visit, struct drift_kept *kept)
{
	struct text value;
	const bool found = visit_recall(visit, TEXT(KEPT_KEY), &value) && value.length == sizeof *kept;
	uint64_t window = 0;
	if (found) {
		memcpy(kept, value.bytes, sizeof *kept);
		window = kept->position.window;
		if (kept->version == KEPT_VERSION && kept->identity == self->identity) {
			if (self->filled && kept->chain == self->chain)
				return;
			bool whole = kept->position.stride > 0;
			if (whole)
				monitor_resume(self->comparison.monitor, &kept->position);
			for (uint64_t i = 0; whole && i < kept->chunks; i++)
				whole = chunk_put_back(self, visit, i);
			if (whole) {
				self->filled = true;
				self->chain = kept->chain;
				return;
			}
		}
	}
	*kept = (struct drift_kept){.version = KEPT_VERSION, .identity = self->identity, .position = monitor_start()};
	kept->position.window = window;
	monitor_resume(self->comparison.monitor, &kept->position);
	self->filled = true;
	self->chain = 0;
}

/* Stores the rows of a message that are in the open window: `count` of them, the first of that number. */
static bool rows_keep(const struct drift_observer *self, struct visit *visit, const double *rows, uint64_t first, size_t count,
		      struct drift_kept *kept, struct error *error)
{
	const size_t most = CHUNK_BYTES_MAX / row_bytes(self) > 0 ? CHUNK_BYTES_MAX / row_bytes(self) : 1;
	const uint64_t stride = kept->position.stride;
	for (size_t at = 0; at < count; at += most) {
		const struct drift_chunk chunk = {first + at, count - at < most ? count - at : most};
		char bytes[CHUNK_KEY_BYTES];
		const uint64_t next = (chunk.first + stride - 1) / stride * stride; /* that the window keeps */
		if (next >= chunk.first + chunk.count)
			continue;
		char *stored = visit_remember(visit, chunk_key(kept->chunks, bytes), sizeof chunk + chunk.count * row_bytes(self),
					      error);
		if (!stored)
			return false;
		memcpy(stored, &chunk, sizeof chunk);
		memcpy(stored + sizeof chunk, rows + at * self->comparison.reference.feature_count, chunk.count * row_bytes(self));
		kept->chunks++;
	}
	return true;
}

static bool state_keep(struct drift_observer *self, struct visit *visit, const struct drift_kept *kept, struct error *error)
{
	struct drift_kept *stored = visit_remember(visit, TEXT(KEPT_KEY), sizeof *kept, error);
	if (!stored)
		return false;
	*stored = *kept;
	self->chain = kept->chain;
	return true;
}

/* ---- verdicts ---- */

static bool lists_fill(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena)
{
	size_t tests = 0;
	for (size_t i = 0; i < verdict->feature_count; i++)
		tests += verdict->features[i].test_count;
	struct drift_statistic *statistics = ARENA_ARRAY(arena, struct drift_statistic, tests + 1);
	struct drift_quality *quality = ARENA_ARRAY(arena, struct drift_quality, verdict->feature_count + 1);
	if (!statistics || !quality)
		return false;
	for (size_t i = 0; i < verdict->feature_count; i++) {
		const struct monitor_feature *feature = &verdict->features[i];
		const struct monitor_quality *found = &feature->quality;
		quality[score->quality_count++] = (struct drift_quality){
			.feature = feature->name,
			.values = feature->count,
			.missing = found->missing,
			.outside = found->outside,
			.unseen = found->unseen,
			.still = found->still,
			.alarm = found->missing_alarm || found->outside_alarm || found->unseen_alarm || found->still_alarm};
		for (size_t j = 0; j < feature->test_count; j++)
			statistics[score->statistic_count++] =
				(struct drift_statistic){.feature = feature->name,
							 .method = monitor_method_names[feature->tests[j].method],
							 .effect = feature->tests[j].effect,
							 .limit = feature->tests[j].level,
							 .statistic = feature->tests[j].statistic,
							 .p = feature->tests[j].p,
							 .established = feature->tests[j].established};
	}
	score->statistics = statistics;
	score->quality = quality;
	return true;
}

/* Lists the verdict with the message. Without one, nothing that came could be used. */
static bool verdict_give(struct drift_observer *self, const struct step *step, struct visit *visit,
			 const struct monitor_verdict *verdict, struct drift_kept *kept, struct error *error)
{
	const struct drift *options = step->options;
	struct drift_score *score = ARENA_NEW(visit_arena(visit), struct drift_score);
	if (!score)
		return error_memory(error, ERROR_LIMIT, "judging a window");
	*score = (struct drift_score){.pipeline = step->pipeline,
				      .step = self->watched,
				      .window = kept->position.window,
				      .begin_ms = visit_message(visit)->time_ms,
				      .end_ms = visit_message(visit)->time_ms,
				      .unusable = kept->unusable,
				      .verdict = DRIFT_LEARNING,
				      .reference = options->reference.file.text,
				      .reference_rows = self->comparison.reference.all_rows};
	if (verdict) {
		score->window = verdict->window;
		score->begin_ms = verdict->least_ms;
		score->end_ms = verdict->most_ms;
		score->messages = verdict->rows;
		score->late = verdict->late;
		score->score = verdict->judged ? verdict->score : 0;
		if (verdict->judged)
			score->verdict = verdict->drifted ? DRIFT_FOUND : DRIFT_STEADY;
		if (!lists_fill(score, verdict, visit_arena(visit)))
			return error_memory(error, ERROR_LIMIT, "judging a window");
	}
	kept->unusable = 0;
	if (score->verdict != DRIFT_LEARNING) {
		kept->verdict = score->verdict;
		kept->score = score->score;
	}
	visit_score(visit, score);
	return true;
}

/* ---- visits ---- */

static bool rows_add(struct drift_observer *self, const struct step *step, struct visit *visit, const double *rows, size_t count,
		     struct drift_kept *kept, struct error *error)
{
	struct monitor *monitor = self->comparison.monitor;
	const int64_t time_ms = visit_message(visit)->time_ms;
	const size_t width = self->comparison.reference.feature_count;
	size_t first = 0; /* of the rows that are in the open window */
	for (size_t i = 0; i < count; i++) {
		const struct monitor_verdict *verdict = monitor_add(monitor, rows + i * width, time_ms);
		if (!verdict)
			continue;
		if (!verdict_give(self, step, visit, verdict, kept, error))
			return false;
		first = i + 1 - (size_t)monitor_position_of(monitor).rows;
		kept->chunks = 0;
	}
	kept->position = monitor_position_of(monitor);
	kept->chain = hash_bytes(rows, count * row_bytes(self), hash_bytes(&time_ms, sizeof time_ms, kept->chain));
	return rows_keep(self, visit, rows + first * width, kept->position.rows - (count - first), count - first, kept, error);
}

static uint64_t unusable_most(const struct drift_observer *self)
{
	const int64_t rows = self->comparison.settings.window_rows;
	return rows > 0 ? (uint64_t)rows : UNUSABLE_USUAL;
}

static bool message_take(struct drift_observer *self, const struct step *step, struct visit *visit, struct error *error)
{
	struct drift_kept kept;
	const struct tensor *texts;
	const double *rows = NULL;
	size_t count = 0;
	state_take(self, visit, &kept);
	const bool usable = drift_comparison_rows(&self->comparison, visit_input(visit), visit_arena(visit), &rows, &count, &texts,
						  error);
	if (!usable && (error->kind == ERROR_SYSTEM || error->kind == ERROR_LIMIT))
		return false;
	if (usable && !rows_add(self, step, visit, rows, count, &kept, error))
		return false;
	if (!usable) {
		*error = (struct error){0};
		if (++kept.unusable >= unusable_most(self) && !verdict_give(self, step, visit, NULL, &kept, error))
			return false;
	}
	if (!state_keep(self, visit, &kept, error))
		return false;
	if (self->entry)
		verdict_entry_set(self->entry, (struct last_verdict){(enum drift_verdict)kept.verdict, kept.score});
	return true;
}

static enum step_verdict observer_run(struct step *step, struct visit *visit, struct error *error)
{
	struct drift_observer *self = step->state;
	visit_pass(visit);
	if (!step_observes(step, visit_message(visit)))
		return STEP_DONE;
	if (message_take(self, step, visit, error))
		return STEP_DONE;
	self->filled = false; /* the monitor may be ahead of the state */
	return STEP_FAIL;
}

const struct step_kind step_drift_observer = {
	.name = "drift observer",
	.summary = "Compares the messages of a step `drift` with its reference.",
	.options_size = sizeof(struct drift),
	.shape = SHAPE_PASSES,
	.state = &(const struct state_rules){0},
	.monitors = &(const struct monitor_rules){.observes = observer_share},
	.open = observer_open,
	.run = observer_run,
};
