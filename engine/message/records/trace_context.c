/* trace_context.c: see trace_context.h. */
#include "message/records/trace_context.h"

#include <string.h>

#include "base/hexadecimal.h"
#include "message/rows.h"

#define TRACE_DIGITS 32
#define SHORT_TRACE_DIGITS 16 /* of B3 */
#define SPAN_DIGITS 16
/* Where the fields of a traceparent begin; a hyphen is before each. */
#define TRACE_AT 3
#define SPAN_AT (TRACE_AT + TRACE_DIGITS + 1)
#define FLAGS_AT (SPAN_AT + SPAN_DIGITS + 1)

/* Whether these are digits, and not only zeros. */
static bool is_id(struct text text)
{
	size_t zeros = 0;
	while (zeros < text.length && text.bytes[zeros] == '0')
		zeros++;
	return zeros < text.length && text_is_hexadecimal(text);
}

/* ---- W3C Trace Context ---- */

static bool parent_has_hyphens(struct text parent)
{
	return parent.length >= TRACE_PARENT_BYTES && parent.bytes[TRACE_AT - 1] == '-' && parent.bytes[SPAN_AT - 1] == '-' &&
	       parent.bytes[FLAGS_AT - 1] == '-';
}

/* A later version may have more fields. */
static bool version_is_valid(struct text parent)
{
	const struct text version = {parent.bytes, TRACE_AT - 1};
	if (text_is(version, "00"))
		return parent.length == TRACE_PARENT_BYTES;
	return text_is_hexadecimal(version) && !text_is(version, "ff") &&
	       (parent.length == TRACE_PARENT_BYTES || parent.bytes[TRACE_PARENT_BYTES] == '-');
}

static bool parent_is_valid(struct text parent)
{
	return parent_has_hyphens(parent) && version_is_valid(parent) &&
	       is_id((struct text){parent.bytes + TRACE_AT, TRACE_DIGITS}) &&
	       is_id((struct text){parent.bytes + SPAN_AT, SPAN_DIGITS}) &&
	       text_is_hexadecimal((struct text){parent.bytes + FLAGS_AT, TRACE_PARENT_BYTES - FLAGS_AT});
}

static bool state_is_valid(struct text state)
{
	for (size_t i = 0; i < state.length; i++)
		if (state.bytes[i] < ' ' || state.bytes[i] > '~')
			return false;
	return state.length > 0 && state.length <= TRACE_STATE_BYTES_MAX;
}

struct trace_context trace_context_read(struct text parent, struct text state)
{
	struct trace_context trace = {0};
	if (!parent.bytes || !parent_is_valid(parent))
		return trace;
	trace.parent = (struct text){parent.bytes, TRACE_PARENT_BYTES};
	if (state.bytes && state_is_valid(state))
		trace.state = state;
	return trace;
}

size_t trace_headers_write(const struct trace_context *trace, struct header items[TRACE_HEADERS_MAX])
{
	size_t count = 0;
	if (trace->parent.bytes)
		items[count++] = (struct header){TEXT(TRACE_PARENT_HEADER), trace->parent};
	if (trace->state.bytes)
		items[count++] = (struct header){TEXT(TRACE_STATE_HEADER), trace->state};
	return count;
}

/* ---- B3 ---- */

static bool ids_write(struct text trace, struct text span, bool is_sampled, char parent[TRACE_PARENT_BYTES])
{
	if ((trace.length != TRACE_DIGITS && trace.length != SHORT_TRACE_DIGITS) || span.length != SPAN_DIGITS || !is_id(trace) ||
	    !is_id(span))
		return false;
	memset(parent, '0', TRACE_PARENT_BYTES);
	parent[TRACE_AT - 1] = parent[SPAN_AT - 1] = parent[FLAGS_AT - 1] = '-';
	memcpy(parent + TRACE_AT + TRACE_DIGITS - trace.length, trace.bytes, trace.length);
	memcpy(parent + SPAN_AT, span.bytes, SPAN_DIGITS);
	parent[TRACE_PARENT_BYTES - 1] = is_sampled ? '1' : '0';
	return true;
}

/* TRACE-SPAN, TRACE-SPAN-SAMPLING or TRACE-SPAN-SAMPLING-PARENT; also a sampling alone, without a trace. */
static bool single_write(struct text single, char parent[TRACE_PARENT_BYTES])
{
	const struct text trace = text_take_until(&single, '-'), span = text_take_until(&single, '-'),
			  sampling = text_take_until(&single, '-');
	return ids_write(trace, span, text_is(sampling, "1") || text_is(sampling, "d"), parent);
}

bool b3_parent_write(const struct b3_values *values, char parent[TRACE_PARENT_BYTES])
{
	if (values->single.bytes)
		return single_write(values->single, parent);
	/* Earlier senders wrote `true`. */
	const bool is_sampled =
		text_is(values->sampled, "1") || text_is(values->sampled, "true") || text_is(values->flags, "1");
	return ids_write(values->trace, values->span, is_sampled, parent);
}

static struct text value_of(const struct message *message, struct text name)
{
	const struct header *header = headers_find(message->headers, name);
	return header ? header->value : (struct text){0};
}

static __attribute__((noinline)) void b3_adopt(struct message *message)
{
	const struct b3_values values = {.single = value_of(message, header_name_text(HEADER_B3)),
					 .trace = value_of(message, header_name_text(HEADER_B3_TRACE)),
					 .span = value_of(message, TEXT(B3_SPAN_HEADER)),
					 .sampled = value_of(message, TEXT(B3_SAMPLED_HEADER)),
					 .flags = value_of(message, TEXT(B3_FLAGS_HEADER))};
	char parent[TRACE_PARENT_BYTES];
	if (!b3_parent_write(&values, parent))
		return;
	const struct text kept = text_copied(message->arena, (struct text){parent, sizeof parent});
	if (kept.bytes && headers_put(&message->headers, (struct header){TEXT(TRACE_PARENT_HEADER), kept}, message->arena))
		message_classify_headers(message);
}

void message_adopt_b3(struct message *message)
{
	if (!message_header(message, HEADER_TRACEPARENT) &&
	    (message_header(message, HEADER_B3_TRACE) || message_header(message, HEADER_B3)))
		b3_adopt(message);
}
