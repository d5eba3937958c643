/* begun_alerts.c: see begun_alerts.h. */
#include "engine/outputs/begun_alerts.h"

#include "compiler/conditions/alert_record.h"
#include "compiler/conditions/alert_feed.h"
#include "engine/worker/parts.h"

/* Whether no message has begun it lately. One that was dropped since then may have been the one. */
static bool alert_is_begun(struct worker_stage *stage, size_t index, struct text group)
{
	const struct stage_alert *alert = &stage->config->alerts[index];
	const int64_t now_ms = loop_now_ms(stage->worker->loop), dropped_ms = stage->worker->dropped_ms;
	int64_t *begun_ms = &stage->begun_ms[index];
	if (alert->group_by)
		return judged_groups_begin(stage_alert_counts(stage, index)->groups, group, now_ms, alert->begins_every_ms,
					   dropped_ms);
	if (*begun_ms > 0 && *begun_ms > dropped_ms && now_ms - *begun_ms < alert->begins_every_ms)
		return false;
	*begun_ms = now_ms;
	return true;
}

void begun_alert_note(struct worker_stage *stage, struct inflight *inflight, size_t index, struct text group, int64_t fired_at_ms)
{
	const struct stage_alert *alert = &stage->config->alerts[index];
	struct arena *arena = inflight->message.arena;
	if (!alert->begins || !alert_is_begun(stage, index, group))
		return;
	struct begun_alert *begun = ARENA_NEW(arena, struct begun_alert);
	const char *copy = arena_copy(arena, group.bytes, group.length);
	if (!begun || !copy)
		return;
	*begun = (struct begun_alert){.next = inflight->begun,
				      .alert = alert,
				      .group = {copy, group.length},
				      .fired_at_ms = fired_at_ms,
				      .at_ms = loop_time_of_day_ms(stage->worker->loop)};
	inflight->begun = begun;
}

static enum produce_verdict begun_leave(const struct record_outlet *outlet, uint32_t feed, const struct begun_alert *begun,
					struct error *error)
{
	char key[ALERT_KEY_BYTES];
	struct alert_message message = *begun->alert->begins;
	message.group = begun->group;
	message.fired_at_ms = begun->fired_at_ms;
	message.at_ms = begun->at_ms;
	buffer_clear(outlet->value);
	alert_beginning_key(&message, key);
	if (!alert_record_encode(&message, outlet->value, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = feed, .origin = outlet->origin, .key = text_of(key), .value = buffer_view(outlet->value)};
	return output_produce(outlet->output, &outgoing, error);
}

enum produce_verdict begun_alerts_leave(const struct record_outlet *outlet, struct inflight *inflight, struct error *error)
{
	for (; inflight->begun && !inflight->unfit; inflight->begun = inflight->begun->next) {
		const enum produce_verdict verdict = begun_leave(outlet, inflight->stage->config->feed, inflight->begun, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	return PRODUCED;
}
