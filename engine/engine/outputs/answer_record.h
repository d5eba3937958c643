/* answer_record.h: Record of an answer, or of the inputs or outputs of a step: its value, its key, and its headers. Private to the
 * worker. */
#pragma once

#include "kafka/produce/output.h"
#include "message/records/assigned.h"
#include "engine/worker/partition_queues.h"
#include "engine/outputs/submitted.h"

#define OWN_HEADERS_MAX 19  /* that sluice writes */
#define STEP_HEADERS_MAX 64 /* that steps set: more are of no use to a reader, and expensive in Kafka */

/* Memory for an answer's headers. It is not the arena, because an answer that reports a full arena must leave too. */
struct answer_headers {
	struct header items[OWN_HEADERS_MAX + STEP_HEADERS_MAX + ASSIGNED_MAX];
	size_t count;
	size_t json_length; /* of a body with binary data behind its JSON; else 0 */
	char json_length_text[24];
	struct submitted_texts texts;
};

/* Position of the record that this in-flight message answers. */
struct position inflight_origin(const struct inflight *inflight);

/* The key of an answer: that of the request's record, unless the message was given one of its own. */
struct text answer_key(const struct inflight *inflight, const struct message *message);

/* Writes the headers of an answer. Headers are expensive, so one is written only if the request had it too, if the
 * format cannot contain its value, if a caller waits who may poll the answer later, or if a step set it. `all` borrows from
 * `headers`. False: LIMIT, a step set too many. */
bool answer_headers_write(const struct message *message, const struct answer *answer, const struct format *format,
			  struct answer_headers *headers, struct headers *all, struct error *error);

/* Adds the request's trace context, if it has one: whoever reads the answer continues the trace. A header that a step set takes the
 * place of the request's; a traceparent also that of tracestate, which belongs to it. */
void answer_trace_write(const struct message *message, struct answer_headers *headers);

/* Names the limit of an error of what is written for a request: its caller is not at fault. Other kinds stay as they are, and so
 * does a message that needs too much memory, because less can be sent at once. */
void answer_error_limit(struct error *error);

/* Adds the assignments as headers: all of them, unless the format has a field for them; and, if the request had one, the
 * route by which it gets the same again. */
void answer_headers_assign(const struct message *message, const struct format *format, struct answer_headers *headers);

/* Writes the answer of the message, or of one of its children, without its topic. It borrows from `headers`, and from the buffer or
 * the message's arena. */
bool answer_record_write(struct buffer *buffer, struct inflight *inflight, const struct message *message,
			 const struct format *format, const struct answer *given, struct answer_headers *headers,
			 struct outgoing *outgoing, struct error *error);
