/* explain_importance.c: see explain_importance.h. */
#include "steps/explain/explain_importance.h"

#include <math.h>

#include "base/number/duration.h"
#include "base/hash.h"
#include "methods/explain/importance.h"
#include "message/records/importance_report.h"
#include "observe/verdict_board.h"
#include "steps/explain/explain_options.h"
#include "steps/explain/explain_work.h"

#define KEPT_VERSION 1
#define KEPT_KEY "importance/window"
#define NAMES_KEY "importance/names"
#define NAMES_BYTES_MAX ((size_t)1 << 19) /* more is left out: it would not fit a record */
#define TIME_MOST ((int64_t)1 << 60)

/* What is stored under KEPT_KEY, before the importance of each output. */
struct importance_kept {
	uint64_t version;
	uint64_t identity; /* of the window and the features */
	uint64_t slice, window;
	uint64_t records, late, late_run, left_out; /* of the open window */
	int64_t begin_ms;			    /* of a window by time: where it begins */
	int64_t least_ms, most_ms;		    /* of its messages */
	uint64_t method;			    /* enum explanation_method */
	uint64_t outputs, features;
};

/* Explanations of a message at the step. */
struct importance_visit {
	const struct step *step;
	struct visit *visit;
	const struct explained *one;
	struct importance_kept *kept; /* in the state, with what follows it */
	struct error *error;
};

static bool out_of_memory(struct importance_visit *at)
{
	return error_memory(at->error, ERROR_LIMIT, "keeping the importance of features");
}

static const struct extent *window_of(const struct step *step)
{
	return &((const struct explain_step *)step->options)->importance.window;
}

static int64_t duration_ms(const struct step *step)
{
	return window_of(step)->duration_ns / NS_PER_MS;
}

/* That of the message, so that differences do not overflow. */
static int64_t time_of(const struct importance_visit *at)
{
	const int64_t time_ms = visit_message(at->visit)->time_ms;
	return time_ms > TIME_MOST ? TIME_MOST : time_ms < -TIME_MOST ? -TIME_MOST : time_ms;
}

/* ---- names ---- */

static size_t names_length(const struct explained *one)
{
	size_t length = one->output.length + sizeof(uint64_t);
	for (size_t i = 0; i < one->data.features; i++)
		length += one->data.names[i].length + sizeof(uint64_t);
	return length;
}

static char *name_put(char *to, struct text name)
{
	const uint64_t length = name.length;
	memcpy(to, &length, sizeof length);
	memcpy(to + sizeof length, name.bytes, name.length);
	return to + sizeof length + name.length;
}

/* The tensor, and the features, each behind its length. */
static struct text names_write(struct importance_visit *at)
{
	const size_t length = names_length(at->one);
	char *bytes = arena_take(visit_arena(at->visit), length, 1), *to = bytes;
	if (!bytes)
		return (struct text){0};
	to = name_put(to, at->one->output);
	for (size_t i = 0; i < at->one->data.features; i++)
		to = name_put(to, at->one->data.names[i]);
	return (struct text){bytes, length};
}

static bool name_take(struct text *left, struct text *name)
{
	uint64_t length;
	if (left->length < sizeof length)
		return false;
	memcpy(&length, left->bytes, sizeof length);
	if (length > left->length - sizeof length)
		return false;
	*name = (struct text){left->bytes + sizeof length, length};
	*left = (struct text){name->bytes + length, left->length - sizeof length - length};
	return true;
}

/* ---- the open window ---- */

static size_t kept_size(uint64_t outputs, uint64_t features)
{
	return sizeof(struct importance_kept) + outputs * importance_size(features);
}

static struct importance *importance_of(struct importance_kept *kept, size_t output)
{
	return (struct importance *)(void *)((char *)(kept + 1) + output * importance_size(kept->features));
}

/* NULL: there is none that is whole. */
static const struct importance_kept *kept_find(struct importance_visit *at)
{
	struct text value;
	if (!visit_recall(at->visit, TEXT(KEPT_KEY), &value) || value.length < sizeof(struct importance_kept))
		return NULL;
	const struct importance_kept *kept = (const void *)value.bytes;
	const bool whole = kept->version == KEPT_VERSION && kept->outputs <= IMPORTANCE_CELLS_MAX &&
			   kept->features <= IMPORTANCE_CELLS_MAX && value.length == kept_size(kept->outputs, kept->features);
	return whole ? kept : NULL;
}

static uint64_t identity_of(const struct importance_visit *at, struct text names)
{
	const struct explanation *data = &at->one->data;
	const struct extent *window = window_of(at->step);
	const uint64_t facts[] = {(uint64_t)window->count, (uint64_t)window->duration_ns, data->outputs, data->features};
	return hash_bytes(names.bytes, names.length, hash_bytes(facts, sizeof facts, KEPT_VERSION));
}

/* A number that no other state has, and that a message taken again gives again. */
static uint64_t slice_of(const struct importance_visit *at)
{
	const struct message *message = visit_message(at->visit);
	const int64_t place[] = {message->origin.partition, message->origin.offset, message->time_ms};
	const uint64_t hash = hash_bytes(message->id.bytes, message->id.length, hash_bytes(place, sizeof place, KEPT_VERSION));
	return hash >> 1; /* it is a long in records */
}

static int64_t window_begin(const struct importance_visit *at, int64_t time_ms)
{
	const int64_t duration = duration_ms(at->step);
	const int64_t rest = duration ? time_ms % duration : 0;
	return time_ms - (rest < 0 ? rest + duration : rest);
}

/* Begins the window of that number; what was kept of another is gone. */
static void window_clear(struct importance_visit *at, uint64_t window)
{
	struct importance_kept *kept = at->kept;
	memset(kept + 1, 0, kept_size(kept->outputs, kept->features) - sizeof *kept);
	kept->window = window;
	kept->records = kept->late = kept->late_run = kept->left_out = 0;
	kept->begin_ms = window_begin(at, time_of(at));
	kept->least_ms = kept->most_ms = time_of(at);
}

/* ---- reports ---- */

/* The stored names of the window's features. False: they are not whole. */
static bool features_read(struct importance_visit *at, size_t output, struct importance_report *report)
{
	struct arena *arena = visit_arena(at->visit);
	struct importance_feature *features = ARENA_ARRAY(arena, struct importance_feature, at->kept->features + 1);
	double *means = importance_means(importance_of(at->kept, output));
	struct text left, name;
	if (!visit_recall(at->visit, TEXT(NAMES_KEY), &left) || !features || !name_take(&left, &name))
		return false;
	const char *shown = arena_print(arena, TEXT_FORMAT "[%zu]", TEXT_ARGUMENTS(name), output);
	report->output = text_of(shown ? shown : "");
	for (size_t i = 0; i < at->kept->features; i++) {
		if (!name_take(&left, &name))
			return false;
		features[i] = (struct importance_feature){{arena_copy(arena, name.bytes, name.length), name.length}, means[i]};
	}
	report->features = features;
	report->feature_count = at->kept->features;
	return !arena_failed(arena);
}

static bool report_list(struct importance_visit *at, size_t output)
{
	const struct importance_kept *kept = at->kept;
	struct importance_report *report = ARENA_NEW(visit_arena(at->visit), struct importance_report);
	const struct explanation method = {.method = (enum explanation_method)kept->method};
	if (!report)
		return out_of_memory(at);
	*report = (struct importance_report){.listed.kind = LISTED_IMPORTANCE,
					     .pipeline = text_of(at->step->pipeline),
					     .step = text_of(at->step->name),
					     .explained = text_of(at->step->explained->name),
					     .method = text_of(explained_method(&method)),
					     .slice = kept->slice,
					     .window = kept->window,
					     .begin_ms = kept->least_ms,
					     .end_ms = kept->most_ms,
					     .explanations = kept->records,
					     .late = kept->late,
					     .left_out = kept->left_out,
					     .total = importance_of(at->kept, output)->total};
	if (!features_read(at, output, report))
		return out_of_memory(at);
	visit_list(at->visit, &report->listed);
	return true;
}

/* Shows the window in this process: the means over all outputs. */
static void window_show(struct importance_visit *at)
{
	const struct explainer *explainer = at->step->state;
	struct arena *arena = visit_arena(at->visit);
	const size_t features = at->kept->features;
	struct text *names = ARENA_ARRAY(arena, struct text, features + 1);
	double *means = ARENA_ARRAY(arena, double, features + 1);
	struct text left, tensor;
	if (!explainer->entry || !names || !means || !visit_recall(at->visit, TEXT(NAMES_KEY), &left) || !name_take(&left, &tensor))
		return;
	for (size_t i = 0; i < features; i++) {
		if (!name_take(&left, &names[i]))
			return;
		for (size_t output = 0; output < at->kept->outputs; output++)
			means[i] += importance_means(importance_of(at->kept, output))[i];
	}
	verdict_entry_weigh(explainer->entry, names, means, features);
}

/* Lists the window, if it has anything, and begins the next. */
static bool window_close(struct importance_visit *at)
{
	for (size_t output = 0; at->kept->records > 0 && output < at->kept->outputs; output++)
		if (!report_list(at, output))
			return false;
	if (at->kept->records > 0)
		window_show(at);
	window_clear(at, at->kept->window + (at->kept->records > 0));
	return true;
}

/* ---- explanations ---- */

/* Closes what is open of other features, and begins anew. */
static bool kept_begin(struct importance_visit *at, const struct importance_kept *before, uint64_t identity, struct text names)
{
	const struct explanation *data = &at->one->data;
	uint64_t slice = slice_of(at), window = 0;
	if (before) {
		slice = before->slice;
		at->kept = visit_remember(at->visit, TEXT(KEPT_KEY), kept_size(before->outputs, before->features), at->error);
		if (!at->kept || !window_close(at))
			return false;
		window = at->kept->window;
	}
	char *stored = visit_remember(at->visit, TEXT(NAMES_KEY), names.length, at->error);
	at->kept = stored ? visit_remember(at->visit, TEXT(KEPT_KEY), kept_size(data->outputs, data->features), at->error) : NULL;
	if (!at->kept)
		return false;
	memcpy(stored, names.bytes, names.length);
	*at->kept = (struct importance_kept){.version = KEPT_VERSION,
					     .identity = identity,
					     .slice = slice,
					     .method = data->method,
					     .outputs = data->outputs,
					     .features = data->features};
	window_clear(at, window);
	return true;
}

/* Brings the state to the features of the explanation. */
static bool kept_bring(struct importance_visit *at)
{
	const struct text names = names_write(at);
	if (!names.bytes)
		return out_of_memory(at);
	const uint64_t identity = identity_of(at, names);
	const struct importance_kept *before = kept_find(at);
	if (!before || before->identity != identity)
		return kept_begin(at, before, identity, names);
	at->kept = visit_remember(at->visit, TEXT(KEPT_KEY), kept_size(before->outputs, before->features), at->error);
	return at->kept;
}

/* A window by time closes before what is behind it, or after too much that is before it. */
static bool time_take(struct importance_visit *at)
{
	struct importance_kept *kept = at->kept;
	const int64_t time_ms = time_of(at);
	const bool by_time = duration_ms(at->step) > 0, late = by_time && time_ms < kept->begin_ms;
	kept->late_run = late ? kept->late_run + 1 : 0;
	if (by_time && (time_ms - kept->begin_ms >= duration_ms(at->step) || kept->late_run > IMPORTANCE_LATE)) {
		if (!window_close(at))
			return false;
	} else {
		kept->late += late;
	}
	if (kept->records == 0)
		kept->least_ms = kept->most_ms = time_ms;
	kept->least_ms = time_ms < kept->least_ms ? time_ms : kept->least_ms;
	kept->most_ms = time_ms > kept->most_ms ? time_ms : kept->most_ms;
	return true;
}

static bool contributions_are_finite(const struct explanation *data)
{
	for (size_t i = 0; i < data->outputs * data->features; i++)
		if (!isfinite(data->contributions[i]))
			return false;
	return true;
}

/* A window by count closes with the explanation that fills it. */
static bool explanation_add(struct importance_visit *at)
{
	const struct explanation *data = &at->one->data;
	struct importance_kept *kept = at->kept;
	if (!time_take(at))
		return false;
	if (!contributions_are_finite(data)) {
		kept->left_out++;
		return true;
	}
	for (size_t output = 0; output < data->outputs; output++)
		importance_add(importance_of(kept, output), data->contributions + output * data->features, data->features);
	kept->method = data->method;
	kept->records++;
	return window_of(at->step)->count == 0 || kept->records < (uint64_t)window_of(at->step)->count || window_close(at);
}

/* Too many features, or too long names, are counted, if there is a window in which to count them. */
static bool too_large(struct importance_visit *at)
{
	const struct importance_kept *before = kept_find(at);
	if (!before)
		return true;
	at->kept = visit_remember(at->visit, TEXT(KEPT_KEY), kept_size(before->outputs, before->features), at->error);
	if (at->kept)
		at->kept->left_out++;
	return at->kept;
}

bool explain_importance_take(const struct step *step, struct visit *visit, const struct explained *made, struct error *error)
{
	for (const struct explained *one = made; one; one = one->next) {
		struct importance_visit at = {.step = step, .visit = visit, .one = one, .error = error};
		const struct explanation *data = &one->data;
		if (one->failure || data->features == 0)
			continue;
		const bool fits = data->outputs * data->features <= IMPORTANCE_CELLS_MAX && names_length(one) <= NAMES_BYTES_MAX;
		if (fits ? !kept_bring(&at) || !explanation_add(&at) : !too_large(&at))
			return false;
	}
	return true;
}
