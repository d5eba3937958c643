/* operation_files.c: Fitted files: operations with their constants as JSON, read and written by the rows that read
 * them from YAML:
 *
 *	{"format": "sluice_preprocess/1",
 *	 "operations": [{"impute": {"tensor": "x", "by": "median", "values": [99.5, 1000.0]}},
 *	                {"scale": {"tensor": "x", "center": [100.1, 950.0], "scale": [0.7, 120.0]}}]}
 *
 * An operation is an object with one key, whose fields are those of the step's reference page; NaN and infinities are
 * texts.
 */
#include "message/json/json_write.h"
#include "steps/prepare/json_rows.h"
#include "steps/prepare/operations.h"

#define FORMAT "sluice_preprocess/1"

/* ---- a file ---- */

static bool read_operation(struct json_rows *reading, const struct option *rows, struct operation *operation)
{
	struct text key;
	struct error wrong = {0};
	reading->field = "operations";
	if (json_peek(reading->scan) != JSON_OBJECT || !json_enter(reading->scan) || !json_key(reading->scan, &key))
		return json_rows_refuse(reading, "has objects with one operation each");
	const struct option *row = json_rows_find(rows, key);
	reading->field = arena_copy(reading->scan->arena, key.bytes, key.length);
	if (!row)
		return json_rows_refuse(reading, "is not an operation; `sluice help steps` lists them");
	void *options = arena_take(reading->scan->arena, 1, row->item_size);
	if (!options)
		return false;
	json_rows_fall_back(row->rows, options);
	const bool read = json_rows_read(reading, row->rows, options);
	reading->field = row->name;
	if (!read || json_key(reading->scan, &key))
		return json_rows_refuse(reading, "is in one object with another operation; write each into its own");
	const struct operation_kind *kind = operation_kind_find(row->name);
	if (!reading->scan->failed && kind->check && !kind->check(options, reading->place, &wrong))
		return json_rows_fail(reading->scan, wrong.text);
	*operation = (struct operation){row, options, reading->place};
	return !reading->scan->failed;
}

static bool read_operations(struct json_rows *reading, const struct option *rows, struct item_list *operations)
{
	static const struct option item = {.item_size = sizeof(struct operation)};
	if (json_peek(reading->scan) != JSON_ARRAY || !json_enter(reading->scan))
		return json_rows_refuse(reading, "is a list");
	while (json_item(reading->scan)) {
		struct operation *operation = json_rows_item(reading, &item, operations);
		if (!operation || !read_operation(reading, rows, operation))
			return false;
	}
	return !reading->scan->failed;
}

static bool read_file(struct json_rows *reading, const struct option *rows, struct item_list *operations)
{
	struct text key, format = {0};
	if (json_peek(reading->scan) != JSON_OBJECT || !json_enter(reading->scan))
		return json_rows_fail(reading->scan, "it is an object with `format` and `operations`");
	while (json_key(reading->scan, &key)) {
		reading->field = arena_copy(reading->scan->arena, key.bytes, key.length);
		if (text_is(key, "format") && json_peek(reading->scan) == JSON_STRING)
			json_text(reading->scan, &format);
		else if (text_is(key, "operations"))
			read_operations(reading, rows, operations);
		else
			json_skip(reading->scan);
	}
	if (!json_end(reading->scan))
		return false;
	return text_is(format, FORMAT) || json_rows_fail(reading->scan, "its `format` is not " FORMAT);
}

bool operations_read(const struct step *step, const struct name *file, const struct option *rows, struct arena *arena,
		     struct item_list *operations, struct error *error)
{
	struct text content;
	struct error wrong = {0};
	struct json_scan scan;
	struct json_rows reading = {.scan = &scan, .place = file->place};
	*operations = (struct item_list){0};
	if (!step_file(step, file, NULL, &content, error))
		return false;
	json_begin(&scan, content, file->text, arena, &wrong);
	if (read_file(&reading, rows, operations) && wrong.kind == ERROR_NONE)
		return true;
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "reading a fitted file");
	return error_set(error, ERROR_CONFIG, file->place, "%s", wrong.text);
}
void operations_write(const struct item_list *list, struct buffer *out)
{
	const struct operation *operations = list->items;
	buffer_string(out, "{\"format\": \"" FORMAT "\", \"operations\": [");
	for (size_t i = 0; i < list->count; i++) {
		json_write_string_after(out, text_of(i ? ",\n  {" : "\n  {"), text_of(operations[i].row->name));
		buffer_string(out, ": ");
		json_rows_write(out, operations[i].row->rows, operations[i].options);
		buffer_byte(out, '}');
	}
	buffer_string(out, "\n]}\n");
}
