/* exposures.c: see exposures.h. */
#include "engine/outputs/exposures.h"

#include <math.h>

#include "message/records/answer_label.h"
#include "engine/outputs/choice_links.h"
#include "engine/worker/parts.h"

static enum produce_verdict exposure_produce(const struct exposure_outlet *outlet, const struct inflight *inflight,
					     const struct assigned *assigned, const struct exposure_outcome *outcome,
					     const struct headers *judged, struct error *error)
{
	buffer_clear(outlet->value);
	if (!exposure_encode(&inflight->message, assigned, outcome, outlet->value, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = inflight->stage->config->exposures,
		.origin = outlet->origin,
		.key = inflight->message.id,
		.value = buffer_view(outlet->value),
		.headers = *judged,
	};
	return output_produce(outlet->output, &outgoing, error);
}

/* What the exposures of a message say of its answer. `room` is for the prediction. */
static struct exposure_outcome outcome_of(const struct inflight *inflight, const struct answer *answer, char room[LABEL_ROOM])
{
	const struct payload *payload = inflight->outcome == FLOW_ANSWER && !answer->error ? answer->payload : NULL;
	struct exposure_outcome outcome = {.latency_ms = (double)NAN};
	if (answer->error && (inflight->outcome == FLOW_ANSWER || inflight->outcome == FLOW_NO_ANSWER))
		outcome.error = text_of(error_kind_name(answer->error->kind));
	if (payload) {
		outcome.prediction = answer_label(&payload->tensors, room);
		outcome.latency_ms = (double)inflight_took_ms(inflight);
	}
	return outcome;
}

bool exposure_is_written(const struct inflight *inflight, const struct assigned *assigned)
{
	const struct graph_part *part = inflight->stage->config->graph->part;
	const bool is_elsewhere = part && !part->answers && inflight->outcome != FLOW_ANSWER;
	return !choice_links_go_on(inflight) && (assigned->exposed || (assigned->carried && is_elsewhere));
}

enum produce_verdict exposures_leave(const struct exposure_outlet *outlet, struct inflight *inflight, const struct answer *answer,
				     struct error *error)
{
	const struct assigned *assigned = inflight->exposed ? inflight->exposed->next : inflight->message.assigned;
	char room[LABEL_ROOM];
	const struct exposure_outcome outcome =
		assigned ? outcome_of(inflight, answer, room) : (struct exposure_outcome){.latency_ms = (double)NAN};
	struct header header;
	struct headers judged = {0, &header};
	if (assigned && inflight->outcome == FLOW_ANSWER)
		judged.count = answer_judged_header(inflight->stage, &inflight->message, answer, inflight_took_ms(inflight),
						    &header);
	for (; assigned; assigned = assigned->next) {
		const enum produce_verdict verdict = exposure_is_written(inflight, assigned)
							     ? exposure_produce(outlet, inflight, assigned, &outcome, &judged,
										error)
							     : PRODUCED;
		if (verdict != PRODUCED)
			return verdict;
		inflight->exposed = assigned;
	}
	return PRODUCED;
}

bool exposures_pending(const struct inflight *inflight)
{
	const struct assigned *assigned = inflight->message.assigned;
	while (assigned && !assigned->carried)
		assigned = assigned->next;
	return assigned;
}

size_t exposures_carry(struct buffer *records, const struct inflight *inflight, const struct answer *answer,
		       const struct format *format, struct header headers[ASSIGNED_MAX])
{
	char room[LABEL_ROOM];
	size_t count = 0, from = 0;
	if (format == &format_avro || !exposures_pending(inflight))
		return 0;
	const struct exposure_outcome outcome = outcome_of(inflight, answer, room);
	buffer_clear(records);
	for (const struct assigned *one = inflight->message.assigned; one && count < ASSIGNED_MAX; one = one->next) {
		struct error wrong = {0};
		if (!one->carried || !exposure_encode(&inflight->message, one, &outcome, records, &wrong))
			continue;
		if (records->length > EXPOSURES_CARRIED_BYTES_MAX) {
			records->length = from;
			continue;
		}
		headers[count++] = (struct header){TEXT(EXPOSURE_HEADER), {NULL, records->length - from}};
		from = records->length;
	}
	const char *bytes = records->bytes; /* which does not move any more */
	for (size_t i = 0; i < count; bytes += headers[i++].value.length)
		headers[i].value.bytes = bytes;
	return count;
}

void exposures_mark(const struct inflight *inflight, struct text key)
{
	const int64_t took_ms = inflight_took_ms(inflight);
	for (struct assigned *one = inflight->message.assigned; one; one = one->next) {
		one->in_answer = one->carried && text_equal(one->unit, key);
		one->took_ms = took_ms;
	}
}

void exposures_unmark(const struct inflight *inflight, const struct format *format, bool is_produced)
{
	for (struct assigned *one = inflight->message.assigned; one; one = one->next) {
		if (is_produced && (one->in_answer || format != &format_avro))
			one->carried = false;
		one->in_answer = false;
	}
}
