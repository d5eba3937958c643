/* policy_record.c: see policy_record.h. The size of a record is computed first, so writing needs no checks. */
#include "message/policy_record.h"

#include <math.h>

#include "message/avro.h"
#include "message/avro_parts.h"

#define FORMER_SCHEMA UINT64_C(0xab62f691543233b7) /* without `candidates` */
#define NUMBERS 18				   /* of a record beside its lists, at most */
#define FEATURE_NUMBERS 7 /* of a feature, and of its list of classes */
#define ORIGIN_NUMBERS 2
#define CANDIDATES_NUMBERS 3 /* of a list, and of its names */
#define RECORD_BROKEN "the record is a broken policy"

/* ---- writing ---- */

static size_t feature_room(const struct policy_feature *feature)
{
	size_t room = avro_text_room(feature->name) + FEATURE_NUMBERS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < feature->class_count; i++)
		room += avro_text_room(feature->classes[i]);
	return room;
}

static size_t candidates_room(const struct policy_candidates *candidates)
{
	size_t room = CANDIDATES_NUMBERS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < candidates->count; i++)
		room += avro_text_room(candidates->names[i]);
	return room;
}

static size_t record_room(const struct policy_record *record)
{
	size_t room = AVRO_SINGLE_OBJECT_BYTES + NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(record->experiment) +
		      avro_text_room(record->policy) + avro_text_room(record->learner);
	for (size_t i = 0; i < record->arm_count; i++)
		room += avro_text_room(record->arms[i]);
	for (size_t i = 0; i < record->feature_count; i++)
		room += feature_room(&record->features[i]);
	for (size_t i = 0; i < record->position_count; i++)
		room += avro_text_room(record->positions[i].topic) + ORIGIN_NUMBERS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < record->candidates_count; i++)
		room += candidates_room(&record->candidates[i]);
	return room;
}

static char *texts_put(char *to, const struct text *texts, size_t count)
{
	if (count > 0)
		to = avro_put_small(to, count);
	for (size_t i = 0; i < count; i++)
		to = avro_put_bytes(to, texts[i]);
	return avro_put_small(to, 0);
}

static char *features_put(char *to, const struct policy_record *record)
{
	if (record->feature_count > 0)
		to = avro_put_small(to, record->feature_count);
	for (size_t i = 0; i < record->feature_count; i++) {
		const struct policy_feature *feature = &record->features[i];
		to = avro_put_bytes(to, feature->name);
		to = avro_put_double(to, feature->center);
		to = avro_put_double(to, feature->width);
		to = avro_put_long(to, feature->count);
		to = avro_put_double(to, feature->mean);
		to = avro_put_double(to, feature->squares);
		to = texts_put(to, feature->classes, feature->class_count);
	}
	return avro_put_small(to, 0);
}

static char *positions_put(char *to, const struct policy_record *record)
{
	if (record->position_count > 0)
		to = avro_put_long(to, (int64_t)record->position_count);
	for (size_t i = 0; i < record->position_count; i++)
		to = avro_put_position(to, &record->positions[i]);
	return avro_put_small(to, 0);
}

static char *candidates_put(char *to, const struct policy_record *record)
{
	if (record->candidates_count > 0)
		to = avro_put_small(to, record->candidates_count);
	for (size_t i = 0; i < record->candidates_count; i++) {
		to = avro_put_long(to, record->candidates[i].since);
		to = texts_put(to, record->candidates[i].names, record->candidates[i].count);
	}
	return avro_put_small(to, 0);
}

bool policy_record_encode(const struct policy_record *record, struct buffer *out, struct error *error)
{
	const uint64_t fingerprint = avro_policy_fingerprint();
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	char *begin = buffer_room(out, record_room(record));
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the policy of experiment `" TEXT_FORMAT "` does not fit into %zu bytes; use fewer candidates or "
				 "features, or fewer partitions",
				 TEXT_ARGUMENTS(record->experiment), out->ceiling_bytes);
	char *to = avro_put_single_object(begin, fingerprint);
	to = avro_put_bytes(to, record->experiment);
	to = avro_put_long(to, record->version);
	to = avro_put_long(to, record->time_ms);
	to = avro_put_long(to, record->rewards);
	to = texts_put(to, record->arms, record->arm_count);
	to = features_put(to, record);
	to = avro_put_bytes(to, record->policy);
	to = avro_put_bytes(to, record->learner);
	to = positions_put(to, record);
	to = avro_put_long(to, record->through_ms);
	to = candidates_put(to, record);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}

/* ---- reading ---- */

/* Makes space for a block of items after those that were read; NULL: there is none, or memory ran out. */
static void *items_more(struct arena *arena, const void *items, size_t count, size_t more, size_t size)
{
	char *grown = more <= SIZE_MAX / 2 - count ? arena_take(arena, count + more, size) : NULL;
	if (grown && count > 0)
		memcpy(grown, items, count * size);
	return grown;
}

static bool texts_get(struct avro_cursor *cursor, struct arena *arena, const struct text **texts, size_t *count)
{
	for (size_t more; (more = avro_read_block(cursor)) > 0;) {
		struct text *grown = items_more(arena, *texts, *count, more, sizeof *grown);
		if (!grown)
			return false;
		*texts = grown;
		while (more--)
			grown[(*count)++] = avro_read_bytes(cursor);
	}
	return true;
}

static bool features_get(struct avro_cursor *cursor, struct arena *arena, struct policy_record *record)
{
	for (size_t more; (more = avro_read_block(cursor)) > 0;) {
		struct policy_feature *features =
			items_more(arena, record->features, record->feature_count, more, sizeof *features);
		if (!features)
			return false;
		record->features = features;
		for (; more > 0; more--) {
			struct policy_feature *feature = &features[record->feature_count++];
			feature->name = avro_read_bytes(cursor);
			feature->center = avro_read_double(cursor);
			feature->width = avro_read_double(cursor);
			feature->count = avro_read_long(cursor);
			feature->mean = avro_read_double(cursor);
			feature->squares = avro_read_double(cursor);
			if (!texts_get(cursor, arena, &feature->classes, &feature->class_count))
				return false;
		}
	}
	return true;
}

static bool positions_get(struct avro_cursor *cursor, struct arena *arena, struct policy_record *record)
{
	for (size_t more; (more = avro_read_block(cursor)) > 0;) {
		struct origin *positions = items_more(arena, record->positions, record->position_count, more, sizeof *positions);
		if (!positions)
			return false;
		record->positions = positions;
		for (; more > 0; more--) {
			struct origin *position = &positions[record->position_count++];
			position->topic = avro_read_bytes(cursor);
			position->partition = avro_read_int(cursor);
			position->offset = avro_read_long(cursor);
		}
	}
	return true;
}

static bool candidates_get(struct avro_cursor *cursor, struct arena *arena, struct policy_record *record)
{
	for (size_t more; (more = avro_read_block(cursor)) > 0;) {
		struct policy_candidates *lists =
			items_more(arena, record->candidates, record->candidates_count, more, sizeof *lists);
		if (!lists)
			return false;
		record->candidates = lists;
		for (; more > 0; more--) {
			struct policy_candidates *list = &lists[record->candidates_count++];
			*list = (struct policy_candidates){.since = avro_read_long(cursor)};
			if (!texts_get(cursor, arena, &list->names, &list->count))
				return false;
		}
	}
	return true;
}

/* Others add to it, and subtract from it. */
static bool number_sound(int64_t number)
{
	return number >= 0 && number <= INT64_MAX / 2;
}

/* An hour has no classes: a context has its angle (bandits/context.h). */
static bool classes_sound(const struct policy_feature *feature, struct error *error)
{
	const bool is_hour = text_is(feature->name, CONTEXT_TIME_OF_DAY);
	if (feature->class_count <= (is_hour ? 0 : CONTEXT_CLASSES_MAX))
		return true;
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 RECORD_BROKEN ": its feature `" TEXT_FORMAT "` %s",
			 TEXT_ARGUMENTS(feature->name), is_hour ? "is an hour and lists texts" : "lists too many texts");
}

/* Whether numbers that others divide by, or begin from, are such. */
static bool feature_sound(const struct policy_feature *feature, struct error *error)
{
	if (isfinite(feature->center) && isfinite(feature->width) && feature->width > 0 && feature->count >= 0 &&
	    isfinite(feature->mean) && isfinite(feature->squares) && feature->squares >= 0)
		return classes_sound(feature, error);
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 RECORD_BROKEN ": its feature `" TEXT_FORMAT "` has no scale", TEXT_ARGUMENTS(feature->name));
}

/* Lists follow each other, and none is of a version to come. */
static bool candidates_sound(const struct policy_record *record)
{
	int64_t before = -1;
	for (size_t i = 0; i < record->candidates_count; i++) {
		const struct policy_candidates *list = &record->candidates[i];
		if (list->since <= before || list->since > record->version || list->count == 0)
			return false;
		before = list->since;
	}
	return true;
}

static bool record_sound(const struct policy_record *record, struct error *error)
{
	bool sound = record->arm_count > 0 && number_sound(record->version) && number_sound(record->time_ms) &&
		     number_sound(record->rewards) && number_sound(record->through_ms) && candidates_sound(record);
	for (size_t i = 0; sound && i < record->position_count; i++)
		sound = record->positions[i].partition >= 0 && record->positions[i].partition < POLICY_PARTITIONS_MAX &&
			record->positions[i].offset >= 0;
	if (!sound)
		return error_set(error, ERROR_INPUT, PLACE_NONE, RECORD_BROKEN);
	for (size_t i = 0; i < record->feature_count; i++)
		if (!feature_sound(&record->features[i], error))
			return false;
	return true;
}

const struct policy_candidates *policy_candidates_of(const struct policy_candidates *lists, size_t count, int64_t version)
{
	while (count > 0 && lists[count - 1].since > version)
		count--;
	return count > 0 ? &lists[count - 1] : NULL;
}

bool policy_record_is_foreign(struct text bytes)
{
	const uint64_t fingerprint = avro_policy_fingerprint();
	return fingerprint != 0 && bytes.length >= AVRO_SINGLE_OBJECT_BYTES && memcmp(bytes.bytes, "\xC3\x01", 2) == 0 &&
	       !avro_is_single_object(bytes, fingerprint) && !avro_is_single_object(bytes, FORMER_SCHEMA);
}

bool policy_record_decode(struct text bytes, struct arena *arena, struct policy_record *record, struct error *error)
{
	const uint64_t fingerprint = avro_policy_fingerprint();
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	const bool is_former = avro_is_single_object(bytes, FORMER_SCHEMA);
	if (!is_former && !avro_is_single_object(bytes, fingerprint))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record is no policy of this version of sluice; use one version for all engines");
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(bytes));
	*record = (struct policy_record){.experiment = avro_read_bytes(&cursor)};
	record->version = avro_read_long(&cursor);
	record->time_ms = avro_read_long(&cursor);
	record->rewards = avro_read_long(&cursor);
	bool fits = texts_get(&cursor, arena, &record->arms, &record->arm_count) && features_get(&cursor, arena, record);
	record->policy = avro_read_bytes(&cursor);
	record->learner = avro_read_bytes(&cursor);
	fits = fits && positions_get(&cursor, arena, record);
	record->through_ms = avro_read_long(&cursor);
	fits = fits && (is_former || candidates_get(&cursor, arena, record));
	if (!fits)
		return error_memory(error, ERROR_LIMIT, "reading a policy");
	if (avro_failed(&cursor) || avro_left(&cursor) > 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, RECORD_BROKEN);
	return record_sound(record, error);
}
