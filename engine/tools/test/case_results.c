/* case_results.c: see case_results.h. */
#include "tools/test/case_results.h"

#include "message/json/json_write.h"

static struct alert_result *result_of(struct case_results *results, struct text id, size_t sending, const char *alert)
{
	for (struct alert_result *result = results->alerts; result; result = result->next)
		if (result->sending == sending && strcmp(result->alert, alert) == 0)
			return result;
	struct alert_result *result = ARENA_NEW(results->arena, struct alert_result);
	const char *name = arena_copy(results->arena, alert, strlen(alert));
	if (!result || !name) {
		results->failed = true;
		return NULL;
	}
	*result = (struct alert_result){.id = id, .sending = sending, .alert = name};
	*results->alerts_end = result;
	results->alerts_end = &result->next;
	return result;
}

void case_alerts_await(struct case_results *results, const struct graph *graph, struct text id, size_t sending)
{
	const struct item_list *specs = &graph->spec->alerts;
	const struct alert_sources sources = graph_figures(graph);
	for (size_t i = 0; i < specs->count; i++) {
		const struct alert_spec *spec = &((const struct alert_spec *)specs->items)[i];
		struct alert_condition condition;
		if (!spec->condition)
			continue;
		if (!alert_condition_make(&condition, spec->condition, &sources, results->arena))
			results->failed = true;
		else if (!condition.of_figures)
			(void)result_of(results, id, sending, spec->name.text);
	}
}

void case_alert_note(struct case_results *results, struct text id, size_t sending, const char *alert, bool held)
{
	struct alert_result *result = result_of(results, id, sending, alert);
	if (result)
		result->fired |= held;
}

void alert_result_print(const struct alert_result *result, struct buffer *out)
{
	json_write_string_after(out, TEXT("{\"id\": "), result->id);
	json_write_member(out, ", ", "alert", text_of(result->alert));
	buffer_print(out, ", \"fired\": %s}\n", result->fired ? "true" : "false");
}

bool alert_result_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out)
{
	bool judged = false, holds = true;
	for (const struct alert_result *result = results->alerts; result; result = result->next) {
		if (!text_equal(result->id, expected->id) || !text_is(expected->alert, result->alert))
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

void case_results_open(struct case_results *results, const struct case_files *files, struct arena *arena)
{
	*results = (struct case_results){.arena = arena, .files = files};
	results->records_end = &results->records;
	results->alerts_end = &results->alerts;
	results->models_end = &results->models;
}

void case_results_add(struct case_results *results, const struct arrival *arrival)
{
	struct arrival *record = ARENA_NEW(results->arena, struct arrival);
	struct error *error = arrival->error ? ARENA_NEW(results->arena, struct error) : NULL;
	if (!record || (arrival->error && !error)) {
		results->failed = true;
		return;
	}
	*record = *arrival;
	record->next = NULL;
	if (error) {
		*error = *arrival->error;
		record->error = error;
	}
	*results->records_end = record;
	results->records_end = &record->next;
}

void case_results_refuse(struct case_results *results, const struct error *why)
{
	for (size_t i = 0; i < results->files->request_count; i++)
		case_results_add(results, &(struct arrival){.id = results->files->requests[i].id, .error = why});
}

void case_results_count(struct case_results *results, const struct model_calls *calls)
{
	struct model_calls *kept = ARENA_NEW(results->arena, struct model_calls);
	const char *name = arena_copy(results->arena, calls->name, strlen(calls->name));
	if (!kept || !name) {
		results->failed = true;
		return;
	}
	*kept = *calls;
	kept->next = NULL;
	kept->name = name;
	*results->models_end = kept;
	results->models_end = &kept->next;
}
