/* request_line.c: Reader of a line of requests: its members, in the form of a case. */
#include "tools/client/request_line.h"

#include "base/base64.h"
#include "message/json/json_scan.h"
#include "tools/source/tensor_fill.h"

static void take_text(struct json_scan *scan, const char *member, struct text *text)
{
	if (json_peek(scan) == JSON_STRING) {
		json_text(scan, text);
	} else {
		error_set(scan->error, ERROR_INPUT, PLACE_NONE, "`%s` must be a string", member);
		scan->failed = true;
	}
}

static void take_headers(struct json_scan *scan, struct arena *arena, struct request_line *line)
{
	struct json_scan inside;
	if (json_peek(scan) != JSON_OBJECT) {
		error_set(scan->error, ERROR_INPUT, PLACE_NONE, "`headers` must be an object");
		scan->failed = true;
		return;
	}
	const size_t count = json_look_ahead(scan, JSON_OBJECT, &inside);
	if (scan->failed)
		return;
	line->headers = ARENA_ARRAY(arena, struct header, count + REQUEST_LINE_HEADERS);
	line->header_count = 0;
	while (line->headers && line->header_count < count && json_key(&inside, &line->headers[line->header_count].name))
		take_text(&inside, "headers", &line->headers[line->header_count++].value);
	scan->failed |= inside.failed;
}

/* Bytes of any format, as base64. */
static void take_bytes(struct json_scan *scan, struct arena *arena, struct request_line *line)
{
	struct text written = {0};
	take_text(scan, "body_b64", &written);
	char *bytes = arena_take(arena, 1, base64_read_room(written.length));
	line->request = (struct text){bytes, 0};
	if (!bytes)
		scan->failed = !error_memory(scan->error, ERROR_LIMIT, "reading a line");
	else if (!scan->failed && !base64_read(written, bytes, &line->request.length))
		scan->failed = !error_set(scan->error, ERROR_INPUT, PLACE_NONE, "`body_b64` is not base64");
}

static void take_members(struct json_scan *scan, struct arena *arena, struct request_line *line)
{
	struct text key;
	json_enter(scan);
	while (json_key(scan, &key)) {
		if (text_is(key, "request")) {
			(void)json_peek(scan);
			if (json_span(scan, &line->request) && !tensor_fill(arena, &line->request, scan->error))
				scan->failed = true;
		} else if (text_is(key, "body")) {
			take_text(scan, "body", &line->request);
		} else if (text_is(key, "body_b64")) {
			take_bytes(scan, arena, line);
		} else if (text_is(key, "id")) {
			take_text(scan, "id", &line->id);
		} else if (text_is(key, "key")) {
			take_text(scan, "key", &line->key);
		} else if (text_is(key, "headers")) {
			take_headers(scan, arena, line);
		} else {
			json_skip(scan);
		}
	}
}

/* Whether the line has a request as a member; its JSON is checked by the way. */
static bool has_request(struct text bytes, struct arena *arena, bool *has, struct error *error)
{
	struct json_scan scan;
	struct text key;
	json_begin(&scan, bytes, "the line", arena, error);
	*has = false;
	if (json_peek(&scan) != JSON_OBJECT)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the line is not a JSON object");
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		*has |= text_is(key, "request") || text_is(key, "body") || text_is(key, "body_b64");
		json_skip(&scan);
	}
	return json_end(&scan);
}

bool request_line_read(struct text bytes, struct arena *arena, struct request_line *line, struct error *error)
{
	struct json_scan scan;
	bool has;
	*line = (struct request_line){.request = bytes};
	if (!has_request(bytes, arena, &has, error))
		return false;
	json_begin(&scan, bytes, "the line", arena, error);
	if (has && json_peek(&scan) == JSON_OBJECT)
		take_members(&scan, arena, line);
	if (has && !json_end(&scan))
		return false;
	if (!line->headers)
		line->headers = ARENA_ARRAY(arena, struct header, REQUEST_LINE_HEADERS);
	if (!line->headers)
		return error_memory(error, ERROR_LIMIT, "reading a line");
	struct headers headers = {line->header_count, line->headers};
	if (line->id.bytes && !headers_find(headers, TEXT("x-request-id")))
		line->headers[line->header_count++] = (struct header){TEXT("x-request-id"), line->id};
	return true;
}
