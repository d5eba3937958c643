/* alert.h: State of one alert: inactive, pending, firing, and inactive again when it resolves. Pure.
 *
 * A judgement of the condition is true, false, or missing (a value is not known). An alert is pending from the first true
 * judgement, and fires when all judgements were true for `for`. It resolves when no judgement was true for `resolveAfter`.
 * A missing value is not judged: it neither makes an alert fire nor keeps it firing.
 *
 * What a message begins, without `for`, has the time of its request. So a message that is processed again, as after a kill, begins
 * a firing of the same id.
 *
 * Durations are measured by a monotonic clock, so a change of the time of day moves nothing. A firing has an id, which does not
 * change until it resolves. So receivers can recognise a notice that is sent twice.
 *
 * The module has no clock, no thread and no memory of its own.
 */
#pragma once

#include "compiler/conditions/alert_condition.h"

#define ALERT_RESOLVE_AFTER_MS 300000 /* default of `resolveAfter` */

struct alert_rule {
	int64_t for_ms;		  /* 0: it fires at the first true judgement */
	int64_t resolve_after_ms;
};

struct alert_time {
	int64_t now_ms; /* monotonic; a value before the last one counts as the last one */
	int64_t at_ms;	/* time of day */
};

enum alert_phase { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING };

struct alert { /* starts as `{0}` */
	enum alert_phase phase;
	int64_t now_ms;	     /* of the last judgement */
	int64_t since_ms;    /* begin of the phase; monotonic */
	int64_t held_ms;     /* the last true judgement; monotonic */
	int64_t fired_at_ms; /* time of day; also after it resolved */
	bool is_announced;   /* its firing was due to be reported, and its end was not yet */
};

void alert_judge(struct alert *alert, const struct alert_rule *rule, struct alert_judgement judgement, struct alert_time time);

/* It fires since that time of day, as another engine knew, and its notice was due there. */
void alert_resume(struct alert *alert, int64_t fired_at_ms, struct alert_time time);

enum alert_notice { NOTICE_NONE, NOTICE_FIRING, NOTICE_RESOLVED };

/* The notice that is due after a judgement; each is returned once. */
enum alert_notice alert_notice_due(struct alert *alert);

/* Whether a silence that ends at that time of day is in force. 0: there is none. */
static inline bool silence_is_in_force(int64_t until_ms, int64_t at_ms)
{
	return until_ms > at_ms;
}

#define ALERT_ID_BYTES 17 /* hexadecimal */

/* Id of the firing that began at `fired_at_ms`. The parts are the namespace, the pipeline, the alert, who judged it, and
 * the group. */
#define ALERT_ID_PARTS 5
void alert_id(const struct text parts[ALERT_ID_PARTS], int64_t fired_at_ms, char id[ALERT_ID_BYTES]);
