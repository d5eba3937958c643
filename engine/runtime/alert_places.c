/* alert_places.c: see alert_places.h. */
#include "runtime/alert_places.h"

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

/* Hash of all that decides what is counted for the alert, and of what lets it begin anew. */
static uint64_t judged_as(const struct alert_spec *alert)
{
	const int64_t numbers[] = {alert->over_ns, alert->for_ns};
	uint64_t hash = hash_text(text_of(alert->name.text), hash_bytes(numbers, sizeof numbers, 0));
	hash = alert->condition ? hash_text(expression_source(alert->condition), hash) : hash;
	return alert->group_by ? hash_text(expression_source(alert->group_by), hash) : hash;
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

static void pipeline_follow(struct pipeline_plan *pipeline, const struct pipeline_plan *before)
{
	const size_t count = alerts_of(pipeline), former_count = before ? alerts_of(before) : 0;
	uint64_t taken = 0;
	bool stays[ALERTS_MAX] = {false};
	for (size_t i = 0; i < former_count; i++)
		taken |= UINT64_C(1) << before->alert_places[i];
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < former_count && !stays[i]; j++)
			if (judged_as(alert_at(before, j)) == judged_as(alert_at(pipeline, i))) {
				stays[i] = true;
				pipeline->alert_places[i] = before->alert_places[j];
				pipeline->reused_places |= before->reused_places & UINT64_C(1) << before->alert_places[j];
			}
	pipeline->used_places = before ? before->used_places : 0;
	for (size_t i = 0; i < count; i++) {
		if (stays[i])
			continue;
		const size_t fresh = place_free(pipeline->used_places, taken);
		const size_t place = fresh < ALERT_PLACES_MAX ? fresh : place_free(taken, 0);
		pipeline->alert_places[i] = (uint8_t)place;
		pipeline->reused_places |= pipeline->used_places & UINT64_C(1) << place;
		taken |= UINT64_C(1) << place;
		pipeline->used_places |= UINT64_C(1) << place;
	}
}

void alert_places_follow(struct plan *plan, const struct plan *before)
{
	for (size_t i = 0; i < plan->count; i++)
		pipeline_follow(&plan->pipelines[i], pipeline_before(before, &plan->pipelines[i]));
}
