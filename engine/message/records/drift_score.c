/* drift_score.c: see drift_score.h. The size of a record is computed first, so writing needs no checks. */
#include "message/records/drift_score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "message/avro/avro.h"
#include "message/avro/avro_wire.h"
#include "message/avro/avro_writers.h"

#define NUMBERS 41	     /* of a record beside its lists, at most */
#define STATISTIC_NUMBERS 6  /* of one feature by one method */
#define QUALITY_NUMBERS 12   /* of one feature */
#define ESTIMATE_NUMBERS 3
#define REALISED_NUMBERS 8
#define SPREAD_BLOCKS 8 /* counts and ends of the lists of one feature */
#define COUNT_BYTES 5	/* of a count of values */

const char *const drift_metric_names[DRIFT_METRICS] = {"accuracy", "precision", "recall", "auc", "absolute_error"};
const char *const drift_verdict_names[DRIFT_VERDICTS] = {"learning", "steady", "drift"};

struct drift_times drift_times_unknown(void)
{
	const double unknown = (double)NAN;
	return (struct drift_times){"", unknown, unknown, unknown, unknown, unknown, false, false};
}

static struct text words_of(const char *words)
{
	return text_of(words ? words : "");
}

static size_t edges_of(const struct drift_spread *spread)
{
	return spread->edges ? spread->bins - 1 : 0;
}

static size_t names_of(const struct drift_spread *spread)
{
	return spread->edges ? 0 : spread->bins - 2;
}

static size_t spread_room(const struct drift_spread *spread)
{
	size_t room = avro_text_room(spread->feature) + SPREAD_BLOCKS * AVRO_LONG_BYTES_MAX + edges_of(spread) * sizeof(double) +
		      2 * spread->bins * COUNT_BYTES;
	for (size_t i = 0; i < names_of(spread); i++)
		room += avro_text_room(spread->names[i]);
	return room;
}

static size_t score_room(const struct drift_score *score)
{
	size_t room = AVRO_SINGLE_OBJECT_BYTES + NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(text_of(score->pipeline)) +
		      avro_text_room(text_of(score->step)) + avro_text_room(text_of(score->reference)) +
		      avro_text_room(score->segment) +
		      avro_text_room(text_of(drift_verdict_names[score->verdict])) +
		      avro_text_room(words_of(score->times.unjudged)) + avro_text_room(words_of(score->uncompared));
	for (size_t i = 0; i < score->statistic_count; i++)
		room += avro_text_room(score->statistics[i].feature) + avro_text_room(text_of(score->statistics[i].method)) +
			STATISTIC_NUMBERS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < score->quality_count; i++)
		room += avro_text_room(score->quality[i].feature) + QUALITY_NUMBERS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < score->estimate_count; i++)
		room += avro_text_room(text_of(score->estimates[i].metric)) + ESTIMATE_NUMBERS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < score->realised_count; i++)
		room += avro_text_room(text_of(score->realised[i].metric)) + avro_text_room(text_of(score->realised[i].band)) +
			REALISED_NUMBERS * AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < score->spread_count; i++)
		room += spread_room(&score->spreads[i]);
	for (size_t i = 0; i < score->lacking_count; i++)
		room += avro_text_room(score->lacking[i]);
	return room;
}

static char *put_flag(char *to, bool flag)
{
	*to = flag;
	return to + 1;
}

static char *put_statistics(char *to, const struct drift_score *score)
{
	if (score->statistic_count)
		to = avro_put_small(to, score->statistic_count);
	for (size_t i = 0; i < score->statistic_count; i++) {
		const struct drift_statistic *one = &score->statistics[i];
		to = avro_put_bytes(to, one->feature);
		to = avro_put_bytes(to, text_of(one->method));
		to = avro_put_double(to, one->effect);
		to = avro_put_double(to, one->limit);
		to = avro_put_double(to, one->statistic);
		to = avro_put_small(to, 1); /* the p-value is known */
		to = avro_put_double(to, one->p);
		to = put_flag(to, one->established);
	}
	return avro_put_small(to, 0);
}

static char *put_quality(char *to, const struct drift_score *score)
{
	if (score->quality_count)
		to = avro_put_small(to, score->quality_count);
	for (size_t i = 0; i < score->quality_count; i++) {
		const struct drift_quality *one = &score->quality[i];
		to = avro_put_bytes(to, one->feature);
		to = avro_put_long(to, (int64_t)one->values);
		to = avro_put_long(to, (int64_t)one->missing);
		to = avro_put_long(to, (int64_t)one->outside);
		to = avro_put_long(to, (int64_t)one->unseen);
		to = put_flag(to, one->still);
		to = put_flag(to, one->alarm);
		to = put_flag(to, one->missing_alarm);
		to = put_flag(to, one->outside_alarm);
		to = put_flag(to, one->unseen_alarm);
		to = put_flag(to, one->still_alarm);
		to = avro_put_long(to, (int64_t)one->mistyped);
		to = put_flag(to, one->mistyped_alarm);
	}
	return avro_put_small(to, 0);
}

static char *put_estimates(char *to, const struct drift_score *score)
{
	if (score->estimate_count)
		to = avro_put_small(to, score->estimate_count);
	for (size_t i = 0; i < score->estimate_count; i++) {
		to = avro_put_bytes(to, text_of(score->estimates[i].metric));
		to = avro_put_double(to, score->estimates[i].value);
		to = avro_put_double(to, score->estimates[i].low);
		to = avro_put_double(to, score->estimates[i].high);
	}
	return avro_put_small(to, 0);
}

static char *put_realised(char *to, const struct drift_score *score)
{
	if (score->realised_count)
		to = avro_put_small(to, score->realised_count);
	for (size_t i = 0; i < score->realised_count; i++) {
		const struct drift_realisation *one = &score->realised[i];
		to = avro_put_bytes(to, text_of(one->metric));
		to = avro_put_long(to, (int64_t)one->rows);
		to = avro_put_double(to, one->value);
		to = avro_put_finite(to, one->estimate);
		to = avro_put_finite(to, one->low);
		to = avro_put_finite(to, one->high);
		to = avro_put_bytes(to, text_of(one->band));
	}
	return avro_put_small(to, 0);
}

static char *put_lacking(char *to, const struct drift_score *score)
{
	if (score->lacking_count)
		to = avro_put_small(to, score->lacking_count);
	for (size_t i = 0; i < score->lacking_count; i++)
		to = avro_put_bytes(to, score->lacking[i]);
	return avro_put_small(to, 0);
}

static char *put_counts(char *to, const double *counts, size_t count)
{
	to = avro_put_small(to, count);
	for (size_t i = 0; i < count; i++)
		to = avro_put_long(to, (int64_t)counts[i]);
	return avro_put_small(to, 0);
}

static char *put_spread(char *to, const struct drift_spread *spread)
{
	const size_t edges = edges_of(spread), names = names_of(spread);
	to = avro_put_bytes(to, spread->feature);
	if (edges)
		to = avro_put_small(to, edges);
	for (size_t i = 0; i < edges; i++)
		to = avro_put_double(to, spread->edges[i]);
	to = avro_put_small(to, 0);
	if (names)
		to = avro_put_small(to, names);
	for (size_t i = 0; i < names; i++)
		to = avro_put_bytes(to, spread->names[i]);
	to = avro_put_small(to, 0);
	to = put_counts(to, spread->reference, spread->bins);
	return put_counts(to, spread->current, spread->bins);
}

static char *put_spreads(char *to, const struct drift_score *score)
{
	if (score->spread_count)
		to = avro_put_small(to, score->spread_count);
	for (size_t i = 0; i < score->spread_count; i++)
		to = put_spread(to, &score->spreads[i]);
	return avro_put_small(to, 0);
}

static char *put_times(char *to, const struct drift_times *times)
{
	to = avro_put_finite(to, times->rate);
	to = avro_put_finite(to, times->rate_low);
	to = avro_put_finite(to, times->rate_high);
	to = put_flag(to, times->rate_alarm);
	to = avro_put_finite(to, times->age_ms);
	to = avro_put_finite(to, times->age_most_ms);
	to = put_flag(to, times->age_alarm);
	return avro_put_bytes(to, words_of(times->unjudged));
}

bool drift_score_encode(const struct drift_score *score, struct buffer *out, struct error *error)
{
	const uint64_t fingerprint = avro_drift_score_fingerprint();
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	char *begin = buffer_room(out, score_room(score));
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the drift scores of step `%s` do not fit into the %zu bytes that a record may have; watch fewer "
				 "tensors",
				 score->step, out->ceiling_bytes);
	char *to = avro_put_single_object(begin, fingerprint);
	to = avro_put_bytes(to, text_of(score->pipeline));
	to = avro_put_bytes(to, text_of(score->step));
	to = avro_put_long(to, score->begin_ms);
	to = avro_put_long(to, score->end_ms);
	to = avro_put_long(to, (int64_t)score->messages);
	to = avro_put_long(to, (int64_t)score->unusable);
	to = avro_put_finite(to, score->score);
	to = put_flag(to, score->verdict == DRIFT_FOUND);
	to = avro_put_bytes(to, text_of(score->reference));
	to = put_statistics(to, score);
	to = avro_put_small(to, 0); /* versions */
	to = avro_put_long(to, (int64_t)score->window);
	to = avro_put_bytes(to, score->settled ? TEXT("") : text_of(drift_verdict_names[score->verdict]));
	to = avro_put_bytes(to, score->segment);
	to = avro_put_long(to, (int64_t)score->reference_rows);
	to = avro_put_long(to, (int64_t)score->late);
	to = put_quality(to, score);
	to = avro_put_long(to, (int64_t)score->beyond);
	to = avro_put_long(to, (int64_t)score->estimated_rows);
	to = put_estimates(to, score);
	to = put_lacking(to, score);
	to = put_times(to, &score->times);
	to = put_flag(to, score->early);
	to = avro_put_long(to, (int64_t)score->alarm_row);
	to = avro_put_long(to, score->alarm_ms);
	to = avro_put_bytes(to, words_of(score->uncompared));
	to = put_spreads(to, score);
	to = put_flag(to, score->unusable_alarm);
	to = put_flag(to, score->settled);
	to = avro_put_long(to, (int64_t)score->truths);
	to = put_realised(to, score);
	to = avro_put_long(to, (int64_t)score->unkept);
	to = avro_put_long(to, (int64_t)score->unfit);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}

/* ---- what has moved most ---- */

/* Cut off between characters. */
static void name_keep(struct text name, char *to, size_t size)
{
	size_t length = name.length < size ? name.length : size - 1;
	while (length < name.length && length > 0 && ((unsigned char)name.bytes[length] & 0xC0) == 0x80)
		length--;
	if (length > 0)
		memcpy(to, name.bytes, length);
	memset(to + length, 0, size - length);
}

struct drift_cause drift_cause_make(struct text feature, struct text test, double effect, double p)
{
	struct drift_cause cause = {.effect = effect, .p = p};
	name_keep(feature, cause.feature, sizeof cause.feature);
	name_keep(test, cause.test, sizeof cause.test);
	return cause;
}

struct drift_cause drift_cause_of(const struct drift_score *score)
{
	const struct drift_statistic *most = NULL;
	for (size_t i = 0; i < score->statistic_count; i++) {
		const struct drift_statistic *one = &score->statistics[i];
		if (one->established && (!most || one->effect - one->limit > most->effect - most->limit))
			most = one;
	}
	return most ? drift_cause_make(most->feature, text_of(most->method), most->effect, most->p) : (struct drift_cause){0};
}

void drift_cause_words(const struct drift_cause *cause, char words[DRIFT_CAUSE_WORDS_BYTES])
{
	/* "*", or "*" with a slash and the name of a set, is of several features together */
	const bool is_joint = cause->feature[0] == '*', has_set = is_joint && cause->feature[1] == '/';
	const char *what = has_set ? "the features of " : is_joint ? "all features together" : "feature ";
	const char *name = has_set ? cause->feature + 2 : is_joint ? "" : cause->feature;
	int length = 0;
	words[0] = '\0';
	if (cause->feature[0])
		length = snprintf(words, DRIFT_CAUSE_WORDS_BYTES, "%s%s by %s: effect %.3g", what, name, cause->test,
				  cause->effect);
	if (cause->feature[0] && !isnan(cause->p))
		(void)snprintf(words + length, DRIFT_CAUSE_WORDS_BYTES - (size_t)length, ", p %.2g", cause->p);
}
