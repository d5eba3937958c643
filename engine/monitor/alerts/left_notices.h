/* left_notices.h: Notices that wait when their sender closes: how many for each receiver, and what becomes of them, as the last
 * lines of the log say it. Of the notifier (monitor/alerts/notifier.h).
 */
#ifndef SLUICE_MONITOR_ALERTS_LEFT_NOTICES_H
#define SLUICE_MONITOR_ALERTS_LEFT_NOTICES_H

#include "monitor/alerts/receiver_board.h"
#include "observe/log_sink.h"

/* What becomes of notices that wait when the notifier closes. */
enum notice_fate {
	NOTICE_IS_LOST,
	NOTICE_IS_KEPT,	    /* its record is in the feed (monitor/alerts/alert_store.h) */
	NOTICE_MAY_BE_KEPT, /* Kafka had not taken that record yet when the notice was queued */
	NOTICE_OF_MOVE,	    /* the next keeper sends it again (control/keeper/move_notices.h) */
	NOTICE_FATES
};

struct left_notices { /* starts as `{0}` */
	struct notices_of_fate {
		size_t count, of[RECEIVERS_KNOWN_MAX]; /* in all, and for each receiver of the board */
	} fates[NOTICE_FATES];
};

void left_notices_add(struct left_notices *left, struct receiver_board *board, const struct queued_notice *notice,
		      enum notice_fate fate);

/* A line for each fate of any. */
void left_notices_log(const struct left_notices *left, const struct receiver_board *board, const struct log_sink *log);

#endif
