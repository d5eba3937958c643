/* trace_context.h: Trace context of a request, by its headers: traceparent and tracestate (W3C Trace Context), or those of B3.
 *
 * A record's header may have any bytes. What is read here is printable ASCII, so that it can be sent as a header of HTTP or gRPC.
 *
 * Pure.
 */
#pragma once

#include "message/message.h"

#define TRACE_PARENT_HEADER "traceparent"
#define TRACE_STATE_HEADER "tracestate"
#define TRACE_PARENT_BYTES 55
#define TRACE_STATE_BYTES_MAX 512 /* at least so much should be passed on (W3C Trace Context, 3.3.1.5) */

struct trace_context {
	struct text parent; /* value of traceparent; bytes NULL: there is no trace, or its value is invalid */
	struct text state;  /* value of tracestate; bytes NULL: there is none, or it is invalid, or too long */
};

/* The context by the values of both headers, of which it borrows; bytes NULL: a header is absent. Without a valid traceparent,
 * neither counts (W3C Trace Context, 4.3). Of a traceparent of a later version, only the known fields are passed on. */
struct trace_context trace_context_read(struct text parent, struct text state);

/* The context of a message, which borrows from its headers. */
static inline struct trace_context message_trace(const struct message *message)
{
	static const struct text none;
	const struct header *parent = message_header(message, HEADER_TRACEPARENT);
	if (!parent)
		return (struct trace_context){none, none};
	const struct header *state = message_header(message, HEADER_TRACESTATE);
	return trace_context_read(parent->value, state ? state->value : none);
}

#define TRACE_HEADERS_MAX 2

/* Writes the context as headers, which borrow from it. Returns their number; 0: there is no trace. */
size_t trace_headers_write(const struct trace_context *trace, struct header items[TRACE_HEADERS_MAX]);

/* ---- B3 ---- */

#define B3_SPAN_HEADER "x-b3-spanid"
#define B3_SAMPLED_HEADER "x-b3-sampled"
#define B3_FLAGS_HEADER "x-b3-flags"

/* Values of headers; bytes NULL: absent. */
struct b3_values {
	struct text single; /* b3, which counts before the others */
	struct text trace, span, sampled, flags;
};

/* Writes the traceparent of such a context. A trace whose sampling is not decided counts as not sampled. False: there is no trace,
 * or a value is invalid. */
bool b3_parent_write(const struct b3_values *values, char parent[TRACE_PARENT_BYTES]);

/* Adds a traceparent to the headers of a message that has only headers of B3, and classifies them again. */
void message_adopt_b3(struct message *message);
