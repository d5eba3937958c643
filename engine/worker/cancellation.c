/* cancellation.c: see cancellation.h. */
#include "worker/cancellation.h"

#include "observe/cancel_board.h"
#include "worker/parts.h"

bool cancellation_refuses(const struct flight *flight, struct error *error)
{
	const struct worker_stage *stage = flight->stage;
	if (!cancel_board_has(stage->worker->config->cancels, flight->message.headers, text_of(stage->config->graph->name)))
		return false;
	error_set_limit(error, LIMIT_OF_CANCEL,
			"the request was cancelled by its caller before this stage of the pipeline began it; send it again if an "
			"answer is wanted");
	return true;
}
