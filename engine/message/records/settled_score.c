/* settled_score.c: see settled_score.h. A settled record has no lists but that of its realised numbers, so a record with others is
 * left at the first of them. */
#include "message/records/settled_score.h"

#include "message/avro/avro.h"
#include "message/avro/avro_wire.h"

#define FORMER_SCHEMA 0x544810a47580ca89 /* without `unkept` and `unfit` */

static const char *name_known(struct text name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(name, names[i]))
			return names[i];
	return NULL;
}

/* False: one of the next lists, of so many, is not empty. */
static bool lists_are_empty(struct avro_cursor *cursor, int lists)
{
	while (lists > 0 && avro_read_block(cursor) == 0)
		lists--;
	return lists == 0;
}

static bool flag_read(struct avro_cursor *cursor)
{
	const char *flag = avro_read_raw(cursor, 1);
	return flag && *flag;
}

/* Of a metric of a later version nothing is kept. */
static bool realised_read(struct avro_cursor *cursor, struct settled_score *score)
{
	static const char *const bands[] = {"", "held", "left"};
	for (size_t more; (more = avro_read_block(cursor)) > 0;)
		while (more-- > 0 && !avro_failed(cursor)) {
			struct drift_realisation one = {0};
			one.metric = name_known(avro_read_bytes(cursor), drift_metric_names, DRIFT_METRICS);
			one.rows = (uint64_t)avro_read_long(cursor);
			one.value = avro_read_double(cursor);
			one.estimate = avro_read_finite(cursor);
			one.low = avro_read_finite(cursor);
			one.high = avro_read_finite(cursor);
			one.band = name_known(avro_read_bytes(cursor), bands, sizeof bands / sizeof *bands);
			if (!one.metric || !one.band)
				continue;
			if (score->realised_count == DRIFT_METRICS)
				return false;
			score->realised[score->realised_count++] = one;
		}
	return !avro_failed(cursor);
}

static void times_pass(struct avro_cursor *cursor)
{
	for (int i = 0; i < 3; i++)
		(void)avro_read_finite(cursor); /* messages a minute */
	(void)flag_read(cursor);
	(void)avro_read_finite(cursor); /* the age of the newest event */
	(void)avro_read_finite(cursor);
	(void)flag_read(cursor);
	(void)avro_read_bytes(cursor);
}

bool settled_score_decode(struct text bytes, struct settled_score *score)
{
	const bool is_former = avro_is_single_object(bytes, FORMER_SCHEMA);
	if (!is_former && !avro_is_single_object(bytes, avro_drift_score_fingerprint()))
		return false;
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(bytes));
	*score = (struct settled_score){.pipeline = avro_read_bytes(&cursor)};
	score->step = avro_read_bytes(&cursor);
	score->begin_ms = avro_read_long(&cursor);
	score->end_ms = avro_read_long(&cursor);
	score->messages = (uint64_t)avro_read_long(&cursor);
	(void)avro_read_long(&cursor);	 /* missing */
	(void)avro_read_finite(&cursor); /* drift_score */
	(void)flag_read(&cursor);	 /* is_drift */
	(void)avro_read_bytes(&cursor);	 /* reference */
	if (!lists_are_empty(&cursor, 2))
		return false;
	score->window = (uint64_t)avro_read_long(&cursor);
	(void)avro_read_bytes(&cursor); /* verdict */
	score->segment = avro_read_bytes(&cursor);
	(void)avro_read_long(&cursor); /* reference_rows */
	(void)avro_read_long(&cursor); /* late */
	if (!lists_are_empty(&cursor, 1))
		return false;
	(void)avro_read_long(&cursor); /* beyond_segments */
	(void)avro_read_long(&cursor); /* estimated_rows */
	if (!lists_are_empty(&cursor, 2))
		return false;
	times_pass(&cursor);
	(void)flag_read(&cursor);	/* early */
	(void)avro_read_long(&cursor);	/* alarm_row */
	(void)avro_read_long(&cursor);	/* alarm_ms */
	(void)avro_read_bytes(&cursor); /* not_judged */
	if (!lists_are_empty(&cursor, 1))
		return false;
	(void)flag_read(&cursor); /* missing_alarm */
	if (!flag_read(&cursor))
		return false;
	score->truths = (uint64_t)avro_read_long(&cursor);
	if (!realised_read(&cursor, score))
		return false;
	if (!is_former) {
		score->unkept = (uint64_t)avro_read_long(&cursor);
		score->unfit = (uint64_t)avro_read_long(&cursor);
	}
	return !avro_failed(&cursor);
}
