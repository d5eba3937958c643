/* feedback.c: Feedback: checks, and its record in Avro; see feedback.h. */
#include "message/records/feedback.h"

#include <inttypes.h>
#include <math.h>

#include "base/number/moment.h"
#include "message/record_form.h"

#define NAME_SHOWN 40	/* bytes of a name in an error */
#define CLOCK_LEAST_MS 1000000000000 /* of 2001: an earlier clock is a simulated one, whose times may be small */
#define MOMENT_BEYOND "after the year 9999"

/* ---- checks ---- */

#define SHOWN(text) (int)((text).length < NAME_SHOWN ? (text).length : NAME_SHOWN), (text).bytes

static bool name_check(const char *member, struct text name, struct error *error)
{
	return name.length <= FEEDBACK_NAME_BYTES_MAX ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "`%s` of the feedback has %zu bytes, and at most %d are allowed: \"%.*s...\"; send the one of the request",
			 member, name.length, FEEDBACK_NAME_BYTES_MAX, SHOWN(name));
}

static bool names_check(const struct feedback *feedback, struct error *error)
{
	if (feedback->id.length + feedback->origin.topic.length + feedback->unit.length == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the feedback names no request; send the request's `id`, its `origin`, or a `unit`");
	if (feedback->origin.topic.length > 0 && (feedback->origin.partition < 0 || feedback->origin.offset < 0))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`origin` of the feedback has a partition or an offset below 0; send that of the request");
	return name_check("id", feedback->id, error) && name_check("origin", feedback->origin.topic, error) &&
	       name_check("unit", feedback->unit, error) && name_check("experiment", feedback->experiment, error) &&
	       name_check("feedback_id", feedback->feedback_id, error);
}

/* Units in which a time is often sent by mistake. */
static const struct mistaken_unit {
	const char *name, *next;
	double per_ms;
} mistaken_units[] = {
	{"seconds", "multiply it by 1,000", 1e-3},
	{"microseconds", "divide it by 1,000", 1e3},
	{"nanoseconds", "divide it by 1,000,000", 1e6},
};

/* The unit in which the time is lately, while in milliseconds it is not. NULL: there is none. */
static const struct mistaken_unit *mistaken_unit_find(int64_t time_ms, int64_t now_ms)
{
	for (size_t i = 0; now_ms >= CLOCK_LEAST_MS && i < sizeof mistaken_units / sizeof *mistaken_units; i++) {
		const double taken_ms = (double)time_ms / mistaken_units[i].per_ms;
		if (taken_ms >= (double)now_ms / 2 && taken_ms <= (double)now_ms + FEEDBACK_AHEAD_MS)
			return &mistaken_units[i];
	}
	return NULL;
}

static bool time_check(const struct feedback *feedback, int64_t now_ms, struct error *error)
{
	const int64_t time_ms = feedback->time_ms;
	const struct mistaken_unit *unit = mistaken_unit_find(time_ms, now_ms);
	char moment[MOMENT_BYTES];
	moment_print(time_ms, moment);
	if (time_ms < 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the time of the feedback is %" PRId64
				 " ms, which is before 1970; send milliseconds since 1970, or `time` as 2026-01-31T09:30:00Z",
				 time_ms);
	if (unit)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the time of the feedback is %" PRId64
				 " ms, which is %s; it seems to be in %s: %s, or send `time` as 2026-01-31T09:30:00Z",
				 time_ms, time_ms > MOMENT_MS_MOST ? MOMENT_BEYOND : moment, unit->name, unit->next);
	if (time_ms - FEEDBACK_AHEAD_MS <= now_ms)
		return true;
	if (time_ms > MOMENT_MS_MOST)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the feedback is from the future: its time is %" PRId64 " ms, which is " MOMENT_BEYOND
				 "; send milliseconds since 1970, or `time` as 2026-01-31T09:30:00Z",
				 time_ms);
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the feedback is from the future: its time is %s (%" PRId64 " ms ahead); correct its time or the clock",
			 moment, time_ms - now_ms);
}

static bool number_check(const char *what, struct text name, double number, struct error *error)
{
	return isfinite(number) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "%s%s%.*s%s of the feedback is %s; send a finite number", what,
			 name.length ? " `" : "", SHOWN(name), name.length ? "`" : "",
			 isnan(number) ? "NaN" : "infinite or too large");
}

static bool truth_check(const struct feedback *feedback, struct error *error)
{
	for (size_t i = 0; i < feedback->truth.count; i++) {
		const struct tensor *tensor = feedback->truth.items[i];
		bool is_float = datatype_rows[tensor->datatype].class == CLASS_FLOAT;
		for (size_t j = 0; is_float && j < tensor->count; j++)
			if (!number_check("the truth", tensor->name, tensor_number(tensor, j), error))
				return false;
	}
	return true;
}

static bool metrics_check(const struct feedback *feedback, struct error *error)
{
	for (size_t i = 0; i < feedback->metric_count; i++) {
		const struct feedback_metric *metric = &feedback->metrics[i];
		if (metric->name.length == 0)
			return error_set(error, ERROR_INPUT, PLACE_NONE, "a metric of the feedback has no name; give it one");
		if (!name_check("metrics", metric->name, error) || !number_check("the metric", metric->name, metric->value, error))
			return false;
		for (size_t j = 0; j < i; j++)
			if (text_equal(metric->name, feedback->metrics[j].name))
				return error_set(error, ERROR_INPUT, PLACE_NONE,
						 "the metric `%.*s` occurs twice in the feedback; send one value",
						 SHOWN(metric->name));
	}
	return true;
}

static bool has_truth(const struct feedback *feedback)
{
	for (size_t i = 0; i < feedback->truth.count; i++)
		if (feedback->truth.items[i]->count > 0)
			return true;
	return false;
}

bool feedback_check(const struct feedback *feedback, int64_t now_ms, struct error *error)
{
	if (!names_check(feedback, error) || !time_check(feedback, now_ms, error))
		return false;
	if (!feedback->has_reward && feedback->metric_count == 0 && !has_truth(feedback))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the feedback has no outcome; send a `reward`, `metrics` or the `truth`");
	if (feedback->metric_count > FEEDBACK_METRICS_MAX)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the feedback has %zu metrics, and at most %d are allowed; send them in several records",
				 feedback->metric_count, FEEDBACK_METRICS_MAX);
	return (!feedback->has_reward || number_check("the reward", (struct text){"", 0}, feedback->reward, error)) &&
	       metrics_check(feedback, error) && truth_check(feedback, error);
}

/* ---- what it says ---- */

const struct feedback_metric *feedback_metric_find(const struct feedback *feedback, struct text name)
{
	for (size_t i = 0; i < feedback->metric_count; i++)
		if (text_equal(feedback->metrics[i].name, name))
			return &feedback->metrics[i];
	return NULL;
}

double feedback_metric_value(const struct feedback *feedback, struct text name)
{
	const struct feedback_metric *metric = feedback_metric_find(feedback, name);
	return metric ? metric->value : (double)NAN;
}

bool feedback_earns(const struct feedback *feedback, struct text metric, bool computed, double *reward)
{
	const struct feedback_metric *named = metric.length > 0 ? feedback_metric_find(feedback, metric) : NULL;
	*reward = named ? named->value : feedback->reward;
	return named || (feedback->has_reward && !computed);
}

/* ---- key ---- */

struct text feedback_key(const struct feedback *feedback, struct arena *arena)
{
	const struct origin *origin = &feedback->origin;
	if (feedback->id.length > 0)
		return feedback->id;
	if (origin->topic.length == 0)
		return feedback->unit;
	return origin_text(origin, arena);
}

/* ---- the record ---- */

static const struct record_field metric_fields[] = {
	RECORD_ROW(TEXT, struct feedback_metric, name),
	RECORD_ROW(REAL, struct feedback_metric, value),
	RECORD_END,
};

static const struct record_field reward_fields[] = {RECORD_ROW(REAL, struct feedback, reward), RECORD_END};

static const struct record_field feedback_fields[] = {
	RECORD_ROW(TEXT, struct feedback, id),
	RECORD_ROW(TEXT, struct feedback, unit),
	RECORD_ROW(TEXT, struct feedback, feedback_id),
	RECORD_ROW(NUMBER, struct feedback, time_ms),
	RECORD_GIVEN(struct feedback, has_reward, reward_fields),
	RECORD_LIST(struct feedback, metric_count, metrics, metric_fields, struct feedback_metric),
	RECORD_ROW(TENSORS, struct feedback, truth),
	RECORD_ROW(ORIGIN, struct feedback, origin),
	RECORD_ROW(TEXT, struct feedback, experiment),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form feedback_form = {.schema = "feedback",
						 .called = "record of feedback",
						 .fields = feedback_fields,
						 .bytes = sizeof(struct feedback),
						 .schema_name = &schema_name};

bool feedback_encode(const struct feedback *feedback, struct buffer *out, struct error *error)
{
	if (record_encode(&feedback_form, feedback, out, error))
		return true;
	return error->kind == ERROR_LIMIT && error_set(error, ERROR_LIMIT, PLACE_NONE,
						       "the feedback does not fit into %zu bytes; send less truth",
						       out->ceiling_bytes);
}

bool feedback_decode(struct text bytes, struct arena *arena, struct feedback *feedback, struct error *error)
{
	if (record_is_of(&feedback_form, record_schema(bytes)))
		return record_decode(&feedback_form, bytes, arena, feedback, error);
	const struct text trimmed = text_trimmed(bytes, " \t\r\n");
	if (trimmed.length > 0 && trimmed.bytes[0] == '{')
		return feedback_read(bytes, arena, feedback, error);
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the record is not feedback; write it in Avro by `sluice schema feedback`, or as a JSON object");
}
