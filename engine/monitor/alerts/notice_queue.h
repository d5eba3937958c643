/* notice_queue.h: Queue of notices for the receivers of alerts: order, retries and limits. Pure.
 *
 * Notices for one receiver are sent one after the other, in their order. A notice that could not be delivered is sent again
 * after a pause, which doubles from NOTICE_PAUSE_MS to NOTICE_PAUSE_MS_MAX. Meanwhile the next ones of that receiver wait, and
 * those of other receivers do not. A notice with several receivers, as a mail has, is sent to those for which no earlier one waits,
 * and to the others later: one of them that is away delays no other. A receiver that asks for a longer pause has it, up to
 * NOTICE_WAIT_MS_MAX. So a receiver that is down for minutes misses nothing, and gets each notice once when it is back, unless an
 * answer of it was lost. A receiver that is down gets one attempt per pause, however many notices wait.
 *
 * A notice is given up when it is NOTICE_AGE_MS_MAX old. At most NOTICES_OF_RECEIVER_MAX wait for a receiver, so that one that is
 * away does not take the places of others, and NOTICES_MAX in all; a further one is not taken. One with several receivers is taken
 * for those with room, and the others are left out of it: a mailbox that stays full holds up no mail to others.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/text.h"

#define NOTICES_OF_RECEIVER_MAX 1000
#define NOTICES_MAX (4 * NOTICES_OF_RECEIVER_MAX)
#define NOTICE_PAUSE_MS 1000
#define NOTICE_PAUSE_MS_MAX 30000
#define NOTICE_WAIT_MS_MAX ((int64_t)600 * 1000) /* or a receiver could hold back an alert for hours */
#define NOTICE_AGE_MS_MAX ((int64_t)24 * 3600 * 1000)

/* What becomes of notices that wait when their sender closes. */
enum notice_fate {
	NOTICE_IS_LOST,
	NOTICE_IS_KEPT, /* its record is in the feed (control/keeper/keeper_alerts.h) */
	NOTICE_OF_MOVE, /* the next keeper sends it again (control/keeper/move_notices.h) */
	NOTICE_FATES
};

/* First member of the owner's struct. */
struct queued_notice {
	struct list_node node;
	/* Who has not got it yet, in memory of the owner, who removes those that have; the texts are borrowed, too. Notices of
	 * equal receivers keep their order. */
	struct text *receivers;
	size_t receiver_count;
	size_t ready_count; /* the first so many are those that it is being sent to */
	int64_t added_ms, due_ms, pause_ms;
	bool is_sending;
	enum notice_fate fate;
};

struct notice_queue { /* starts as `{0}` */
	struct list notices;
	size_t count;
};

/* The receivers are set. Those that are left out are put behind the others, and `receiver_count` is lowered by their number.
 * False: too many wait, for each of them or in all, and the notice stays the caller's. */
bool notice_queue_add(struct notice_queue *queue, struct queued_notice *notice, int64_t now_ms);

/* The notice that has been due longest, so that receivers that do not answer delay the others once for each attempt; it is
 * being sent, to the receivers that are put first, until it is settled. NULL: none is due, and `due_ms` is the time of the next one
 * (INT64_MAX: there is none). */
struct queued_notice *notice_queue_next(struct notice_queue *queue, int64_t now_ms, int64_t *due_ms);

/* The receiver could not be reached, or asks to wait for `wait_ms`: it is sent again later. False: it is too old, and is the
 * caller's again. */
bool notice_queue_retry(struct notice_queue *queue, struct queued_notice *notice, int64_t wait_ms, int64_t now_ms);

/* Those that it was sent to have it, or never can, and others are left: they get it when no earlier one of theirs waits. */
void notice_queue_go_on(struct queued_notice *notice, int64_t now_ms);

/* It was delivered, or never can be: it is the caller's again. */
void notice_queue_remove(struct notice_queue *queue, struct queued_notice *notice);
