/* stub_file.c: see stub_file.h. */
#include "models/server/stub_file.h"

#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "message/json/json_scan.h"
#include "models/server/stub.h"

#define FILE_BYTES_MAX ((size_t)256 << 20)
#define URI_BYTES_MAX ((size_t)1 << 20)

/* ---- reading ---- */

static void take_outputs(struct json_scan *scan, struct arena *arena, struct stub_entry *stub)
{
	struct json_scan again;
	size_t count = json_look_ahead(scan, JSON_OBJECT, &again);
	struct stub_output *outputs = ARENA_ARRAY(arena, struct stub_output, count);
	while (outputs && stub->count < count && json_key(&again, &outputs[stub->count].name))
		json_take_text(&again, &outputs[stub->count++].expression);
	stub->outputs = outputs;
}

static bool read_stubs(struct text json, struct place place, struct arena *arena, struct stub_file *stubs, struct error *error)
{
	struct json_scan scan, again;
	struct error wrong = {0};
	place.line = 1;
	json_begin(&scan, json, "stubs.json", arena, &wrong);
	if (json_peek(&scan) != JSON_OBJECT && wrong.kind == ERROR_NONE)
		return error_set(error, ERROR_CONFIG, place, "stubs.json is not an object such as {\"MODEL\": \"stub://NAME\"}");
	size_t count = json_look_ahead(&scan, JSON_OBJECT, &again);
	stubs->items = ARENA_ARRAY(arena, struct stub_entry, count);
	while (stubs->items && stubs->count < count && json_key(&again, &stubs->items[stubs->count].model)) {
		struct stub_entry *stub = &stubs->items[stubs->count++];
		struct text uri = {0};
		stub->place = place;
		if (json_peek(&again) == JSON_OBJECT) {
			take_outputs(&again, arena, stub);
			continue;
		}
		json_take_text(&again, &uri);
		stub->uri = arena_copy(arena, uri.bytes ? uri.bytes : "", uri.length);
	}
	return json_end(&scan) || error_set(error, ERROR_CONFIG, place, "%s", scan.error->text);
}

bool stub_file_read(const char *folder, struct arena *arena, struct stub_file *stubs, struct error *error)
{
	const char *path = arena_print(arena, "%s/stubs.json", folder);
	const struct place place = {path, 0, 1};
	struct text json;
	*stubs = (struct stub_file){0};
	if (!path)
		return error_memory(error, ERROR_SYSTEM, "reading stubs.json");
	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (!file_read(path, FILE_BYTES_MAX + 1, arena, &json, error))
		return false;
	if (json.length > FILE_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, place, "%s has more than the %zu MiB that a file of a case may have", path,
				 FILE_BYTES_MAX >> 20);
	return read_stubs(json, place, arena, stubs, error) &&
	       (!arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading stubs.json"));
}

/* ---- using it ---- */

struct name_list stub_file_offered(const struct stub_file *stubs, const char *address, struct arena *arena)
{
	struct name *items = ARENA_ARRAY(arena, struct name, stubs->count);
	for (size_t i = 0; items && i < stubs->count; i++)
		items[i].text = arena_print(arena, TEXT_FORMAT "=%s", TEXT_ARGUMENTS(stubs->items[i].model), address);
	return (struct name_list){items ? stubs->count : 0, items};
}

/* In the form of stub://NAME?KEY=VALUE. */
static void write_form_encoded(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];
		if (isalnum(byte) || byte == '_')
			buffer_byte(out, (char)byte);
		else
			buffer_print(out, "%%%02X", byte);
	}
}

/* {"OUTPUT": "INPUT * 2"} is another way to write the stub of expressions. */
const char *stub_entry_uri(const struct stub_entry *entry, struct arena *arena)
{
	struct buffer uri;
	if (entry->uri)
		return entry->uri;
	buffer_open(&uri, URI_BYTES_MAX);
	buffer_string(&uri, STUB_SCHEME "expression?");
	for (size_t i = 0; i < entry->count; i++) {
		buffer_string(&uri, i ? "&" : "");
		write_form_encoded(&uri, entry->outputs[i].name);
		buffer_byte(&uri, '=');
		write_form_encoded(&uri, entry->outputs[i].expression);
	}
	const char *kept = buffer_failed(&uri) ? NULL : arena_copy(arena, uri.bytes, uri.length);
	buffer_close(&uri);
	return kept;
}
