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
#include <math.h>

#include "message/json_scan.h"
#include "message/json_write.h"
#include "steps/operations.h"

#define FORMAT "sluice_preprocess/1"

struct operation_file_reading {
	struct json_scan *scan;
	struct place place; /* of the file's name in the YAML */
	const char *field;  /* being read, for errors */
};

static bool read_map(struct operation_file_reading *reading, const struct option *rows, void *into);

/* ---- values ---- */

/* It is JSON, and says what it must not. */
static bool fail(struct json_scan *scan, const char *why)
{
	scan->failed = true;
	return error_set(scan->error, ERROR_CONFIG, PLACE_NONE, "%s, at byte %zu: %s", scan->what, (size_t)(scan->at - scan->begin),
			 why ? why : "memory ran out");
}

static bool refuse(struct operation_file_reading *reading, const char *what)
{
	return fail(reading->scan, arena_print(reading->scan->arena, "`%s` %s", reading->field, what));
}

static const char *string_of(struct operation_file_reading *reading)
{
	struct text text;
	if (json_peek(reading->scan) != JSON_STRING || !json_text(reading->scan, &text)) {
		refuse(reading, "is a text");
		return NULL;
	}
	return arena_copy(reading->scan->arena, text.bytes, text.length);
}

/* NaN and infinities are texts. */
static bool take_number(struct operation_file_reading *reading, const struct option *row, double *number)
{
	struct decimal decimal;
	struct text text;
	const enum json_type type = json_peek(reading->scan);
	if (type == JSON_STRING && json_text(reading->scan, &text)) {
		*number = text_is(text, "NaN") ? NAN : text_is(text, "-Infinity") ? -INFINITY : INFINITY;
		if (!__builtin_isfinite(*number) &&
		    (text_is(text, "NaN") || text_is(text, "Infinity") || text_is(text, "-Infinity")))
			return true;
		return refuse(reading, "is a number");
	}
	if (type != JSON_NUMBER || !json_number(reading->scan, &decimal))
		return refuse(reading, "is a number");
	*number = decimal_to_double(&decimal);
	if (row->least < row->most && (*number < row->least || *number > row->most))
		return refuse(reading, "is out of range");
	return true;
}

static int choice_of(const char *choices, struct text word)
{
	for (int index = 0; *choices; index++) {
		const struct text choice = {choices, strcspn(choices, " ")};
		if (text_equal(choice, word))
			return index;
		choices += choice.length + (choices[choice.length] == ' ');
	}
	return -1;
}

static bool read_choice(struct operation_file_reading *reading, const struct option *row, int *at)
{
	const char *word = string_of(reading);
	*at = word ? choice_of(row->choices, text_of(word)) : -1;
	return *at >= 0 || refuse(reading, arena_print(reading->scan->arena, "is one of %s", row->choices));
}

static bool read_numbers(struct operation_file_reading *reading, const struct option *row, struct number_list *list)
{
	struct json_scan *scan = reading->scan;
	struct text span;
	size_t room = 0;
	if (json_peek(scan) != JSON_ARRAY || !json_span(scan, &span))
		return refuse(reading, "is a list of numbers");
	for (size_t i = 0; i < span.length; i++)
		room += span.bytes[i] == ',';
	double *items = ARENA_ARRAY(scan->arena, double, room + 1);
	struct json_scan again = json_again(scan, span);
	reading->scan = &again;
	list->count = 0;
	for (json_enter(&again); items && json_item(&again) && take_number(reading, row, &items[list->count]);)
		list->count++;
	reading->scan = scan;
	list->items = items;
	scan->failed = scan->failed || again.failed;
	return items && !scan->failed;
}

static bool read_names(struct operation_file_reading *reading, struct name_list *list)
{
	struct json_scan *scan = reading->scan;
	size_t room = 0;
	if (json_peek(scan) != JSON_ARRAY || !json_enter(scan))
		return refuse(reading, "is a list of texts");
	struct name *items = NULL;
	for (list->count = 0; json_item(scan); list->count++) {
		if (list->count == room) {
			struct name *more = ARENA_ARRAY(scan->arena, struct name, room = 2 * room + 4);
			if (more && list->count)
				memcpy(more, items, list->count * sizeof *more);
			items = more;
		}
		const char *text = string_of(reading);
		if (!items || !text)
			return false;
		items[list->count] = (struct name){text, reading->place};
	}
	list->items = items;
	return !scan->failed;
}

/* A text, a number or a flag, as it is written. */
static bool read_scalar(struct operation_file_reading *reading, const char **at)
{
	struct text span;
	if (json_peek(reading->scan) == JSON_STRING) {
		*at = string_of(reading);
		return *at;
	}
	if (!json_span(reading->scan, &span))
		return false;
	*at = arena_copy(reading->scan->arena, span.bytes, span.length);
	return *at;
}

/* ---- rows ---- */

static bool takes(const struct option *row, enum json_type type)
{
	const bool list = row->type == OPTION_LIST || row->type == OPTION_NUMBERS || row->type == OPTION_NAMES;
	return row->short_form &&
	       (type == JSON_OBJECT ? row->type == OPTION_TABLE : (type == JSON_ARRAY) == list && row->type != OPTION_TABLE);
}

static bool read_value(struct operation_file_reading *reading, const struct option *row, void *at);

/* What is no map goes to the row that takes it whole. */
static bool read_whole(struct operation_file_reading *reading, const struct option *rows, void *into)
{
	const enum json_type type = json_peek(reading->scan);
	const struct option *whole = NULL;
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		if (row->type == OPTION_HERE)
			*(struct place *)((unsigned char *)into + row->offset) = reading->place;
		whole = whole || !takes(row, type) ? whole : row;
	}
	if (whole)
		return read_value(reading, whole, (unsigned char *)into + whole->offset);
	return type == JSON_OBJECT ? read_map(reading, rows, into) : refuse(reading, "is an object");
}

/* The next item of a list that grows; NULL: the arena is full. */
static void *item_next(struct operation_file_reading *reading, const struct option *row, struct item_list *list)
{
	unsigned char *items = (void *)(uintptr_t)list->items;
	if ((list->count & (list->count - 1)) == 0) { /* a power of two is full */
		unsigned char *more = arena_take(reading->scan->arena, 2 * list->count + 1, row->item_size);
		if (more && list->count)
			memcpy(more, items, list->count * row->item_size);
		items = more;
	}
	list->items = items;
	return items ? items + list->count++ * row->item_size : NULL;
}

static bool read_list(struct operation_file_reading *reading, const struct option *row, struct item_list *list)
{
	if (json_peek(reading->scan) != JSON_ARRAY || !json_enter(reading->scan))
		return refuse(reading, "is a list");
	while (json_item(reading->scan)) {
		void *item = item_next(reading, row, list);
		if (!item || !read_whole(reading, row->rows, item))
			return false;
	}
	return !reading->scan->failed;
}

static bool read_table(struct operation_file_reading *reading, const struct option *row, struct item_list *list)
{
	struct text key;
	if (!json_enter(reading->scan))
		return false;
	while (json_key(reading->scan, &key)) {
		unsigned char *item = item_next(reading, row, list);
		if (!item || !read_whole(reading, row->rows, item))
			return false;
		for (const struct option *inner = row->rows; inner->type != OPTION_END; inner++)
			if (inner->type == OPTION_KEY)
				*(struct name *)(item + inner->offset) =
					(struct name){arena_copy(reading->scan->arena, key.bytes, key.length), reading->place};
	}
	return !reading->scan->failed;
}

static bool read_value(struct operation_file_reading *reading, const struct option *row, void *at)
{
	double number;
	switch (row->type) {
	case OPTION_TEXT:
		*(const char **)at = string_of(reading);
		if (*(const char **)at && row->choices && choice_of(row->choices, text_of(*(const char **)at)) < 0)
			return refuse(reading, arena_print(reading->scan->arena, "is one of %s", row->choices));
		return *(const char **)at;
	case OPTION_NAME:
		*(struct name *)at = (struct name){string_of(reading), reading->place};
		return ((struct name *)at)->text;
	case OPTION_SCALAR:
		return read_scalar(reading, at);
	case OPTION_CHOICE:
		return read_choice(reading, row, at);
	case OPTION_FLAG:
		*(bool *)at = json_peek(reading->scan) == JSON_TRUE;
		if (!*(bool *)at && json_peek(reading->scan) != JSON_FALSE)
			return refuse(reading, "is true or false");
		return json_word(reading->scan);
	case OPTION_NUMBER:
		return take_number(reading, row, at);
	case OPTION_INTEGER:
		if (!take_number(reading, row, &number))
			return false;
		*(int64_t *)at = (int64_t)number;
		return number == floor(number) || refuse(reading, "is a whole number");
	case OPTION_NUMBERS:
		return read_numbers(reading, row, at);
	case OPTION_NAMES:
		return read_names(reading, at);
	case OPTION_LIST:
		return read_list(reading, row, at);
	case OPTION_TABLE:
		return read_table(reading, row, at);
	default:
		return refuse(reading, "is not allowed in a file; write it in the step");
	}
}

/* The fallbacks of the types that have some here. */
static void fall_back(const struct option *rows, void *into)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		void *at = (unsigned char *)into + row->offset;
		int64_t number;
		if (!row->fallback)
			continue;
		if (row->type == OPTION_CHOICE)
			*(int *)at = choice_of(row->choices, text_of(row->fallback));
		else if (row->type == OPTION_FLAG)
			*(bool *)at = strcmp(row->fallback, "true") == 0;
		else if (row->type == OPTION_INTEGER && number_read_int64(text_of(row->fallback), &number))
			*(int64_t *)at = number;
	}
}

static const struct option *row_named(const struct option *rows, struct text name)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->name && text_is(name, row->name))
			return row;
	return NULL;
}

static bool read_map(struct operation_file_reading *reading, const struct option *rows, void *into)
{
	struct text key;
	if (!json_enter(reading->scan))
		return false;
	while (json_key(reading->scan, &key)) {
		const struct option *row = row_named(rows, key);
		reading->field = arena_copy(reading->scan->arena, key.bytes, key.length);
		if (!row)
			return refuse(reading, "is not a field here; `sluice help steps` lists them");
		if (row->place_offset)
			*(struct place *)((unsigned char *)into + row->place_offset) = reading->place;
		if (!read_value(reading, row, (unsigned char *)into + row->offset))
			return false;
	}
	for (const struct option *row = rows; row->type != OPTION_END && !reading->scan->failed; row++) {
		reading->field = row->name;
		const bool named = row->type == OPTION_NAME || row->type == OPTION_TEXT;
		if (row->required && named && !*(const char *const *)((unsigned char *)into + row->offset))
			return refuse(reading, "is missing");
	}
	return !reading->scan->failed;
}

/* ---- a file ---- */

static bool read_operation(struct operation_file_reading *reading, const struct option *rows, struct operation *operation)
{
	struct text key;
	struct error wrong = {0};
	reading->field = "operations";
	if (json_peek(reading->scan) != JSON_OBJECT || !json_enter(reading->scan) || !json_key(reading->scan, &key))
		return refuse(reading, "has objects with one operation each");
	const struct option *row = row_named(rows, key);
	reading->field = arena_copy(reading->scan->arena, key.bytes, key.length);
	if (!row)
		return refuse(reading, "is not an operation; `sluice help steps` lists them");
	void *options = arena_take(reading->scan->arena, 1, row->item_size);
	if (!options)
		return false;
	fall_back(row->rows, options);
	const bool read = read_whole(reading, row->rows, options);
	reading->field = row->name;
	if (!read || json_key(reading->scan, &key))
		return refuse(reading, "is in one object with another operation; write each into its own");
	const struct operation_kind *kind = operation_kind_find(row->name);
	if (!reading->scan->failed && kind->check && !kind->check(options, reading->place, &wrong))
		return fail(reading->scan, wrong.text);
	*operation = (struct operation){row, options, reading->place};
	return !reading->scan->failed;
}

static bool read_operations(struct operation_file_reading *reading, const struct option *rows, struct item_list *operations)
{
	static const struct option item = {.item_size = sizeof(struct operation)};
	if (json_peek(reading->scan) != JSON_ARRAY || !json_enter(reading->scan))
		return refuse(reading, "is a list");
	while (json_item(reading->scan)) {
		struct operation *operation = item_next(reading, &item, operations);
		if (!operation || !read_operation(reading, rows, operation))
			return false;
	}
	return !reading->scan->failed;
}

static bool read_file(struct operation_file_reading *reading, const struct option *rows, struct item_list *operations)
{
	struct text key, format = {0};
	if (json_peek(reading->scan) != JSON_OBJECT || !json_enter(reading->scan))
		return fail(reading->scan, "it is an object with `format` and `operations`");
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
	return text_is(format, FORMAT) || fail(reading->scan, "its `format` is not " FORMAT);
}

bool operations_read(const struct step *step, const struct name *file, const struct option *rows, struct arena *arena,
		     struct item_list *operations, struct error *error)
{
	struct text content;
	struct error wrong = {0};
	struct json_scan scan;
	struct operation_file_reading reading = {.scan = &scan, .place = file->place};
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

/* ---- writing ---- */

static void write_map(struct buffer *out, const struct option *rows, const void *options);

static void write_choice(struct buffer *out, const char *choices, int index)
{
	for (; index > 0; index--)
		choices += strcspn(choices, " ") + 1;
	json_write_string(out, (struct text){choices, strcspn(choices, " ")});
}

static void write_numbers(struct buffer *out, const struct number_list *list)
{
	buffer_byte(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		buffer_string(out, i ? ", " : "");
		json_write_double(out, list->items[i]);
	}
	buffer_byte(out, ']');
}

static void write_names(struct buffer *out, const struct name_list *list)
{
	buffer_byte(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		buffer_string(out, i ? ", " : "");
		json_write_string(out, text_of(list->items[i].text));
	}
	buffer_byte(out, ']');
}

static bool is_empty(const struct option *row, const void *at)
{
	const bool text = row->type == OPTION_TEXT || row->type == OPTION_NAME || row->type == OPTION_SCALAR;
	const bool list = row->type == OPTION_NUMBERS || row->type == OPTION_NAMES || row->type == OPTION_LIST;
	return row->type == OPTION_HERE || (text && !*(const char *const *)at) || (list && *(const size_t *)at == 0);
}

static void write_value(struct buffer *out, const struct option *row, const void *at);

static void write_list(struct buffer *out, const struct option *row, const struct item_list *list)
{
	buffer_byte(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		const unsigned char *item = (const unsigned char *)list->items + i * row->item_size;
		buffer_string(out, i ? ", " : "");
		for (const struct option *inner = row->rows; inner->type != OPTION_END; inner++)
			if (inner->short_form && !is_empty(inner, item + inner->offset))
				write_value(out, inner, item + inner->offset);
	}
	buffer_byte(out, ']');
}

static void write_value(struct buffer *out, const struct option *row, const void *at)
{
	switch (row->type) {
	case OPTION_CHOICE:
		write_choice(out, row->choices, *(const int *)at);
		return;
	case OPTION_FLAG:
		json_write_bool(out, *(const bool *)at);
		return;
	case OPTION_NUMBER:
		json_write_double(out, *(const double *)at);
		return;
	case OPTION_INTEGER:
		json_write_int64(out, *(const int64_t *)at);
		return;
	case OPTION_NUMBERS:
		write_numbers(out, at);
		return;
	case OPTION_NAMES:
		write_names(out, at);
		return;
	case OPTION_LIST:
		write_list(out, row, at);
		return;
	default: /* texts of three kinds, which all begin with their characters */
		json_write_string(out, text_of(*(const char *const *)at));
	}
}

/* What a file needs not say is left out: where the constants were to come from, and what is
 * not there. */
static void write_map(struct buffer *out, const struct option *rows, const void *options)
{
	const char *before = "{";
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		const void *at = (const unsigned char *)options + row->offset;
		const struct place *here =
			row->place_offset ? (const void *)((const unsigned char *)options + row->place_offset) : NULL;
		if (!row->name || strcmp(row->name, "fitted") == 0 || is_empty(row, at) || (here && !here->line))
			continue;
		buffer_string(out, before);
		json_write_string(out, text_of(row->name));
		buffer_string(out, ": ");
		write_value(out, row, at);
		before = ", ";
	}
	buffer_string(out, *before == '{' ? "{}" : "}");
}

void operations_write(const struct item_list *list, struct buffer *out)
{
	const struct operation *operations = list->items;
	buffer_string(out, "{\"format\": \"" FORMAT "\", \"operations\": [");
	for (size_t i = 0; i < list->count; i++) {
		buffer_string(out, i ? ",\n  {" : "\n  {");
		json_write_string(out, text_of(operations[i].row->name));
		buffer_string(out, ": ");
		write_map(out, operations[i].row->rows, operations[i].options);
		buffer_byte(out, '}');
	}
	buffer_string(out, "\n]}\n");
}
