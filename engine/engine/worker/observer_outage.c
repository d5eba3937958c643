/* observer_outage.c: see observer_outage.h. */
#include "engine/worker/observer_outage.h"

#include "base/clock.h"
#include "base/hash.h"
#include "observe/log_sink.h"

bool stage_may_be_out(const struct worker *worker, const struct worker_stage *stage)
{
	const struct graph_part *part = stage->config->graph->part;
	return worker->config->partition_state.observers_look_ms > 0 && part && part->observes;
}

static const char *changelog_of(const struct worker *worker, const struct worker_stage *stage)
{
	return worker->setup->writes.names[stage->config->changelog];
}

bool observer_outage_begin(struct worker *worker, struct partition_state *partition_state, const struct error *why)
{
	struct worker_stage *stage = partition_state->stage;
	const struct partition_state_config *config = &worker->config->partition_state;
	if (!stage || !stage_may_be_out(worker, stage))
		return false;
	const struct log_fields fields = {.pipeline = stage->config->graph->name};
	const uint64_t said = partition_state->outage.said, reason = hash_bytes(why->text, strlen(why->text), 0);
	partition_state->outage = (struct observer_outage){
		.is_out = true, .is_told = true, .look_ms = loop_now_ms(worker->loop) + config->observers_look_ms, .said = reason};
	if (said == reason)
		return true; /* an attempt in vain says nothing new */
	last_failure_note(&stage->counts->outage_why, why, NULL);
	atomic_store_explicit(&stage->counts->outage, changelog_of(worker, stage), memory_order_relaxed);
	log_say(config->log, LOG_LEVEL_WARN, &fields,
		"the observers of pipeline %s are off, and its answers go on; their state is looked at again every %d s: %s",
		stage->config->graph->name, OBSERVERS_LOOK_MS / MS_PER_S, why->text);
	return true;
}

bool observer_outage_begin_all(struct worker *worker, const struct worker_stage *stage, const struct error *why)
{
	bool begun = false;
	for (struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next)
		if (partition_state->stage == stage)
			begun = observer_outage_begin(worker, partition_state, why) || begun;
	return begun;
}

/* Whether a state whose outage is told in these counts is still out. */
static bool counts_have_outage(const struct worker *worker, const struct stage_counts *counts)
{
	const struct partition_state *partition_state = worker->partition_states.first;
	while (partition_state &&
	       (!partition_state->stage || partition_state->stage->counts != counts || !partition_state->outage.is_told))
		partition_state = partition_state->next;
	return partition_state != NULL;
}

void observer_outage_end(struct worker *worker, struct partition_state *partition_state)
{
	const bool is_told = partition_state->outage.is_told;
	partition_state->outage = (struct observer_outage){0};
	if (is_told && partition_state->stage && !counts_have_outage(worker, partition_state->stage->counts))
		atomic_store_explicit(&partition_state->stage->counts->outage, NULL, memory_order_relaxed);
}

void observer_outage_over(struct worker *worker, struct partition_state *partition_state)
{
	const struct worker_stage *stage = partition_state->stage;
	const struct log_fields fields = {.pipeline = stage->config->graph->name};
	if (partition_state->outage.is_told)
		log_say(worker->config->partition_state.log, LOG_LEVEL_INFO, &fields,
			"the observers of pipeline %s go on: the state of %s-%d is restored", stage->config->graph->name,
			changelog_of(worker, stage), (int)partition_state->input.partition);
	observer_outage_end(worker, partition_state);
}

bool observer_outage_holds(const struct worker *worker, struct partition_state *partition_state)
{
	const struct worker_stage *stage = partition_state->stage;
	struct observer_outage *outage = &partition_state->outage;
	if (!stage_may_be_out(worker, stage))
		return false;
	outage->is_tried = false;
	outage->is_out = outage->is_out || stage->denied == stage->config->changelog;
	return outage->is_out;
}

/* A stage that waits for a topic, which may be its changelog, is restored when it is there. */
static bool waits_for_restore(const struct partition_state *partition_state)
{
	const struct observer_outage *outage = &partition_state->outage;
	return outage->is_out && !outage->is_tried && !partition_state->store && partition_state->stage &&
	       partition_state->stage->denied == TOPIC_NOWHERE;
}

bool observer_outage_is_due(const struct worker *worker, struct partition_state *partition_state)
{
	if (!waits_for_restore(partition_state) || loop_now_ms(worker->loop) < partition_state->outage.look_ms)
		return false;
	partition_state->outage.is_tried = true;
	return true;
}

int64_t observer_outages_due_ms(const struct worker *worker)
{
	int64_t due_ms = INT64_MAX;
	for (const struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next)
		if (waits_for_restore(partition_state) && partition_state->outage.look_ms < due_ms)
			due_ms = partition_state->outage.look_ms;
	return due_ms;
}
