/* flow_owner.c: Calls of the steps of a flow, of a stage or of a subpipeline: to models and to subpipelines. */
#include <string.h>

#include "base/hash.h"
#include "engine/worker/parts.h"

/* ---- taps of models ---- */

#define WHOLE_PERCENT 100

/* Whether the calls of a message to a model are written to the taps. All of them are or none, which its origin
 * decides. */
static bool call_is_tapped(const struct message *message, uint64_t percent)
{
	const struct origin *origin = &message->origin;
	return hash_bytes(&origin->offset, sizeof origin->offset, (uint64_t)(uint32_t)origin->partition) % WHOLE_PERCENT < percent;
}

void model_taps_write(struct worker_stage *stage, const struct call *call, const struct payload *payload, bool outputs)
{
	const size_t count = call->target == CALL_MODEL && !call->uncached ? stage->config->model_count : 0;
	for (size_t i = 0; i < count; i++) {
		const struct model_taps *taps = &stage->config->models[i];
		if (strcmp(taps->model, call->name) == 0 && call_is_tapped(call->message, taps->percent))
			outbox_tap(&stage->worker->outbox, stage, NULL, call->message,
				   outputs ? taps->topics.outputs : taps->topics.inputs, payload);
	}
}

/* ---- calls of the flow ---- */

void flow_owner_call(void *context, struct call *call)
{
	struct flow_owner *flow_owner = context;
	struct worker_stage *stage = flow_owner->stage;
	call->asker = flow_owner;
	if (subpipeline_call(flow_owner, call))
		return;
	model_taps_write(stage, call, call->request, false);
	if (!caller_call(stage->shared->caller, call, &call->error))
		returned_calls_add(stage->worker, call);
}

void flow_owner_forget(void *context, struct call *call)
{
	struct worker_stage *stage = ((struct flow_owner *)context)->stage;
	struct worker *worker = stage->worker;
	subpipeline_forget(worker, call);
	returned_calls_forget(worker, call);
	caller_forget(stage->shared->caller, call);
}

int64_t flow_owner_waited_ms(void *context, const struct call *call)
{
	const struct worker_stage *stage = ((struct flow_owner *)context)->stage;
	int64_t waited_ms;
	return subpipeline_waited(call, &waited_ms) ? waited_ms : caller_waited_ms(stage->shared->caller, call);
}

enum standing flow_owner_standing(void *context, const struct call *call)
{
	const struct worker_stage *stage = ((struct flow_owner *)context)->stage;
	enum standing standing;
	return subpipeline_standing(call, &standing) ? standing : caller_standing(stage->shared->caller, call);
}

int64_t flow_owner_outage_ms(void *context, const struct call *call)
{
	const struct worker_stage *stage = ((struct flow_owner *)context)->stage;
	int64_t outage_ms;
	if (subpipeline_outage(call, &outage_ms))
		return outage_ms;
	return call->target == CALL_PIPELINE ? subpipeline_needed_outage(stage, call->name)
					     : caller_outage_ms(stage->shared->caller, call);
}
