/* alert_list_view.c: see alert_list_view.h. */
#include "tools/client/control/alert_list_view.h"

#include "base/clock.h"
#include "base/number/moment.h"
#include "base/quote.h"
#include "message/json/json_write.h"
#include "monitor/alerts/alert_settings.h"
#include "monitor/alerts/notice_receiver.h"

/* The condition, or the time without answers. */
static struct text alert_condition_text(const struct alert_spec *spec)
{
	return spec->condition ? expression_source(spec->condition) : text_of(spec->absent.text);
}

static const char *names_joined(struct name_list names, struct arena *arena)
{
	const char *joined = names.items[0].text;
	for (size_t i = 1; joined && i < names.count; i++)
		joined = arena_print(arena, "%s, %s", joined, names.items[i].text);
	return joined ? joined : "";
}

const char *alert_action_receiver(const struct alert_action *action, struct arena *arena)
{
	if (action->type == ALERT_TOPIC)
		return "alerts"; /* of the pipeline */
	if (action->type == ALERT_ROLLBACK)
		return action->experiment.text;
	return action->type == ALERT_EMAIL ? names_joined(action->recipients, arena) : notice_url_shown(action->url, arena);
}

static void duration_append(const char *word, int64_t ns, struct buffer *out)
{
	char duration[DURATION_TEXT_MAX];
	if (ns <= 0)
		return;
	duration_print(ns, duration);
	buffer_print(out, " %s %s", word, duration);
}

/* Whether the silence has not ended. */
static bool is_in_force(const struct silence_spec *silence)
{
	int64_t until_ms = 0;
	return silence->until.text && moment_read(text_of(silence->until.text), &until_ms) &&
	       silence_is_in_force(until_ms, time_of_day_ms());
}

/* That of the alert's own field `silence`; without an end there is none. */
static struct silence_spec silence_of_alert(const struct listed_alert *alert)
{
	return (struct silence_spec){.until = alert->spec->silence.until, .reason = alert->spec->silence.reason};
}

static void silence_print(const struct silence_spec *silence, struct arena *arena, struct buffer *out)
{
	buffer_string(out, is_in_force(silence) ? "  silenced" : "  was silenced");
	if (silence->group)
		buffer_print(out, " for %s", text_shown(text_of(silence->group), arena));
	buffer_print(out, " until %s", text_shown(text_of(silence->until.text), arena));
	if (silence->author)
		buffer_print(out, " by %s", text_shown(text_of(silence->author), arena));
	if (silence->reason)
		buffer_print(out, ": %s", text_shown(text_of(silence->reason), arena));
	buffer_byte(out, '\n');
}

static void silences_print(const struct alert_list *list, const struct listed_alert *alert, struct arena *arena, struct buffer *out)
{
	const struct silence_spec own = silence_of_alert(alert), *silence;
	if (own.until.text)
		silence_print(&own, arena, out);
	for (size_t next = 0; (silence = alert_list_silence(list, alert, &next));)
		silence_print(silence, arena, out);
}

static void silence_print_json(const struct silence_spec *silence, const char *between, struct buffer *out)
{
	buffer_string(out, between);
	json_write_member(out, "{", "until", text_of(silence->until.text));
	if (silence->group)
		json_write_member(out, ", ", "group", text_of(silence->group));
	if (silence->author)
		json_write_member(out, ", ", "author", text_of(silence->author));
	if (silence->reason)
		json_write_member(out, ", ", "reason", text_of(silence->reason));
	buffer_print(out, ", \"in_force\": %s}", is_in_force(silence) ? "true" : "false");
}

static void silences_print_json(const struct alert_list *list, const struct listed_alert *alert, struct buffer *out)
{
	const struct silence_spec own = silence_of_alert(alert), *silence;
	const char *between = "";
	buffer_string(out, ", \"silences\": [");
	if (own.until.text) {
		silence_print_json(&own, between, out);
		between = ", ";
	}
	for (size_t next = 0; (silence = alert_list_silence(list, alert, &next)); between = ", ")
		silence_print_json(silence, between, out);
	buffer_byte(out, ']');
}

/* The time that the condition looks at; 0: it looks at none. */
static int64_t over_of(const struct listed_alert *alert)
{
	return alert->reads_time ? alert->spec->over_ns : 0;
}

static bool is_last_of_pipeline(const struct alert_list *list, size_t index)
{
	return index + 1 == list->count || list->items[index + 1].resource != list->items[index].resource;
}

/* Which of the pipeline's alerts fire, and which of their receivers get no notices, as its engines say. */
static void reports_print(const struct alert_list *list, const char *pipeline, struct arena *arena, struct buffer *out)
{
	for (const struct alerts_report *report = list->reports; report; report = report->next)
		if (report->firing && strcmp(report->pipeline, pipeline) == 0)
			buffer_print(out, "%s: says the engine %s: %s\n", pipeline, text_shown(text_of(report->engine), arena),
				     text_shown(text_of(report->firing), arena));
	for (const struct alerts_report *report = list->reports; report; report = report->next)
		if (report->drift && strcmp(report->pipeline, pipeline) == 0)
			buffer_print(out, "%s: says the engine %s: %s\n", pipeline, text_shown(text_of(report->engine), arena),
				     text_shown(text_of(report->drift), arena));
	for (const struct alerts_report *report = list->reports; report; report = report->next)
		if (report->receivers && strcmp(report->pipeline, pipeline) == 0)
			buffer_print(out, "%s: notices are not delivered, says the engine %s: %s\n", pipeline,
				     text_shown(text_of(report->engine), arena), text_shown(text_of(report->receivers), arena));
}

static const char *firing_of(const struct alerts_report *report)
{
	return report->firing;
}

static const char *drift_of(const struct alerts_report *report)
{
	return report->drift;
}

static const char *receivers_of(const struct alerts_report *report)
{
	return report->receivers;
}

/* A list of that name; none if no engine says any of it. */
static void reports_print_json(const struct alert_list *list, const char *pipeline, const char *name,
			       const char *(*words_of)(const struct alerts_report *), const char *words, struct buffer *out)
{
	bool any = false;
	for (const struct alerts_report *report = list->reports; report; report = report->next) {
		if (!words_of(report) || strcmp(report->pipeline, pipeline) != 0)
			continue;
		buffer_print(out, any ? ", " : ", \"%s\": [", name);
		json_write_member(out, "{", "engine", text_of(report->engine));
		json_write_member(out, ", ", words, text_of(words_of(report)));
		buffer_byte(out, '}');
		any = true;
	}
	if (any)
		buffer_byte(out, ']');
}

void alert_list_print(const struct alert_list *list, struct arena *arena, struct buffer *out)
{
	if (list->count == 0)
		buffer_string(out, "no alerts\n");
	for (size_t i = 0; i < list->count; i++) {
		const struct alert_spec *spec = list->items[i].spec;
		const struct alert_action *actions = spec->actions.items;
		buffer_print(out, "%s: %s\n  %s %s", list->items[i].resource->name.text,
			     text_shown(text_of(spec->name.text), arena),
			     spec->condition ? "when" : "absent:", text_shown(alert_condition_text(spec), arena));
		duration_append("over", over_of(&list->items[i]), out);
		duration_append("for", spec->for_ns, out);
		duration_append("resolves after", spec->resolve_after_ns, out);
		if (spec->group_by)
			buffer_print(out, " for each %s", text_shown(expression_source(spec->group_by), arena));
		buffer_byte(out, '\n');
		if (spec->inhibited_by.count > 0)
			buffer_print(out, "  inhibited by %s\n",
				     text_shown(text_of(names_joined(spec->inhibited_by, arena)), arena));
		for (size_t j = 0; j < spec->actions.count; j++)
			buffer_print(out, "  %-8s %s\n", alert_action_names[actions[j].type],
				     text_shown(text_of(alert_action_receiver(&actions[j], arena)), arena));
		silences_print(list, &list->items[i], arena, out);
		if (is_last_of_pipeline(list, i))
			reports_print(list, list->items[i].resource->name.text, arena, out);
	}
}

static void duration_member(const char *name, int64_t ns, struct buffer *out)
{
	char duration[DURATION_TEXT_MAX];
	if (ns <= 0)
		return;
	duration_print(ns, duration);
	json_write_member(out, ", ", name, text_of(duration));
}

static void inhibitors_put(struct name_list names, struct buffer *out)
{
	if (names.count == 0)
		return;
	buffer_string(out, ", \"inhibitedBy\": [");
	for (size_t i = 0; i < names.count; i++)
		json_write_string_after(out, text_of(i > 0 ? ", " : ""), text_of(names.items[i].text));
	buffer_byte(out, ']');
}

void alert_list_print_json(const struct alert_list *list, struct arena *arena, struct buffer *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct alert_spec *spec = list->items[i].spec;
		const struct alert_action *actions = spec->actions.items;
		json_write_member(out, "{", "pipeline", text_of(list->items[i].resource->name.text));
		json_write_member(out, ", ", "alert", text_of(spec->name.text));
		json_write_member(out, ", ", spec->condition ? "condition" : "absent", alert_condition_text(spec));
		duration_member("over", over_of(&list->items[i]), out);
		duration_member("for", spec->for_ns, out);
		duration_member("resolveAfter", spec->resolve_after_ns, out);
		if (spec->group_by)
			json_write_member(out, ", ", "groupBy", expression_source(spec->group_by));
		inhibitors_put(spec->inhibited_by, out);
		buffer_string(out, ", \"actions\": [");
		for (size_t j = 0; j < spec->actions.count; j++) {
			json_write_member(out, j > 0 ? ", {" : "{", "type", text_of(alert_action_names[actions[j].type]));
			json_write_member(out, ", ", "receiver", text_of(alert_action_receiver(&actions[j], arena)));
			buffer_byte(out, '}');
		}
		buffer_byte(out, ']');
		silences_print_json(list, &list->items[i], out);
		reports_print_json(list, list->items[i].resource->name.text, "firing", firing_of, "alerts", out);
		reports_print_json(list, list->items[i].resource->name.text, "drift", drift_of, "steps", out);
		reports_print_json(list, list->items[i].resource->name.text, "undelivered", receivers_of, "receivers", out);
		buffer_string(out, "}\n");
	}
}
