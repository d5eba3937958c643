/* alert_failing.c: Receivers of alerts that take no notices, for reporters. */
#include "base/clock.h"
#include "base/moment.h"
#include "runtime/alert_parts.h"

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
	failing->reports = notifier_failing(watch->notifier, failing->arena);
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
	uint64_t named[FAILING_NAMED]; /* keys */
	size_t count;
	bool has_others;
};

static bool list_has(const struct failing_list *list, uint64_t key)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->named[i] == key)
			return true;
	return false;
}

/* Receivers that the board does not know one by one may be among those that it knows together. */
static void failing_take(struct failing_list *list, struct text receiver)
{
	const uint64_t key = receiver_key(receiver);
	const struct receiver_report *found = NULL;
	for (size_t i = 0; i < list->reports->count && !found; i++)
		if (list->reports->items[i].key == key || list->reports->items[i].is_shared)
			found = &list->reports->items[i];
	if (!found || list_has(list, found->key))
		return;
	if (list->count == FAILING_NAMED) {
		list->has_others = true;
		return;
	}
	buffer_string(list->out, list->count > 0 ? "; " : "");
	failing_write(found, list->out);
	list->named[list->count++] = found->key;
}

static void action_take(struct failing_list *list, const struct pipeline_plan *plan, const struct alert_action *action)
{
	switch (action->type) {
	case ALERT_ROLLBACK:
		return;
	case ALERT_EMAIL:
		for (size_t i = 0; i < action->recipients.count; i++)
			failing_take(list, text_of(action->recipients.items[i].text));
		return;
	case ALERT_TOPIC:
		failing_take(list, text_of(plan_topic_of(plan, TOPIC_ALERTS)));
		return;
	default:
		failing_take(list, text_of(action->url));
	}
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
			action_take(&list, plan, &((const struct alert_action *)spec->actions.items)[j]);
	}
	if (list.has_others)
		buffer_string(out, "; and others, which /metrics lists");
}
