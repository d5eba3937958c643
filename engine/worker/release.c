/* release.c: Release of finished messages in their order: their outputs are produced, and their state is written. */
#include "worker/admission.h"
#include "worker/parts.h"

#define LEAVING_IN_ROW 32 /* messages by one reading of the clock: some 40 microseconds */

static void release_in_row(struct worker *worker)
{
	struct inflight *inflight;
	while ((inflight = partition_queues_first_leaving(&worker->queues))) {
		if (worker->spoilt || worker->full || worker->partition_states.telling || !output_is_open(worker->outbox.output))
			return;
		enum produce_verdict verdict = outbox_put(&worker->outbox, inflight);
		if (verdict == PRODUCE_FULL)
			produce_retry_soon(worker);
		worker->spoilt = verdict == PRODUCE_SPOILT;
		if (verdict != PRODUCED || !partition_state_release(worker, inflight, &worker->failure))
			return;
		const struct partition_queue *queue = inflight->queue;
		if (inflight->direct) {
			direct_message_leaves(inflight->direct);
			worker->direct.in_flight--;
		}
		if (inflight->skipped) {
			count_set(&inflight->stage->counts->sums.in_flight, inflight->stage->load.in_flight - 1);
		} else {
			inflight_count_out(inflight);
			admission_observe(inflight, worker->loop);
		}
		partition_queues_leave(&worker->queues);
		if (++worker->leaving.count % LEAVING_IN_ROW == 0)
			worker->leaving.ms = 0;
		count_add(&worker->counts.released, 1);
		if (!worker->dirty && (partition_queue_has_released(queue) || direct_port_has_left(worker->direct.port)))
			commit_interval_begin(worker);
		if (worker->dirty && worker->commits_quietly && output_has_records(worker->outbox.output))
			commit_interval_begin(worker);
	}
}

void release_finished(struct worker *worker)
{
	worker->leaving.in_row = true;
	release_in_row(worker);
	worker->leaving = (struct leaving_clock){0};
}
