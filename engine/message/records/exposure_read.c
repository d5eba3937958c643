/* exposure_read.c: Reader of exposures in Avro and in JSON; see exposure.h. */
#include <math.h>

#include "base/arena_list.h"
#include "base/number/moment.h"
#include "message/records/exposure.h"
#include "message/json/json_scan.h"
#include "message/record_form.h"
#include "message/unit_text.h"

/* ---- lists ---- */

static bool feature_add(struct exposure *exposure, struct arena *arena, struct text name, double value)
{
	struct exposure_feature *items = arena_list_grow(arena, exposure->features, exposure->feature_count, sizeof *items);
	if (!items)
		return false;
	items[exposure->feature_count++] = (struct exposure_feature){name, value};
	exposure->features = items;
	return true;
}

static bool text_add(struct exposure *exposure, struct arena *arena, struct text name, struct text value)
{
	struct exposure_text *items = arena_list_grow(arena, exposure->texts, exposure->text_count, sizeof *items);
	if (!items)
		return false;
	items[exposure->text_count++] = (struct exposure_text){name, value};
	exposure->texts = items;
	return true;
}

static void version_add(struct exposure *exposure, struct arena *arena, struct text resource, struct text version)
{
	const char *longer = arena_print(arena, TEXT_FORMAT TEXT_FORMAT "=" TEXT_FORMAT ";", TEXT_ARGUMENTS(exposure->versions),
					 TEXT_ARGUMENTS(resource), TEXT_ARGUMENTS(version));
	exposure->versions = text_of(longer);
}

static bool names_check(const struct exposure *exposure, struct error *error)
{
	return (exposure->experiment.length > 0 && exposure->variant.length > 0) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the exposure has no `%s`; write its name",
			 exposure->experiment.length == 0 ? "experiment" : "variant");
}

/* What makes an exposure of what was read. */
static bool exposure_complete(struct exposure *exposure, struct text reason, struct error *error)
{
	if (reason.length > 0 && !assigned_reason_read(reason, &exposure->reason))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the exposure has the reason `" TEXT_FORMAT "`; write weight, header, route, override, policy, "
				 "stage or fallback",
				 TEXT_ARGUMENTS(reason));
	if (!moment_is_known(exposure->time_ms) || exposure->stage < 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the exposure has a wrong `%s`; %s",
				 exposure->stage < 0 ? "stage" : "time_ms",
				 exposure->stage < 0 ? "stages are counted from 1" : "write milliseconds since 1970");
	if (!(exposure->latency_ms >= 0))
		exposure->latency_ms = (double)NAN;
	return (exposure->probability >= 0 && exposure->probability <= 1) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "`probability` of the exposure is not from 0 to 1");
}

/* ---- Avro ---- */

static const struct record_field feature_fields[] = {
	RECORD_ROW(TEXT, struct exposure_feature, name),
	RECORD_ROW(REAL, struct exposure_feature, value),
	RECORD_END,
};

static const struct record_field text_fields[] = {
	RECORD_ROW(TEXT, struct exposure_text, name),
	RECORD_ROW(TEXT, struct exposure_text, value),
	RECORD_END,
};

#define SCHEMA_MEASURED 3 /* the first one with a latency, a stage, a layer and texts */

const struct record_field exposure_fields[] = {
	RECORD_ROW(TEXT, struct exposure_record, exposure.id),
	RECORD_ROW(ORIGIN, struct exposure_record, exposure.origin),
	RECORD_ROW(NUMBER, struct exposure_record, exposure.time_ms),
	RECORD_ROW(TEXT, struct exposure_record, exposure.experiment),
	RECORD_ROW(TEXT, struct exposure_record, exposure.variant),
	RECORD_ROW(REAL, struct exposure_record, exposure.probability),
	RECORD_ROW(TEXT, struct exposure_record, exposure.unit),
	RECORD_ROW(TEXT, struct exposure_record, reason),
	RECORD_LIST(struct exposure_record, exposure.feature_count, exposure.features, feature_fields, struct exposure_feature),
	RECORD_VERSIONS(struct exposure_record, versions),
	RECORD_ROW(TEXT, struct exposure_record, exposure.table),
	RECORD_ADDED(2, TEXT, struct exposure_record, exposure.prediction),
	RECORD_ADDED(SCHEMA_MEASURED, REAL, struct exposure_record, exposure.latency_ms),
	RECORD_ADDED(SCHEMA_MEASURED, INT, struct exposure_record, exposure.stage),
	RECORD_ADDED(SCHEMA_MEASURED, TEXT, struct exposure_record, exposure.layer),
	RECORD_LIST_ADDED(SCHEMA_MEASURED, struct exposure_record, exposure.text_count, exposure.texts, text_fields,
			  struct exposure_text),
	RECORD_ADDED(EXPOSURE_SCHEMA, TEXT, struct exposure_record, exposure.error),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form exposure_form = {
	.schema = "exposure",
	.called = "exposure",
	.fields = exposure_fields,
	.bytes = sizeof(struct exposure_record),
	.schema_name = &schema_name,
	.formers = {UINT64_C(0x410c9db288b5a034), UINT64_C(0x372b5f966866432b), UINT64_C(0x3ad9fb8d023b268c)}};

struct exposure_record exposure_record_of(const struct exposure *exposure, struct arena *arena)
{
	struct exposure_record record = {.exposure = *exposure, .reason = text_of(assigned_reason_name(exposure->reason))};
	struct record_version *versions = NULL;
	size_t count = 0;
	if (isnan(exposure->latency_ms))
		record.exposure.latency_ms = -1;
	for (struct text left = exposure->versions; left.length > 0; count++) {
		struct text version = text_take_until(&left, ';');
		const struct text resource = text_take_until(&version, '=');
		versions = arena_list_grow(arena, versions, count, sizeof *versions);
		if (!versions)
			return record;
		versions[count] = (struct record_version){resource, version};
	}
	record.versions = (struct record_list){count, versions};
	return record;
}

bool exposure_record_take(const struct exposure_record *record, struct arena *arena, struct exposure *exposure, struct error *error)
{
	const struct record_version *versions = record->versions.items;
	*exposure = record->exposure;
	exposure->reason = ASSIGNED_WEIGHT;
	for (size_t i = 0; i < record->versions.count; i++)
		version_add(exposure, arena, versions[i].resource, versions[i].version);
	return exposure_complete(exposure, record->reason, error);
}

static bool avro_exposure_read(struct text bytes, unsigned schema, struct arena *arena, struct exposure *exposure,
			       struct error *error)
{
	struct exposure_record record;
	if (!record_decode(&exposure_form, bytes, arena, &record, error))
		return false;
	if (schema < SCHEMA_MEASURED)
		record.exposure.latency_ms = (double)NAN;
	return exposure_record_take(&record, arena, exposure, error);
}

/* ---- JSON ---- */

struct exposure_reading {
	struct json_scan scan;
	struct arena *arena;
	struct exposure *exposure;
	struct text reason;
};

/* Of a value that is read. */
static bool member_refuse(struct exposure_reading *reading, struct text member, const char *wanted)
{
	return error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE, "`" TEXT_FORMAT "` of the exposure is not %s",
			 TEXT_ARGUMENTS(member), wanted);
}

/* Of a value that comes next. */
static bool type_refuse(struct exposure_reading *reading, struct text member, const char *wanted)
{
	return json_peek(&reading->scan) != JSON_WRONG && member_refuse(reading, member, wanted);
}

/* A text; a number counts as its text, because units are often numbers. */
static bool text_take(struct exposure_reading *reading, struct text member, struct text *text)
{
	struct decimal decimal;
	if (json_peek(&reading->scan) == JSON_NULL)
		return json_word(&reading->scan);
	if (json_peek(&reading->scan) == JSON_NUMBER && json_number(&reading->scan, &decimal)) {
		*text = decimal.source;
		return true;
	}
	return json_peek(&reading->scan) == JSON_STRING ? json_text(&reading->scan, text) : type_refuse(reading, member, "a text");
}

static bool number_take(struct exposure_reading *reading, struct text member, double *number)
{
	struct decimal decimal;
	if (json_peek(&reading->scan) != JSON_NUMBER)
		return type_refuse(reading, member, "a number");
	if (!json_number(&reading->scan, &decimal))
		return false;
	*number = decimal_to_double(&decimal);
	return isfinite(*number) || member_refuse(reading, member, "a finite number");
}

static bool integer_take(struct exposure_reading *reading, struct text member, int64_t *number)
{
	struct decimal decimal;
	if (json_peek(&reading->scan) != JSON_NUMBER)
		return type_refuse(reading, member, "a whole number");
	if (!json_number(&reading->scan, &decimal))
		return false;
	return decimal_to_int64(&decimal, number) || member_refuse(reading, member, "a whole number of 64 bits");
}

static bool stage_take(struct exposure_reading *reading, struct text member)
{
	int64_t stage;
	if (!integer_take(reading, member, &stage))
		return false;
	reading->exposure->stage = (int32_t)stage;
	return (stage >= 0 && stage <= INT32_MAX) ||
	       error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE, "`stage` of the exposure is not a stage, from 0 on");
}

/* A feature of the context: a number, or a text. */
static bool value_take(struct exposure_reading *reading, struct text member, double *number, struct text *text)
{
	if (json_peek(&reading->scan) == JSON_STRING)
		return json_text(&reading->scan, text);
	return number_take(reading, member, number);
}

static bool feature_put(struct exposure_reading *reading, struct text name, double number, struct text text)
{
	return text.bytes ? text_add(reading->exposure, reading->arena, name, text)
			  : feature_add(reading->exposure, reading->arena, name, number);
}

static bool origin_take(struct exposure_reading *reading)
{
	struct origin *origin = &reading->exposure->origin;
	struct text key;
	int64_t partition = 0;
	bool good = true;
	if (json_peek(&reading->scan) == JSON_NULL)
		return json_word(&reading->scan);
	if (json_peek(&reading->scan) != JSON_OBJECT)
		return type_refuse(reading, TEXT("origin"), "an object");
	json_enter(&reading->scan);
	while (good && json_key(&reading->scan, &key)) {
		if (text_is(key, "topic"))
			good = text_take(reading, key, &origin->topic);
		else if (text_is(key, "partition"))
			good = integer_take(reading, key, &partition);
		else if (text_is(key, "offset"))
			good = integer_take(reading, key, &origin->offset);
		else
			good = json_skip(&reading->scan);
	}
	origin->partition = (int32_t)partition;
	return good && ((partition >= 0 && partition <= INT32_MAX) || member_refuse(reading, TEXT("partition"), "a partition"));
}

/* An item of `context` or `versions`: its name and its value. */
static bool pair_take(struct exposure_reading *reading, bool is_version)
{
	struct text key, name = {0}, version = {0}, text = {0};
	double value = NAN;
	bool good = json_peek(&reading->scan) == JSON_OBJECT || type_refuse(reading, TEXT("context"), "a list of objects");
	if (good)
		json_enter(&reading->scan);
	while (good && json_key(&reading->scan, &key)) {
		if (text_is(key, is_version ? "resource" : "name"))
			good = text_take(reading, key, &name);
		else if (text_is(key, "version") && is_version)
			good = text_take(reading, key, &version);
		else if (text_is(key, "value") && !is_version)
			good = value_take(reading, key, &value, &text);
		else
			good = json_skip(&reading->scan);
	}
	if (is_version)
		version_add(reading->exposure, reading->arena, name, version);
	else if (good)
		feature_put(reading, name, value, text);
	return good;
}

static bool list_take(struct exposure_reading *reading, struct text member, bool is_version)
{
	struct text key;
	double value = (double)NAN;
	bool good = true;
	if (json_peek(&reading->scan) == JSON_ARRAY) {
		json_enter(&reading->scan);
		while (good && json_item(&reading->scan))
			good = pair_take(reading, is_version);
		return good;
	}
	if (json_peek(&reading->scan) != JSON_OBJECT || is_version)
		return type_refuse(reading, member, "a list");
	json_enter(&reading->scan);
	while (good && json_key(&reading->scan, &key)) {
		struct text text = {0};
		good = value_take(reading, key, &value, &text);
		if (good)
			feature_put(reading, key, value, text);
	}
	return good;
}

/* As feedback reads it: a number, and a text that is one, is the text that engines give it. */
static bool unit_take(struct exposure_reading *reading, struct text key)
{
	struct text *unit = &reading->exposure->unit;
	struct decimal decimal;
	if (json_peek(&reading->scan) != JSON_NUMBER) {
		const bool is_taken = text_take(reading, key, unit);
		*unit = unit_of_text(*unit);
		return is_taken;
	}
	if (!json_number(&reading->scan, &decimal))
		return false;
	*unit = unit_of_decimal(&decimal, reading->arena);
	return unit->bytes || error_memory(reading->scan.error, ERROR_LIMIT, "reading an exposure");
}

static bool member_take(struct exposure_reading *reading, struct text key)
{
	struct exposure *exposure = reading->exposure;
	const struct {
		const char *name;
		struct text *text;
	} texts[] = {{"id", &exposure->id},
		     {"experiment", &exposure->experiment},
		     {"variant", &exposure->variant},
		     {"reason", &reading->reason},
		     {"table", &exposure->table},
		     {"prediction", &exposure->prediction},
		     {"layer", &exposure->layer},
		     {"error", &exposure->error}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (text_is(key, texts[i].name))
			return text_take(reading, key, texts[i].text);
	if (text_is(key, "unit"))
		return unit_take(reading, key);
	if (text_is(key, "time_ms"))
		return integer_take(reading, key, &exposure->time_ms);
	if (text_is(key, "probability"))
		return number_take(reading, key, &exposure->probability);
	if (text_is(key, "latency_ms"))
		return number_take(reading, key, &exposure->latency_ms);
	if (text_is(key, "stage"))
		return stage_take(reading, key);
	if (text_is(key, "origin"))
		return origin_take(reading);
	if (text_is(key, "context") || text_is(key, "versions") || text_is(key, "texts"))
		return list_take(reading, key, text_is(key, "versions"));
	return json_skip(&reading->scan);
}

static bool json_exposure_read(struct text bytes, struct arena *arena, struct exposure *exposure, struct error *error)
{
	struct exposure_reading reading = {.arena = arena, .exposure = exposure};
	struct text key;
	bool good = true;
	json_begin(&reading.scan, bytes, "the exposure", arena, error);
	if (json_peek(&reading.scan) != JSON_OBJECT)
		return json_fail(&reading.scan, "it is no object");
	json_enter(&reading.scan);
	while (good && json_key(&reading.scan, &key))
		good = member_take(&reading, key);
	return good && json_end(&reading.scan) && exposure_complete(exposure, reading.reason, error);
}

bool exposure_decode(struct text bytes, struct arena *arena, struct exposure *exposure, struct error *error)
{
	*exposure = (struct exposure){.reason = ASSIGNED_WEIGHT, .latency_ms = (double)NAN};
	const struct text trimmed = text_trimmed(bytes, " \t\r\n");
	const unsigned schema = record_schema_number(&exposure_form, record_schema(bytes));
	bool good;
	if (schema > 0)
		good = avro_exposure_read(bytes, schema, arena, exposure, error) && names_check(exposure, error);
	else if (trimmed.length > 0 && trimmed.bytes[0] == '{')
		good = json_exposure_read(trimmed, arena, exposure, error) && names_check(exposure, error);
	else
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record is no exposure; it is in Avro by `sluice schema exposure`, or a JSON object");
	return arena_failed(arena) ? error_memory(error, ERROR_LIMIT, "reading an exposure") : good;
}
