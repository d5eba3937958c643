/* feed_board.c: see feed_board.h. */
#include "control/engine/feed_board.h"

#include <math.h>

#include "message/records/feed_record.h"

#define OUTLIERS_BYTES_MAX ((size_t)1 << 20) /* of the numbers of a record */

static bool figures_take(const struct feed_board *board, const struct record *record, struct error *error)
{
	struct feed_figures figures;
	if (!feed_figures_decode(record->key, record->value, &figures, error))
		return false;
	struct verdict_entry *entry = verdict_board_entry(board->verdicts, figures.of.pipeline, figures.of.step);
	const double *numbers = figures.numbers;
	const struct last_verdict last = {.quality_alarm = numbers[FEED_QUALITY_ALARM],
					  .missing_share = numbers[FEED_MISSING_SHARE],
					  .outside_share = numbers[FEED_OUTSIDE_SHARE],
					  .unseen_share = numbers[FEED_UNSEEN_SHARE],
					  .accuracy = numbers[FEED_ACCURACY],
					  .precision = numbers[FEED_PRECISION],
					  .recall = numbers[FEED_RECALL],
					  .accuracy_low = numbers[FEED_ACCURACY_LOW],
					  .accuracy_high = numbers[FEED_ACCURACY_HIGH],
					  .messages_per_minute = numbers[FEED_MESSAGES_PER_MINUTE],
					  .newest_age_ms = numbers[FEED_NEWEST_AGE_MS],
					  .auc = numbers[FEED_AUC],
					  .error = numbers[FEED_ERROR],
					  .mistyped_share = (double)NAN,
					  .cause = figures.cause};
	if (entry && !figures.gone) /* where a state begins anew, its verdict is gone too */
		verdict_entry_feed_figures(entry, figures.of.identity, figures.of.segment, &last);
	return true;
}

static bool score_take(const struct feed_board *board, const struct record *record, struct error *error)
{
	struct feed_score score;
	if (!feed_score_decode(record->key, record->value, &score, error))
		return false;
	struct verdict_entry *entry = verdict_board_entry(board->verdicts, score.pipeline, score.step);
	if (entry)
		verdict_entry_feed(entry, score.identity, score.segment, verdict_of(score.verdict, score.score));
	return true;
}

static bool outliers_take(const struct feed_board *board, const struct record *record, struct error *error)
{
	struct feed_outliers learnt;
	struct arena *arena = arena_open(OUTLIERS_BYTES_MAX);
	const bool good = arena ? feed_outliers_decode(record->key, record->value, arena, &learnt, error)
				: error_memory(error, ERROR_SYSTEM, "reading the feed");
	if (good) {
		struct verdict_entry *entry = verdict_board_entry(board->verdicts, learnt.of.pipeline, learnt.of.step);
		if (entry) /* without memory, what was in force stays */
			(void)verdict_entry_feed_outliers(entry, learnt.of.identity, &learnt.covariance);
	}
	arena_close(arena);
	return good;
}

bool feed_board_has_taken(const struct feed_board *board, const struct record *record)
{
	return record->offset < board->next && record->time_ms <= board->last_ms;
}

bool feed_board_take(struct feed_board *board, const struct record *record, struct error *error)
{
	if (feed_board_has_taken(board, record))
		return true;
	board->next = record->offset + 1;
	if (record->time_ms > board->last_ms)
		board->last_ms = record->time_ms;
	if (feed_key_is_outliers(record->key))
		return outliers_take(board, record, error);
	if (feed_key_is_figures(record->key))
		return figures_take(board, record, error);
	return !feed_key_is_score(record->key) || score_take(board, record, error);
}
