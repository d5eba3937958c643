/* importance_report.c: see importance_report.h. The size of a record is computed first, so writing needs no checks. */
#include "message/importance_report.h"

#include "message/avro.h"
#include "message/avro_wire.h"
#include "message/avro_writers.h"

#define NUMBERS 12 /* of a record beside its list, at most */

static size_t report_room(const struct importance_report *report)
{
	size_t room = AVRO_SINGLE_OBJECT_BYTES + NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(report->pipeline) +
		      avro_text_room(report->step) + avro_text_room(report->explained) + avro_text_room(report->method) +
		      avro_text_room(report->output);
	for (size_t i = 0; i < report->feature_count; i++)
		room += avro_text_room(report->features[i].name) + sizeof(double);
	return room;
}

static char *put_features(char *to, const struct importance_report *report)
{
	if (report->feature_count)
		to = avro_put_small(to, report->feature_count);
	for (size_t i = 0; i < report->feature_count; i++) {
		to = avro_put_bytes(to, report->features[i].name);
		to = avro_put_double(to, report->features[i].mean);
	}
	return avro_put_small(to, 0);
}

bool importance_report_encode(const struct importance_report *report, struct buffer *out, struct error *error)
{
	const uint64_t fingerprint = avro_importance_fingerprint();
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	char *begin = buffer_room(out, report_room(report));
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the importance of the features of step `" TEXT_FORMAT "` does not fit into the %zu bytes that a "
				 "record may have; give its features shorter names",
				 TEXT_ARGUMENTS(report->step), out->ceiling_bytes);
	char *to = avro_put_single_object(begin, fingerprint);
	to = avro_put_bytes(to, report->pipeline);
	to = avro_put_bytes(to, report->step);
	to = avro_put_bytes(to, report->explained);
	to = avro_put_bytes(to, report->method);
	to = avro_put_bytes(to, report->output);
	to = avro_put_long(to, (int64_t)report->slice);
	to = avro_put_long(to, (int64_t)report->window);
	to = avro_put_long(to, report->begin_ms);
	to = avro_put_long(to, report->end_ms);
	to = avro_put_long(to, (int64_t)report->explanations);
	to = avro_put_long(to, (int64_t)report->late);
	to = avro_put_long(to, (int64_t)report->left_out);
	to = avro_put_double(to, report->total);
	to = put_features(to, report);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}

/* ---- reading ---- */

/* False: the arena is full. */
static bool features_read(struct avro_cursor *cursor, struct arena *arena, struct importance_report *report)
{
	struct importance_feature *items = NULL;
	size_t count = 0;
	for (size_t more; (more = avro_read_block(cursor)) > 0;) {
		struct importance_feature *grown = ARENA_ARRAY(arena, struct importance_feature, count + more);
		if (!grown)
			return false;
		if (count > 0)
			memcpy(grown, items, count * sizeof *items);
		items = grown;
		while (more--) {
			items[count].name = avro_read_bytes(cursor);
			items[count++].mean = avro_read_double(cursor);
		}
	}
	report->features = items;
	report->feature_count = count;
	return true;
}

bool importance_report_decode(struct text bytes, struct arena *arena, struct importance_report *report, struct error *error)
{
	const bool known = avro_is_single_object(bytes, avro_importance_fingerprint());
	struct avro_cursor cursor = avro_cursor_of(known ? avro_single_object_body(bytes) : (struct text){"", 0});
	*report = (struct importance_report){0};
	if (!known)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "it is no record of schemas/importance.avsc");
	report->pipeline = avro_read_bytes(&cursor);
	report->step = avro_read_bytes(&cursor);
	report->explained = avro_read_bytes(&cursor);
	report->method = avro_read_bytes(&cursor);
	report->output = avro_read_bytes(&cursor);
	report->slice = (uint64_t)avro_read_long(&cursor);
	report->window = (uint64_t)avro_read_long(&cursor);
	report->begin_ms = avro_read_long(&cursor);
	report->end_ms = avro_read_long(&cursor);
	report->explanations = (uint64_t)avro_read_long(&cursor);
	report->late = (uint64_t)avro_read_long(&cursor);
	report->left_out = (uint64_t)avro_read_long(&cursor);
	report->total = avro_read_double(&cursor);
	if (!features_read(&cursor, arena, report))
		return error_memory(error, ERROR_SYSTEM, "reading the importance of features");
	return !avro_failed(&cursor) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "it is no record of schemas/importance.avsc: its bytes end early");
}
