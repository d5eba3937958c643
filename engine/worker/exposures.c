/* exposures.c: see exposures.h. */
#include "worker/exposures.h"

#include <math.h>

#include "message/answer_label.h"
#include "message/exposure.h"
#include "worker/parts.h"

static enum produce_verdict exposure_produce(const struct exposure_outlet *outlet, const struct inflight *inflight,
					     const struct assigned *assigned, const struct exposure_outcome *outcome,
					     struct error *error)
{
	buffer_clear(outlet->value);
	if (!exposure_encode(&inflight->message, assigned, outcome, outlet->value, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = inflight->stage->config->exposures,
		.origin = outlet->origin,
		.key = inflight->message.id,
		.value = buffer_view(outlet->value),
	};
	return output_produce(outlet->output, &outgoing, error);
}

enum produce_verdict exposures_leave(const struct exposure_outlet *outlet, struct inflight *inflight, const struct answer *answer,
				     struct error *error)
{
	const struct assigned *assigned = inflight->exposed ? inflight->exposed->next : inflight->message.assigned;
	const struct payload *payload = inflight->outcome == FLOW_ANSWER && !answer->error ? answer->payload : NULL;
	char room[LABEL_ROOM];
	struct exposure_outcome outcome = {.latency_ms = (double)NAN};
	if (answer->error && (inflight->outcome == FLOW_ANSWER || inflight->outcome == FLOW_NO_ANSWER))
		outcome.error = text_of(error_kind_name(answer->error->kind));
	if (assigned && payload) {
		outcome.prediction = answer_label(&payload->tensors, room);
		outcome.latency_ms = (double)inflight_took_ms(inflight, outlet->loop);
	}
	for (; assigned; assigned = assigned->next) {
		const enum produce_verdict verdict =
			assigned->exposed ? exposure_produce(outlet, inflight, assigned, &outcome, error) : PRODUCED;
		if (verdict != PRODUCED)
			return verdict;
		inflight->exposed = assigned;
	}
	return PRODUCED;
}
