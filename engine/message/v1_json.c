/* v1_json.c: V1 of TensorFlow Serving and KServe, as a format.
 *
 * Rows: {"instances": [...]} is one tensor `input-0`; rows that are objects are one
 * tensor for each key. Columns: {"inputs": {"name": [...]}}, or one without a name.
 * The answer has `predictions` for `instances` and `outputs` for `inputs`.
 */
#include "message/format.h"
#include "message/json_form.h"
#include "message/json_write.h"
#include "message/tensor_infer.h"
#include "message/tensor_json.h"

#define ONLY_TENSOR TEXT("input-0")
#define KEYS_MAX 1024 /* in a row; each is looked up among all others */

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
static bool read_alone(struct message *message, const struct json_scan *scan, const char *where, struct text span)
{
	struct tensors_builder builder;
	const struct tensor *tensor = tensor_infer(scan, where, ONLY_TENSOR, &span, 1, false, v1_rules);
	if (!tensor)
		return false;
	tensors_begin(&builder, message->arena, 1);
	tensors_add(&builder, tensor);
	return end_tensors(message, &builder, scan->error);
}

/* Rows that are objects, as a table: the value of key `k` in row `r` stands at
 * k * rows + r. */
struct table {
	size_t rows;
	size_t count; /* of keys */
	struct text *keys;
	struct text *cells;
};

/* The key's number, most likely `guess`; `count` when there is none. */
static size_t find_key(const struct table *table, struct text key, size_t guess)
{
	if (guess < table->count && text_equal(table->keys[guess], key))
		return guess;
	size_t at = 0;
	while (at < table->count && !text_equal(table->keys[at], key))
		at++;
	return at;
}

static bool twice(const struct json_scan *scan, struct text key, size_t row)
{
	return error_set(scan->error, ERROR_INPUT, PLACE_NONE, "instances: the key " TEXT_FORMAT " of row %zu stands twice",
			 TEXT_ARGUMENTS(key), row);
}

static bool open_table(struct table *table, struct json_scan scan, struct text span)
{
	struct text key;
	table->keys = ARENA_ARRAY(scan.arena, struct text, KEYS_MAX);
	if (!table->keys)
		return error_memory(scan.error, ERROR_LIMIT, "reading instances");
	json_enter(&scan);
	for (; json_item(&scan); table->rows++) {
		bool first = table->rows == 0;
		if (json_peek(&scan) != JSON_OBJECT)
			return error_set(scan.error, ERROR_INPUT, PLACE_NONE, "instances: row %zu is no object, and row 0 is",
					 table->rows);
		if (!first) {
			(void)json_skip(&scan);
			continue;
		}
		json_enter(&scan);
		for (; json_key(&scan, &key); (void)json_skip(&scan)) {
			if (table->count == KEYS_MAX)
				return error_set(scan.error, ERROR_LIMIT, PLACE_NONE,
						 "instances: a row has more than %d keys; send lists", KEYS_MAX);
			if (find_key(table, key, 0) < table->count)
				return twice(&scan, key, 0);
			table->keys[table->count++] = key;
		}
	}
	if (table->count == 0)
		return error_set(scan.error, ERROR_INPUT, PLACE_NONE, "instances: row 0 is an empty object; give it keys");
	/* A key, its colon and its value are four bytes at least. */
	if (table->rows > span.length / 4 / table->count)
		return error_set(scan.error, ERROR_INPUT, PLACE_NONE, "instances: rows differ in their keys; give each the same");
	table->cells = ARENA_ARRAY(scan.arena, struct text, table->rows * table->count);
	return table->cells || error_memory(scan.error, ERROR_LIMIT, "reading instances");
}

static bool fill_row(const struct table *table, struct json_scan *scan, size_t row)
{
	struct text key;
	size_t filled = 0;
	json_enter(scan);
	for (; json_key(scan, &key); filled++) {
		size_t at = find_key(table, key, filled);
		if (at == table->count)
			return error_set(scan->error, ERROR_INPUT, PLACE_NONE,
					 "instances: the key " TEXT_FORMAT
					 " of row %zu is not in row 0; give each row the same keys",
					 TEXT_ARGUMENTS(key), row);
		if (table->cells[at * table->rows + row].bytes)
			return twice(scan, key, row);
		(void)json_span(scan, &table->cells[at * table->rows + row]);
	}
	return filled == table->count ||
	       error_set(scan->error, ERROR_INPUT, PLACE_NONE,
			 "instances: row %zu has %zu keys and row 0 has %zu; give each the same", row, filled, table->count);
}

static bool read_table(struct message *message, const struct json_scan *scan, struct text span)
{
	struct table table = {0};
	struct json_scan rows = json_again(scan, span);
	if (!open_table(&table, rows, span))
		return false;
	json_enter(&rows);
	for (size_t row = 0; json_item(&rows); row++) {
		(void)json_peek(&rows);
		if (!fill_row(&table, &rows, row))
			return false;
	}
	struct tensors_builder builder;
	tensors_begin(&builder, message->arena, table.count);
	for (size_t k = 0; k < table.count; k++) {
		const char *where = arena_print(message->arena, "instances: key " TEXT_FORMAT, TEXT_ARGUMENTS(table.keys[k]));
		const struct tensor *tensor =
			where ? tensor_infer(scan, where, table.keys[k], table.cells + k * table.rows, table.rows, true, v1_rules)
			      : NULL;
		if (where && !tensor)
			return false;
		tensors_add(&builder, tensor);
	}
	return end_tensors(message, &builder, scan->error);
}

static bool read_instances(struct message *message, const struct json_scan *scan, struct text span)
{
	struct json_scan inside = json_again(scan, span);
	struct text bytes;
	if (json_peek(&inside) != JSON_ARRAY)
		return error_set(scan->error, ERROR_INPUT, PLACE_NONE, "instances is no list; send {\"instances\": [row, …]}");
	json_enter(&inside);
	if (!json_item(&inside))
		return error_set(scan->error, ERROR_INPUT, PLACE_NONE, "instances is an empty list; send at least one row");
	if (json_peek(&inside) == JSON_OBJECT && !json_is_base64(&inside, &bytes))
		return read_table(message, scan, span);
	return read_alone(message, scan, "instances", span);
}

static bool read_columns(struct message *message, const struct json_scan *scan, struct text span)
{
	struct json_scan inside = json_again(scan, span);
	struct tensors_builder builder;
	struct text name;
	struct text value;
	if (json_peek(&inside) != JSON_OBJECT || json_is_base64(&inside, &value))
		return read_alone(message, scan, "inputs", span);
	tensors_begin(&builder, message->arena, 0);
	json_enter(&inside);
	while (json_key(&inside, &name)) {
		const char *where = arena_print(message->arena, "inputs: " TEXT_FORMAT, TEXT_ARGUMENTS(name));
		if (!where)
			return error_memory(scan->error, ERROR_LIMIT, "reading inputs");
		const struct tensor *tensor =
			json_span(&inside, &value) ? tensor_infer(scan, where, name, &value, 1, false, v1_rules) : NULL;
		if (!tensor)
			return false;
		tensors_add(&builder, tensor);
	}
	if (builder.count == 0)
		return error_set(scan->error, ERROR_INPUT, PLACE_NONE, "inputs is an empty object; send at least one tensor");
	return end_tensors(message, &builder, scan->error);
}

static bool v1_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error)
{
	(void)schemas;
	struct json_scan scan;
	struct text key;
	struct text instances = {0};
	struct text inputs = {0};
	json_begin(&scan, bytes, "the request", message->arena, error);
	enum json_type type = json_peek(&scan);
	if (type == JSON_OBJECT) {
		json_enter(&scan);
		while (json_key(&scan, &key)) {
			if (text_is(key, "instances"))
				(void)json_span(&scan, &instances);
			else if (text_is(key, "inputs"))
				(void)json_span(&scan, &inputs);
			else
				(void)json_skip(&scan);
		}
	} else if (type != JSON_WRONG) {
		(void)json_skip(&scan);
	}
	if (!json_end(&scan))
		return false;
	if (!instances.bytes == !inputs.bytes)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the request has %s; send {\"instances\": [row, …]}",
				 inputs.bytes ? "both instances and inputs" : "neither instances nor inputs");
	message->v1_columns = inputs.bytes != NULL;
	return inputs.bytes ? read_columns(message, &scan, inputs) : read_instances(message, &scan, instances);
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
		buffer_string(out, "{\"error\":");
		json_write_string(out, text_of(answer->error->text));
	}
	buffer_byte(out, '}');
	return json_written(out, error);
}

const struct format format_v1 = {
	.name = "v1",
	.content_types = "application/json application/vnd.kserve.v1+json",
	.help = "V1 of TensorFlow Serving and KServe: instances and predictions",
	.sniff = v1_sniff,
	.decode = v1_decode,
	.encode = v1_encode,
};
