/* expression_time.c: Parts of a time in UTC, and times of texts. Times are milliseconds since 1970;
 * before it, parts are rounded down as after it. */
#include "base/number/moment.h"
#include "compiler/expression/expression_value.h"

#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)

static int64_t floored(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

static int64_t hour_of(int64_t ms)
{
	return floored(ms, HOUR_MS) - floored(ms, DAY_MS) * 24;
}

static int64_t minute_of(int64_t ms)
{
	return floored(ms, MINUTE_MS) - floored(ms, HOUR_MS) * 60;
}

/* Monday is 1, as in ISO 8601; day 0 was a Thursday. */
static int64_t weekday_of(int64_t ms)
{
	int64_t days = floored(ms, DAY_MS) + 3;
	return days - floored(days, 7) * 7 + 1;
}

/* Of the month, from the days since 1970, counted from 1 March of year 0 so that
 * the leap day ends a year (Howard Hinnant, chrono-compatible date algorithms). */
static int64_t day_of(int64_t ms)
{
	int64_t days = floored(ms, DAY_MS) + 719468;
	int64_t day_of_era = days - floored(days, 146097) * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	return day_of_year - (153 * month + 2) / 5 + 1;
}

static bool map_times(struct evaluation *evaluation, const struct value *value, int64_t (*part)(int64_t), struct value *result)
{
	const int64_t *in = value_signed(evaluation, value);
	int64_t *out = value_make_like(evaluation, result, DATATYPE_INT64, value);
	for (size_t i = 0; in && out && i < value->count; i++) {
		if (value->storage == DATATYPE_UINT64 && in[i] < 0)
			return evaluation_fail(evaluation,
					       "this time is beyond what milliseconds in INT64 hold; send one that fits");
		out[i] = part(in[i]);
	}
	return in && out;
}

bool run_hour(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return map_times(evaluation, call->arguments, hour_of, result);
}

bool run_minute(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return map_times(evaluation, call->arguments, minute_of, result);
}

bool run_weekday(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return map_times(evaluation, call->arguments, weekday_of, result);
}

bool run_day(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return map_times(evaluation, call->arguments, day_of, result);
}

bool run_timestamp(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	const struct text *in = value_texts(call->arguments);
	int64_t *out = value_make_like(evaluation, result, DATATYPE_INT64, call->arguments);
	for (size_t i = 0; out && i < call->arguments->count; i++)
		if (!moment_read(in[i], &out[i]))
			return evaluation_fail(evaluation, "\"%.*s\" is no time; send one such as 2026-01-31T09:30:00Z",
					       (int)(in[i].length < 60 ? in[i].length : 60), in[i].bytes ? in[i].bytes : "");
	return out;
}

bool run_now(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	(void)call->node, (void)call->arguments, (void)call->count;
	if (evaluation->scope->now_ms == 0)
		return evaluation_fail(evaluation, "the time of the evaluation is not known here; use ts, the time of the message");
	int64_t *out = value_make_single(evaluation, result, DATATYPE_INT64);
	if (out)
		*out = evaluation->scope->now_ms;
	return out;
}
