/* gateway_reply.c: see gateway_reply.h. */
#include "engine/outputs/gateway_reply.h"

#include <assert.h>

#include "message/formats/explained_seldon.h"
#include "engine/outputs/answer_record.h"
#include "engine/worker/parts.h"

/* An error is written in the form in which the gateway answers it, whatever the request's format. */
static void reply_error(struct outbox *outbox, const struct inflight *inflight, const struct answer *answer,
			struct answer_headers *headers)
{
	const struct message *message = &inflight->message;
	const struct header cause = reply_cause(answer->error);
	struct reply_failure failure = {.error = answer->error,
					.step = answer->step ? text_of(answer->step) : (struct text){0},
					.attempts = answer->attempts,
					.id = message->id,
					.origin = message->origin};
	if (inflight->direct) {
		failure.origin = (struct origin){0};
		failure.where = inflight->direct->place;
	}
	buffer_clear(&outbox->encoded);
	reply_error_write(&outbox->encoded, &failure);
	headers->items[0] = (struct header){TEXT(REPLY_ERROR_HEADER), text_of(error_kind_name(answer->error->kind))};
	headers->items[1] = (struct header){TEXT("content-type"), TEXT("application/json")};
	headers->count = 2;
	if (cause.name.bytes)
		headers->items[headers->count++] = cause;
	answer_trace_write(message, headers);
	if (message->assigned)
		answer_headers_assign(message, message->format, headers);
}

/* Writes the copy in the request's format, whatever the format of the outputs topic; its value, which others may overwrite. */
static struct text reply_write(struct outbox *outbox, struct inflight *inflight, struct answer_headers *headers)
{
	struct error error;
	struct outgoing written;
	error.kind = ERROR_NONE;
	const struct answer failed = {.error = &error, .step = NULL};
	const struct format *format = inflight->message.format;
	headers->count = 0;
	if (inflight->outcome == FLOW_DROPPED) {
		buffer_clear(&outbox->encoded);
		headers->items[headers->count++] = (struct header){TEXT(REPLY_OUTCOME_HEADER), TEXT(REPLY_FILTERED)};
	} else if (inflight->answer.error) {
		reply_error(outbox, inflight, &inflight->answer, headers);
	} else if (!answer_record_write(&outbox->encoded, inflight, &inflight->message, format, &inflight->answer, headers,
					&written, &error)) {
		answer_error_limit(&error);
		reply_error(outbox, inflight, &failed, headers);
	} else {
		if (!headers_find((struct headers){headers->count, headers->items}, TEXT("content-type")))
			headers->items[headers->count++] = (struct header){TEXT("content-type"), format->content_types[0]};
		return written.value;
	}
	return buffer_view(&outbox->encoded);
}

/* Whether a step of the pipeline explains in another stage, which then replies. */
static bool explains_elsewhere(const struct stage_config *config)
{
	for (size_t i = 0; i < config->graph->count && !config->explains; i++)
		if (config->graph->steps[i].explained)
			return true;
	return false;
}

static struct text reply_explanation(struct outbox *outbox, const struct inflight *inflight, struct answer_headers *headers)
{
	struct error error = {0};
	const struct answer failed = {.error = &error};
	const struct explained *first = inflight->message.explained;
	const char *pipeline = inflight->stage->config->graph->name;
	headers->count = 0;
	if (!inflight->stage->config->explains)
		error_set(&error, ERROR_INPUT, PLACE_NONE,
			  "pipeline `%s` has no step of kind `explain`; add one that reads the step whose answers are to be "
			  "explained",
			  pipeline);
	else if (!first)
		error_set(&error, ERROR_INPUT, PLACE_NONE,
			  "no step explained this request: the condition `when` of the explaining step of pipeline `%s` does not "
			  "hold, or the step was not reached",
			  pipeline);
	else if (!explained_any(first))
		error = *first->failure;
	buffer_clear(&outbox->encoded);
	if (error.kind == ERROR_NONE && !explained_write_reply(first, &inflight->message, pipeline, &outbox->encoded, &error))
		answer_error_limit(&error);
	if (error.kind != ERROR_NONE)
		reply_error(outbox, inflight, &failed, headers);
	else
		headers->items[headers->count++] = (struct header){TEXT("content-type"), TEXT("application/json")};
	return buffer_view(&outbox->encoded);
}

/* Which reply a stage gives. An error of the path is replied by the stage that answers. */
enum reply_form { REPLY_NOTHING, REPLY_ANSWER, REPLY_EXPLANATION };

static enum reply_form reply_form(const struct inflight *inflight)
{
	const struct stage_config *config = inflight->stage->config;
	const bool answers = inflight->outcome == FLOW_ANSWER || inflight->outcome == FLOW_DROPPED;
	const bool failed = inflight->outcome == FLOW_ANSWER && inflight->answer.error;
	if (!explained_is_awaited(&inflight->message) || (answers && failed))
		return answers ? REPLY_ANSWER : REPLY_NOTHING;
	if (config->explains)
		return REPLY_EXPLANATION;
	return answers && !explains_elsewhere(config) ? REPLY_EXPLANATION : REPLY_NOTHING;
}

/* Ends the record of a reply, whose value and first headers are written. */
static struct outgoing reply_end(const struct inflight *inflight, struct text value, struct answer_headers *headers)
{
	const struct message *message = &inflight->message;
	if (!headers_find((struct headers){headers->count, headers->items}, TEXT(REPLY_ID_HEADER)))
		headers->items[headers->count++] = (struct header){TEXT(REPLY_ID_HEADER), message->id};
	const struct header *asked = message_header(message, HEADER_REPLY);
	assert(asked); /* by which a reply is wanted */
	if (message_header(message, HEADER_SUBMITTED) &&
	    !headers_find((struct headers){headers->count, headers->items}, TEXT(REPLY_ORIGIN_HEADER)))
		headers->items[headers->count++] = origin_header(message, headers->texts.origin);
	headers->items[headers->count++] = *asked;
	return (struct outgoing){.value = value, .headers = {headers->count, headers->items}};
}

/* In place of a reply that the producer would refuse: the caller waits for one. The answer itself may be in the outputs, in another
 * format. */
static struct outgoing reply_too_large(struct outbox *outbox, const struct inflight *inflight, size_t size_bytes,
				       struct answer_headers *headers)
{
	struct error error = {0};
	const struct answer failed = {.error = &error};
	error_set_limit(&error, LIMIT_OF_ANSWER,
			"the answer for the caller has %zu bytes, and message.max.bytes allows %zu with the headers; raise it in "
			"kafkaConfig and at the topic of replies, or make the answer smaller",
			size_bytes, outbox->replies.side->record_bytes);
	reply_error(outbox, inflight, &failed, headers);
	return reply_end(inflight, buffer_view(&outbox->encoded), headers);
}

/* A request that came by memory has the address that the gateway of this process wrote for its pipeline. */
static bool reply_is_awaited(struct outbox *outbox, const struct inflight *inflight, struct reply_address *address)
{
	return inflight->direct
		       ? message_header(&inflight->message, HEADER_REPLY) != NULL
		       : replies_wanted(&outbox->replies, &inflight->message, inflight->stage->config->graph->name, address);
}

void gateway_reply_put(struct outbox *outbox, struct inflight *inflight)
{
	struct answer_headers headers;
	struct reply_address address;
	struct worker *worker = inflight->stage->worker;
	const struct stage_config *config = inflight->stage->config;
	const enum reply_form form = reply_form(inflight);
	if (form == REPLY_NOTHING || !reply_is_awaited(outbox, inflight, &address))
		return;
	headers.json_length = 0;
	const struct reply_address *to = inflight->direct ? NULL : &address;
	const struct text value =
		form == REPLY_EXPLANATION ? reply_explanation(outbox, inflight, &headers) : reply_write(outbox, inflight, &headers);
	struct outgoing record = reply_end(inflight, value, &headers);
	struct direct_hub *hub = replies_hub(worker, to);
	if (!replies_take(worker, hub, &record))
		record = reply_too_large(outbox, inflight, value.length, &headers);
	replies_put(worker, to, hub, config->replies_early, &record);
}
