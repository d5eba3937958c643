/* exposure_read.c: Reader of exposures in Avro and in JSON; see exposure.h. */
#include <math.h>

#include "base/arena_list.h"
#include "base/moment.h"
#include "message/avro.h"
#include "message/avro_wire.h"
#include "message/exposure.h"
#include "message/json_scan.h"
#include "message/unit_text.h"

/* Schemas, the oldest first, by what they had not yet. */
enum exposure_schema {
	SCHEMA_UNPREDICTED,   /* predictions */
	SCHEMA_UNMEASURED,    /* the latency, the stage, the layer and texts */
	SCHEMA_WITHOUT_ERROR, /* errors */
	SCHEMA_NOW
};

static const uint64_t former_fingerprints[SCHEMA_NOW] = {
	[SCHEMA_UNPREDICTED] = UINT64_C(0x410c9db288b5a034),
	[SCHEMA_UNMEASURED] = UINT64_C(0x372b5f966866432b),
	[SCHEMA_WITHOUT_ERROR] = UINT64_C(0x3ad9fb8d023b268c),
};

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

/* What makes an exposure of what was read. */
static bool exposure_complete(struct exposure *exposure, struct text reason, struct error *error)
{
	if (reason.length > 0 && !assigned_reason_read(reason, &exposure->reason))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the exposure has the reason `" TEXT_FORMAT "`; write weight, header, route, override, policy, "
				 "stage or fallback",
				 TEXT_ARGUMENTS(reason));
	if (exposure->experiment.length == 0 || exposure->variant.length == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the exposure has no `%s`; write its name",
				 exposure->experiment.length == 0 ? "experiment" : "variant");
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

static void avro_features(struct avro_cursor *cursor, struct arena *arena, struct exposure *exposure)
{
	for (size_t more; (more = avro_read_block(cursor)) > 0;)
		while (more--) {
			const struct text name = avro_read_bytes(cursor);
			if (!feature_add(exposure, arena, name, avro_read_double(cursor)))
				return;
		}
}

static void avro_versions(struct avro_cursor *cursor, struct arena *arena, struct exposure *exposure)
{
	for (size_t more; (more = avro_read_block(cursor)) > 0;)
		while (more--) {
			const struct text resource = avro_read_bytes(cursor);
			version_add(exposure, arena, resource, avro_read_bytes(cursor));
		}
}

static void avro_texts(struct avro_cursor *cursor, struct arena *arena, struct exposure *exposure)
{
	for (size_t more; (more = avro_read_block(cursor)) > 0;)
		while (more--) {
			const struct text name = avro_read_bytes(cursor);
			if (!text_add(exposure, arena, name, avro_read_bytes(cursor)))
				return;
		}
}

static void avro_measures(struct avro_cursor *cursor, struct arena *arena, struct exposure *exposure)
{
	exposure->latency_ms = avro_read_double(cursor);
	exposure->stage = avro_read_int(cursor);
	exposure->layer = avro_read_bytes(cursor);
	avro_texts(cursor, arena, exposure);
}

static bool avro_exposure_read(struct text body, enum exposure_schema schema, struct arena *arena, struct exposure *exposure,
			       struct error *error)
{
	struct avro_cursor cursor = avro_cursor_of(body);
	exposure->id = avro_read_bytes(&cursor);
	if (avro_read_presence(&cursor)) {
		exposure->origin.topic = avro_read_bytes(&cursor);
		exposure->origin.partition = avro_read_int(&cursor);
		exposure->origin.offset = avro_read_long(&cursor);
	}
	exposure->time_ms = avro_read_long(&cursor);
	exposure->experiment = avro_read_bytes(&cursor);
	exposure->variant = avro_read_bytes(&cursor);
	exposure->probability = avro_read_double(&cursor);
	exposure->unit = avro_read_bytes(&cursor);
	const struct text reason = avro_read_bytes(&cursor);
	avro_features(&cursor, arena, exposure);
	avro_versions(&cursor, arena, exposure);
	exposure->table = avro_read_bytes(&cursor);
	if (schema > SCHEMA_UNPREDICTED)
		exposure->prediction = avro_read_bytes(&cursor);
	if (schema > SCHEMA_UNMEASURED)
		avro_measures(&cursor, arena, exposure);
	if (schema > SCHEMA_WITHOUT_ERROR)
		exposure->error = avro_read_bytes(&cursor);
	if (avro_failed(&cursor) || avro_left(&cursor) > 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record is a broken exposure; it ends early or continues after its end");
	return exposure_complete(exposure, reason, error);
}

/* False: the bytes are of no schema of exposures. */
static bool avro_schema_find(struct text bytes, enum exposure_schema *schema)
{
	for (unsigned i = SCHEMA_NOW + 1; i-- > 0;) {
		*schema = (enum exposure_schema)i;
		if (avro_is_single_object(bytes, i == SCHEMA_NOW ? avro_exposure_fingerprint() : former_fingerprints[i]))
			return true;
	}
	return false;
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
	enum exposure_schema schema;
	bool good;
	if (avro_schema_find(bytes, &schema))
		good = avro_exposure_read(avro_single_object_body(bytes), schema, arena, exposure, error);
	else if (trimmed.length > 0 && trimmed.bytes[0] == '{')
		good = json_exposure_read(trimmed, arena, exposure, error);
	else
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record is no exposure; it is in Avro by `sluice schema exposure`, or a JSON object");
	return arena_failed(arena) ? error_memory(error, ERROR_LIMIT, "reading an exposure") : good;
}
