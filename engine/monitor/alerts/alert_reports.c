/* alert_reports.c: see alert_reports.h. */
#include "monitor/alerts/alert_reports.h"

#include "base/memory.h"

/* Of one group in one engine, from the latest to the first; its texts are in the same piece of memory. */
struct alert_report {
	struct alert_report *next;
	struct text engine, group;
	int64_t fired_at_ms, reported_ms;
	struct alert_values values;
	struct alert_group *judged; /* what it counts for in the present look; NULL: that has no state */
	bool has_fired;		    /* its group has fired since it came */
	bool has_ended;		    /* its engine has reported the end, before a look */
};

static struct alert_report **report_place(struct alert_reports *reports, const struct alert_read *report)
{
	struct alert_report **at = &reports->first;
	while (*at && !(text_equal((*at)->engine, report->engine) && text_equal((*at)->group, report->group)))
		at = &(*at)->next;
	return at;
}

static void report_remove(struct alert_reports *reports, struct alert_report **at)
{
	struct alert_report *report = *at;
	*at = report->next;
	reports->count--;
	memory_give(report);
}

static struct alert_report *report_add(struct alert_reports *reports, const struct alert_read *report)
{
	const size_t bytes = sizeof(struct alert_report) + report->engine.length + report->group.length + 1;
	struct alert_report *made = reports->count < ALERT_REPORTS_MAX ? memory_take(1, bytes) : NULL;
	if (!made)
		return NULL;
	char *engine = (char *)(made + 1), *group = engine + report->engine.length;
	memcpy(engine, report->engine.bytes, report->engine.length);
	memcpy(group, report->group.bytes, report->group.length);
	*made = (struct alert_report){.next = reports->first,
				      .engine = {engine, report->engine.length},
				      .group = {group, report->group.length}};
	reports->first = made;
	reports->count++;
	return made;
}

void alert_reports_take(struct alert_reports *reports, const struct alert_read *report, int64_t now_ms)
{
	struct alert_report **at = report_place(reports, report);
	if (!report->fires) {
		if (*at && (*at)->has_fired)
			report_remove(reports, at);
		else if (*at)
			(*at)->has_ended = true;
		return;
	}
	struct alert_report *kept = *at ? *at : report_add(reports, report);
	if (!kept)
		return;
	kept->fired_at_ms = kept->has_ended ? kept->fired_at_ms : report->fired_at_ms; /* two firings before a look are one */
	kept->has_ended = false;
	kept->reported_ms = now_ms;
	kept->values = report->values;
}

static void beginning_add(struct alert_reports *reports, const struct alert_read *read)
{
	const struct alert_message names = {.namespace = read->namespace,
					    .pipeline = read->pipeline,
					    .alert = read->alert,
					    .group = read->group,
					    .fired_at_ms = read->fired_at_ms};
	struct alert_beginning *made = memory_take(1, sizeof *made + read->group.length + 1);
	if (!made) /* it stays in the feed, until another engine sends */
		return;
	kept_beginning_key(&names, made->key);
	made->group = (struct text){memcpy(made + 1, read->group.bytes, read->group.length), read->group.length};
	made->next = reports->begun;
	reports->begun = made;
}

void alert_reports_take_beginning(struct alert_reports *reports, const struct alert_read *read, bool sends, int64_t now_ms)
{
	if (!*report_place(reports, read))
		alert_reports_take(reports, read, now_ms);
	if (sends)
		beginning_add(reports, read);
}

struct alert_beginning *alert_beginning_judged(struct alert_reports *reports, const struct alert_groups *groups)
{
	for (struct alert_beginning **at = &reports->begun; *at; at = &(*at)->next) {
		struct alert_beginning *beginning = *at;
		const struct alert_group *group = alert_group_find(groups, beginning->group);
		if (group && group->alert.phase == ALERT_INACTIVE && group->alert.is_announced)
			continue; /* the end of its former firing comes first */
		*at = beginning->next;
		return beginning;
	}
	return NULL;
}

void alert_beginnings_forget(struct alert_reports *reports)
{
	while (reports->begun) {
		struct alert_beginning *beginning = reports->begun;
		reports->begun = beginning->next;
		memory_give(beginning);
	}
}

/* Called from the latest report to the first, whose time and figures the state of the group keeps. */
static void report_count(struct alert_report *report, struct alert_groups *groups)
{
	struct alert_group *group = alert_group_judge(groups, report->group, (struct alert_judgement){.held = true});
	report->judged = group;
	if (!group)
		return;
	group->reported_at_ms = report->fired_at_ms;
	group->values = report->values;
}

/* After the groups were judged: a report whose end is known is not needed any more once its group has fired. */
static void reports_settle(struct alert_reports *reports)
{
	for (struct alert_report **at = &reports->first; *at;) {
		(*at)->has_fired |= (*at)->judged && (*at)->judged->alert.phase == ALERT_FIRING;
		if ((*at)->has_fired && (*at)->has_ended)
			report_remove(reports, at);
		else
			at = &(*at)->next;
	}
}

void alert_reports_judge(struct alert_reports *reports, struct alert_groups *groups, int64_t resolve_after_ms,
			 struct alert_time time)
{
	const struct alert_rule rule = {.resolve_after_ms = 1}; /* an engine reports the end after `resolveAfter` */
	const int64_t silent_ms = resolve_after_ms > ALERT_SILENT_MS ? resolve_after_ms : ALERT_SILENT_MS;
	for (struct alert_group *group = groups->first; group; group = group->next)
		group->judged = (struct alert_judgement){0};
	for (struct alert_report **at = &reports->first; *at;) {
		if (time.now_ms - (*at)->reported_ms > silent_ms) {
			report_remove(reports, at);
			continue;
		}
		report_count(*at, groups);
		at = &(*at)->next;
	}
	for (struct alert_group *group = groups->first; group; group = group->next) {
		const bool fired = group->alert.phase == ALERT_FIRING;
		group->judged.broken = !group->judged.held;
		alert_judge(&group->alert, &rule, group->judged, time);
		if (!fired && group->alert.phase == ALERT_FIRING)
			group->alert.fired_at_ms = group->reported_at_ms;
	}
	reports_settle(reports);
}

void alert_reports_clear(struct alert_reports *reports)
{
	while (reports->first)
		report_remove(reports, &reports->first);
	alert_beginnings_forget(reports);
}
