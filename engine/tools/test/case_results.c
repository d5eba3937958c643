/* case_results.c: see case_results.h. */
#include "tools/test/case_results.h"

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
