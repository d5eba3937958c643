/* assignment_changes.c: Changes of a worker's partitions, which the group assigns and revokes. Called between messages, while no
 * end of the output is in progress. See parts.h. */
#include <assert.h>

#include "base/memory.h"
#include "engine/worker/parts.h"

#define HANDOVER_MS 1000 /* for in-flight messages of revoked partitions: the group waits as long */

void assignment_order_lanes(struct worker *worker)
{
	for (size_t i = 0; i < worker->queues.count; i++) {
		struct partition_queue *queue = worker->queues.items[i];
		const struct worker_stage *stage = stage_reading(worker, queue->topic);
		partition_queue_order(queue, stage && stage->config->by_key && !worker->config->transaction.id);
	}
}

static bool partitions_take_over(struct worker *worker, struct positions given, struct error *error)
{
	for (size_t i = 0; i < given.count; i++)
		assert(given.items[i].topic < worker->route_count); /* topics that are read have a number in the setup */
	if (!partition_queues_add(&worker->queues, given, error))
		return false;
	struct position *positions = memory_resize(worker->positions, worker->queues.count + 1, sizeof(struct position));
	if (!positions)
		return error_memory(error, ERROR_SYSTEM, "taking over partitions");
	worker->positions = positions;
	assignment_order_lanes(worker);
	if (!partition_states_give(worker, error))
		return false;
	revoked_progress_tell(&worker->answered, &worker->queues, given);
	if (!consumer_accept(worker->consumer, error))
		return false;
	atomic_store(&worker->has_partitions, true);
	return intake_pause_again(worker, error) && partition_states_pause(worker, error);
}

bool assignment_is_handing_over(const struct worker *worker)
{
	return worker->handover_until_ms > loop_now_ms(worker->loop) && !partition_queues_are_empty(&worker->queues);
}

static bool begin_handover(struct worker *worker, struct positions taken, struct error *error)
{
	waiting_records_drop(worker, taken);
	atomic_store(&worker->has_partitions, false);
	worker->handover_until_ms = loop_now_ms(worker->loop) + HANDOVER_MS;
	worker->dropped_ms = worker->handover_until_ms;
	return loop_timer_set(worker->loop, &worker->handover_timer, worker->handover_until_ms, error);
}

static bool partitions_hand_over(struct worker *worker, struct positions taken, enum assignment_change change, struct error *error)
{
	if (worker->handover_until_ms == 0 && !begin_handover(worker, taken, error))
		return false;
	if (change == ASSIGNMENT_LOST) /* perhaps since they were revoked */
		worker->handover_until_ms = loop_now_ms(worker->loop);
	if (assignment_is_handing_over(worker) || (worker->outbox.half_left > 0 && !worker->spoilt))
		return true;
	if (worker->dirty || worker->spoilt)
		return commits_begin(worker, error);
	if (!worker->config->transaction.id)
		revoked_progress_note(&worker->answered, &worker->queues, taken);
	partition_queues_remove(&worker->queues, taken);
	partition_states_sweep(worker);
	stages_abandon_dropped(worker);
	stages_count_in_flight(worker);
	worker->handover_until_ms = 0;
	loop_timer_stop(worker->loop, &worker->handover_timer);
	return consumer_accept(worker->consumer, error);
}

/* Accepts a change of the assignment. Assigned partitions are read once the producer is ready, because only then the
 * transaction that a predecessor left open is decided. Revoked partitions are given up when their released results
 * are committed. Messages that are still in flight a moment later are processed again by the next owner. */
bool assignment_follow(struct worker *worker, struct error *error)
{
	struct positions changed;
	enum assignment_change change = consumer_change(worker->consumer, &changed);
	if (change == ASSIGNMENT_SAME || !output_may_end(worker->outbox.output))
		return true;
	return change == ASSIGNMENT_GIVEN ? partitions_take_over(worker, changed, error)
					  : partitions_hand_over(worker, changed, change, error);
}
