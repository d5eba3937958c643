/* follow.c: Changes of a worker's partitions, which the group assigns and revokes, and of its stages, which a reload
 * opens and closes. Called between messages, while no end of the output is in progress. */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "worker/parts.h"

#define HANDOVER_MS 1000 /* for in-flight messages of revoked partitions: the group waits as long */

/* ---- partitions ---- */

static void order_lanes(struct worker *worker)
{
	for (size_t i = 0; i < worker->lanes.count; i++) {
		struct lane *lane = worker->lanes.items[i];
		const struct worker_stage *stage = stage_reading(worker, lane->topic);
		lane_order(lane, stage && stage->config->by_key && !worker->config->transaction.id);
	}
}

static bool partitions_take_over(struct worker *worker, struct positions given, struct error *error)
{
	for (size_t i = 0; i < given.count; i++)
		assert(given.items[i].topic < worker->route_count); /* topics that are read have a number in the setup */
	if (!lanes_add(&worker->lanes, given, error))
		return false;
	struct position *positions = memory_resize(worker->positions, worker->lanes.count + 1, sizeof(struct position));
	if (!positions)
		return error_memory(error, ERROR_SYSTEM, "taking over partitions");
	worker->positions = positions;
	order_lanes(worker);
	if (!partition_states_give(worker, error))
		return false;
	revoked_progress_tell(&worker->answered, &worker->lanes, given);
	if (!consumer_accept(worker->consumer, error))
		return false;
	atomic_store(&worker->has_partitions, true);
	return intake_pause_again(worker, error) && partition_states_pause(worker, error);
}

bool follow_is_handing_over(const struct worker *worker)
{
	return worker->handover_until_ms > loop_now_ms(worker->loop) && !lanes_are_empty(&worker->lanes);
}

static bool begin_handover(struct worker *worker, struct positions taken, enum assignment_change change, struct error *error)
{
	intake_drop(worker, taken);
	atomic_store(&worker->has_partitions, false);
	worker->handover_until_ms = loop_now_ms(worker->loop) + (change == ASSIGNMENT_TAKEN ? HANDOVER_MS : 0);
	return loop_timer_set(worker->loop, &worker->handover_timer, worker->handover_until_ms, error);
}

static bool partitions_hand_over(struct worker *worker, struct positions taken, enum assignment_change change, struct error *error)
{
	if (worker->handover_until_ms == 0 && !begin_handover(worker, taken, change, error))
		return false;
	if (follow_is_handing_over(worker) || (worker->outbox.half_left > 0 && !worker->spoilt))
		return true;
	if (worker->dirty || worker->spoilt)
		return release_end(worker, error);
	if (!worker->config->transaction.id)
		revoked_progress_note(&worker->answered, &worker->lanes, taken);
	lanes_remove(&worker->lanes, taken);
	stages_count_in_flight(worker);
	partition_states_sweep(worker);
	worker->handover_until_ms = 0;
	loop_timer_stop(worker->loop, &worker->handover_timer);
	return consumer_accept(worker->consumer, error);
}

/* Accepts a change of the assignment. Assigned partitions are read once the producer is ready, because only then the
 * transaction that a predecessor left open is decided. Revoked partitions are given up when their released results
 * are committed. Messages that are still in flight a moment later are processed again by the next owner. */
bool follow_assignment(struct worker *worker, struct error *error)
{
	struct positions changed;
	enum assignment_change change = consumer_change(worker->consumer, &changed);
	if (change == ASSIGNMENT_SAME || !output_may_end(worker->outbox.output))
		return true;
	return change == ASSIGNMENT_GIVEN ? partitions_take_over(worker, changed, error)
					  : partitions_hand_over(worker, changed, change, error);
}

/* ---- stages ---- */

static bool open_new(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	worker->stage_count = setup->stage_count;
	for (size_t i = 0; i < setup->stage_count; i++) {
		if (stage_phase_has(worker, &setup->stages[i]))
			continue;
		const struct stage_config *config = &setup->stages[i];
		bool announces = worker->registry && config->answers != TOPIC_NOWHERE;
		if (announces && !registry_announce(worker->registry, setup->writes.names[config->answers], error))
			return false;
		struct worker_stage *stage = stage_open(worker, config, error);
		if (!stage)
			return false;
		stage->next = worker->stages;
		worker->stages = stage;
	}
	return true;
}

static bool draw_routes(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	struct worker_stage **routes = memory_take(setup->reads.count + 1, sizeof(struct worker_stage *));
	if (!routes)
		return error_memory(error, ERROR_SYSTEM, "opening stages");
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		for (size_t i = 0; i < stage->config->topic_count && stage->phase == STAGE_ACTIVE; i++) {
			assert(stage->config->topics[i] < setup->reads.count);
			routes[stage->config->topics[i]] = stage;
		}
	/* A topic that no stage of the new setup reads is read to its end. */
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		for (size_t i = 0; stage->phase == STAGE_DRAINING && i < stage->config->topic_count; i++)
			if (!routes[stage->config->topics[i]])
				routes[stage->config->topics[i]] = stage;
	memory_give(worker->routes);
	worker->routes = routes;
	worker->route_count = setup->reads.count;
	return true;
}

static bool follow_stages(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	stage_phase_begin(worker, setup);
	if (!open_new(worker, setup, error) || !draw_routes(worker, setup, error))
		return false;
	intake_pass_on(worker);
	order_lanes(worker);
	worker->setup = worker->outbox.setup = setup;
	direct_intake_follow(worker);
	atomic_store(&worker->followed, setup);
	return true;
}

/* ---- topics ---- */

static bool follow_taps(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	struct outbox *outbox = &worker->outbox;
	if (setup->taps.count == 0)
		return true;
	const struct best_effort_config config = {.brokers = worker->config->transaction.brokers,
					   .queue_bytes = worker->config->limits.tap_bytes,
					   .batches = worker->config->transaction.batches,
					   .properties = worker->config->transaction.properties};
	const struct worker_ground *ground = worker->config->ground ? worker->config->ground : &worker_ground_usual;
	if (!outbox->side && !(outbox->side = ground->best_effort_open(ground->context, &config, error)))
		return false;
	return best_effort_topics(outbox->side, setup->taps.names, setup->taps.count, error);
}

static bool follow_reads(struct worker *worker, const struct worker_setup *setup, struct worker_stage *const *before,
			 size_t before_count, struct error *error)
{
	bool *read = memory_take(setup->reads.count + 1, sizeof(bool));
	if (!read)
		return error_memory(error, ERROR_SYSTEM, "changing the topics that are read");
	bool changed = false;
	for (size_t i = 0; i < setup->reads.count; i++) {
		read[i] = worker->routes[i] != NULL;
		changed = changed || read[i] != (i < before_count && before[i] != NULL);
	}
	const struct consumer_topics topics = {setup->reads.names, setup->reads.count, read};
	if (changed)
		atomic_store(&worker->has_partitions, false);
	bool good = !changed || consumer_follow(worker->consumer, &topics, error);
	memory_give(read);
	return good;
}

/* ---- setups ---- */

bool follow_first(struct worker *worker, struct error *error)
{
	const struct worker_setup *setup = &worker->config->setup;
	return follow_taps(worker, setup, error) && follow_stages(worker, setup, error);
}

/* Applies a new setup: topics may lead to other stages, and some may not be read any more. */
static bool lead_anew(struct worker *worker, struct error *error)
{
	struct worker_stage **before = worker->routes;
	size_t before_count = worker->route_count;
	worker->routes = NULL; /* draw_routes() makes new ones */
	bool good = draw_routes(worker, worker->setup, error) && follow_reads(worker, worker->setup, before, before_count, error);
	memory_give(before);
	return good;
}

/* Reads a topic again that no stage has read for a while and whose partitions this worker still has: its skipped
 * records are read again. If state must be restored first, the topic is read after that. */
static bool read_what_was_left(struct worker *worker, struct error *error)
{
	for (size_t i = 0; i < worker->lanes.count; i++) {
		struct lane *lane = worker->lanes.items[i];
		const struct worker_stage *stage = stage_reading(worker, lane->topic);
		struct position position = {lane->topic, lane->partition, lane->skipped};
		if (!stage || lane->skipped == OFFSET_NONE || !partition_state_is_ready(lane, stage) || lane->partition_state)
			continue;
		lane->skipped = OFFSET_NONE;
		worker->more = true;
		if (!consumer_seek(worker->consumer, (struct positions){1, &position}, error))
			return false;
	}
	return true;
}

static bool follow_next(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	struct worker_stage **before = worker->routes;
	size_t before_count = worker->route_count;
	worker->routes = NULL; /* draw_routes() makes new ones */
	bool good = follow_taps(worker, setup, error) &&
		    output_topics(worker->outbox.output, setup->writes.names, setup->writes.count, error) &&
		    follow_stages(worker, setup, error) && read_what_was_left(worker, error) &&
		    follow_reads(worker, setup, before, before_count, error);
	memory_give(before);
	return good;
}

bool follow_setup(struct worker *worker, struct error *error)
{
	struct positions changed;
	if (worker->replaced_count > 0)
		stage_phase_close(worker);
	bool wanted = atomic_load_explicit(&worker->wanted, memory_order_relaxed) != NULL;
	if ((!wanted && worker->replaced_count == 0) || worker->drain_until_ms > 0 ||
	    consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME || consumer_is_checking(worker->consumer) ||
	    !output_may_end(worker->outbox.output))
		return true;
	if (stage_phase_advance(worker) && !lead_anew(worker, error))
		return false;
	const struct worker_setup *setup = atomic_exchange(&worker->wanted, NULL);
	return !setup || follow_next(worker, setup, error);
}
