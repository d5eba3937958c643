/* cancellation.c: see cancellation.h. */
#include "engine/worker/cancellation.h"

#include "observe/cancel_board.h"
#include "engine/worker/parts.h"

static bool inflight_is_cancelled(const struct inflight *inflight)
{
	const struct worker_stage *stage = inflight->stage;
	if (inflight->direct)
		return direct_port_has_lost_caller(stage->worker->direct.port, inflight->direct);
	return inflight->message.headers.count > 0 &&
	       cancel_board_has(stage->worker->config->cancels, inflight->message.headers, text_of(stage->config->graph->name));
}

bool cancellation_refuses(const struct inflight *inflight, struct error *error)
{
	if (!inflight_is_cancelled(inflight))
		return false;
	count_add(&inflight->stage->worker->counts.cancelled, 1);
	error_set_limit(error, LIMIT_OF_CANCEL,
			"the request was cancelled by its caller before this stage of the pipeline began it; send it again if an "
			"answer is wanted");
	return true;
}

/* In-flight messages leave later in the turn, so the queue is as it was. */
static void partition_queue_cancel(struct worker *worker, const struct partition_queue *queue)
{
	for (uint64_t place = queue->front; place < queue->back; place++) {
		const struct inflight *inflight = queue->ring[place & (queue->capacity - 1)].inflight;
		if (inflight && !inflight->finished && graph_decides(inflight->stage->config->graph) &&
		    inflight_is_cancelled(inflight) &&
		    flow_cancel(inflight->stage->flow, &inflight->message, loop_now_ms(worker->loop)))
			count_add(&worker->counts.cancelled, 1);
	}
}

/* Those past Kafka, whose callers have left. */
static void direct_apply(struct worker *worker)
{
	struct direct_intake *direct = &worker->direct;
	const uint64_t lost = direct->port ? direct_port_lost_callers(direct->port) : 0;
	if (lost == direct->lost_callers)
		return;
	direct->lost_callers = lost;
	partition_queue_cancel(worker, direct->queue);
}

void cancellations_apply(struct worker *worker)
{
	direct_apply(worker);
	const uint64_t added = cancel_board_added(worker->config->cancels);
	if (added == worker->cancellations_seen)
		return;
	worker->cancellations_seen = added;
	for (size_t i = 0; i < worker->queues.count; i++)
		partition_queue_cancel(worker, worker->queues.items[i]);
}
