/* drift_segments.c: see drift_segments.h. */
#include "steps/drift/drift_segments.h"

#include <string.h>

#include "flow/state/keyed_log.h"
#include "message/records/drift_score.h"
#include "message/key.h"

#define TALLY_VERSION 3
#define TALLY_KEY "segments"
#define ROW_HEAD_BYTES 16 /* of a row that comes alone: its number, and that it is one */

static bool segment_read(const struct tensor *tensor, size_t element, const struct expression *group, struct arena *arena,
			 struct text *segment, struct error *error)
{
	struct tensor one = *tensor;
	one.data = (const char *)tensor->data + element * datatype_stride(tensor->datatype);
	one.count = 1;
	*segment = key_of_tensor(&one, arena);
	if (!segment->bytes)
		return error_memory(error, ERROR_LIMIT, "finding segments");
	return segment->length <= DRIFT_SEGMENT_BYTES_MAX ||
	       error_set(error, ERROR_INPUT, expression_place(group),
			 "a segment has a name of %zu bytes, and %d are the most; write a `groupBy` with shorter values",
			 segment->length, DRIFT_SEGMENT_BYTES_MAX);
}

bool drift_segments_of(const struct expression *group, const struct scope *scope, size_t rows, struct arena *arena,
		       struct text **segments, struct error *error)
{
	*segments = ARENA_ARRAY(arena, struct text, rows + 1);
	if (!*segments)
		return error_memory(error, ERROR_LIMIT, "finding segments");
	for (size_t i = 0; i < rows && !group; i++)
		(*segments)[i] = TEXT("");
	if (!group)
		return true;
	const struct tensor *tensor = expression_evaluate(group, scope, arena, error);
	if (!tensor)
		return false;
	if (tensor->count != 1 && tensor->count != rows)
		return error_set_tensor(error, expression_place(group),
					"`groupBy` gives %zu elements for %zu rows; let it give one, or one for each row",
					tensor->count, rows);
	for (size_t i = 0; i < rows; i++)
		if (!segment_read(tensor, tensor->count == 1 ? 0 : i, group, arena, &(*segments)[i], error))
			return false;
	return true;
}

double drift_segments_bytes(const struct monitor_settings *settings, size_t features)
{
	const double rows = settings->window_rows > 0 ? (double)settings->window_rows : MONITOR_ROWS_KEPT;
	const bool online = settings->methods & MONITOR_ONLINE;
	const size_t head = ROW_HEAD_BYTES + (online ? sizeof(struct monitor_moment) : 0);
	const double row_bytes = (double)(features * sizeof(double) + head);
	return DRIFT_SEGMENTS_MAX * (rows * row_bytes + (online ? (double)features * MONITOR_ONLINE_BYTES : 0));
}

struct text drift_segment_first(const struct expression *group, const struct scope *scope, struct arena *arena)
{
	struct error error = {0};
	struct text segment = TEXT("");
	const struct tensor *tensor = group ? expression_evaluate(group, scope, arena, &error) : NULL;
	return tensor && tensor->count && segment_read(tensor, 0, group, arena, &segment, &error) ? segment : TEXT("");
}

/* ---- the tally ---- */

void drift_tally_read(struct visit *visit, uint64_t identity, struct drift_tally *tally)
{
	*tally = (struct drift_tally){0};
	(void)keyed_value_read(visit, TEXT(TALLY_KEY), tally, sizeof *tally);
	if (tally->version != TALLY_VERSION)
		*tally = (struct drift_tally){.version = TALLY_VERSION, .identity = identity};
	if (tally->identity == identity)
		return;
	*tally = (struct drift_tally){.version = TALLY_VERSION,
				      .identity = identity,
				      .base = tally->base + tally->segments,
				      .former = tally->former};
}

bool drift_tally_keep(struct visit *visit, const struct drift_tally *tally, struct error *error)
{
	return keyed_value_write(visit, TEXT(TALLY_KEY), tally, sizeof *tally, error);
}

bool drift_tally_admit(struct drift_tally *tally, bool grouped)
{
	if (grouped && tally->segments >= DRIFT_SEGMENTS_MAX)
		return false;
	tally->segments = grouped ? tally->segments + 1 : 1;
	return true;
}

/* ---- the index ---- */

static const struct keyed_log names = {.name = "segment"};

/* The name, and behind it a zero byte: a value is not empty. */
bool drift_segment_index(struct visit *visit, uint64_t number, struct text name, struct error *error)
{
	struct text before;
	if (drift_segment_named(visit, number, &before) && text_equal(before, name))
		return true;
	char *stored = keyed_log_write(&names, visit, number, name.length + 1, error);
	if (!stored)
		return false;
	memcpy(stored, name.bytes, name.length);
	stored[name.length] = '\0';
	return true;
}

bool drift_segment_named(struct visit *visit, uint64_t number, struct text *name)
{
	struct text value;
	if (!keyed_log_read(&names, visit, number, &value) || value.length == 0)
		return false;
	*name = (struct text){arena_copy(visit_arena(visit), value.bytes, value.length - 1), value.length - 1};
	return name->bytes;
}

bool drift_segment_unindex(struct visit *visit, uint64_t number, struct error *error)
{
	return keyed_log_remove(&names, visit, number, error);
}
