/* case_alerts.c: see case_alerts.h. */
#include "simulation/case_alerts.h"

#include "alerts/alert_condition.h"
#include "message/json_write.h"

struct case_alert {
	const char *name;
	struct alert_condition condition;
	struct case_alert *next;
};

bool case_alerts_make(struct running *running)
{
	const struct item_list *specs = &running->graph->spec->alerts;
	struct arena *arena = running->world->arena;
	struct case_alert **end = &running->alerts;
	for (size_t i = 0; i < specs->count && !running->implicit; i++) {
		const struct alert_spec *spec = &((const struct alert_spec *)specs->items)[i];
		struct case_alert *alert = spec->condition ? ARENA_NEW(arena, struct case_alert) : NULL;
		if (!alert)
			continue;
		alert->name = spec->name.text;
		if (!alert_condition_make(&alert->condition, spec->condition, graph_figures(running->graph), arena))
			return false;
		if (alert->condition.of_figures)
			continue;
		*end = alert;
		end = &alert->next;
	}
	return !arena_failed(arena);
}

static struct alert_result *result_of(struct case_world *world, const struct passage *passage, const char *alert)
{
	for (struct alert_result *result = world->alert_results; result; result = result->next)
		if (result->passage == passage && strcmp(result->alert, alert) == 0)
			return result;
	struct alert_result *result = ARENA_NEW(world->arena, struct alert_result);
	const char *name = arena_copy(world->arena, alert, strlen(alert));
	if (!result || !name) {
		world->failed = true;
		return NULL;
	}
	*result = (struct alert_result){.next = world->alert_results, .passage = passage, .alert = name};
	world->alert_results = result;
	return result;
}

void case_alert_note(struct case_world *world, const struct passage *passage, const char *alert, bool held)
{
	struct alert_result *result = result_of(world, passage, alert);
	if (result)
		result->fired |= held;
}

bool case_alert_known(const struct case_world *world, const struct case_expected *expected)
{
	const struct alert_result *result = world->alert_results;
	while (result && !(text_equal(result->passage->id, expected->id) && text_is(expected->alert, result->alert)))
		result = result->next;
	return result;
}

void case_alerts_judge(struct running *running, const struct message *message, enum tap_point point, size_t step,
		       const struct payload *payload)
{
	const struct passage *passage = (const struct passage *)message_root(message); /* its first member */
	for (const struct case_alert *alert = running->alerts; alert; alert = alert->next) {
		struct alert_result *result = result_of(running->world, passage, alert->name);
		if (result && point == TAP_STEP_OUTPUTS)
			result->fired |= alert_condition_of_message(&alert->condition, message, payload, running->name,
								    running->graph->steps[step].name, message->arena)
						 .held;
	}
}

void alert_result_print(const struct alert_result *result, struct buffer *out)
{
	buffer_string(out, "{\"id\": ");
	json_write_string(out, result->passage->id);
	json_write_member(out, ", ", "alert", text_of(result->alert));
	buffer_print(out, ", \"fired\": %s}\n", result->fired ? "true" : "false");
}

bool alert_result_judge(const struct case_world *world, const struct case_expected *expected, struct buffer *out)
{
	bool judged = false, holds = true;
	for (const struct alert_result *result = world->alert_results; result; result = result->next) {
		if (!text_equal(result->passage->id, expected->id) || !text_is(expected->alert, result->alert))
			continue;
		judged = true;
		holds &= result->fired == expected->fired;
	}
	if (!judged)
		buffer_print(out,
			     "  " TEXT_FORMAT ": the alert `" TEXT_FORMAT
			     "` is not judged: there is none of that name, or its condition uses figures of an engine\n",
			     TEXT_ARGUMENTS(expected->id), TEXT_ARGUMENTS(expected->alert));
	else if (!holds)
		buffer_print(out, "  " TEXT_FORMAT ": the alert `" TEXT_FORMAT "` %s\n", TEXT_ARGUMENTS(expected->id),
			     TEXT_ARGUMENTS(expected->alert), expected->fired ? "did not fire" : "fired");
	return judged && holds;
}
