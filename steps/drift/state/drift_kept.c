/* drift_kept.c: see drift_kept.h. */
#include "steps/drift/state/drift_kept.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define KEY_BEFORE_SEGMENTS "window" /* of the version 1 */

/* `window/SEGMENT`, or `rows/SEGMENT/NUMBER`; a name may have any bytes. */
static struct text key_make(const char *prefix, struct text segment, const char *rest, char bytes[DRIFT_KEY_BYTES])
{
	const size_t before = strlen(prefix), after = strlen(rest);
	memcpy(bytes, prefix, before);
	memcpy(bytes + before, segment.bytes, segment.length);
	memcpy(bytes + before + segment.length, rest, after);
	return (struct text){bytes, before + segment.length + after};
}

struct text drift_window_key(struct text segment, char bytes[DRIFT_KEY_BYTES])
{
	return key_make("window/", segment, "", bytes);
}

struct text drift_sums_key(struct text segment, char bytes[DRIFT_KEY_BYTES])
{
	return key_make("estimates/", segment, "", bytes);
}

struct text drift_detectors_key(struct text segment, uint64_t number, char bytes[DRIFT_KEY_BYTES])
{
	char rest[DRIFT_NUMBER_BYTES];
	snprintf(rest, sizeof rest, "/%llu", (unsigned long long)number);
	return key_make("detectors/", segment, rest, bytes);
}

struct text drift_chunk_key(struct text segment, uint64_t number, char bytes[DRIFT_KEY_BYTES])
{
	char rest[DRIFT_NUMBER_BYTES];
	snprintf(rest, sizeof rest, "/%llu", (unsigned long long)number);
	return key_make("rows/", segment, rest, bytes);
}

/* ---- rows ---- */

size_t drift_row_bytes(struct drift_row_form form)
{
	return form.numbers * sizeof(double) + (form.ordered ? sizeof(struct monitor_moment) : 0);
}

void drift_row_store(struct drift_row_form form, const double *row, struct monitor_moment moment, char *stored)
{
	memcpy(stored, row, form.numbers * sizeof *row);
	if (form.ordered)
		memcpy(stored + form.numbers * sizeof *row, &moment, sizeof moment);
}

bool drift_chunk_put_back(struct visit *visit, struct text segment, uint64_t number, struct drift_row_form form,
			  struct monitor *monitor)
{
	const size_t row_bytes = drift_row_bytes(form);
	char bytes[DRIFT_KEY_BYTES];
	struct text value;
	struct drift_chunk chunk;
	if (!visit_recall(visit, drift_chunk_key(segment, number, bytes), &value) || value.length < sizeof chunk)
		return false;
	memcpy(&chunk, value.bytes, sizeof chunk);
	if (chunk.count > (value.length - sizeof chunk) / row_bytes)
		return false;
	for (uint64_t i = 0; i < chunk.count; i++) {
		const char *row = value.bytes + sizeof chunk + i * row_bytes;
		struct monitor_moment moment = {0};
		if (form.ordered)
			memcpy(&moment, row + form.numbers * sizeof(double), sizeof moment);
		monitor_put_back(monitor, chunk.first + i, (const double *)(const void *)row, moment);
	}
	return true;
}

/* ---- windows ---- */

/* The number of the window in what a former version has stored; false: it is of none. */
static bool former_number(struct text value, uint64_t *window)
{
	static const struct {
		uint64_t version;
		size_t bytes, at; /* of all, and before the number */
	} forms[] = {{1, 136, 40}, {2, 128, 32}, {3, 264, 32}};
	uint64_t version;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (value.length != forms[i].bytes)
			continue;
		memcpy(&version, value.bytes, sizeof version);
		memcpy(window, value.bytes + forms[i].at, sizeof *window);
		return version == forms[i].version;
	}
	return false;
}

/* The number with which the windows of a segment go on after an upgrade; 0: nothing is stored of it. */
static uint64_t former_window(struct visit *visit, struct text segment)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text value;
	uint64_t window;
	if (visit_recall(visit, drift_window_key(segment, bytes), &value) && former_number(value, &window))
		return window;
	if (segment.length == 0 && visit_recall(visit, TEXT(KEY_BEFORE_SEGMENTS), &value) && former_number(value, &window))
		return window;
	return 0;
}

struct drift_kept drift_kept_begin(uint64_t identity, uint64_t window)
{
	struct drift_kept kept = {
		.version = DRIFT_KEPT_VERSION, .identity = identity, .position = monitor_start(), .last = verdict_unknown()};
	kept.position.window = window;
	return kept;
}

/* Former forms lack the last figures, which are not known until a window is closed. */
#define KEPT_BYTES_BEFORE(figure) (offsetof(struct drift_kept, last) + offsetof(struct last_verdict, figure))

/* Where the cause is in memory, and what follows it there and is stored before it. */
#define CAUSE_AT KEPT_BYTES_BEFORE(cause)
#define CAUSE_BYTES sizeof(struct drift_cause)
#define AFTER_BYTES (sizeof(struct drift_kept) - CAUSE_AT - CAUSE_BYTES)
#define STORED_BYTES_BEFORE(member) (offsetof(struct drift_kept, member) - CAUSE_BYTES)

_Static_assert(KEPT_BYTES_BEFORE(mistyped_share) + sizeof(double) == CAUSE_AT &&
		       KEPT_BYTES_BEFORE(auc) + 3 * sizeof(double) == CAUSE_AT &&
		       KEPT_BYTES_BEFORE(messages_per_minute) + 5 * sizeof(double) == CAUSE_AT &&
		       STORED_BYTES_BEFORE(resets) == CAUSE_AT,
	       "the forms without them are its beginning");

static bool kept_is_whole(struct text value)
{
	return value.length == DRIFT_KEPT_BYTES || value.length == DRIFT_KEPT_BYTES - CAUSE_BYTES ||
	       value.length == STORED_BYTES_BEFORE(alarms) || value.length == STORED_BYTES_BEFORE(arrived_ms) ||
	       value.length == STORED_BYTES_BEFORE(resets) || value.length == KEPT_BYTES_BEFORE(mistyped_share) ||
	       value.length == KEPT_BYTES_BEFORE(auc) || value.length == KEPT_BYTES_BEFORE(messages_per_minute);
}

void drift_kept_store(const struct drift_kept *kept, char stored[DRIFT_KEPT_BYTES])
{
	memcpy(stored, kept, CAUSE_AT);
	memcpy(stored + CAUSE_AT, &kept->resets, AFTER_BYTES);
	memcpy(stored + CAUSE_AT + AFTER_BYTES, &kept->last.cause, CAUSE_BYTES);
}

/* A form that is whole; what it lacks stays. */
static void kept_load(struct text value, struct drift_kept *kept)
{
	const size_t before = value.length < CAUSE_AT ? value.length : CAUSE_AT, rest = value.length - before;
	memcpy(kept, value.bytes, before);
	memcpy(&kept->resets, value.bytes + before, rest < AFTER_BYTES ? rest : AFTER_BYTES);
	if (value.length == DRIFT_KEPT_BYTES)
		memcpy(&kept->last.cause, value.bytes + CAUSE_AT + AFTER_BYTES, CAUSE_BYTES);
}

bool drift_kept_read(struct visit *visit, struct text segment, uint64_t identity, struct drift_kept *kept)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text value;
	*kept = (struct drift_kept){.last = verdict_unknown()};
	if (visit_recall(visit, drift_window_key(segment, bytes), &value) && kept_is_whole(value))
		kept_load(value, kept);
	if (kept->version == DRIFT_KEPT_VERSION && kept->identity == identity && kept->position.stride > 0)
		return true;
	const uint64_t window = kept->version == DRIFT_KEPT_VERSION ? kept->position.window : former_window(visit, segment);
	*kept = drift_kept_begin(identity, window);
	return false;
}

static bool chunk_is_there(struct visit *visit, struct text segment, uint64_t number)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text value;
	return visit_recall(visit, drift_chunk_key(segment, number, bytes), &value);
}

/* How many chunks are stored: those of the open window, and what is left of larger ones before. They have the numbers from 0. */
static uint64_t chunks_count(struct visit *visit, struct text segment)
{
	uint64_t low = 0, high = 1;
	while (chunk_is_there(visit, segment, high - 1)) {
		low = high;
		high *= 2;
	}
	while (low < high - 1) {
		const uint64_t middle = low + (high - low) / 2;
		if (chunk_is_there(visit, segment, middle - 1))
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool drift_kept_forget(struct visit *visit, struct text segment, size_t *most, bool *gone, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	uint64_t chunks = chunks_count(visit, segment);
	for (; chunks > 0 && *most > 0; (*most)--)
		if (!visit_forget(visit, drift_chunk_key(segment, --chunks, bytes), error))
			return false;
	*gone = chunks == 0;
	return !*gone || visit_forget(visit, drift_window_key(segment, bytes), error);
}
