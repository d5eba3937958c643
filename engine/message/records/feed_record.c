/* feed_record.c: see feed_record.h. */
#include "message/records/feed_record.h"

#include <math.h>

#include "base/memory.h"
#include "message/record_form.h"

static const struct text kind_drift = {"drift/", 6}, kind_figures = {"figures/", 8}, kind_outlier = {"outlier/", 8};

/* What each record begins with: of what it is. */
struct feed_head {
	struct text pipeline, step, segment;
	uint64_t identity;
};

#define HEAD_ROWS(record)                                                                                                          \
	RECORD_ROW(TEXT, record, head.pipeline), RECORD_ROW(TEXT, record, head.step), RECORD_ROW(TEXT, record, head.segment),      \
		RECORD_ROW(NUMBER, record, head.identity)

static struct feed_head head_of(const struct drift_score *score)
{
	return (struct feed_head){text_of(score->pipeline), text_of(score->step), score->segment, score->identity};
}

bool feed_score_is_due(const struct drift_score *score)
{
	return score->begins || score->verdict != DRIFT_LEARNING;
}

static bool key_encode(struct text kind, const struct feed_head *head, struct buffer *key, struct error *error)
{
	if (head->pipeline.length > FEED_NAME_BYTES_MAX || head->step.length > FEED_NAME_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the names of pipeline `%s` and step `%s` have more than %d bytes; shorten them",
				 head->pipeline.bytes, head->step.bytes, FEED_NAME_BYTES_MAX);
	buffer_print(key, "%s%s/%s", kind.bytes, head->pipeline.bytes, head->step.bytes);
	if (head->segment.length > 0) {
		buffer_byte(key, '/');
		buffer_text(key, head->segment);
	}
	return true;
}

/* `advice` is what to do if the record does not fit. */
static bool value_encode(const struct record_form *form, const void *record, struct text step, const char *advice,
			 struct buffer *value, struct error *error)
{
	if (record_encode(form, record, value, error))
		return true;
	return error->kind == ERROR_LIMIT &&
	       error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "the %s of step `" TEXT_FORMAT "` does not fit into the %zu bytes that a record may have; %s",
			 form->called, TEXT_ARGUMENTS(step), value->ceiling_bytes, advice);
}

/* ---- verdicts ---- */

struct verdict_record {
	struct feed_head head;
	struct text verdict;
	double score;
};

static const struct record_field verdict_fields[] = {
	HEAD_ROWS(struct verdict_record),
	RECORD_ROW(TEXT, struct verdict_record, verdict),
	RECORD_ROW(REAL, struct verdict_record, score),
	RECORD_END,
};

static _Atomic uint64_t verdict_schema;
static const struct record_form verdict_form = {.schema = "drift_verdict",
						.called = "verdict",
						.fields = verdict_fields,
						.bytes = sizeof(struct verdict_record),
						.schema_name = &verdict_schema};

bool feed_score_encode(const struct drift_score *score, struct buffer *key, struct buffer *value, struct error *error)
{
	const struct verdict_record record = {head_of(score), text_of(drift_verdict_names[score->verdict]), score->score};
	return key_encode(kind_drift, &record.head, key, error) &&
	       (score->begins || value_encode(&verdict_form, &record, record.head.step, "shorten its name", value, error));
}

bool feed_key_is_score(struct text key)
{
	return text_starts_with(key, kind_drift);
}

static void name_copy(char *to, struct text from)
{
	memcpy(to, from.bytes, from.length);
	to[from.length] = '\0';
}

/* Takes the text before the next slash, and the slash. */
static struct text name_take(struct text *left)
{
	const char *slash = left->length > 0 ? memchr(left->bytes, '/', left->length) : NULL;
	const struct text name = {left->bytes, slash ? (size_t)(slash - left->bytes) : left->length};
	const size_t taken = name.length + (slash != NULL);
	*left = (struct text){left->bytes + taken, left->length - taken};
	return name;
}

static bool name_fits(struct text name)
{
	return name.length > 0 && name.length <= FEED_NAME_BYTES_MAX && !memchr(name.bytes, '\0', name.length);
}

/* No name has a slash; a segment may. */
static bool names_read(struct text kind, struct text key, struct feed_score *made)
{
	struct text left = text_from(key, kind.length);
	const struct text pipeline = name_take(&left), step = name_take(&left);
	if (!name_fits(pipeline) || !name_fits(step) || left.length > DRIFT_SEGMENT_BYTES_MAX)
		return false;
	name_copy(made->pipeline, pipeline);
	name_copy(made->step, step);
	made->segment = left;
	return true;
}

static bool verdict_read(struct text name, struct feed_score *made)
{
	for (made->verdict = 0; made->verdict < DRIFT_VERDICTS; made->verdict++)
		if (text_is(name, drift_verdict_names[made->verdict]))
			return true;
	return false;
}

static bool value_refuse(const struct record_form *form, const struct feed_score *made, struct error *error)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE, "the %s of step `%s` of `%s` is damaged", form->called, made->step,
			 made->pipeline);
}

/* False: INPUT, or the arena is full. The record is of the names that its key has. */
static bool value_decode(const struct record_form *form, struct text value, struct arena *arena, void *record,
			 const struct feed_head *head, struct feed_score *made, struct error *error)
{
	if (!record_is_of(form, record_schema(value)))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the %s of step `%s` of `%s` is of another schema; update sluice on all engines", form->called,
				 made->step, made->pipeline);
	const bool is_whole = record_decode(form, value, arena, record, error);
	if (!is_whole && error->kind != ERROR_INPUT)
		return false;
	made->identity = head->identity;
	return (is_whole && text_is(head->pipeline, made->pipeline) && text_is(head->step, made->step) &&
		text_equal(head->segment, made->segment)) ||
	       value_refuse(form, made, error);
}

bool feed_score_decode(struct text key, struct text value, struct feed_score *made, struct error *error)
{
	struct verdict_record record;
	*made = (struct feed_score){.verdict = DRIFT_LEARNING};
	if (!feed_key_is_score(key) || !names_read(kind_drift, key, made))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the key has no names of a pipeline and a step");
	if (!value.bytes)
		return true;
	if (!value_decode(&verdict_form, value, NULL, &record, &record.head, made, error))
		return false;
	made->score = record.score;
	return (verdict_read(record.verdict, made) && record.score >= 0) || value_refuse(&verdict_form, made, error);
}

/* ---- figures ---- */

static double share_worse(double share, uint64_t some, uint64_t all)
{
	return all > 0 ? fmax(share, (double)some / (double)all) : share;
}

static void quality_sum(const struct drift_score *score, double numbers[FEED_FIGURES])
{
	numbers[FEED_QUALITY_ALARM] = score->times.rate_alarm || score->times.age_alarm;
	for (size_t i = 0; i < score->quality_count; i++) {
		const struct drift_quality *one = &score->quality[i];
		numbers[FEED_QUALITY_ALARM] = one->alarm ? 1 : numbers[FEED_QUALITY_ALARM];
		const uint64_t all = one->values + one->missing + one->mistyped;
		numbers[FEED_MISSING_SHARE] = share_worse(numbers[FEED_MISSING_SHARE], one->missing, all);
		numbers[FEED_OUTSIDE_SHARE] = share_worse(numbers[FEED_OUTSIDE_SHARE], one->outside, one->values);
		numbers[FEED_UNSEEN_SHARE] = share_worse(numbers[FEED_UNSEEN_SHARE], one->unseen, one->values);
	}
}

static void figures_of(const struct drift_score *score, double numbers[FEED_FIGURES])
{
	for (size_t i = 0; i < FEED_FIGURES; i++)
		numbers[i] = (double)NAN;
	quality_sum(score, numbers);
	numbers[FEED_MESSAGES_PER_MINUTE] = score->times.rate;
	numbers[FEED_NEWEST_AGE_MS] = score->times.age_ms;
	for (size_t i = 0; i < score->estimate_count; i++) {
		const struct drift_estimate *one = &score->estimates[i];
		if (strcmp(one->metric, "accuracy") == 0) {
			numbers[FEED_ACCURACY] = one->value;
			numbers[FEED_ACCURACY_LOW] = one->low;
			numbers[FEED_ACCURACY_HIGH] = one->high;
		} else if (strcmp(one->metric, "precision") == 0) {
			numbers[FEED_PRECISION] = one->value;
		} else if (strcmp(one->metric, "recall") == 0) {
			numbers[FEED_RECALL] = one->value;
		} else if (strcmp(one->metric, "auc") == 0) {
			numbers[FEED_AUC] = one->value;
		} else if (strcmp(one->metric, "absolute_error") == 0) {
			numbers[FEED_ERROR] = one->value;
		}
	}
}

/* Figures as their record has them, and the cause. */
struct figures_record {
	struct feed_head head;
	double numbers[FEED_FIGURES];
	struct text feature, test;
};

static const struct record_field figures_fields[] = {
	HEAD_ROWS(struct figures_record),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_QUALITY_ALARM]),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_MISSING_SHARE]),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_OUTSIDE_SHARE]),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_UNSEEN_SHARE]),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_ACCURACY]),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_ACCURACY_LOW]),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_ACCURACY_HIGH]),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_PRECISION]),
	RECORD_ROW(REAL, struct figures_record, numbers[FEED_RECALL]),
	RECORD_ADDED(2, FINITE, struct figures_record, numbers[FEED_MESSAGES_PER_MINUTE]),
	RECORD_ADDED(2, FINITE, struct figures_record, numbers[FEED_NEWEST_AGE_MS]),
	RECORD_ADDED(3, FINITE, struct figures_record, numbers[FEED_AUC]),
	RECORD_ADDED(3, FINITE, struct figures_record, numbers[FEED_ERROR]),
	RECORD_ADDED(4, FINITE, struct figures_record, numbers[FEED_EFFECT]),
	RECORD_ADDED(4, FINITE, struct figures_record, numbers[FEED_P]),
	RECORD_ADDED(4, TEXT, struct figures_record, feature),
	RECORD_ADDED(4, TEXT, struct figures_record, test),
	RECORD_END,
};

static _Atomic uint64_t figures_schema;
static const struct record_form figures_form = {
	.schema = "drift_figures",
	.called = "record of figures",
	.fields = figures_fields,
	.bytes = sizeof(struct figures_record),
	.schema_name = &figures_schema,
	.formers = {UINT64_C(0x18c212afbfa533f9), UINT64_C(0xaa67f20c1f69f11f), UINT64_C(0x5f480523b019f665)}};

bool feed_figures_encode(const struct drift_score *score, struct buffer *key, struct buffer *value, struct error *error)
{
	const struct drift_cause cause = drift_cause_of(score);
	struct figures_record record = {
		.head = head_of(score), .feature = text_of(cause.feature), .test = text_of(cause.test)};
	figures_of(score, record.numbers);
	record.numbers[FEED_EFFECT] = record.feature.length > 0 ? cause.effect : (double)NAN;
	record.numbers[FEED_P] = record.feature.length > 0 ? cause.p : (double)NAN;
	return key_encode(kind_figures, &record.head, key, error) &&
	       (score->begins || value_encode(&figures_form, &record, record.head.step, "shorten its name", value, error));
}

bool feed_key_is_figures(struct text key)
{
	return text_starts_with(key, kind_figures);
}

bool feed_figures_decode(struct text key, struct text value, struct feed_figures *made, struct error *error)
{
	struct figures_record record;
	*made = (struct feed_figures){.gone = !value.bytes};
	if (!feed_key_is_figures(key) || !names_read(kind_figures, key, &made->of))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the key has no names of a pipeline and a step");
	if (made->gone)
		return true;
	if (!value_decode(&figures_form, value, NULL, &record, &record.head, &made->of, error))
		return false;
	memcpy(made->numbers, record.numbers, sizeof made->numbers);
	made->cause = drift_cause_make(record.feature, record.test, record.numbers[FEED_EFFECT], record.numbers[FEED_P]);
	return true;
}

/* ---- references of outliers ---- */

/* A reference as its record has it: with covariances in place of their sums. */
struct outliers_record {
	struct feed_head head;
	uint64_t rows;
	size_t mean_count, covariance_count;
	const double *mean, *covariance;
};

static const struct record_field outliers_fields[] = {
	HEAD_ROWS(struct outliers_record),
	RECORD_ROW(NUMBER, struct outliers_record, rows),
	RECORD_REALS(struct outliers_record, mean_count, mean),
	RECORD_REALS(struct outliers_record, covariance_count, covariance),
	RECORD_END,
};

static _Atomic uint64_t outliers_schema;
static const struct record_form outliers_form = {.schema = "outlier_reference",
						 .called = "reference",
						 .fields = outliers_fields,
						 .bytes = sizeof(struct outliers_record),
						 .schema_name = &outliers_schema};

bool feed_outliers_encode(const struct outlier_learnt *learnt, struct buffer *key, struct buffer *value, struct error *error)
{
	const struct covariance *covariance = &learnt->covariance;
	const size_t count = covariance_numbers(covariance->columns) - covariance->columns;
	double *numbers = memory_take(count, sizeof *numbers);
	const struct outliers_record record = {
		.head = {text_of(learnt->pipeline), text_of(learnt->step), TEXT(""), learnt->identity},
		.rows = covariance->rows,
		.mean_count = covariance->columns,
		.mean = covariance->mean,
		.covariance_count = count,
		.covariance = numbers};
	if (!numbers)
		return error_memory(error, ERROR_SYSTEM, "writing to the feed");
	for (size_t i = 0; i < count; i++)
		numbers[i] = covariance->products[i] / (double)(covariance->rows - 1);
	const bool good =
		key_encode(kind_outlier, &record.head, key, error) &&
		value_encode(&outliers_form, &record, record.head.step, "give it fewer columns", value, error);
	memory_give(numbers);
	return good;
}

bool feed_key_is_outliers(struct text key)
{
	return text_starts_with(key, kind_outlier);
}

static bool covariance_fits(const struct outliers_record *record)
{
	const size_t columns = record->mean_count;
	return columns > 0 && columns <= OUTLIER_LEARNT_COLUMNS_MAX && record->rows > columns && record->rows <= INT64_MAX &&
	       record->covariance_count == covariance_numbers(columns) - columns;
}

bool feed_outliers_decode(struct text key, struct text value, struct arena *arena, struct feed_outliers *made, struct error *error)
{
	struct outliers_record record;
	*made = (struct feed_outliers){.of.verdict = DRIFT_LEARNING};
	if (!feed_key_is_outliers(key) || !names_read(kind_outlier, key, &made->of))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the key has no names of a pipeline and a step");
	if (!value_decode(&outliers_form, value, arena, &record, &record.head, &made->of, error))
		return false;
	if (!covariance_fits(&record))
		return value_refuse(&outliers_form, &made->of, error);
	if (!covariance_open(&made->covariance, record.mean_count, arena))
		return error_memory(error, ERROR_SYSTEM, "reading the feed");
	made->covariance.rows = record.rows;
	for (size_t i = 0; i < record.mean_count; i++)
		made->covariance.mean[i] = record.mean[i];
	for (size_t i = 0; i < record.covariance_count; i++)
		made->covariance.products[i] = record.covariance[i] * (double)(record.rows - 1);
	return true;
}
