/* case_read.c: Parser of in.jsonl and out.jsonl, line by line; see case.h. */
#include <errno.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "tools/test/case.h"
#include "tools/source/tensor_fill.h"

#define CASE_FILE_BYTES_MAX ((size_t)256 << 20)
#define REPEAT_MAX 1000000 /* of one request: so many are kept in memory */

/* The contents of the file at the path; empty if there is none: most files of a case are optional. */
static bool read_if_there(const char *path, struct arena *arena, struct text *text, struct error *error)
{
	*text = (struct text){0};
	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (!file_read(path, CASE_FILE_BYTES_MAX + 1, arena, text, error))
		return false;
	return text->length <= CASE_FILE_BYTES_MAX ||
	       error_set(error, ERROR_LIMIT, (struct place){.file = path},
			 "%s has more than the %zu MiB that a file of a case may have", path, CASE_FILE_BYTES_MAX >> 20);
}

/* ---- lines ---- */

struct case_lines {
	struct text rest;
	struct place place;
};

static bool next_line(struct case_lines *lines, struct text *line)
{
	while (lines->rest.length) {
		*line = text_take_until(&lines->rest, '\n');
		lines->place.line++;
		lines->place.column = 1;
		if (strspn(line->bytes, " \t\r\n") < line->length)
			return true;
	}
	return false;
}

static size_t count_lines(struct case_lines lines)
{
	struct text line;
	size_t count = 0;
	while (next_line(&lines, &line))
		count++;
	return count;
}

/* A fault of the JSON gets the place of its line. */
static bool line_end(struct json_scan *scan, struct place place, struct error *error)
{
	return json_end(scan) || error_set(error, ERROR_CONFIG, place, "%s", scan->error->text);
}

static int64_t take_integer(struct json_scan *scan)
{
	struct decimal decimal;
	int64_t number = 0;
	if (json_peek(scan) != JSON_NUMBER)
		json_skip(scan);
	else if (json_number(scan, &decimal))
		(void)decimal_to_int64(&decimal, &number);
	return number;
}

/* JSON as it is written, but for tensors that are to be filled. */
static void take_filled(struct json_scan *scan, struct arena *arena, struct text *json)
{
	(void)json_peek(scan);
	if (json_span(scan, json) && !tensor_fill(arena, json, scan->error))
		scan->failed = true;
}

static bool take_flag(struct json_scan *scan)
{
	bool flag = json_peek(scan) == JSON_TRUE;
	json_skip(scan);
	return flag;
}

/* ---- in.jsonl ---- */

static void take_headers(struct json_scan *scan, struct arena *arena, struct headers *headers)
{
	struct json_scan again;
	size_t count = json_look_ahead(scan, JSON_OBJECT, &again);
	struct header *items = ARENA_ARRAY(arena, struct header, count);
	for (size_t i = 0; items && i < count && json_key(&again, &items[i].name); i++)
		json_take_text(&again, &items[i].value);
	*headers = (struct headers){items ? count : 0, items};
}

static void take_base64(struct json_scan *scan, struct arena *arena, struct text *body)
{
	struct text text = {0};
	size_t length = 0;
	json_take_text(scan, &text);
	char *bytes = arena_take_raw(arena, base64_read_room(text.length) + 1);
	if (!bytes || !base64_read(text, bytes, &length)) {
		error_set(scan->error, ERROR_CONFIG, PLACE_NONE, "`body_b64` is not base64");
		scan->failed = true;
		length = 0;
	}
	*body = (struct text){bytes ? bytes : "", length};
}

static bool check_request(const struct case_request *request, struct error *error)
{
	const struct text protocol = request->protocol;
	if (!request->id.bytes)
		return error_set(error, ERROR_CONFIG, request->place, "a request needs an `id`");
	if (request->repeat < 1 || request->repeat > REPEAT_MAX)
		return error_set(error, ERROR_CONFIG, request->place, "`repeat` is a whole number from 1 to %d", REPEAT_MAX);
	return protocol.length == 0 || text_is(protocol, "v2") || text_is(protocol, "v1") || text_is(protocol, "seldon") ||
	       error_set(error, ERROR_CONFIG, request->place, "there is no protocol `" TEXT_FORMAT "`; write v2, v1 or seldon",
			 TEXT_ARGUMENTS(protocol));
}

static bool read_request(struct text line, struct arena *arena, struct case_request *request, struct error *error)
{
	struct json_scan scan;
	struct error wrong = {0};
	struct text key;
	request->repeat = 1;
	json_begin(&scan, line, "the line", arena, &wrong);
	if (json_peek(&scan) == JSON_OBJECT) {
		json_enter(&scan);
		while (json_key(&scan, &key)) {
			if (text_is(key, "id"))
				json_take_text(&scan, &request->id);
			else if (text_is(key, "request"))
				take_filled(&scan, arena, &request->body);
			else if (text_is(key, "body"))
				json_take_text(&scan, &request->body);
			else if (text_is(key, "body_b64"))
				take_base64(&scan, arena, &request->body);
			else if (text_is(key, "protocol"))
				json_take_text(&scan, &request->protocol);
			else if (text_is(key, "target"))
				json_take_text(&scan, &request->target);
			else if (text_is(key, "headers"))
				take_headers(&scan, arena, &request->headers);
			else if (text_is(key, "key"))
				json_take_text(&scan, &request->key);
			else if (text_is(key, "repeat"))
				request->repeat = take_integer(&scan);
			else
				json_skip(&scan);
		}
	} else {
		json_skip(&scan);
	}
	return line_end(&scan, request->place, error) && check_request(request, error);
}

static bool read_requests(struct case_lines lines, struct arena *arena, struct case_files *files, struct error *error)
{
	struct text line;
	files->requests = ARENA_ARRAY(arena, struct case_request, count_lines(lines));
	while (files->requests && next_line(&lines, &line)) {
		struct case_request *request = &files->requests[files->request_count++];
		request->place = lines.place;
		if (!read_request(line, arena, request, error))
			return false;
	}
	return true;
}

/* ---- out.jsonl ---- */

static void take_bounds(struct json_scan *scan, int64_t *least, int64_t *most)
{
	if (json_peek(scan) != JSON_ARRAY) {
		json_skip(scan);
		return;
	}
	json_enter(scan);
	for (size_t i = 0; json_item(scan); i++)
		*(i == 0 ? least : most) = take_integer(scan);
}

static void take_error(struct json_scan *scan, struct case_result *result)
{
	struct text key;
	if (json_peek(scan) != JSON_OBJECT) {
		json_skip(scan);
		return;
	}
	json_enter(scan);
	while (json_key(scan, &key)) {
		if (text_is(key, "kind"))
			json_take_text(scan, &result->kinds);
		else if (text_is(key, "contains"))
			json_take_text(scan, &result->contains);
		else
			json_skip(scan);
	}
}

/* A member that says what comes; false when it is another. */
static bool take_result(struct json_scan *scan, struct arena *arena, struct text key, struct case_result *result)
{
	if (text_is(key, "response")) {
		take_filled(scan, arena, &result->response);
	} else if (text_is(key, "error")) {
		take_error(scan, result);
	} else if (text_is(key, "count")) {
		take_bounds(scan, &result->least, &result->most);
	} else {
		return false;
	}
	return true;
}

static void take_results(struct json_scan *scan, struct arena *arena, struct case_expected *expected)
{
	struct json_scan again;
	struct text key;
	size_t count = json_look_ahead(scan, JSON_ARRAY, &again);
	expected->results = ARENA_ARRAY(arena, struct case_result, count);
	while (expected->results && expected->count < count && json_item(&again)) {
		struct case_result *result = &expected->results[expected->count++];
		if (json_peek(&again) != JSON_OBJECT) {
			json_skip(&again);
			continue;
		}
		json_enter(&again);
		while (json_key(&again, &key))
			if (!take_result(&again, arena, key, result))
				json_skip(&again);
	}
}

static void take_calls(struct json_scan *scan, struct arena *arena, struct case_expected *expected)
{
	struct json_scan again;
	size_t count = json_look_ahead(scan, JSON_OBJECT, &again);
	expected->calls = ARENA_ARRAY(arena, struct case_calls, count);
	while (expected->calls && expected->call_count < count && json_key(&again, &expected->calls[expected->call_count].model)) {
		struct case_calls *calls = &expected->calls[expected->call_count++];
		take_bounds(&again, &calls->least, &calls->most);
	}
}

static void take_member(struct json_scan *scan, struct arena *arena, struct text key, struct case_expected *expected)
{
	if (text_is(key, "id")) {
		json_take_text(scan, &expected->id);
	} else if (text_is(key, "at")) {
		json_take_text(scan, &expected->at);
	} else if (text_is(key, "repeat")) {
		expected->repeat = take_integer(scan);
	} else if (text_is(key, "absent")) {
		expected->demand = take_flag(scan) ? DEMAND_ABSENT : expected->demand;
	} else if (text_is(key, "same")) {
		expected->demand = take_flag(scan) ? DEMAND_SAME : expected->demand;
	} else if (text_is(key, "alert")) {
		expected->demand = DEMAND_ALERT;
		json_take_text(scan, &expected->alert);
	} else if (text_is(key, "fired")) {
		expected->fired = take_flag(scan);
	} else if (text_is(key, "calls")) {
		expected->demand = DEMAND_CALLS;
		take_calls(scan, arena, expected);
	} else if (text_is(key, "split")) {
		expected->demand = DEMAND_SPLIT;
		take_results(scan, arena, expected);
	} else if (text_is(key, "one_of")) {
		take_results(scan, arena, expected);
	} else {
		if (!expected->results)
			expected->results = ARENA_NEW(arena, struct case_result);
		if (expected->results && take_result(scan, arena, key, expected->results))
			expected->count = 1;
		else
			json_skip(scan);
	}
}

static bool read_expectation(struct text line, struct arena *arena, struct case_expected *expected, struct error *error)
{
	struct json_scan scan;
	struct error wrong = {0};
	struct text key;
	json_begin(&scan, line, "the line", arena, &wrong);
	if (json_peek(&scan) == JSON_OBJECT) {
		json_enter(&scan);
		while (json_key(&scan, &key))
			take_member(&scan, arena, key, expected);
	} else {
		json_skip(&scan);
	}
	return line_end(&scan, expected->place, error);
}

static bool read_expected(struct case_lines lines, struct arena *arena, struct case_files *files, struct error *error)
{
	struct text line;
	files->expected = ARENA_ARRAY(arena, struct case_expected, count_lines(lines));
	while (files->expected && next_line(&lines, &line)) {
		struct case_expected *expected = &files->expected[files->expected_count++];
		expected->place = lines.place;
		expected->line = line;
		if (!read_expectation(line, arena, expected, error))
			return false;
	}
	return true;
}

/* ---- the folder ---- */

static bool file_in(const char *folder, const char *name, struct arena *arena, struct text *text, struct place *place,
		    struct error *error)
{
	const char *path = arena_print(arena, "%s/%s", folder, name);
	*place = (struct place){path, 0, 1};
	return path ? read_if_there(path, arena, text, error) : error_memory(error, ERROR_SYSTEM, "reading a case");
}

/* A user's case is in PIPELINE/tests/CASE, and its pipeline.yaml is above. */
static const char *find_pipeline(const char *folder, struct arena *arena)
{
	static const char *const above[] = {"", "/..", "/../.."};
	for (size_t i = 0; i < sizeof above / sizeof *above; i++) {
		const char *path = arena_print(arena, "%s%s/pipeline.yaml", folder, above[i]);
		if (path && access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

bool case_read(const char *folder, struct arena *arena, struct case_files *files, struct error *error)
{
	struct case_lines lines = {0};
	*files = (struct case_files){.folder = folder, .pipeline = find_pipeline(folder, arena)};
	if (!files->pipeline)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s has no pipeline.yaml, and neither have the two folders above it", folder);
	if (!file_in(folder, "in.jsonl", arena, &lines.rest, &lines.place, error) || !read_requests(lines, arena, files, error) ||
	    !file_in(folder, "out.jsonl", arena, &lines.rest, &lines.place, error))
		return false;
	files->has_expected = lines.rest.bytes != NULL;
	return read_expected(lines, arena, files, error) && stub_file_read(folder, arena, &files->stubs, error);
}
