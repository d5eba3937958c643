/* alert.c: see alert.h. */
#include "compiler/conditions/alert.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"

static void phase_begin(struct alert *alert, enum alert_phase phase)
{
	alert->phase = phase;
	alert->since_ms = alert->now_ms;
}

static void alert_fire(struct alert *alert, int64_t at_ms)
{
	phase_begin(alert, ALERT_FIRING);
	alert->fired_at_ms = at_ms;
}

/* A false judgement ends what is pending. If a true one came with it, the wait begins again. */
static void pending_judge(struct alert *alert, const struct alert_rule *rule, struct alert_judgement judgement, int64_t at_ms)
{
	if (judgement.broken)
		phase_begin(alert, judgement.held ? ALERT_PENDING : ALERT_INACTIVE);
	else if (judgement.held && alert->now_ms - alert->since_ms >= rule->for_ms)
		alert_fire(alert, at_ms);
}

void alert_judge(struct alert *alert, const struct alert_rule *rule, struct alert_judgement judgement, struct alert_time time)
{
	alert->now_ms = time.now_ms > alert->now_ms ? time.now_ms : alert->now_ms;
	alert->held_ms = judgement.held ? alert->now_ms : alert->held_ms;
	switch (alert->phase) {
	case ALERT_INACTIVE:
		if (alert->is_announced) /* the end of its former firing is not */
			break;
		if (judgement.held && rule->for_ms <= 0)
			alert_fire(alert, judgement.at_ms > 0 ? judgement.at_ms : time.at_ms);
		else if (judgement.held)
			phase_begin(alert, ALERT_PENDING);
		break;
	case ALERT_PENDING:
		pending_judge(alert, rule, judgement, time.at_ms);
		break;
	case ALERT_FIRING:
		if (alert->now_ms - alert->held_ms >= rule->resolve_after_ms)
			phase_begin(alert, ALERT_INACTIVE);
		break;
	}
}

void alert_resume(struct alert *alert, int64_t fired_at_ms, struct alert_time time)
{
	alert->now_ms = alert->held_ms = time.now_ms > alert->now_ms ? time.now_ms : alert->now_ms;
	alert_fire(alert, fired_at_ms);
	alert->is_announced = true;
}

enum alert_notice alert_notice_due(struct alert *alert)
{
	const bool fires = alert->phase == ALERT_FIRING;
	if (fires == alert->is_announced)
		return NOTICE_NONE;
	alert->is_announced = fires;
	return fires ? NOTICE_FIRING : NOTICE_RESOLVED;
}

void alert_id(const struct text parts[ALERT_ID_PARTS], int64_t fired_at_ms, char id[ALERT_ID_BYTES])
{
	uint64_t hash = (uint64_t)fired_at_ms;
	for (size_t i = 0; i < ALERT_ID_PARTS; i++)
		hash = hash_text(parts[i], hash);
	(void)snprintf(id, ALERT_ID_BYTES, "%016" PRIx64, hash);
}
