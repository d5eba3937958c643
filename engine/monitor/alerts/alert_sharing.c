/* alert_sharing.c: Alerts that the engines of a namespace share: reports to the others, and notices of what all report. */
#include "base/clock.h"
#include "base/memory.h"
#include "monitor/alerts/told_receivers.h"

/* That which a report is about. NULL: it is not in the files that run. */
static struct judged_alert *judged_of(const struct alert_watch *watch, const struct alert_read *report)
{
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next)
		if (alert->is_present && text_is(report->alert, alert->name) && text_is(report->pipeline, alert->pipeline) &&
		    text_is(report->namespace, alert->namespace))
			return (struct judged_alert *)alert;
	return NULL;
}

/* When a group began to fire, as all engines know it; while they know of no firing, as this engine does. */
static int64_t fired_at_of(const struct judged_alert *alert, const struct alert_group *group)
{
	const struct alert_group *shared = alert_group_find(&alert->shared, group->name);
	return shared && shared->alert.phase == ALERT_FIRING ? shared->alert.fired_at_ms : group->alert.fired_at_ms;
}

/* Reports a group to all engines, this one included, which takes the report when it comes back from Kafka: all take the reports in
 * one order. While Kafka gives none back, it takes them at once. */
static void group_report(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
			 struct alert_group *group, enum alert_notice notice, int64_t now_ms)
{
	struct alert_message message = alert_message_of(watch, plan, alert, group, notice);
	struct error error = {0};
	struct alert_read read;
	struct buffer record, key;
	message.fired_at_ms = fired_at_of(alert, group);
	group->sent_ms = now_ms;
	buffer_open(&record, NOTICE_BYTES_MAX);
	buffer_open(&key, NOTICE_BYTES_MAX);
	buffer_print(&key, "alert/%s/%s/%s/", watch->config->instance, alert->watched.pipeline, alert->watched.name);
	buffer_text(&key, group->name); /* any bytes, as of a key */
	if (!buffer_failed(&key) && alert_record_encode(&message, &record, &error) &&
	    alert_record_decode(buffer_view(&record), &read, &error)) {
		if (group->unread_ms > 0 && now_ms - group->unread_ms >= ALERT_REPORT_MS)
			alert_reports_take(&alert->reports, &read, now_ms);
		group->unread_ms = group->unread_ms > 0 ? group->unread_ms : now_ms;
		(void)watch->sharing.post(watch->sharing.context, plan, buffer_view(&key), buffer_view(&record));
	}
	buffer_close(&key);
	buffer_close(&record);
}

void alert_report_own(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, int64_t now_ms)
{
	struct alert_lines lines = {0};
	for (struct alert_group *group = alert->groups.first; group; group = group->next) {
		const enum alert_notice notice = alert_notice_due(&group->alert, false);
		if (notice != NOTICE_NONE)
			alert_notice_log(watch, alert, group, notice, &lines);
		if (notice != NOTICE_NONE || (group->alert.phase == ALERT_FIRING && now_ms - group->sent_ms >= ALERT_REPORT_MS))
			group_report(watch, plan, alert, group, notice == NOTICE_NONE ? NOTICE_FIRING : notice, now_ms);
	}
	alert_lines_end(watch, alert, &lines);
}

void alert_report_presence(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, int64_t now_ms)
{
	const struct alert_group nobody = {0};
	struct alert_message message = alert_message_of(watch, plan, alert, &nobody, NOTICE_RESOLVED);
	struct error error = {0};
	struct buffer record;
	if (!alert_absence_report_is_due(&alert->absence, now_ms))
		return;
	message.status = ALERT_PRESENT;
	buffer_open(&record, NOTICE_BYTES_MAX);
	arena_reset(watch->judging);
	const char *key = arena_print(watch->judging, ALERT_PRESENT "/%s/%s/%s", watch->config->instance, alert->watched.pipeline,
				      alert->watched.name);
	if (key && alert_record_encode(&message, &record, &error) &&
	    watch->sharing.post(watch->sharing.context, plan, text_of(key), buffer_view(&record)))
		alert_absence_reported(&alert->absence, now_ms);
	buffer_close(&record);
}

/* Notes firings that another engine, which sends, has known for so long that it has announced them. It may have another time, and
 * so another id, for a firing that began before this engine started. */
static void firings_note_known(const struct alert_takeover *takeover, struct alert_groups *groups, int64_t now_ms)
{
	for (struct alert_group *group = groups->first; group; group = group->next)
		if (group->alert.phase == ALERT_FIRING)
			group->is_known = now_ms - group->alert.since_ms >= ALERT_KEPT_MS && (group->is_known || !takeover->is_due);
}

/* The end is not due before the notice of the firing was given to those that could take it: else it would take its place. */
static enum alert_notice shared_due(const struct alert_watch *watch, const struct pipeline_plan *plan,
				    const struct judged_alert *alert, const struct alert_spec *spec, struct alert_group *group,
				    int64_t now_ms)
{
	const bool sends = watch->takeover.is_done;
	if (sends && group->is_untold)
		alert_untold_owe(group, spec, now_ms);
	const bool firing_waits = sends && group->notice == NOTICE_FIRING && group->owed && !group->is_tried;
	return firing_waits ? NOTICE_NONE : alert_group_due(watch, plan, alert, spec, group);
}

/* Ends in the feed the beginnings whose firings are kept there now: an engine that reads it later takes them for no others. */
static void beginnings_end(struct alert_watch *watch, struct judged_alert *alert)
{
	struct alert_beginning *beginning;
	while (watch->takeover.is_done && (beginning = alert_beginning_judged(&alert->reports, &alert->shared))) {
		(void)alert_store_write(watch->takeover.store, beginning->key, (struct text){0}, NULL);
		memory_give(beginning);
	}
	if (!watch->takeover.is_due)
		alert_beginnings_forget(&alert->reports);
}

void alert_send_shared(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		       const struct alert_spec *spec, int64_t now_ms)
{
	const struct alert_takeover *takeover = &watch->takeover;
	const struct alert_time time = {now_ms, time_of_day_ms()};
	alert_reports_judge(&alert->reports, &alert->shared, spec->resolve_after_ns / NS_PER_MS, time);
	firings_note_known(takeover, &alert->shared, now_ms);
	if (takeover->is_due && !takeover->is_done) /* what was sent already is not known yet */
		return;
	for (struct alert_group *group = alert->shared.first; group; group = group->next) {
		const enum alert_notice notice = shared_due(watch, plan, alert, spec, group, now_ms);
		if (notice != NOTICE_NONE) {
			if (takeover->is_done)
				alert_notice_replace(watch, group, spec);
			alert_notice_owe(group, spec, notice, now_ms);
		}
		if (takeover->is_done)
			alert_end_narrow(group);
		if (takeover->is_done && group->notice != NOTICE_NONE && !group->is_kept)
			alert_keep(watch, plan, alert, group, spec, now_ms);
		if (group->owed && takeover->is_done) {
			if (alert_is_kept(watch, group, now_ms))
				alert_announce(watch, plan, alert, group, spec);
		} else if (!takeover->is_due && now_ms - group->sent_ms > ALERT_KEPT_MS) {
			group->owed = group->added = 0;
		}
	}
	beginnings_end(watch, alert);
	if (takeover->is_done)
		told_receivers_write(watch, plan, alert, spec);
	alert->failed = alert_groups_owe(&alert->shared) ? alert->failed : 0;
	alert_groups_settle(&alert->shared);
}

bool alert_watch_share(struct alert_watch *watch, struct alert_sharing sharing, struct error *error)
{
	watch->takeover.config = (struct alert_store_config){.brokers = watch->config->brokers,
							     .feed = sharing.feed,
							     .consumer = watch->config->consumer,
							     .producer = watch->config->producer,
							     .log = watch->config->log};
	watch->takeover.store = alert_store_open(&watch->takeover.config, error);
	if (watch->takeover.store)
		watch->sharing = sharing;
	return watch->takeover.store;
}

void alert_watch_take_report(struct alert_watch *watch, const struct alert_read *report)
{
	struct judged_alert *alert = judged_of(watch, report);
	if (!alert)
		return;
	if (report->is_present) {
		alert_absence_take_report(&alert->absence, loop_now_ms(engine_loop(watch->engine)));
		return;
	}
	struct alert_group *own =
		text_is(report->engine, watch->config->instance) ? alert_group_find(&alert->groups, report->group) : NULL;
	if (own)
		own->unread_ms = 0;
	alert_reports_take(&alert->reports, report, loop_now_ms(engine_loop(watch->engine)));
}

void alert_watch_take_beginning(struct alert_watch *watch, const struct alert_read *read)
{
	struct judged_alert *alert = read->fires ? judged_of(watch, read) : NULL;
	if (alert)
		alert_reports_take_beginning(&alert->reports, read, watch->takeover.is_due,
					     loop_now_ms(engine_loop(watch->engine)));
}
