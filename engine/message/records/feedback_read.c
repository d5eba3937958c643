/* feedback_read.c: Feedback in JSON, in sluice's own form and in that of Seldon v1; see feedback.h. */
#include <math.h>
#include <stdio.h>

#include "base/number/moment.h"
#include "base/number/number.h"
#include "base/suggest.h"
#include "message/records/feedback.h"
#include "message/formats/format.h"
#include "message/json/json_repeats.h"
#include "message/formats/oip_json_tensors.h"
#include "message/json/tensor_infer.h"
#include "message/unit_text.h"

#define TYPE_SHOWN 24
#define KEY_SHOWN 100

struct feedback_reading {
	struct json_scan scan;
	struct arena *arena;
	struct feedback *feedback;
};

/* Checks the keys of the object that comes next; of another value there are none. */
static bool keys_check(const struct json_scan *scan, const char *where)
{
	struct text twice;
	return !json_keys_repeat(*scan, &twice) ||
	       error_set(scan->error, ERROR_INPUT, PLACE_NONE, "%.*s occurs twice in %s; send it once",
			 (int)(twice.length < KEY_SHOWN ? twice.length : KEY_SHOWN), twice.bytes, where);
}

/* ---- values ---- */

bool feedback_read_origin(struct text text, struct origin *origin)
{
	struct text parts[2]; /* the offset, then the partition: a topic's name may have hyphens */
	for (size_t i = 0; i < 2; i++) {
		size_t begin = text.length;
		while (begin > 0 && text.bytes[begin - 1] != '-')
			begin--;
		if (begin < 2)
			return false;
		parts[i] = text_from(text, begin);
		text.length = begin - 1;
	}
	uint64_t offset, partition;
	if (!digits_read(parts[0], 10, &offset) || !digits_read(parts[1], 10, &partition) || offset > INT64_MAX ||
	    partition > INT32_MAX)
		return false;
	*origin = (struct origin){.topic = text, .partition = (int32_t)partition, .offset = (int64_t)offset};
	return true;
}

/* Refuses the value of a member, which is of another type. */
static bool type_refuse(struct feedback_reading *reading, const char *member, const char *wanted)
{
	static const char *const names[] = {[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",    [JSON_STRING] = "a text",
					    [JSON_NUMBER] = "a number",	 [JSON_TRUE] = "true",	     [JSON_FALSE] = "false",
					    [JSON_NULL] = "null",	 [JSON_BARE] = "no number"};
	enum json_type type = json_peek(&reading->scan);
	return type != JSON_WRONG && error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE,
					       "`%s` of the feedback is %s, and must be %s", member, names[type], wanted);
}

static bool null_take(struct feedback_reading *reading)
{
	return json_peek(&reading->scan) == JSON_NULL && json_word(&reading->scan);
}

static bool text_take(struct feedback_reading *reading, const char *member, struct text *text)
{
	if (null_take(reading))
		return true;
	return json_peek(&reading->scan) == JSON_STRING ? json_text(&reading->scan, text) : type_refuse(reading, member, "a text");
}

static bool number_is_named(struct json_scan scan, double *number)
{
	struct text word;
	return json_text(&scan, &word) && json_number_named(word, number);
}

static bool number_take(struct feedback_reading *reading, const char *member, double *number)
{
	struct json_scan *scan = &reading->scan;
	struct decimal decimal;
	if (json_peek(scan) == JSON_BARE)
		return json_bare(scan, number);
	if (json_peek(scan) == JSON_STRING && number_is_named(*scan, number))
		return json_skip(scan); /* as in requests; no outcome is one, and feedback_check() says so */
	if (json_peek(scan) != JSON_NUMBER)
		return type_refuse(reading, member, "a number");
	if (!json_number(scan, &decimal))
		return false;
	*number = decimal_to_double(&decimal);
	return true;
}

static bool whole_take(struct feedback_reading *reading, const char *member, int64_t least, int64_t most, int64_t *number)
{
	struct decimal decimal;
	if (json_peek(&reading->scan) != JSON_NUMBER)
		return type_refuse(reading, member, "a whole number");
	if (!json_number(&reading->scan, &decimal))
		return false;
	return (decimal_to_int64(&decimal, number) && *number >= least && *number <= most) ||
	       error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE,
			 "`%s` of the feedback is " TEXT_FORMAT ", and must be a whole number of its range", member,
			 TEXT_ARGUMENTS(decimal.source));
}

/* ---- members ---- */

static bool id_take(struct feedback_reading *reading)
{
	return text_take(reading, "id", &reading->feedback->id);
}

/* A number, and a text that is one, counts as the text that it has as a unit of requests, because units are often numbers. */
static bool unit_take(struct feedback_reading *reading)
{
	struct decimal decimal;
	if (json_peek(&reading->scan) != JSON_NUMBER) {
		const bool is_taken = text_take(reading, "unit", &reading->feedback->unit);
		reading->feedback->unit = unit_of_text(reading->feedback->unit);
		return is_taken;
	}
	if (!json_number(&reading->scan, &decimal))
		return false;
	reading->feedback->unit = unit_of_decimal(&decimal, reading->arena);
	return true;
}

static bool experiment_take(struct feedback_reading *reading)
{
	return text_take(reading, "experiment", &reading->feedback->experiment);
}

static bool feedback_id_take(struct feedback_reading *reading)
{
	return text_take(reading, "feedback_id", &reading->feedback->feedback_id);
}

static bool origin_member_take(struct feedback_reading *reading, struct text key, struct origin *origin)
{
	int64_t number = 0;
	if (text_is(key, "topic"))
		return json_peek(&reading->scan) == JSON_STRING ? json_text(&reading->scan, &origin->topic)
								: type_refuse(reading, "origin.topic", "a text");
	if (text_is(key, "partition")) {
		bool taken = whole_take(reading, "origin.partition", 0, INT32_MAX, &number);
		origin->partition = (int32_t)number;
		return taken;
	}
	if (text_is(key, "offset"))
		return whole_take(reading, "origin.offset", 0, INT64_MAX, &origin->offset);
	return error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE,
			 "`origin` of the feedback has a member `" TEXT_FORMAT "`; its members are topic, partition and offset",
			 TEXT_ARGUMENTS(key));
}

static bool origin_take(struct feedback_reading *reading)
{
	struct json_scan *scan = &reading->scan;
	struct origin origin = {.partition = -1, .offset = -1};
	enum json_type type = json_peek(scan);
	struct text text;
	if (null_take(reading))
		return true;
	if (type == JSON_STRING) {
		if (!json_text(scan, &text))
			return false;
		return feedback_read_origin(text, &reading->feedback->origin) ||
		       error_set(scan->error, ERROR_INPUT, PLACE_NONE,
				 "`origin` of the feedback is no place in a topic; write TOPIC-PARTITION-OFFSET: orders-0-17");
	}
	if (type != JSON_OBJECT)
		return type_refuse(reading, "origin", "an object");
	if (!keys_check(scan, "the origin of the feedback"))
		return false;
	json_enter(scan);
	while (json_key(scan, &text))
		if (!origin_member_take(reading, text, &origin))
			return false;
	reading->feedback->origin = origin;
	return scan->failed || (origin.topic.length > 0 && origin.partition >= 0 && origin.offset >= 0) ||
	       error_set(scan->error, ERROR_INPUT, PLACE_NONE,
			 "`origin` of the feedback is not whole; send its topic, partition and offset");
}

static bool time_ms_take(struct feedback_reading *reading)
{
	return null_take(reading) || whole_take(reading, "time_ms", INT64_MIN, INT64_MAX, &reading->feedback->time_ms);
}

static bool time_take(struct feedback_reading *reading)
{
	struct text text;
	if (null_take(reading))
		return true;
	if (json_peek(&reading->scan) != JSON_STRING)
		return type_refuse(reading, "time", "a text such as \"2026-01-31T09:30:00Z\"");
	return json_text(&reading->scan, &text) &&
	       (moment_read(text, &reading->feedback->time_ms) ||
		error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE,
			  "`time` of the feedback is no point in time; write it as 2026-01-31T09:30:00Z, or send `time_ms`"));
}

static bool reward_take(struct feedback_reading *reading)
{
	if (null_take(reading))
		return true;
	reading->feedback->has_reward = true;
	return number_take(reading, "reward", &reading->feedback->reward);
}

/* Number of members of the object, or of items of the list, that is the whole span. */
static size_t members_count(const struct json_scan *scan, struct text span)
{
	struct json_scan counting = json_again(scan, span);
	bool is_object = json_peek(&counting) == JSON_OBJECT;
	struct text key;
	size_t count = 0;
	json_enter(&counting);
	while (is_object ? json_key(&counting, &key) : json_item(&counting))
		count += json_skip(&counting);
	return count;
}

static bool metrics_take(struct feedback_reading *reading)
{
	struct json_scan *scan = &reading->scan;
	struct feedback *feedback = reading->feedback;
	struct json_scan ahead = *scan;
	struct text span;
	char member[TYPE_SHOWN + sizeof "metrics."];
	if (null_take(reading))
		return true;
	if (json_peek(scan) != JSON_OBJECT)
		return type_refuse(reading, "metrics", "an object of numbers");
	ahead = *scan;
	if (!json_span(&ahead, &span)) {
		scan->failed = true;
		return false;
	}
	size_t count = members_count(scan, span);
	struct feedback_metric *metrics = ARENA_ARRAY(reading->arena, struct feedback_metric, count + 1);
	if (!metrics)
		return error_memory(scan->error, ERROR_LIMIT, "reading feedback");
	feedback->metrics = metrics;
	feedback->metric_count = 0;
	json_enter(scan);
	for (struct text key; json_key(scan, &key); feedback->metric_count++) {
		struct feedback_metric *metric = &metrics[feedback->metric_count];
		(void)snprintf(member, sizeof member, "metrics.%.*s", (int)(key.length < TYPE_SHOWN ? key.length : TYPE_SHOWN),
			       key.bytes);
		metric->name = key;
		if (!number_take(reading, member, &metric->value))
			return false;
	}
	return !scan->failed;
}

/* ---- truth ---- */

static const struct infer_rules truth_rules = {.integers = true, .base64 = true};

/* Whether a list has tensors with their datatypes, and not elements. */
static bool is_tensor_list(const struct feedback_reading *reading, struct text span)
{
	struct error unheard = {0};
	struct json_scan scan = json_again(&reading->scan, span);
	struct text key;
	bool has_datatype = false;
	scan.error = &unheard;
	if (json_peek(&scan) != JSON_ARRAY || !json_enter(&scan) || !json_item(&scan) || json_peek(&scan) != JSON_OBJECT)
		return false;
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		has_datatype |= text_is(key, "datatype");
		(void)json_skip(&scan);
	}
	return has_datatype;
}

static bool tensor_list_take(struct feedback_reading *reading, struct text span)
{
	struct oip_reader reader = {.arena = reading->arena, .list = "truth"};
	return oip_reader_begin(&reader, span, 0, "the truth", reading->scan.error) && oip_read_tensors(&reader) &&
	       oip_reader_end(&reader, (struct text){0}, &reading->feedback->truth);
}

static bool truth_add(struct feedback_reading *reading, struct tensors_builder *builder, struct text name, struct text value)
{
	const struct tensor *tensor = tensor_infer(&reading->scan, "truth", name, &value, 1, false, truth_rules);
	if (tensor)
		tensors_add(builder, tensor);
	return tensor;
}

static bool truth_object_take(struct feedback_reading *reading, struct text span)
{
	struct json_scan inside = json_again(&reading->scan, span);
	struct tensors_builder builder;
	struct text key, value;
	if (!keys_check(&inside, "the truth of the feedback"))
		return false;
	tensors_begin(&builder, reading->arena, 1);
	json_enter(&inside);
	while (json_key(&inside, &key)) {
		(void)json_peek(&inside);
		if (!json_span(&inside, &value) || !truth_add(reading, &builder, key, value))
			return false;
	}
	reading->feedback->truth = tensors_end(&builder);
	return true;
}

static bool truth_take(struct feedback_reading *reading)
{
	struct json_scan *scan = &reading->scan;
	struct tensors_builder builder;
	struct text span;
	enum json_type type = json_peek(scan);
	if (null_take(reading))
		return true;
	if (!json_span(scan, &span))
		return false;
	if (is_tensor_list(reading, span))
		return tensor_list_take(reading, span);
	if (type == JSON_OBJECT)
		return truth_object_take(reading, span);
	tensors_begin(&builder, reading->arena, 1);
	bool taken = truth_add(reading, &builder, TEXT("truth"), span);
	reading->feedback->truth = tensors_end(&builder);
	return taken;
}

/* ---- the object ---- */

struct feedback_member {
	const char *name;
	bool (*take)(struct feedback_reading *reading);
};

static bool member_refuse(struct feedback_reading *reading, struct text key, const struct feedback_member *members, size_t count)
{
	struct suggestion suggestion = suggest_begin(key);
	struct text shown = {key.bytes, key.length < TYPE_SHOWN ? key.length : TYPE_SHOWN};
	for (size_t i = 0; i < count; i++)
		suggest_offer(&suggestion, text_of(members[i].name));
	if (suggestion.nearest.bytes)
		return error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE,
				 "feedback has no member `" TEXT_FORMAT "`; did you mean `" TEXT_FORMAT "`?", TEXT_ARGUMENTS(shown),
				 TEXT_ARGUMENTS(suggestion.nearest));
	return error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE,
			 "feedback has no member `" TEXT_FORMAT "`; send id, origin or unit, with reward, metrics or truth",
			 TEXT_ARGUMENTS(shown));
}

static bool member_take(struct feedback_reading *reading, struct text key, const struct feedback_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(key, members[i].name))
			return members[i].take(reading);
	return member_refuse(reading, key, members, count);
}

static bool members_take(struct text json, struct arena *arena, struct feedback *feedback, const struct feedback_member *members,
			 size_t count, struct error *error)
{
	struct feedback_reading reading = {.arena = arena, .feedback = feedback};
	struct text key;
	*feedback = (struct feedback){0};
	json_begin(&reading.scan, json, "the feedback", arena, error);
	reading.scan.bare = true; /* so that NaN is refused as a number, with its words */
	enum json_type type = json_peek(&reading.scan);
	if (type == JSON_WRONG)
		return false;
	if (type != JSON_OBJECT)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the feedback is not a JSON object");
	if (!keys_check(&reading.scan, "the feedback"))
		return false;
	json_enter(&reading.scan);
	while (json_key(&reading.scan, &key))
		if (!member_take(&reading, key, members, count))
			return false;
	if (!json_end(&reading.scan))
		return false;
	return tensors_check_names(feedback->truth, false, arena, error) &&
	       (!arena_failed(arena) || error_memory(error, ERROR_LIMIT, "reading feedback"));
}

bool feedback_read(struct text json, struct arena *arena, struct feedback *feedback, struct error *error)
{
	static const struct feedback_member members[] = {
		{"id", id_take},	 {"origin", origin_take},   {"unit", unit_take},	{"experiment", experiment_take},
		{"time", time_take},	 {"time_ms", time_ms_take}, {"reward", reward_take},	{"feedback_id", feedback_id_take},
		{"metrics", metrics_take}, {"truth", truth_take},
	};
	return members_take(json, arena, feedback, members, sizeof members / sizeof *members, error);
}

/* ---- Seldon v1 ---- */

/* The member `wanted` of the object at the scan, if it is one; bytes NULL: there is none. Skips the object. */
static bool member_span(struct json_scan *scan, const char *wanted, struct text *value)
{
	struct text key, span;
	if (json_peek(scan) != JSON_OBJECT)
		return json_skip(scan);
	json_enter(scan);
	while (json_key(scan, &key)) {
		(void)json_peek(scan);
		if (json_span(scan, &span) && text_is(key, wanted))
			*value = span;
	}
	return !scan->failed;
}

/* Reads `meta.puid` of a SeldonMessage, which is the request's id. Bytes NULL: it has none. */
static bool puid_read(struct feedback_reading *reading, struct text *id)
{
	struct json_scan inside;
	struct text meta = {0}, puid = {0};
	if (!keys_check(&reading->scan, "a message of the feedback") || !member_span(&reading->scan, "meta", &meta))
		return false;
	if (!meta.bytes)
		return true;
	inside = json_again(&reading->scan, meta);
	if (!keys_check(&inside, "the meta of the feedback"))
		return false;
	if (!member_span(&inside, "puid", &puid) || !puid.bytes)
		return !inside.failed;
	inside = json_again(&reading->scan, puid);
	return (json_peek(&inside) == JSON_STRING && json_text(&inside, id)) ||
	       error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE, "`meta.puid` of the feedback must be a text");
}

static bool response_take(struct feedback_reading *reading)
{
	struct text id = {0};
	bool taken = puid_read(reading, &id);
	if (id.length > 0)
		reading->feedback->id = id;
	return taken;
}

/* The response comes before the request: its id is also there where the caller sent none. */
static bool request_take(struct feedback_reading *reading)
{
	struct text id = {0};
	bool taken = puid_read(reading, &id);
	if (id.length > 0 && reading->feedback->id.length == 0)
		reading->feedback->id = id;
	return taken;
}

/* The truth is a SeldonMessage too. Without data it has none. */
static bool seldon_truth_take(struct feedback_reading *reading)
{
	struct message message = {.arena = reading->arena};
	struct text span;
	if (null_take(reading))
		return true;
	if (json_peek(&reading->scan) != JSON_OBJECT)
		return type_refuse(reading, "truth", "a SeldonMessage, such as {\"data\": {\"ndarray\": [1]}}");
	const struct text rest = {reading->scan.at, (size_t)(reading->scan.end - reading->scan.at)};
	if (members_count(&reading->scan, rest) == 0)
		return json_skip(&reading->scan);
	if (!json_span(&reading->scan, &span))
		return false;
	struct error inner = {0};
	if (!format_seldon.decode(&message, span, NULL, &inner))
		return error_set(reading->scan.error, inner.kind, PLACE_NONE, "the truth of the feedback: %s", inner.text);
	reading->feedback->truth = message.payload.tensors;
	return true;
}

bool feedback_read_seldon(struct text json, struct arena *arena, struct feedback *feedback, struct error *error)
{
	static const struct feedback_member members[] = {
		{"response", response_take}, {"request", request_take}, {"reward", reward_take}, {"truth", seldon_truth_take}};
	if (!members_take(json, arena, feedback, members, sizeof members / sizeof *members, error))
		return false;
	/* Seldon's clients write it from protobuf, which leaves out a number that is 0. */
	feedback->has_reward |= feedback->truth.count == 0;
	return true;
}
