/* alert_failing.c: Receivers of alerts, for /metrics, and those that take no notices, for reporters. */
#include "base/clock.h"
#include "base/number/moment.h"
#include "monitor/alerts/alert_parts.h"

#define FAILING_EVERY_MS 1000 /* the receivers are looked at for all pipelines together */
#define FAILING_NAMED 5	      /* of a pipeline; the others are counted */

/* Is given each receiver of an action. */
typedef void receiver_taker(void *context, struct text receiver, const struct alert_spec *alert, size_t action);

static void action_receivers_each(const struct pipeline_plan *plan, const struct alert_spec *alert, size_t index,
				  receiver_taker *take, void *context)
{
	const struct alert_action *action = &((const struct alert_action *)alert->actions.items)[index];
	switch (action->type) {
	case ALERT_ROLLBACK:
		return;
	case ALERT_EMAIL:
		for (size_t i = 0; i < action->recipients.count; i++)
			take(context, text_of(action->recipients.items[i].text), alert, index);
		return;
	case ALERT_TOPIC:
		take(context, text_of(plan_topic_of(plan, TOPIC_ALERTS)), alert, index);
		return;
	default:
		take(context, text_of(action->url), alert, index);
	}
}

static void receivers_each(const struct pipeline_plan *plan, receiver_taker *take, void *context)
{
	const struct item_list *alerts = &plan->graph->spec->alerts;
	for (size_t i = 0; i < alerts->count; i++) {
		const struct alert_spec *alert = &((const struct alert_spec *)alerts->items)[i];
		for (size_t j = 0; j < alert->actions.count; j++)
			action_receivers_each(plan, alert, j, take, context);
	}
}

/* ---- all ---- */

struct reports_naming {
	struct receiver_reports *reports;
	const char *pipeline;
	struct arena *arena;
};

static void report_name(void *context, struct text receiver, const struct alert_spec *alert, size_t action)
{
	const struct reports_naming *naming = context;
	const uint64_t key = receiver_key(receiver);
	struct receiver_report *found = NULL;
	for (size_t i = 0; i < naming->reports->count && !found; i++)
		if (naming->reports->items[i].key == key)
			found = &naming->reports->items[i];
	if (!found || found->is_shared || found->action[0])
		return;
	const char *name = arena_print(naming->arena, "%s/%s/%zu", naming->pipeline, alert->name.text, action + 1);
	found->action = name ? name : "";
}

struct receiver_reports alert_watch_receivers(const struct alert_watch *watch, const struct plan *plan, struct arena *arena)
{
	struct receiver_reports reports = notifier_receivers(watch->notifier, arena);
	for (size_t i = 0; i < plan->count && reports.count > 0; i++)
		receivers_each(&plan->pipelines[i], report_name,
			       &(struct reports_naming){&reports, plan->pipelines[i].graph->name, arena});
	receiver_reports_join(&reports);
	return reports;
}

/* ---- those that fail ---- */

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

/* A receiver that takes no notices, and the first action of the pipeline that has it. */
struct named_receiver {
	const struct receiver_report *report;
	const struct alert_spec *alert;
	size_t action;
	size_t others; /* actions that have it, too */
};

/* What is written of the receivers of one pipeline, each once. */
struct failing_list {
	const struct receiver_reports *reports;
	struct named_receiver named[FAILING_NAMED];
	size_t count;
	bool has_others;
};

/* Two webhooks of one host have the same name, since the rest of a URL may be a secret: the alert and the number of its action tell
 * them apart. */
static void action_write(const struct named_receiver *named, struct buffer *out)
{
	if (named->report->is_shared)
		return;
	buffer_print(out, " (action %zu of the alert %s", named->action + 1,
		     named->alert->name.text ? named->alert->name.text : "");
	if (named->others > 0)
		buffer_print(out, " and %zu other%s", named->others, named->others > 1 ? "s" : "");
	buffer_byte(out, ')');
}

static void failing_write(const struct named_receiver *named, struct buffer *out)
{
	const struct receiver_report *report = named->report;
	char since[MOMENT_BYTES];
	moment_print(time_of_day_ms() - report->failing_ms, since);
	buffer_string(out, report->name);
	action_write(named, out);
	if (report->refuses && report->waiting == 0)
		buffer_print(out, " has refused notices since %s: %s", since, report->why);
	else
		buffer_print(out, " has taken no notice since %s, and %zu wait: %s", since, report->waiting, report->why);
}

static struct named_receiver *list_find(struct failing_list *list, const struct receiver_report *report)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->named[i].report == report)
			return &list->named[i];
	return NULL;
}

/* Receivers that the board does not know one by one may be among those that it knows together. */
static void failing_take(void *context, struct text receiver, const struct alert_spec *alert, size_t action)
{
	struct failing_list *list = context;
	const uint64_t key = receiver_key(receiver);
	const struct receiver_report *found = NULL;
	for (size_t i = 0; i < list->reports->count && !found; i++)
		if (list->reports->items[i].key == key || list->reports->items[i].is_shared)
			found = &list->reports->items[i];
	struct named_receiver *named = found ? list_find(list, found) : NULL;
	if (named)
		named->others += named->alert != alert || named->action != action;
	else if (found && list->count == FAILING_NAMED)
		list->has_others = true;
	else if (found)
		list->named[list->count++] = (struct named_receiver){.report = found, .alert = alert, .action = action};
}

void alert_watch_write_failing(struct alert_watch *watch, const struct pipeline_plan *plan, struct buffer *out)
{
	if (plan->graph->spec->alerts.count == 0 || failing_look(watch)->reports.count == 0)
		return;
	struct failing_list list = {.reports = &watch->failing.reports};
	receivers_each(plan, failing_take, &list);
	for (size_t i = 0; i < list.count; i++) {
		buffer_string(out, i > 0 ? "; " : "");
		failing_write(&list.named[i], out);
	}
	if (list.has_others)
		buffer_string(out, "; and others, which /metrics lists");
}
