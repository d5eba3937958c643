/* policy_record.c: see policy_record.h. */
#include "message/records/policy_record.h"

#include <math.h>

#include "message/record_form.h"

#define RECORD_BROKEN "the record is a broken policy"

static const struct record_field feature_fields[] = {
	RECORD_ROW(TEXT, struct policy_feature, name),
	RECORD_ROW(REAL, struct policy_feature, center),
	RECORD_ROW(REAL, struct policy_feature, width),
	RECORD_ROW(NUMBER, struct policy_feature, count),
	RECORD_ROW(REAL, struct policy_feature, mean),
	RECORD_ROW(REAL, struct policy_feature, squares),
	RECORD_TEXTS(struct policy_feature, class_count, classes),
	RECORD_END,
};

static const struct record_field position_fields[] = {
	RECORD_ROW(TEXT, struct origin, topic),
	RECORD_ROW(INT, struct origin, partition),
	RECORD_ROW(NUMBER, struct origin, offset),
	RECORD_END,
};

static const struct record_field candidates_fields[] = {
	RECORD_ROW(NUMBER, struct policy_candidates, since),
	RECORD_TEXTS(struct policy_candidates, count, names),
	RECORD_END,
};

static const struct record_field policy_fields[] = {
	RECORD_ROW(TEXT, struct policy_record, experiment),
	RECORD_ROW(NUMBER, struct policy_record, version),
	RECORD_ROW(NUMBER, struct policy_record, time_ms),
	RECORD_ROW(NUMBER, struct policy_record, rewards),
	RECORD_TEXTS(struct policy_record, arm_count, arms),
	RECORD_LIST(struct policy_record, feature_count, features, feature_fields, struct policy_feature),
	RECORD_ROW(TEXT, struct policy_record, policy),
	RECORD_ROW(TEXT, struct policy_record, learner),
	RECORD_LIST(struct policy_record, position_count, positions, position_fields, struct origin),
	RECORD_ROW(NUMBER, struct policy_record, through_ms),
	RECORD_LIST_ADDED(2, struct policy_record, candidates_count, candidates, candidates_fields, struct policy_candidates),
	RECORD_ADDED(3, NUMBER, struct policy_record, outcomes),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form policy_form = {.schema = "policy",
					       .called = "policy",
					       .fields = policy_fields,
					       .bytes = sizeof(struct policy_record),
					       .schema_name = &schema_name,
					       .formers = {UINT64_C(0xab62f691543233b7), UINT64_C(0xd90771000270114b)}};

bool policy_record_encode(const struct policy_record *record, struct buffer *out, struct error *error)
{
	if (record_encode(&policy_form, record, out, error))
		return true;
	return error->kind == ERROR_LIMIT &&
	       error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "the policy of experiment `" TEXT_FORMAT "` does not fit into %zu bytes; use fewer candidates or "
			 "features, or fewer partitions",
			 TEXT_ARGUMENTS(record->experiment), out->ceiling_bytes);
}

/* Others add to it, and subtract from it. */
static bool number_sound(int64_t number)
{
	return number >= 0 && number <= INT64_MAX / 2;
}

/* An hour has no classes: a context has its angle (methods/bandits/context.h). */
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
		     number_sound(record->rewards) && number_sound(record->through_ms) && number_sound(record->outcomes) &&
		     candidates_sound(record);
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
	const uint64_t schema = record_schema(bytes);
	return schema != 0 && record_fingerprint(&policy_form) != 0 && !record_is_of(&policy_form, schema);
}

bool policy_record_decode(struct text bytes, struct arena *arena, struct policy_record *record, struct error *error)
{
	return record_decode(&policy_form, bytes, arena, record, error) && record_sound(record, error);
}
