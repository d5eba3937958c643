/* alert_failing.c: Receivers of alerts that take no notices, for reporters. */
#include "base/clock.h"
#include "base/moment.h"
#include "runtime/alert_parts.h"
#include "runtime/notice_receiver.h"

#define FAILING_EVERY_MS 1000 /* the receivers are looked at for all pipelines together */
#define FAILING_NAMED 5	      /* of a pipeline; the others are counted */

struct receiver_reports alert_watch_receivers(const struct alert_watch *watch, struct arena *arena)
{
	return notifier_receivers(watch->notifier, arena);
}

/* Those that take no notices now, as of at most FAILING_EVERY_MS ago. */
static const struct failing_receivers *failing_look(struct alert_watch *watch)
{
	struct failing_receivers *failing = &watch->failing;
	const int64_t now_ms = clock_ms();
	if (failing->looked_ms > 0 && now_ms - failing->looked_ms < FAILING_EVERY_MS)
		return failing;
	arena_reset(failing->arena);
	failing->looked_ms = now_ms;
	failing->reports = notifier_receivers(watch->notifier, failing->arena);
	size_t kept = 0;
	for (size_t i = 0; i < failing->reports.count; i++)
		if (failing->reports.items[i].failing_ms > 0)
			failing->reports.items[kept++] = failing->reports.items[i];
	failing->reports.count = kept;
	return failing;
}

static void failing_write(const struct receiver_report *report, struct buffer *out)
{
	char since[MOMENT_BYTES];
	moment_print(time_of_day_ms() - report->failing_ms, since);
	if (report->refuses && report->waiting == 0)
		buffer_print(out, "%s has refused notices since %s: %s", report->name, since, report->why);
	else
		buffer_print(out, "%s has taken no notice since %s, and %zu wait: %s", report->name, since, report->waiting,
			     report->why);
}

/* What is written of the receivers of one pipeline, each once. */
struct failing_list {
	const struct receiver_reports *reports;
	struct buffer *out;
	const struct receiver_report *named[FAILING_NAMED];
	size_t count;
	bool has_others;
};

static void failing_take(struct failing_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->named[i]->name, name) == 0)
			return;
	for (size_t i = 0; i < list->reports->count; i++) {
		if (strcmp(list->reports->items[i].name, name) != 0)
			continue;
		if (list->count == FAILING_NAMED) {
			list->has_others = true;
			return;
		}
		buffer_string(list->out, list->count > 0 ? "; " : "");
		failing_write(&list->reports->items[i], list->out);
		list->named[list->count++] = &list->reports->items[i];
	}
}

static void action_take(struct failing_list *list, const struct alert_watch *watch, const struct pipeline_plan *plan,
			const struct alert_action *action)
{
	struct arena *arena = watch->judging;
	arena_reset(arena);
	if (action->type == ALERT_ROLLBACK)
		return;
	if (action->type != ALERT_EMAIL) {
		failing_take(list, notice_receiver_name(action, plan_topic_of(plan, TOPIC_ALERTS), NULL, arena));
		return;
	}
	for (size_t i = 0; i < action->recipients.count; i++)
		failing_take(list, notice_mail_name(&action->recipients.items[i].text, 1, watch->settings->smtp, arena));
}

void alert_watch_write_failing(struct alert_watch *watch, const struct pipeline_plan *plan, struct buffer *out)
{
	const struct item_list *alerts = &plan->graph->spec->alerts;
	if (alerts->count == 0 || failing_look(watch)->reports.count == 0)
		return;
	struct failing_list list = {.reports = &watch->failing.reports, .out = out};
	for (size_t i = 0; i < alerts->count; i++) {
		const struct alert_spec *spec = &((const struct alert_spec *)alerts->items)[i];
		for (size_t j = 0; j < spec->actions.count; j++)
			action_take(&list, watch, plan, &((const struct alert_action *)spec->actions.items)[j]);
	}
	if (list.has_others)
		buffer_string(out, "; and others, which /metrics lists");
}
