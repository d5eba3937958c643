/* watch_event.c: see watch_event.h. */
#include "gateway/calls/watch_event.h"

#include <inttypes.h>

#include "base/base64.h"
#include "base/number/number.h"
#include "message/json/json_scan.h"
#include "message/json/json_write.h"

static void event_begin(struct buffer *out, const char *name, struct text id, bool is_last)
{
	buffer_clear(out);
	buffer_print(out, "event: %s\n", name);
	if (is_last)
		buffer_print(out, "id: " TEXT_FORMAT "\n", TEXT_ARGUMENTS(id));
	json_write_string_after(out, TEXT("data: {\"id\":"), id);
}

void watch_event_accepted(struct buffer *out, struct text id)
{
	event_begin(out, "accepted", id, false);
	buffer_string(out, "}\n\n");
}

void watch_event_pending(struct buffer *out, struct text id)
{
	event_begin(out, "pending", id, false);
	buffer_string(out, ",\"status\":202}\n\n");
}

/* ---- bodies ---- */

static bool body_is_json(const struct call_outcome *outcome)
{
	struct text type = outcome->content_type, kind = text_trimmed(text_take_until(&type, ';'), " \t");
	struct json_scan scan;
	struct error error = {0};
	if (outcome->header_length.length > 0 || !text_equal_caseless(kind, TEXT("application/json")))
		return false;
	json_begin(&scan, outcome->body, "the answer", outcome->arena, &error);
	json_skip(&scan);
	return json_end(&scan);
}

/* The ends of lines in valid JSON are blanks between its values; in an event they would end the data. */
static void json_write_in_line(struct buffer *out, struct text json)
{
	char *room = buffer_room(out, json.length);
	for (size_t i = 0; room && i < json.length; i++)
		room[i] = json.bytes[i] == '\n' || json.bytes[i] == '\r' ? ' ' : json.bytes[i];
	if (room)
		buffer_grown(out, json.length);
}

static void body_write(struct buffer *out, const struct call_outcome *outcome)
{
	if (body_is_json(outcome)) {
		buffer_string(out, ",\"body\":");
		json_write_in_line(out, outcome->body);
		return;
	}
	buffer_string(out, ",\"body_base64\":\"");
	char *room = buffer_room(out, base64_write_room(outcome->body.length));
	if (room)
		buffer_grown(out, base64_write(outcome->body, room));
	buffer_byte(out, '"');
}

static void headers_write(struct buffer *out, const struct call_outcome *outcome)
{
	const struct headers headers = outcome->headers;
	uint64_t length;
	if (outcome->header_length.length > 0 && number_read_uint64(outcome->header_length, &length))
		buffer_print(out, ",\"header_length\":%" PRIu64, length);
	for (size_t i = 0; i < headers.count; i++) {
		json_write_string_after(out, i == 0 ? TEXT(",\"headers\":{") : TEXT(","), headers.items[i].name);
		json_write_string_after(out, TEXT(":"), headers.items[i].value);
	}
	if (headers.count > 0)
		buffer_byte(out, '}');
}

/* ---- the last event ---- */

static const char *event_name(enum call_end end)
{
	return end == CALL_ANSWERED ? "answer" : end == CALL_FILTERED ? "filtered" : "failed";
}

static void end_begin(struct buffer *out, const struct call_outcome *outcome, struct text id)
{
	event_begin(out, event_name(outcome->end), id, outcome->status != 503);
	buffer_print(out, ",\"status\":%d", outcome->status);
}

void watch_event_end(struct buffer *out, const struct call_outcome *outcome, struct text id, struct text location)
{
	end_begin(out, outcome, id);
	if (outcome->id.length > 0)
		json_write_string_after(out, TEXT(",\"request_id\":"), outcome->id);
	if (outcome->end != CALL_FILTERED) {
		json_write_string_after(out, TEXT(",\"content_type\":"), call_outcome_type(outcome));
		headers_write(out, outcome);
		body_write(out, outcome);
	}
	buffer_string(out, "}\n\n");
	if (!buffer_failed(out))
		return;
	end_begin(out, outcome, id);
	json_write_string_after(out, TEXT(",\"location\":"), location);
	buffer_string(out, "}\n\n");
}
