/* v1_json.c: Format of the V1 protocol of TensorFlow Serving and KServe.
 *
 * Rows: {"instances": [...]} is one tensor `input-0`; rows that are objects are one tensor for each key.
 * Columns: {"inputs": {"name": [...]}}, or {"inputs": [...]}, which is the tensor `input-0`. The answer has `predictions` for
 * `instances` and `outputs` for `inputs`. For clients of model servers see v1_json.h.
 */
#include "message/formats/v1_json.h"

#include "message/formats/format.h"
#include "message/json/json_form.h"
#include "message/json/json_write.h"
#include "message/formats/name_table.h"
#include "message/json/tensor_infer.h"
#include "message/json/tensor_json.h"

#define KEYS_MAX 1024 /* in a row: those of the first are compared with each other */

/* What a request and a reply call the same things. */
struct wording {
	const char *body, *rows, *columns, *only;
	enum error_kind fault; /* whose it is when it is wrong */
};

static const struct wording request_wording = {"the request", "instances", "inputs", "input-0", ERROR_INPUT};
static const struct wording reply_wording = {"the reply", "predictions", "outputs", "output-0", ERROR_REMOTE};

static const struct infer_rules v1_rules = {.integers = true, .base64 = true};

static bool v1_sniff(const struct message *message, struct text bytes)
{
	return json_form_of(bytes, message->arena) == JSON_FORM_V1;
}

/* --- reading ------------------------------------------------------------- */

static bool end_tensors(struct message *message, const struct tensors_builder *builder, struct error *error)
{
	message->payload.tensors = tensors_end(builder);
	return !arena_failed(message->arena) || error_memory(error, ERROR_LIMIT, "reading tensors");
}

/* The list or value as one tensor. */
static bool read_alone(struct message *message, const struct json_scan *scan, const char *where, const struct wording *wording,
		       struct text span)
{
	struct tensors_builder builder;
	const struct tensor *tensor = tensor_infer(scan, where, text_of(wording->only), &span, 1, false, v1_rules);
	if (!tensor)
		return false;
	tensors_begin(&builder, message->arena, 1);
	tensors_add(&builder, tensor);
	return end_tensors(message, &builder, scan->error);
}

/* Rows that are objects, as a table: the value of key `k` in row `r` stands at
 * k * rows + r. */
struct v1_json_table {
	size_t rows;
	size_t count; /* of keys */
	struct text *keys;
	struct text *cells;
	struct name_table names; /* of the keys, once the first row is read; without places: they are few, and compared */
};

/* The key's number, most likely `guess`; `count` when there is none. */
static size_t find_key(const struct v1_json_table *table, struct text key, size_t guess)
{
	if (guess < table->count && text_equal(table->keys[guess], key))
		return guess;
	if (table->names.places) {
		const struct text *name = *name_table_place(&table->names, key);
		return name ? (size_t)(name - table->keys) : table->count;
	}
	size_t at = 0;
	while (at < table->count && !text_equal(table->keys[at], key))
		at++;
	return at;
}

static bool twice(const struct json_scan *scan, const struct wording *wording, struct text key, size_t row)
{
	return error_set(scan->error, wording->fault, PLACE_NONE, "%s: the key " TEXT_FORMAT " of row %zu occurs twice",
			 wording->rows, TEXT_ARGUMENTS(key), row);
}

/* Further rows may have the keys of the first in any order. */
static bool names_open(struct v1_json_table *table, struct arena *arena)
{
	if (table->count <= NAMES_COMPARED_MAX)
		return true;
	if (!name_table_open(&table->names, table->count, arena))
		return false;
	for (size_t i = 0; i < table->count; i++)
		*name_table_place(&table->names, table->keys[i]) = &table->keys[i];
	return true;
}

static bool open_table(struct v1_json_table *table, struct json_scan scan, const struct wording *wording, struct text span)
{
	struct text key;
	table->keys = ARENA_ARRAY(scan.arena, struct text, KEYS_MAX);
	if (!table->keys)
		return error_memory(scan.error, ERROR_LIMIT, "reading rows");
	json_enter(&scan);
	for (; json_item(&scan); table->rows++) {
		bool first = table->rows == 0;
		if (json_peek(&scan) != JSON_OBJECT)
			return error_set(scan.error, wording->fault, PLACE_NONE, "%s: row %zu is not an object, and row 0 is",
					 wording->rows, table->rows);
		if (!first) {
			(void)json_skip(&scan);
			continue;
		}
		json_enter(&scan);
		for (; json_key(&scan, &key); (void)json_skip(&scan)) {
			if (table->count == KEYS_MAX)
				return error_set(scan.error, ERROR_LIMIT, PLACE_NONE, "%s: a row has more than %d keys; send lists",
						 wording->rows, KEYS_MAX);
			if (find_key(table, key, 0) < table->count)
				return twice(&scan, wording, key, 0);
			table->keys[table->count++] = key;
		}
	}
	if (table->count == 0)
		return error_set(scan.error, wording->fault, PLACE_NONE, "%s: row 0 is an empty object; give it keys",
				 wording->rows);
	if (!names_open(table, scan.arena))
		return error_memory(scan.error, ERROR_LIMIT, "reading rows");
	/* A key, its colon and its value are four bytes at least. */
	if (table->rows > span.length / 4 / table->count)
		return error_set(scan.error, wording->fault, PLACE_NONE, "%s: rows differ in their keys; give each the same",
				 wording->rows);
	table->cells = ARENA_ARRAY(scan.arena, struct text, table->rows * table->count);
	return table->cells || error_memory(scan.error, ERROR_LIMIT, "reading rows");
}

static bool fill_row(const struct v1_json_table *table, struct json_scan *scan, const struct wording *wording, size_t row)
{
	struct text key;
	size_t filled = 0;
	json_enter(scan);
	for (; json_key(scan, &key); filled++) {
		size_t at = find_key(table, key, filled);
		if (at == table->count)
			return error_set(scan->error, wording->fault, PLACE_NONE,
					 "%s: the key " TEXT_FORMAT " of row %zu is not in row 0; give each row the same keys",
					 wording->rows, TEXT_ARGUMENTS(key), row);
		if (table->cells[at * table->rows + row].bytes)
			return twice(scan, wording, key, row);
		(void)json_span(scan, &table->cells[at * table->rows + row]);
	}
	return filled == table->count ||
	       error_set(scan->error, wording->fault, PLACE_NONE, "%s: row %zu has %zu keys and row 0 has %zu; give each the same",
			 wording->rows, row, filled, table->count);
}

static bool read_table(struct message *message, const struct json_scan *scan, const struct wording *wording, struct text span)
{
	struct v1_json_table table = {0};
	struct json_scan rows = json_again(scan, span);
	if (!open_table(&table, rows, wording, span))
		return false;
	json_enter(&rows);
	for (size_t row = 0; json_item(&rows); row++) {
		(void)json_peek(&rows);
		if (!fill_row(&table, &rows, wording, row))
			return false;
	}
	struct tensors_builder builder;
	tensors_begin(&builder, message->arena, table.count);
	for (size_t k = 0; k < table.count; k++) {
		const char *where =
			arena_print(message->arena, "%s: key " TEXT_FORMAT, wording->rows, TEXT_ARGUMENTS(table.keys[k]));
		const struct tensor *tensor =
			where ? tensor_infer(scan, where, table.keys[k], table.cells + k * table.rows, table.rows, true, v1_rules)
			      : NULL;
		if (where && !tensor)
			return false;
		tensors_add(&builder, tensor);
	}
	return end_tensors(message, &builder, scan->error);
}

static bool read_rows(struct message *message, const struct json_scan *scan, const struct wording *wording, struct text span)
{
	struct json_scan inside = json_again(scan, span);
	struct text bytes;
	if (json_peek(&inside) != JSON_ARRAY)
		return error_set(scan->error, wording->fault, PLACE_NONE, "%s is not a list; send {\"%s\": [row, …]}",
				 wording->rows, wording->rows);
	json_enter(&inside);
	if (!json_item(&inside))
		return error_set(scan->error, wording->fault, PLACE_NONE, "%s is an empty list; send at least one row",
				 wording->rows);
	if (json_peek(&inside) == JSON_OBJECT && !json_is_base64(&inside, &bytes))
		return read_table(message, scan, wording, span);
	return read_alone(message, scan, wording->rows, wording, span);
}

static bool read_columns(struct message *message, const struct json_scan *scan, const struct wording *wording, struct text span)
{
	struct json_scan inside = json_again(scan, span);
	struct tensors_builder builder;
	struct text name;
	struct text value;
	if (json_peek(&inside) != JSON_OBJECT || json_is_base64(&inside, &value))
		return read_alone(message, scan, wording->columns, wording, span);
	tensors_begin(&builder, message->arena, 0);
	json_enter(&inside);
	while (json_key(&inside, &name)) {
		const char *where = arena_print(message->arena, "%s: " TEXT_FORMAT, wording->columns, TEXT_ARGUMENTS(name));
		if (!where)
			return error_memory(scan->error, ERROR_LIMIT, "reading columns");
		const struct tensor *tensor =
			json_span(&inside, &value) ? tensor_infer(scan, where, name, &value, 1, false, v1_rules) : NULL;
		if (!tensor)
			return false;
		tensors_add(&builder, tensor);
	}
	if (builder.count == 0)
		return error_set(scan->error, wording->fault, PLACE_NONE, "%s is an empty object; send at least one tensor",
				 wording->columns);
	return end_tensors(message, &builder, scan->error);
}

static bool read_body(struct message *message, struct text bytes, const struct wording *wording, struct error *error)
{
	struct json_scan scan;
	struct text key;
	struct text rows = {0};
	struct text columns = {0};
	const bool is_reply = wording == &reply_wording; /* of equal keys in a reply the last one counts */
	json_begin(&scan, bytes, wording->body, message->arena, error);
	enum json_type type = json_peek(&scan);
	if (type == JSON_OBJECT) {
		json_enter(&scan);
		while (json_key(&scan, &key)) {
			/* MLflow's predictions may be an object, of columns. */
			bool is_rows = text_is(key, wording->rows);
			if (!is_reply && (is_rows ? rows.bytes != NULL : columns.bytes && text_is(key, wording->columns)))
				return error_set(error, wording->fault, PLACE_NONE, TEXT_FORMAT " occurs twice in %s; send it once",
						 TEXT_ARGUMENTS(key), wording->body);
			if (is_rows && !(is_reply && json_peek(&scan) == JSON_OBJECT))
				(void)json_span(&scan, &rows);
			else if (is_rows || text_is(key, wording->columns))
				(void)json_span(&scan, &columns);
			else
				(void)json_skip(&scan);
		}
	} else if (type != JSON_WRONG) {
		(void)json_skip(&scan);
	}
	if (!json_end(&scan))
		return false;
	if (!rows.bytes == !columns.bytes)
		return error_set(error, wording->fault, PLACE_NONE, "%s has %s %s %s %s; send {\"%s\": [row, …]}", wording->body,
				 columns.bytes ? "both" : "neither", wording->rows, columns.bytes ? "and" : "nor", wording->columns,
				 wording->rows);
	message->v1_columns = columns.bytes != NULL;
	return columns.bytes ? read_columns(message, &scan, wording, columns) : read_rows(message, &scan, wording, rows);
}

static bool v1_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error)
{
	(void)schemas;
	return read_body(message, bytes, &request_wording, error);
}

bool v1_decode_reply(struct arena *arena, struct text body, struct payload *payload, struct error *error)
{
	struct message message = {.arena = arena};
	struct error fault;
	fault.kind = ERROR_NONE;
	bool good = read_body(&message, body, &reply_wording, &fault);
	*payload = message.payload;
	return good || error_set(error, fault.kind == ERROR_LIMIT ? ERROR_LIMIT : ERROR_REMOTE, PLACE_NONE, "%s", fault.text);
}

/* --- writing ------------------------------------------------------------- */

/* A list even of a single value. */
static void write_alone(struct buffer *out, const struct tensor *tensor)
{
	if (tensor->rank > 0)
		tensor_json_write_nested(out, tensor, BYTES_AS_EITHER);
	else
		tensor_json_write_flat(out, tensor, BYTES_AS_EITHER);
}

/* An object of the tensors by name: of one row each, or all of each. */
static void write_object(struct buffer *out, struct tensors tensors, const size_t *row)
{
	buffer_byte(out, '{');
	for (size_t i = 0; i < tensors.count; i++) {
		if (i > 0)
			buffer_byte(out, ',');
		json_write_string(out, tensors.items[i]->name);
		buffer_byte(out, ':');
		if (row)
			tensor_json_write_row(out, tensors.items[i], *row, BYTES_AS_EITHER);
		else
			write_alone(out, tensors.items[i]);
	}
	buffer_byte(out, '}');
}

/* Rows of objects are only possible when all have as many, and elements in them. */
static bool have_rows(struct tensors tensors)
{
	for (size_t i = 0; i < tensors.count; i++) {
		const struct tensor *tensor = tensors.items[i];
		if (tensor->rank == 0 || tensor->count == 0 || tensor->shape[0] != tensors.items[0]->shape[0])
			return false;
	}
	return true;
}

static void write_tensors(struct buffer *out, struct tensors tensors, bool columns)
{
	if (tensors.count == 0) {
		buffer_string(out, columns ? "{}" : "[]");
	} else if (tensors.count == 1) {
		write_alone(out, tensors.items[0]);
	} else if (columns || !have_rows(tensors)) {
		write_object(out, tensors, NULL);
	} else {
		for (size_t row = 0; row < (size_t)tensors.items[0]->shape[0]; row++) {
			buffer_byte(out, row ? ',' : '[');
			write_object(out, tensors, &row);
		}
		buffer_byte(out, ']');
	}
}

static bool v1_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
		      struct buffer *out, struct error *error)
{
	(void)schemas;
	if (answer->payload) {
		buffer_string(out, message->v1_columns ? "{\"outputs\":" : "{\"predictions\":");
		write_tensors(out, answer->payload->tensors, message->v1_columns);
	} else {
		json_write_string_after(out, TEXT("{\"error\":"), text_of(answer->error->text));
	}
	buffer_byte(out, '}');
	return json_written(out, error);
}

bool v1_encode_request(const struct payload *payload, bool columns, struct buffer *out, struct error *error)
{
	struct tensors tensors = payload->tensors;
	columns = columns || (tensors.count > 1 && !have_rows(tensors));
	buffer_string(out, columns ? "{\"inputs\":" : "{\"instances\":");
	write_tensors(out, tensors, columns);
	buffer_byte(out, '}');
	return json_written(out, error);
}

/* Each tensor is a column of as many rows. */
static bool are_columns(struct tensors tensors)
{
	for (size_t i = 0; i < tensors.count; i++)
		if (tensors.items[i]->rank == 0 || tensors.items[i]->count != (size_t)tensors.items[i]->shape[0])
			return false;
	return have_rows(tensors);
}

bool mlflow_encode_request(const struct payload *payload, struct buffer *out, struct error *error)
{
	struct tensors tensors = payload->tensors;
	const struct parameter *type = parameters_find(payload->parameters, TEXT("content_type"));
	bool frame = type && type->type == PARAMETER_TEXT && text_is(type->value.text, "pd");
	if (!(frame || tensors.count > 1) || tensors.count == 0 || !are_columns(tensors))
		return v1_encode_request(payload, true, out, error);
	buffer_string(out, "{\"dataframe_split\":{\"columns\":[");
	for (size_t i = 0; i < tensors.count; i++) {
		if (i > 0)
			buffer_byte(out, ',');
		json_write_string(out, tensors.items[i]->name);
	}
	buffer_string(out, "],\"data\":");
	for (size_t row = 0; row < (size_t)tensors.items[0]->shape[0]; row++) {
		buffer_byte(out, row ? ',' : '[');
		for (size_t i = 0; i < tensors.count; i++) {
			buffer_byte(out, i ? ',' : '[');
			tensor_json_write_element(out, tensors.items[i], row, BYTES_AS_EITHER);
		}
		buffer_byte(out, ']');
	}
	buffer_string(out, "]}}");
	return json_written(out, error);
}

const struct format format_v1 = {
	.name = "v1",
	.content_types = {FORMAT_TYPE("application/json"), FORMAT_TYPE("application/vnd.kserve.v1+json")},
	.help = "V1 of TensorFlow Serving and KServe: instances and predictions, or inputs and outputs; as at KServe, "
		"signature_name chooses nothing, since a pipeline has one signature",
	.sniff = v1_sniff,
	.decode = v1_decode,
	.encode = v1_encode,
};
