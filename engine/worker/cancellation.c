/* cancellation.c: see cancellation.h. */
#include "worker/cancellation.h"

#include "observe/cancel_board.h"
#include "worker/parts.h"

static bool flight_is_cancelled(const struct flight *flight)
{
	const struct worker_stage *stage = flight->stage;
	if (flight->direct)
		return direct_port_has_lost_caller(stage->worker->direct.port, flight->direct);
	return cancel_board_has(stage->worker->config->cancels, flight->message.headers, text_of(stage->config->graph->name));
}

bool cancellation_refuses(const struct flight *flight, struct error *error)
{
	if (!flight_is_cancelled(flight))
		return false;
	count_add(&flight->stage->worker->counts.cancelled, 1);
	error_set_limit(error, LIMIT_OF_CANCEL,
			"the request was cancelled by its caller before this stage of the pipeline began it; send it again if an "
			"answer is wanted");
	return true;
}

/* Flights leave later in the turn, so the lane is as it was. */
static void lane_cancel(struct worker *worker, const struct lane *lane)
{
	for (uint64_t place = lane->front; place < lane->back; place++) {
		const struct flight *flight = lane->ring[place & (lane->capacity - 1)].flight;
		if (flight && !flight->finished && graph_decides(flight->stage->config->graph) && flight_is_cancelled(flight) &&
		    flow_cancel(flight->stage->flow, &flight->message, loop_now_ms(worker->loop)))
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
	lane_cancel(worker, direct->lane);
}

void cancellations_apply(struct worker *worker)
{
	direct_apply(worker);
	const uint64_t added = cancel_board_added(worker->config->cancels);
	if (added == worker->cancellations_seen)
		return;
	worker->cancellations_seen = added;
	for (size_t i = 0; i < worker->lanes.count; i++)
		lane_cancel(worker, worker->lanes.items[i]);
}
