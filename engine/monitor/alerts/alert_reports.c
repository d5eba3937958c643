/* alert_reports.c: Reports of an engine on its alerts, and their lines of the log. */
#include "base/clock.h"
#include "base/quote.h"
#include "monitor/alerts/alert_parts.h"

/* Groups of an alert whose beginning and end were logged in one look: a cause that all share writes few lines. */
struct alert_lines {
	size_t of[NOTICE_RESOLVED + 1]; /* by enum alert_notice */
};

static enum log_level notice_level(enum alert_notice notice)
{
	return notice == NOTICE_FIRING ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
}

static void notice_log(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_group *group,
		       enum alert_notice notice, struct alert_lines *lines)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	const bool is_further = lines->of[notice]++ >= ALERT_LINES_MAX;
	const char *drift = notice == NOTICE_FIRING ? alert_condition_drift(&alert->condition, &group->values) : "";
	arena_reset(watch->judging);
	log_say(watch->config->log, is_further ? LOG_LEVEL_DEBUG : notice_level(notice), &fields,
		"%s: the alert %s is %s%s%s: " TEXT_FORMAT "%s%s", alert->watched.pipeline, alert->watched.name,
		notice == NOTICE_FIRING ? "firing" : "resolved", alert->group_by > 0 ? " for " : "",
		alert->group_by > 0 ? text_shown(group->name, watch->judging) : "", TEXT_ARGUMENTS(alert->condition_words),
		drift[0] ? "; " : "", drift);
}

static void lines_end(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_lines *lines)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	for (enum alert_notice notice = NOTICE_FIRING; notice <= NOTICE_RESOLVED; notice++)
		if (lines->of[notice] > ALERT_LINES_MAX)
			log_say(watch->config->log, notice_level(notice), &fields,
				"%s: the alert %s is %s for %zu further groups; %zu fire now. Its notices name each of them, and "
				"so does --log-level debug",
				alert->watched.pipeline, alert->watched.name, notice == NOTICE_FIRING ? "firing" : "resolved",
				lines->of[notice] - ALERT_LINES_MAX, alert_groups_in(&alert->groups, ALERT_FIRING));
}

/* The record of the report. False: it does not fit, or memory ran out. */
static bool record_make(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_group *group,
			const char *status, struct buffer *record)
{
	const struct alert_message message = {.status = status,
					      .namespace = text_of(alert->watched.namespace),
					      .pipeline = text_of(alert->watched.pipeline),
					      .alert = text_of(alert->watched.name),
					      .group = group->name,
					      .is_shared = alert_is_shared(watch),
					      .engine = text_of(watch->config->instance),
					      .condition = alert->condition_words,
					      .fired_at_ms = group->alert.fired_at_ms,
					      .at_ms = time_of_day_ms(),
					      .figures_of = alert->condition.of_figures ? &alert->condition : NULL,
					      .values = group->values};
	struct error error = {0};
	return alert_record_encode(&message, record, &error);
}

static void group_report(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
			 struct alert_group *group, enum alert_notice notice, int64_t now_ms)
{
	const struct alert_time time = {now_ms, time_of_day_ms()};
	struct buffer record, key;
	group->sent_ms = now_ms;
	buffer_open(&record, NOTICE_BYTES_MAX);
	buffer_open(&key, NOTICE_BYTES_MAX);
	buffer_print(&key, "alert/%s/%s/%s/", watch->config->instance, alert->watched.pipeline, alert->watched.name);
	buffer_text(&key, group->name); /* any bytes, as of a key */
	if (!buffer_failed(&key) &&
	    record_make(watch, alert, group, notice == NOTICE_RESOLVED ? "resolved" : "firing", &record)) {
		if (alert_is_shared(watch))
			(void)watch->outlet.post(watch->outlet.context, plan, buffer_view(&key), buffer_view(&record));
		if (alert_own_has(watch, group))
			alert_own_report(watch, buffer_view(&record), time);
	}
	buffer_close(&key);
	buffer_close(&record);
}

void alert_report(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, int64_t now_ms)
{
	struct alert_lines lines = {0};
	for (struct alert_group *group = alert->groups.first; group; group = group->next) {
		const enum alert_notice notice = alert_notice_due(&group->alert);
		if (notice != NOTICE_NONE)
			notice_log(watch, alert, group, notice, &lines);
		if (notice != NOTICE_NONE || (group->alert.phase == ALERT_FIRING && now_ms - group->sent_ms >= ALERT_REPORT_MS))
			group_report(watch, plan, alert, group, notice, now_ms);
	}
	lines_end(watch, alert, &lines);
}

void alert_report_presence(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, int64_t now_ms)
{
	const struct alert_group nobody = {0};
	struct buffer record;
	if (!alert_is_shared(watch) || !alert_absence_report_is_due(&alert->absence, now_ms))
		return;
	buffer_open(&record, NOTICE_BYTES_MAX);
	arena_reset(watch->judging);
	const char *key = arena_print(watch->judging, ALERT_PRESENT "/%s/%s/%s", watch->config->instance, alert->watched.pipeline,
				      alert->watched.name);
	if (key && record_make(watch, alert, &nobody, ALERT_PRESENT, &record) &&
	    watch->outlet.post(watch->outlet.context, plan, text_of(key), buffer_view(&record)))
		alert_absence_reported(&alert->absence, now_ms);
	buffer_close(&record);
}

void alert_watch_take_report(struct alert_watch *watch, const struct alert_read *report)
{
	for (struct watched_alert *alert = watch->alerts; alert && report->is_present; alert = alert->next)
		if (alert->is_present && text_is(report->alert, alert->name) && text_is(report->pipeline, alert->pipeline) &&
		    text_is(report->namespace, alert->namespace))
			alert_absence_take_report(&((struct judged_alert *)alert)->absence,
						  loop_now_ms(engine_loop(watch->engine)));
}
