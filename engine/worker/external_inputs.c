/* external_inputs.c: see external_inputs.h. */
#include "worker/external_inputs.h"

#include "message/answer_decode.h"
#include "message/carried.h"
#include "message/reply.h"

const struct stage_point *external_input_point_of(const struct flight *flight)
{
	const struct stage_config *config = flight->stage->config;
	for (size_t i = 0; config->points && i < config->topic_count; i++)
		if (config->topics[i] == flight->record.topic)
			return config->points[i].point == POINT_OWN ? NULL : &config->points[i];
	return NULL;
}

/* ---- records of other pipelines ---- */

static bool request_take(struct flight *flight, const struct stage_point *point, struct error *error)
{
	const struct schema_source *schemas = flight->stage->schemas;
	if (point->mapping)
		return mapped_decode(&flight->message, point->mapping, flight->record.value, schemas, error);
	return message_decode(&flight->message, flight->record.value, schemas, error);
}

/* A pipeline that failed has no output; that settles its part. */
static bool answer_take(struct flight *flight, struct error *error)
{
	struct message *message = &flight->message;
	struct decoded_answer answer;
	if (!answer_decode(message->headers, flight->record.value, flight->stage->schemas, message->arena, &answer, error))
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

bool external_input_take(struct flight *flight, const struct stage_point *point, struct error *error)
{
	struct message *message = &flight->message;
	const struct external_input_point *its = &flight->stage->config->external_input->points[point->point];
	bool requests = its->point == SOURCE_REQUEST;
	bool decoded = record_headers(&flight->record, message->arena, &message->headers, error);
	const bool is_end_only = decoded && !requests && reply_is_end_only(flight->record.value, message->headers);
	if (decoded && !flight->record.value.bytes && !is_end_only)
		decoded = error_set(error, ERROR_INPUT, PLACE_NONE,
				    "the record has no value (a tombstone), and results of a pipeline have one");
	decoded = decoded && (is_end_only || (requests ? request_take(flight, point, error) : answer_take(flight, error)));
	if (!message->format)
		message->format = &format_oip_json;
	const struct header *id = headers_find(message->headers, TEXT("x-request-id"));
	if (id)
		message->id = id->value;
	message_identify(message);
	message->deadline_ms = 0; /* the deadline belongs to the caller of the other pipeline */
	message->wanted = (struct tensors_wanted){0};
	flight->from = its->name;
	return decoded;
}

/* ---- entering, or waiting for a join ---- */

/* Enters the record of the only point that is read. False: it is not enough. */
static bool enters(struct flight *flight)
{
	const struct external_input *external_input = flight->stage->config->external_input;
	struct message *message = &flight->message;
	unsigned char *told = ARENA_ARRAY(message->arena, unsigned char, external_input->count);
	const struct payload **came = ARENA_ARRAY(message->arena, const struct payload *, external_input->count);
	if (!told || !came)
		return true; /* the flow fails too, because memory ran out */
	(void)external_input_tell(external_input, 0, &message->payload, told);
	if (!external_input_opens(external_input, told))
		return false;
	for (size_t i = 0; i < external_input->count; i++)
		came[i] = told[i] == TOLD_CAME ? &message->payload : NULL;
	const struct payload *joined = external_input_join(external_input, came, message->arena);
	if (joined)
		message->payload = *joined;
	return true;
}

bool external_input_passes(struct worker *worker, struct flight *flight)
{
	const struct graph_part *part = flight->stage->config->graph->part;
	const struct answer nothing = {0};
	if (!flight->record.value.bytes) { /* the other pipeline has no answer to that request */
		flight_finish(&worker->lanes, &flight->message, FLOW_DROPPED, &nothing);
		return true;
	}
	bool relayed = part && flight->stage->config->external_input->point_count > 1;
	if (relayed) {
		static const struct text no_key;
		struct carried *carried = ARENA_NEW(flight->message.arena, struct carried);
		if (!carried)
			return false; /* the flow fails too, because memory ran out */
		*carried = (struct carried){.next = 1, .keys = &no_key};
		flight->message.carried = carried;
		flight_finish(&worker->lanes, &flight->message, FLOW_PASSED, &nothing);
		return true;
	}
	if (enters(flight)) {
		flight->from = NULL;
		return false;
	}
	flight_finish(&worker->lanes, &flight->message, FLOW_DROPPED, &nothing);
	return true;
}
