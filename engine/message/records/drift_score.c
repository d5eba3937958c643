/* drift_score.c: see drift_score.h. */
#include "message/records/drift_score.h"

#include <math.h>
#include <stdio.h>

#include "message/record_form.h"

const char *const drift_metric_names[DRIFT_METRICS] = {"accuracy", "precision", "recall", "auc", "absolute_error"};
const char *const drift_verdict_names[DRIFT_VERDICTS] = {"learning", "steady", "drift"};

struct drift_times drift_times_unknown(void)
{
	const double unknown = (double)NAN;
	return (struct drift_times){"", unknown, unknown, unknown, unknown, unknown, false, false};
}

/* ---- the record ---- */

/* A score as its record has it. */
struct score_record {
	struct drift_score score;
	bool is_drift;
	const char *verdict;
	struct record_list versions;
};

static const struct record_field statistic_fields[] = {
	RECORD_ROW(TEXT, struct drift_statistic, feature),
	RECORD_ROW(STRING, struct drift_statistic, method),
	RECORD_ROW(REAL, struct drift_statistic, effect),
	RECORD_ROW(REAL, struct drift_statistic, limit),
	RECORD_ROW(REAL, struct drift_statistic, statistic),
	RECORD_ROW(UNION, struct drift_statistic, p),
	RECORD_ROW(FLAG, struct drift_statistic, established),
	RECORD_END,
};

static const struct record_field quality_fields[] = {
	RECORD_ROW(TEXT, struct drift_quality, feature),
	RECORD_ROW(NUMBER, struct drift_quality, values),
	RECORD_ROW(NUMBER, struct drift_quality, missing),
	RECORD_ROW(NUMBER, struct drift_quality, outside),
	RECORD_ROW(NUMBER, struct drift_quality, unseen),
	RECORD_ROW(FLAG, struct drift_quality, still),
	RECORD_ROW(FLAG, struct drift_quality, alarm),
	RECORD_ROW(FLAG, struct drift_quality, missing_alarm),
	RECORD_ROW(FLAG, struct drift_quality, outside_alarm),
	RECORD_ROW(FLAG, struct drift_quality, unseen_alarm),
	RECORD_ROW(FLAG, struct drift_quality, still_alarm),
	RECORD_ROW(NUMBER, struct drift_quality, mistyped),
	RECORD_ROW(FLAG, struct drift_quality, mistyped_alarm),
	RECORD_END,
};

static const struct record_field estimate_fields[] = {
	RECORD_ROW(STRING, struct drift_estimate, metric),
	RECORD_ROW(REAL, struct drift_estimate, value),
	RECORD_ROW(REAL, struct drift_estimate, low),
	RECORD_ROW(REAL, struct drift_estimate, high),
	RECORD_END,
};

static const struct record_field realised_fields[] = {
	RECORD_ROW(STRING, struct drift_realisation, metric),
	RECORD_ROW(NUMBER, struct drift_realisation, rows),
	RECORD_ROW(REAL, struct drift_realisation, value),
	RECORD_ROW(FINITE, struct drift_realisation, estimate),
	RECORD_ROW(FINITE, struct drift_realisation, low),
	RECORD_ROW(FINITE, struct drift_realisation, high),
	RECORD_ROW(STRING, struct drift_realisation, band),
	RECORD_END,
};

static const struct record_field count_item[] = {{.type = RECORD_FIELD_WHOLE}, RECORD_END};

static const struct record_field spread_fields[] = {
	RECORD_ROW(TEXT, struct drift_spread, feature),
	RECORD_REALS(struct drift_spread, edge_count, edges),
	RECORD_TEXTS(struct drift_spread, name_count, names),
	RECORD_LIST(struct drift_spread, bins, reference, count_item, double),
	RECORD_LIST(struct drift_spread, bins, current, count_item, double),
	RECORD_END,
};

static const struct record_field score_fields[] = {
	RECORD_ROW(STRING, struct score_record, score.pipeline),
	RECORD_ROW(STRING, struct score_record, score.step),
	RECORD_ROW(NUMBER, struct score_record, score.begin_ms),
	RECORD_ROW(NUMBER, struct score_record, score.end_ms),
	RECORD_ROW(NUMBER, struct score_record, score.messages),
	RECORD_ROW(NUMBER, struct score_record, score.unusable),
	RECORD_ROW(FINITE, struct score_record, score.score),
	RECORD_ROW(FLAG, struct score_record, is_drift),
	RECORD_ROW(STRING, struct score_record, score.reference),
	RECORD_LIST(struct score_record, score.statistic_count, score.statistics, statistic_fields, struct drift_statistic),
	RECORD_VERSIONS(struct score_record, versions),
	RECORD_ROW(NUMBER, struct score_record, score.window),
	RECORD_ROW(STRING, struct score_record, verdict),
	RECORD_ROW(TEXT, struct score_record, score.segment),
	RECORD_ROW(NUMBER, struct score_record, score.reference_rows),
	RECORD_ROW(NUMBER, struct score_record, score.late),
	RECORD_LIST(struct score_record, score.quality_count, score.quality, quality_fields, struct drift_quality),
	RECORD_ROW(NUMBER, struct score_record, score.beyond),
	RECORD_ROW(NUMBER, struct score_record, score.estimated_rows),
	RECORD_LIST(struct score_record, score.estimate_count, score.estimates, estimate_fields, struct drift_estimate),
	RECORD_TEXTS(struct score_record, score.lacking_count, score.lacking),
	RECORD_ROW(FINITE, struct score_record, score.times.rate),
	RECORD_ROW(FINITE, struct score_record, score.times.rate_low),
	RECORD_ROW(FINITE, struct score_record, score.times.rate_high),
	RECORD_ROW(FLAG, struct score_record, score.times.rate_alarm),
	RECORD_ROW(FINITE, struct score_record, score.times.age_ms),
	RECORD_ROW(FINITE, struct score_record, score.times.age_most_ms),
	RECORD_ROW(FLAG, struct score_record, score.times.age_alarm),
	RECORD_ROW(STRING, struct score_record, score.times.unjudged),
	RECORD_ROW(FLAG, struct score_record, score.early),
	RECORD_ROW(NUMBER, struct score_record, score.alarm_row),
	RECORD_ROW(NUMBER, struct score_record, score.alarm_ms),
	RECORD_ROW(STRING, struct score_record, score.uncompared),
	RECORD_LIST(struct score_record, score.spread_count, score.spreads, spread_fields, struct drift_spread),
	RECORD_ROW(FLAG, struct score_record, score.unusable_alarm),
	RECORD_ROW(FLAG, struct score_record, score.settled),
	RECORD_ROW(NUMBER, struct score_record, score.truths),
	RECORD_LIST(struct score_record, score.realised_count, score.realised, realised_fields, struct drift_realisation),
	RECORD_ADDED(2, NUMBER, struct score_record, score.unkept),
	RECORD_ADDED(2, NUMBER, struct score_record, score.unfit),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form score_form = {
	.schema = "drift_score",
	.called = "drift score",
	.fields = score_fields,
	.bytes = sizeof(struct score_record),
	.schema_name = &schema_name,
	.formers = {UINT64_C(0x544810a47580ca89)}, /* the first schema had no settled records, which alone are read */
};

bool drift_score_encode(const struct drift_score *score, struct buffer *out, struct error *error)
{
	const struct score_record record = {.score = *score,
					    .is_drift = score->verdict == DRIFT_FOUND,
					    .verdict = score->settled ? "" : drift_verdict_names[score->verdict]};
	if (record_encode(&score_form, &record, out, error))
		return true;
	return error->kind == ERROR_LIMIT &&
	       error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "the drift scores of step `%s` do not fit into the %zu bytes that a record may have; watch fewer tensors",
			 score->step, out->ceiling_bytes);
}

bool drift_score_decode(struct text bytes, struct arena *arena, struct drift_score *score)
{
	struct error none = {0};
	struct score_record record;
	if (!record_decode(&score_form, bytes, arena, &record, &none))
		return false;
	*score = record.score;
	while (score->verdict < DRIFT_VERDICTS - 1 && strcmp(record.verdict, drift_verdict_names[score->verdict]) != 0)
		score->verdict++;
	return true;
}

static const char *name_known(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return names[i];
	return NULL;
}

/* Metrics of a later version are left out. False: there are more than a program writes. */
static bool realised_keep(const struct drift_score *read, struct settled_score *settled)
{
	static const char *const bands[] = {"", "held", "left"};
	for (size_t i = 0; i < read->realised_count; i++) {
		struct drift_realisation one = read->realised[i];
		one.metric = name_known(one.metric, drift_metric_names, DRIFT_METRICS);
		one.band = name_known(one.band, bands, sizeof bands / sizeof *bands);
		if (!one.metric || !one.band)
			continue;
		if (settled->realised_count == DRIFT_METRICS)
			return false;
		settled->realised[settled->realised_count++] = one;
	}
	return true;
}

bool settled_score_decode(struct text bytes, struct arena *arena, struct settled_score *settled)
{
	struct drift_score read;
	if (!drift_score_decode(bytes, arena, &read) || !read.settled)
		return false;
	*settled = (struct settled_score){.pipeline = text_of(read.pipeline),
					  .step = text_of(read.step),
					  .segment = read.segment,
					  .window = read.window,
					  .messages = read.messages,
					  .truths = read.truths,
					  .unkept = read.unkept,
					  .unfit = read.unfit,
					  .begin_ms = read.begin_ms,
					  .end_ms = read.end_ms};
	return realised_keep(&read, settled);
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
