/* feed_record.c: see feed_record.h. */
#include "message/records/feed_record.h"

#include <math.h>
#include <string.h>

#include "message/avro/avro.h"
#include "message/avro/avro_wire.h"

#define FIGURES_SURE FEED_MESSAGES_PER_MINUTE /* that are never null */

/* Former schemas of figures: the fingerprint, and how many there were. */
static const struct {
	uint64_t fingerprint;
	size_t count;
} former_figures[] = {{UINT64_C(0x18c212afbfa533f9), FEED_MESSAGES_PER_MINUTE},
		      {UINT64_C(0xaa67f20c1f69f11f), FEED_AUC},
		      {UINT64_C(0x5f480523b019f665), FEED_EFFECT}};

static const struct text kind_drift = {"drift/", 6}, kind_figures = {"figures/", 8}, kind_outlier = {"outlier/", 8};

/* What each record begins with: of what it is. */
struct feed_head {
	const char *pipeline, *step;
	struct text segment;
	uint64_t identity;
};

static struct feed_head head_of(const struct drift_score *score)
{
	return (struct feed_head){score->pipeline, score->step, score->segment, score->identity};
}

bool feed_score_is_due(const struct drift_score *score)
{
	return score->begins || score->verdict != DRIFT_LEARNING;
}

static bool key_encode(struct text kind, const struct feed_head *head, struct buffer *key, struct error *error)
{
	if (strlen(head->pipeline) > FEED_NAME_BYTES_MAX || strlen(head->step) > FEED_NAME_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the names of pipeline `%s` and step `%s` have more than %d bytes; shorten them", head->pipeline,
				 head->step, FEED_NAME_BYTES_MAX);
	buffer_print(key, "%s%s/%s", kind.bytes, head->pipeline, head->step);
	if (head->segment.length > 0) {
		buffer_byte(key, '/');
		buffer_text(key, head->segment);
	}
	return true;
}

static size_t head_room(const struct feed_head *head)
{
	return AVRO_SINGLE_OBJECT_BYTES + AVRO_LONG_BYTES_MAX + avro_text_room(text_of(head->pipeline)) +
	       avro_text_room(text_of(head->step)) + avro_text_room(head->segment);
}

static char *put_head(char *to, uint64_t fingerprint, const struct feed_head *head)
{
	to = avro_put_single_object(to, fingerprint);
	to = avro_put_bytes(to, text_of(head->pipeline));
	to = avro_put_bytes(to, text_of(head->step));
	to = avro_put_bytes(to, head->segment);
	return avro_put_long(to, (int64_t)head->identity);
}

bool feed_score_encode(const struct drift_score *score, struct buffer *key, struct buffer *value, struct error *error)
{
	const struct text verdict = text_of(drift_verdict_names[score->verdict]);
	const struct feed_head head = head_of(score);
	const uint64_t fingerprint = avro_drift_verdict_fingerprint();
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	if (!key_encode(kind_drift, &head, key, error))
		return false;
	if (score->begins)
		return true;
	char *begin = buffer_room(value, head_room(&head) + avro_text_room(verdict) + sizeof score->score);
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the verdict on step `%s` does not fit into the %zu bytes that a record may have; shorten its "
				 "name",
				 score->step, value->ceiling_bytes);
	char *to = put_head(begin, fingerprint, &head);
	to = avro_put_bytes(to, verdict);
	to = avro_put_double(to, score->score);
	buffer_grown(value, (size_t)(to - begin));
	return true;
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

/* In the order of the schema. Whether the record is of the names that its key has. */
static bool head_read(struct avro_cursor *cursor, struct feed_score *made)
{
	const struct text pipeline = avro_read_bytes(cursor), step = avro_read_bytes(cursor), segment = avro_read_bytes(cursor);
	made->identity = (uint64_t)avro_read_long(cursor);
	return text_is(pipeline, made->pipeline) && text_is(step, made->step) && text_equal(segment, made->segment);
}

static bool score_read(struct avro_cursor *cursor, struct feed_score *made)
{
	const bool is_named = head_read(cursor, made), is_known = verdict_read(avro_read_bytes(cursor), made);
	made->score = avro_read_double(cursor);
	return is_named && is_known && !avro_failed(cursor) && made->score >= 0;
}

bool feed_score_decode(struct text key, struct text value, struct feed_score *made, struct error *error)
{
	*made = (struct feed_score){.verdict = DRIFT_LEARNING};
	if (!feed_key_is_score(key) || !names_read(kind_drift, key, made))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the key has no names of a pipeline and a step");
	if (!value.bytes)
		return true;
	if (!avro_is_single_object(value, avro_drift_verdict_fingerprint()))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the verdict on step `%s` of `%s` is of another schema; update sluice on all engines", made->step,
				 made->pipeline);
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(value));
	return score_read(&cursor, made) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the verdict on step `%s` of `%s` is damaged", made->step, made->pipeline);
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

bool feed_figures_encode(const struct drift_score *score, struct buffer *key, struct buffer *value, struct error *error)
{
	const uint64_t fingerprint = avro_drift_figures_fingerprint();
	const struct feed_head head = head_of(score);
	const struct drift_cause cause = drift_cause_of(score);
	const struct text feature = text_of(cause.feature), test = text_of(cause.test);
	double numbers[FEED_FIGURES];
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	if (!key_encode(kind_figures, &head, key, error))
		return false;
	if (score->begins)
		return true;
	char *begin = buffer_room(value, head_room(&head) + sizeof numbers + FEED_FIGURES * AVRO_LONG_BYTES_MAX +
						 avro_text_room(feature) + avro_text_room(test));
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the figures of step `%s` do not fit into the %zu bytes that a record may have; shorten its name",
				 score->step, value->ceiling_bytes);
	char *to = put_head(begin, fingerprint, &head);
	figures_of(score, numbers);
	numbers[FEED_EFFECT] = feature.length > 0 ? cause.effect : (double)NAN;
	numbers[FEED_P] = feature.length > 0 ? cause.p : (double)NAN;
	for (size_t i = 0; i < FEED_FIGURES; i++)
		to = i < FIGURES_SURE ? avro_put_double(to, numbers[i]) : avro_put_finite(to, numbers[i]);
	to = avro_put_bytes(to, feature);
	to = avro_put_bytes(to, test);
	buffer_grown(value, (size_t)(to - begin));
	return true;
}

bool feed_key_is_figures(struct text key)
{
	return text_starts_with(key, kind_figures);
}

/* How many figures the record has; 0: it is of no schema that is known. */
static size_t figures_count(struct text value)
{
	for (size_t i = 0; i < sizeof former_figures / sizeof *former_figures; i++)
		if (avro_is_single_object(value, former_figures[i].fingerprint))
			return former_figures[i].count;
	return avro_is_single_object(value, avro_drift_figures_fingerprint()) ? FEED_FIGURES : 0;
}

static bool figures_read(struct avro_cursor *cursor, size_t count, struct feed_figures *made)
{
	const bool is_named = head_read(cursor, &made->of);
	for (size_t i = 0; i < count; i++)
		made->numbers[i] = i < FIGURES_SURE ? avro_read_double(cursor) : avro_read_finite(cursor);
	for (size_t i = count; i < FEED_FIGURES; i++)
		made->numbers[i] = (double)NAN;
	if (count == FEED_FIGURES) {
		const struct text feature = avro_read_bytes(cursor), test = avro_read_bytes(cursor);
		made->cause = drift_cause_make(feature, test, made->numbers[FEED_EFFECT], made->numbers[FEED_P]);
	}
	return is_named && !avro_failed(cursor);
}

bool feed_figures_decode(struct text key, struct text value, struct feed_figures *made, struct error *error)
{
	*made = (struct feed_figures){.gone = !value.bytes};
	if (!feed_key_is_figures(key) || !names_read(kind_figures, key, &made->of))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the key has no names of a pipeline and a step");
	if (made->gone)
		return true;
	const size_t count = figures_count(value);
	if (count == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the figures of step `%s` of `%s` are of another schema; update sluice on all engines",
				 made->of.step, made->of.pipeline);
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(value));
	return figures_read(&cursor, count, made) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the figures of step `%s` of `%s` are damaged", made->of.step,
			 made->of.pipeline);
}

/* ---- references of outliers ---- */

static char *put_numbers(char *to, const double *numbers, size_t count, double divisor)
{
	to = avro_put_small(to, count);
	for (size_t i = 0; i < count; i++)
		to = avro_put_double(to, numbers[i] / divisor);
	return avro_put_small(to, 0);
}

bool feed_outliers_encode(const struct outlier_learnt *learnt, struct buffer *key, struct buffer *value, struct error *error)
{
	const uint64_t fingerprint = avro_outlier_reference_fingerprint();
	const struct feed_head head = {learnt->pipeline, learnt->step, TEXT(""), learnt->identity};
	const struct covariance *covariance = &learnt->covariance;
	const size_t numbers = covariance_numbers(covariance->columns);
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	if (!key_encode(kind_outlier, &head, key, error))
		return false;
	char *begin = buffer_room(value, head_room(&head) + 5 * AVRO_LONG_BYTES_MAX + numbers * sizeof(double));
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "what step `%s` has learnt of %zu columns does not fit into the %zu bytes that a record may have; "
				 "give it fewer columns",
				 learnt->step, covariance->columns, value->ceiling_bytes);
	char *to = put_head(begin, fingerprint, &head);
	to = avro_put_long(to, (int64_t)covariance->rows);
	to = put_numbers(to, covariance->mean, covariance->columns, 1);
	to = put_numbers(to, covariance->products, numbers - covariance->columns, (double)(covariance->rows - 1));
	buffer_grown(value, (size_t)(to - begin));
	return true;
}

bool feed_key_is_outliers(struct text key)
{
	return text_starts_with(key, kind_outlier);
}

/* The numbers of an array, as it is written: in one block. */
static void numbers_read(struct avro_cursor *cursor, double *numbers, size_t count, double factor)
{
	for (size_t i = 0; i < count; i++)
		numbers[i] = avro_read_double(cursor) * factor;
	if (avro_read_block(cursor) > 0)
		avro_fail(cursor);
}

/* False without a failed cursor: the arena is full. */
static bool covariance_read(struct avro_cursor *cursor, struct arena *arena, struct covariance *covariance)
{
	const uint64_t rows = (uint64_t)avro_read_long(cursor);
	const size_t columns = avro_read_block(cursor);
	if (columns == 0 || columns > OUTLIER_LEARNT_COLUMNS_MAX || rows <= columns || rows > INT64_MAX)
		avro_fail(cursor);
	if (avro_failed(cursor))
		return false;
	if (!covariance_open(covariance, columns, arena))
		return false;
	const size_t products = covariance_numbers(columns) - columns;
	covariance->rows = rows;
	numbers_read(cursor, covariance->mean, columns, 1);
	if (avro_read_block(cursor) != products)
		avro_fail(cursor);
	numbers_read(cursor, covariance->products, products, (double)(rows - 1));
	return !avro_failed(cursor);
}

bool feed_outliers_decode(struct text key, struct text value, struct arena *arena, struct feed_outliers *made, struct error *error)
{
	*made = (struct feed_outliers){.of.verdict = DRIFT_LEARNING};
	if (!feed_key_is_outliers(key) || !names_read(kind_outlier, key, &made->of))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the key has no names of a pipeline and a step");
	if (!value.bytes || !avro_is_single_object(value, avro_outlier_reference_fingerprint()))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the reference of step `%s` of `%s` is of another schema; update sluice on all engines",
				 made->of.step, made->of.pipeline);
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(value));
	if (head_read(&cursor, &made->of) && covariance_read(&cursor, arena, &made->covariance))
		return true;
	return arena_failed(arena) ? error_memory(error, ERROR_SYSTEM, "reading the feed")
				   : error_set(error, ERROR_INPUT, PLACE_NONE, "the reference of step `%s` of `%s` is damaged",
					       made->of.step, made->of.pipeline);
}
