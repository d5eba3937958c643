/* alert_places.c: see alert_places.h. */
#include "engine/run/alert_places.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

static_assert(ALERT_PLACES_MAX == 64 && ALERTS_MAX < ALERT_PLACES_MAX, "each place has a bit of 64, and one is always free");

static const struct alert_spec *alert_at(const struct pipeline_plan *pipeline, size_t index)
{
	return &((const struct alert_spec *)pipeline->graph->spec->alerts.items)[index];
}

static size_t alerts_of(const struct pipeline_plan *pipeline)
{
	const size_t count = pipeline->graph->spec->alerts.count;
	return count < ALERTS_MAX ? count : ALERTS_MAX;
}

uint64_t alert_meaning(const struct alert_spec *alert, uint64_t group_by)
{
	const struct text source = alert->condition ? expression_source(alert->condition) : text_of(alert->absent.text);
	const int64_t numbers[] = {alert->over_ns, alert->for_ns, (int64_t)group_by};
	return hash_text(source, hash_bytes(numbers, sizeof numbers, 0));
}

/* Hash of all that decides what is counted for the alert, and of what lets it begin again. */
static uint64_t judged_as(const struct alert_spec *alert)
{
	const uint64_t by_name = hash_text(text_of(alert->name.text), 0);
	const uint64_t group_by = alert->group_by ? hash_text(expression_source(alert->group_by), by_name) : by_name;
	return alert_meaning(alert, group_by);
}

static const struct pipeline_plan *pipeline_before(const struct plan *before, const struct pipeline_plan *pipeline)
{
	for (size_t i = 0; before && i < before->count; i++)
		if (strcmp(before->pipelines[i].graph->name, pipeline->graph->name) == 0)
			return &before->pipelines[i];
	return NULL;
}

/* The first place that is in neither of both sets; ALERT_PLACES_MAX: there is none. */
static size_t place_free(uint64_t one, uint64_t other)
{
	size_t place = 0;
	while (place < ALERT_PLACES_MAX && (one | other) >> place & 1)
		place++;
	return place;
}

/* ---- tables of groups ---- */

typedef void table_visitor(struct judged_groups *table, size_t place, void *context);

static void tables_visit(const struct group *groups, const char *pipeline, table_visitor *visit, void *context)
{
	for (const struct group *group = groups; group; group = group->next)
		for (const struct served *served = served_first(group, pipeline); served; served = served_next(served))
			for (size_t i = 0; i < group->worker_count * ALERT_PLACES_MAX; i++) {
				const size_t worker = i / ALERT_PLACES_MAX, place = i % ALERT_PLACES_MAX;
				if (served->counts[worker].alert_groups[place])
					visit(served->counts[worker].alert_groups[place], place, context);
			}
}

struct place_tables {
	uint64_t exist, are_used; /* a bit for each place */
};

static void table_note(struct judged_groups *table, size_t place, void *context)
{
	struct place_tables *tables = context;
	tables->exist |= UINT64_C(1) << place;
	tables->are_used |= (uint64_t)judged_groups_are_used(table) << place;
}

static void table_clear(struct judged_groups *table, size_t place, void *context)
{
	if (place == *(const size_t *)context)
		judged_groups_clear(table);
}

/* A place with tables that nobody uses, which are cleared; ALERT_PLACES_MAX: there is none. */
static size_t place_cleared(const struct group *groups, const char *pipeline, uint64_t taken)
{
	struct place_tables tables = {0};
	tables_visit(groups, pipeline, table_note, &tables);
	size_t place = place_free(~tables.exist, tables.are_used | taken);
	if (place < ALERT_PLACES_MAX)
		tables_visit(groups, pipeline, table_clear, &place);
	return place;
}

/* ---- places ---- */

/* Alerts that stay keep their places. Returns all that the former revision uses. */
static uint64_t former_places_keep(struct pipeline_plan *pipeline, const struct pipeline_plan *before, bool stays[ALERTS_MAX])
{
	const size_t count = alerts_of(pipeline), former_count = before ? alerts_of(before) : 0;
	uint64_t taken = 0;
	for (size_t i = 0; i < former_count; i++)
		taken |= UINT64_C(1) << before->alert_places[i];
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < former_count && !stays[i]; j++)
			if (judged_as(alert_at(before, j)) == judged_as(alert_at(pipeline, i))) {
				const uint64_t bit = UINT64_C(1) << before->alert_places[j];
				stays[i] = true;
				pipeline->alert_places[i] = before->alert_places[j];
				pipeline->reused_places |= before->reused_places & bit;
				pipeline->cleared_places |= before->cleared_places & bit;
			}
	return taken;
}

static void pipeline_follow(struct pipeline_plan *pipeline, const struct pipeline_plan *before, const struct group *groups)
{
	bool stays[ALERTS_MAX] = {false};
	uint64_t taken = former_places_keep(pipeline, before, stays);
	pipeline->used_places = before ? before->used_places : 0;
	for (size_t i = 0; i < alerts_of(pipeline); i++) {
		if (stays[i])
			continue;
		const size_t cleared =
			alert_at(pipeline, i)->group_by ? place_cleared(groups, pipeline->graph->name, taken) : ALERT_PLACES_MAX;
		const size_t fresh = cleared < ALERT_PLACES_MAX ? cleared : place_free(pipeline->used_places, taken);
		const size_t place = fresh < ALERT_PLACES_MAX ? fresh : place_free(taken, 0);
		const uint64_t bit = UINT64_C(1) << place;
		pipeline->alert_places[i] = (uint8_t)place;
		pipeline->cleared_places |= cleared < ALERT_PLACES_MAX ? bit : 0;
		pipeline->reused_places |= cleared < ALERT_PLACES_MAX ? 0 : pipeline->used_places & bit;
		taken |= bit;
		pipeline->used_places |= bit;
	}
}

void alert_places_follow(struct plan *plan, const struct plan *before, const struct group *groups)
{
	for (size_t i = 0; i < plan->count; i++)
		pipeline_follow(&plan->pipelines[i], pipeline_before(before, &plan->pipelines[i]), groups);
}
