/* release.c: Release of finished messages in their order: their outputs are produced, and their state is written. */
#include "base/number/duration.h"
#include "engine/worker/admission.h"
#include "engine/worker/parts.h"
#include "engine/outputs/stage_links.h"

#define RELEASES_BY_CLOCK 32 /* messages by one reading of the clock: some 40 microseconds */

/* Lets what messages that left before hold for observers leave, behind this one. What the output does not accept now leaves before
 * the next record to an observer, or before the commit. */
static void held_links_follow(struct worker *worker, struct partition_queue *queue)
{
	struct error error = {0};
	const enum produce_verdict verdict = stage_links_leave_held(worker, queue, &error);
	if (verdict == PRODUCE_FULL)
		produce_retry_soon(worker);
	worker->spoilt = verdict == PRODUCE_SPOILT;
}

/* False: the message could not leave. */
static bool inflight_release(struct worker *worker, struct inflight *inflight)
{
	enum produce_verdict verdict = outbox_put(&worker->outbox, inflight);
	if (verdict == PRODUCE_FULL)
		produce_retry_soon(worker);
	worker->direct.is_full = verdict == PRODUCE_FULL;
	worker->spoilt = verdict == PRODUCE_SPOILT;
	if (verdict != PRODUCED || !partition_state_release(worker, inflight, &worker->failure))
		return false;
	struct partition_queue *queue = inflight->queue;
	if (inflight->direct) {
		direct_message_leaves(inflight->direct);
		worker->direct.in_flight--;
	}
	if (inflight->skipped) {
		stage_count_in_flight(inflight->stage, 1);
	} else {
		inflight_count_out(inflight);
		admission_observe(inflight, worker->leaving_us);
	}
	partition_queues_leave(&worker->queues);
	if (partition_queue_held(queue, false))
		held_links_follow(worker, queue);
	count_add(&worker->counts.released, 1);
	if (!worker->dirty && (partition_queue_has_released(queue) || direct_port_has_left(worker->direct.port)))
		commit_interval_begin(worker);
	if (worker->dirty && worker->commits_quietly && output_has_records(worker->outbox.output))
		commit_interval_begin(worker);
	return true;
}

void release_finished(struct worker *worker)
{
	struct inflight *inflight;
	bool releases = true;
	for (size_t i = 0; releases && worker_may_produce(worker) && (inflight = partition_queues_first_leaving(&worker->queues));
	     i++) {
		if (i % RELEASES_BY_CLOCK == 0) {
			worker->leaving_us = loop_clock_us(worker->loop);
			worker->leaving_ms = worker->leaving_us / US_PER_MS + loop_began_ms(worker->loop);
		}
		releases = inflight_release(worker, inflight);
	}
	worker->leaving_us = worker->leaving_ms = 0;
}
