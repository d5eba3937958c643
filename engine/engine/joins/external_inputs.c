/* external_inputs.c: see external_inputs.h. */
#include "engine/joins/external_inputs.h"

#include <assert.h>

#include "message/formats/answer_decode.h"
#include "message/records/carried.h"
#include "message/records/reply.h"
#include "message/records/trace_context.h"

const struct stage_point *external_input_point_at(const struct stage_config *config, uint32_t topic)
{
	for (size_t i = 0; config->points && i < config->topic_count; i++)
		if (config->topics[i] == topic)
			return config->points[i].point == POINT_OWN ? NULL : &config->points[i];
	return NULL;
}

const struct stage_point *external_input_point_of(const struct inflight *inflight)
{
	return external_input_point_at(inflight->stage->config, inflight->record.topic);
}

/* ---- records of other pipelines ---- */

static bool request_take(struct inflight *inflight, const struct stage_point *point, struct error *error)
{
	const struct schema_source *schemas = inflight->stage->schemas;
	if (point->mapping)
		return mapped_decode(&inflight->message, point->mapping, inflight->record.value, schemas, error);
	return message_decode(&inflight->message, inflight->record.value, schemas, error);
}

/* A pipeline that failed has no output; that settles its part. */
static bool answer_take(struct inflight *inflight, struct error *error)
{
	struct message *message = &inflight->message;
	struct decoded_answer answer;
	if (!answer_decode(message->headers, inflight->record.value, inflight->stage->schemas, message->arena, &answer, error))
		return false;
	if (!answer.readable && !answer.failed)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record is not an answer in a known format; let only pipelines write to their outputs");
	message->format = answer.format;
	message->payload_id = answer.id;
	message->payload = answer.payload;
	message->payload.model_name = (struct text){0};
	message->payload.model_version = NULL;
	return true;
}

bool external_input_take(struct inflight *inflight, const struct stage_point *point, struct error *error)
{
	assert(point->point < inflight->stage->config->external_input->point_count);
	struct message *message = &inflight->message;
	const struct external_input_point *its = &inflight->stage->config->external_input->points[point->point];
	bool requests = its->point == SOURCE_REQUEST;
	bool decoded = record_headers(&inflight->record, message->arena, &message->headers, error);
	if (decoded)
		message_adopt_b3(message);
	const bool is_end_only = decoded && !requests && reply_is_end_only(inflight->record.value, message->headers);
	if (decoded && !inflight->record.value.bytes && !is_end_only)
		decoded = error_set(error, ERROR_INPUT, PLACE_NONE,
				    "the record has no value (a tombstone), and results of a pipeline have one");
	decoded = decoded && (is_end_only || (requests ? request_take(inflight, point, error) : answer_take(inflight, error)));
	if (!message->format)
		message->format = &format_oip_json;
	const struct header *id = message_header(message, HEADER_REQUEST_ID);
	if (id)
		message->id = id->value;
	message_identify(message);
	message->deadline_ms = 0; /* the deadline belongs to the caller of the other pipeline */
	message->wanted = (struct tensors_wanted){0};
	inflight->from = its->name;
	return decoded;
}

/* ---- entering, or waiting for a join ---- */

/* Enters the record of the only point that is read. False: it is not enough. */
static bool enters(struct inflight *inflight)
{
	const struct external_input *external_input = inflight->stage->config->external_input;
	struct message *message = &inflight->message;
	unsigned char *states = ARENA_ARRAY(message->arena, unsigned char, external_input->count);
	const struct payload **came = ARENA_ARRAY(message->arena, const struct payload *, external_input->count);
	if (!states || !came)
		return true; /* the flow fails too, because memory ran out */
	(void)external_input_tell(external_input, 0, &message->payload, states);
	if (!external_input_opens(external_input, states))
		return false;
	for (size_t i = 0; i < external_input->count; i++)
		came[i] = states[i] == SOURCE_CAME ? &message->payload : NULL;
	const struct payload *joined = external_input_join(external_input, came, message->arena);
	if (joined)
		message->payload = *joined;
	return true;
}

bool external_input_passes(struct worker *worker, struct inflight *inflight)
{
	const struct graph_part *part = inflight->stage->config->graph->part;
	const struct answer nothing = {0};
	if (!inflight->record.value.bytes) { /* the other pipeline has no answer to that request */
		inflight_finish(&worker->queues, &inflight->message, FLOW_DROPPED, &nothing);
		return true;
	}
	bool relayed = part && inflight->stage->config->external_input->point_count > 1;
	if (relayed) {
		static const struct text no_key;
		struct carried *carried = ARENA_NEW(inflight->message.arena, struct carried);
		if (!carried)
			return false; /* the flow fails too, because memory ran out */
		*carried = (struct carried){.next = 1, .keys = &no_key};
		inflight->message.carried = carried;
		inflight_finish(&worker->queues, &inflight->message, FLOW_PASSED, &nothing);
		return true;
	}
	if (enters(inflight)) {
		inflight->from = NULL;
		return false;
	}
	inflight_finish(&worker->queues, &inflight->message, FLOW_DROPPED, &nothing);
	return true;
}
