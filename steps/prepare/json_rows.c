/* json_rows.c: see json_rows.h. */
#include "steps/prepare/json_rows.h"

#include <ctype.h>
#include <math.h>

#include "base/arena_list.h"
#include "base/suggest.h"
#include "message/json/json_write.h"

#define BLANKS " \t\r\n"
#define INTEGER_END 0x1p63 /* the first double that int64_t does not have */

/* ---- values ---- */

/* It is JSON, and says what it must not. */
bool json_rows_fail(struct json_scan *scan, const char *why)
{
	scan->failed = true;
	scan->end = scan->at;
	return error_set(scan->error, ERROR_CONFIG, PLACE_NONE, "%s, at byte %zu: %s", scan->what, (size_t)(scan->at - scan->begin),
			 why ? why : "memory ran out");
}

bool json_rows_refuse(struct json_rows *reading, const char *what)
{
	return json_rows_fail(reading->scan, arena_print(reading->scan->arena, "`%s` %s", reading->field, what));
}

static const char *string_of(struct json_rows *reading)
{
	struct text text;
	if (json_peek(reading->scan) != JSON_STRING || !json_text(reading->scan, &text))
		return error_null(json_rows_refuse(reading, "is a text"));
	return arena_copy(reading->scan->arena, text.bytes, text.length);
}

/* NaN and infinities are texts. */
static bool take_number(struct json_rows *reading, const struct option *row, double *number)
{
	struct decimal decimal;
	struct text text;
	const enum json_type type = json_peek(reading->scan);
	const bool ranged = row->least < row->most || row->type == OPTION_INTEGER;
	if (type == JSON_STRING && json_text(reading->scan, &text)) {
		*number = text_is(text, "NaN") ? NAN : text_is(text, "-Infinity") ? -INFINITY : INFINITY;
		if (!__builtin_isfinite(*number) &&
		    (text_is(text, "NaN") || text_is(text, "Infinity") || text_is(text, "-Infinity")))
			return !ranged || json_rows_refuse(reading, "is out of range");
		return json_rows_refuse(reading, "is a number");
	}
	if (type != JSON_NUMBER || !json_number(reading->scan, &decimal))
		return json_rows_refuse(reading, "is a number");
	*number = decimal_to_double(&decimal);
	if (row->type == OPTION_INTEGER && !(*number >= -INTEGER_END && *number < INTEGER_END))
		return json_rows_refuse(reading, "is out of range");
	if (row->least < row->most && (*number < row->least || *number > row->most))
		return json_rows_refuse(reading, "is out of range");
	return true;
}

static bool read_choice(struct json_rows *reading, const struct option *row, int *at)
{
	const char *word = string_of(reading);
	*at = word ? choice_find(row->choices, text_of(word), NULL) : -1;
	return *at >= 0 || json_rows_refuse(reading, arena_print(reading->scan->arena, "is one of %s", row->choices));
}

static bool read_numbers(struct json_rows *reading, const struct option *row, struct number_list *list)
{
	struct json_scan *scan = reading->scan;
	struct text span;
	size_t room = 0;
	if (json_peek(scan) != JSON_ARRAY || !json_span(scan, &span))
		return json_rows_refuse(reading, "is a list of numbers");
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

static bool read_names(struct json_rows *reading, struct name_list *list)
{
	struct json_scan *scan = reading->scan;
	size_t room = 0;
	if (json_peek(scan) != JSON_ARRAY || !json_enter(scan))
		return json_rows_refuse(reading, "is a list of texts");
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

/* Any value. */
static bool read_node(struct json_rows *reading, const char **at)
{
	struct text span;
	if (!json_span(reading->scan, &span))
		return false;
	*at = arena_copy(reading->scan->arena, span.bytes, span.length);
	return *at;
}

/* A text, a number or a flag, as it is written. */
static bool read_scalar(struct json_rows *reading, const char **at)
{
	if (json_peek(reading->scan) != JSON_STRING)
		return read_node(reading, at);
	*at = string_of(reading);
	return *at;
}

/* ---- rows ---- */

static bool json_rows_takes(const struct option *row, enum json_type type)
{
	const bool list = row->type == OPTION_LIST || row->type == OPTION_NUMBERS || row->type == OPTION_NAMES;
	return row->short_form &&
	       (type == JSON_OBJECT ? row->type == OPTION_TABLE : (type == JSON_ARRAY) == list && row->type != OPTION_TABLE);
}

static bool read_value(struct json_rows *reading, const struct option *row, void *at);

/* What is no map goes to the row that takes it whole. */
bool json_rows_read(struct json_rows *reading, const struct option *rows, void *into)
{
	const enum json_type type = json_peek(reading->scan);
	const struct option *whole = NULL;
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		if (row->type == OPTION_HERE)
			*(struct place *)((unsigned char *)into + row->offset) = reading->place;
		whole = whole || !json_rows_takes(row, type) ? whole : row;
	}
	if (whole)
		return read_value(reading, whole, (unsigned char *)into + whole->offset);
	return type == JSON_OBJECT ? json_rows_read_map(reading, rows, into) : json_rows_refuse(reading, "is an object");
}

/* The next item of a list that grows; NULL: the arena is full. */
void *json_rows_item(struct json_rows *reading, const struct option *row, struct item_list *list)
{
	unsigned char *items = arena_list_grow(reading->scan->arena, list->items, list->count, row->item_size);
	if (!items)
		return NULL;
	list->items = items;
	return items + list->count++ * row->item_size;
}

static bool read_list(struct json_rows *reading, const struct option *row, struct item_list *list)
{
	if (json_peek(reading->scan) != JSON_ARRAY || !json_enter(reading->scan))
		return json_rows_refuse(reading, "is a list");
	while (json_item(reading->scan)) {
		void *item = json_rows_item(reading, row, list);
		if (!item || !json_rows_read(reading, row->rows, item))
			return false;
	}
	return !reading->scan->failed;
}

static bool read_table(struct json_rows *reading, const struct option *row, struct item_list *list)
{
	struct text key;
	if (!json_enter(reading->scan))
		return false;
	while (json_key(reading->scan, &key)) {
		unsigned char *item = json_rows_item(reading, row, list);
		if (!item || !json_rows_read(reading, row->rows, item))
			return false;
		for (const struct option *inner = row->rows; inner->type != OPTION_END; inner++)
			if (inner->type == OPTION_KEY)
				*(struct name *)(item + inner->offset) =
					(struct name){arena_copy(reading->scan->arena, key.bytes, key.length), reading->place};
	}
	return !reading->scan->failed;
}

static bool read_value(struct json_rows *reading, const struct option *row, void *at)
{
	double number;
	switch (row->type) {
	case OPTION_TEXT:
		*(const char **)at = string_of(reading);
		if (*(const char **)at && row->choices && choice_find(row->choices, text_of(*(const char **)at), NULL) < 0)
			return json_rows_refuse(reading, arena_print(reading->scan->arena, "is one of %s", row->choices));
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
			return json_rows_refuse(reading, "is true or false");
		return json_word(reading->scan);
	case OPTION_NUMBER:
		return take_number(reading, row, at);
	case OPTION_INTEGER:
		if (!take_number(reading, row, &number))
			return false;
		*(int64_t *)at = (int64_t)number;
		return number == floor(number) || json_rows_refuse(reading, "is a whole number");
	case OPTION_NUMBERS:
		return read_numbers(reading, row, at);
	case OPTION_NAMES:
		return read_names(reading, at);
	case OPTION_LIST:
		return read_list(reading, row, at);
	case OPTION_TABLE:
		return read_table(reading, row, at);
	case OPTION_NODE:
		return read_node(reading, at);
	default:
		return json_rows_refuse(reading, "is not allowed in a file; write it in the step");
	}
}

/* The fallbacks of the types that have some here. */
void json_rows_fall_back(const struct option *rows, void *into)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		void *at = (unsigned char *)into + row->offset;
		int64_t number;
		if (!row->fallback)
			continue;
		if (row->type == OPTION_CHOICE)
			*(int *)at = choice_find(row->choices, text_of(row->fallback), NULL);
		else if (row->type == OPTION_FLAG)
			*(bool *)at = strcmp(row->fallback, "true") == 0;
		else if (row->type == OPTION_INTEGER && number_read_int64(text_of(row->fallback), &number))
			*(int64_t *)at = number;
	}
}

const struct option *json_rows_find(const struct option *rows, struct text name)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->name && text_is(name, row->name))
			return row;
	return NULL;
}

bool json_rows_read_map(struct json_rows *reading, const struct option *rows, void *into)
{
	struct text key;
	if (!json_enter(reading->scan))
		return false;
	while (json_key(reading->scan, &key)) {
		const struct option *row = json_rows_find(rows, key);
		reading->field = arena_copy(reading->scan->arena, key.bytes, key.length);
		if (!row)
			return json_rows_refuse(reading, "is not a field here; `sluice help steps` lists them");
		if (row->place_offset)
			*(struct place *)((unsigned char *)into + row->place_offset) = reading->place;
		if (!read_value(reading, row, (unsigned char *)into + row->offset))
			return false;
	}
	for (const struct option *row = rows; row->type != OPTION_END && !reading->scan->failed; row++) {
		reading->field = row->name;
		const bool named = row->type == OPTION_NAME || row->type == OPTION_TEXT;
		if (row->required && named && !*(const char *const *)((unsigned char *)into + row->offset))
			return json_rows_refuse(reading, "is missing");
	}
	return !reading->scan->failed;
}

/* ---- writing ---- */

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
	for (size_t i = 0; i < list->count; i++)
		json_write_string_after(out, text_of(i ? ", " : ""), text_of(list->items[i].text));
	buffer_byte(out, ']');
}

static bool is_empty(const struct option *row, const void *at)
{
	const bool text =
		row->type == OPTION_TEXT || row->type == OPTION_NAME || row->type == OPTION_SCALAR || row->type == OPTION_NODE;
	const bool list = row->type == OPTION_NUMBERS || row->type == OPTION_NAMES || row->type == OPTION_LIST;
	return row->type == OPTION_HERE || (text && !*(const char *const *)at) || (list && *(const size_t *)at == 0);
}

static void write_value(struct buffer *out, const struct option *row, const void *at);

/* By the row that takes it whole, if one does. */
static void write_item(struct buffer *out, const struct option *rows, const unsigned char *item)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->short_form && !is_empty(row, item + row->offset)) {
			write_value(out, row, item + row->offset);
			return;
		}
	json_rows_write(out, rows, item);
}

static void write_list(struct buffer *out, const struct option *row, const struct item_list *list)
{
	buffer_byte(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		const unsigned char *item = (const unsigned char *)list->items + i * row->item_size;
		buffer_string(out, i ? ", " : "");
		write_item(out, row->rows, item);
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
	case OPTION_NODE:
		buffer_string(out, *(const char *const *)at);
		return;
	default: /* texts of three kinds, which all begin with their characters */
		json_write_string(out, text_of(*(const char *const *)at));
	}
}

/* What a file needs not say is left out: where the constants were to come from, and what is
 * not there. */
static void write_keys(struct buffer *out, const char *before, const struct option *rows, const void *options)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		const void *at = (const unsigned char *)options + row->offset;
		const struct place *here =
			row->place_offset ? (const void *)((const unsigned char *)options + row->place_offset) : NULL;
		if (!row->name || strcmp(row->name, "fitted") == 0 || is_empty(row, at) || (here && !here->line))
			continue;
		json_write_string_after(out, text_of(before), text_of(row->name));
		buffer_string(out, ": ");
		write_value(out, row, at);
		before = ", ";
	}
	buffer_string(out, *before == '{' ? "{}" : "}");
}

void json_rows_write(struct buffer *out, const struct option *rows, const void *options)
{
	write_keys(out, "{", rows, options);
}

void json_rows_write_file(struct buffer *out, const char *format, const struct option *rows, const void *options)
{
	json_write_string_after(out, TEXT("{\"format\": "), text_of(format));
	write_keys(out, ", ", rows, options);
	buffer_byte(out, '\n');
}

/* ---- whole files ---- */

static bool read_keys(struct json_rows *reading, const struct option *rows, void *into, struct text *format)
{
	struct text key;
	if (json_peek(reading->scan) != JSON_OBJECT || !json_enter(reading->scan))
		return json_rows_fail(reading->scan, "it is an object with a `format`");
	while (json_key(reading->scan, &key)) {
		const struct option *row = json_rows_find(rows, key);
		reading->field = arena_copy(reading->scan->arena, key.bytes, key.length);
		if (text_is(key, "format") && json_peek(reading->scan) == JSON_STRING)
			json_text(reading->scan, format);
		else if (!row)
			return json_rows_refuse(reading, "is not a key of this file");
		else if (!read_value(reading, row, (unsigned char *)into + row->offset))
			return false;
	}
	return json_end(reading->scan);
}

/* Whether the object with which a file begins does not end: of its brackets outside of strings, some do not close. */
static bool is_open_ended(struct text content)
{
	size_t depth = 0;
	bool in_string = false;
	if (content.length == 0 || content.bytes[0] != '{')
		return false;
	for (size_t i = 0; i < content.length; i++) {
		const char c = content.bytes[i];
		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			return false;
		} else {
			in_string = c == '"';
		}
	}
	return true;
}

/* Whether these bytes are the beginning of a string, a number or a word, which has no end. */
static bool is_open_token(struct text rest)
{
	bool is_word = true;
	for (size_t i = 0; i < rest.length && is_word; i++)
		is_word = isalnum((unsigned char)rest.bytes[i]) || strchr("+-.", rest.bytes[i]);
	return is_word || (rest.bytes[0] == '"' && !memchr(rest.bytes + 1, '"', rest.length - 1));
}

/* What stands where it must not, as a bracket of the other kind, is another fault. */
static bool is_cut_short(const struct json_scan *scan, struct text content)
{
	return scan->failed && is_open_ended(text_trimmed(content, BLANKS)) &&
	       is_open_token(text_trimmed(text_from(content, (size_t)(scan->end - scan->begin)), BLANKS));
}

/* Says why a file was not read. */
static bool refuse_file(const struct name *file, const struct json_scan *scan, struct text content, const char *why,
			struct error *error)
{
	if (content.length == 0)
		return error_set(error, ERROR_CONFIG, file->place, "%s is empty; make it again", file->text);
	if (is_cut_short(scan, content))
		return error_set(error, ERROR_CONFIG, file->place,
				 "%s ends after %zu bytes in the middle of its JSON: it was cut short; copy it again, or make it "
				 "again",
				 file->text, content.length);
	return error_set(error, ERROR_CONFIG, file->place, "%s", why);
}

bool json_rows_read_file(const struct name *file, struct text content, const char *format, const struct option *rows,
			 struct arena *arena, void *into, struct error *error)
{
	struct error wrong = {0};
	struct json_scan scan;
	struct json_rows reading = {.scan = &scan, .place = file->place};
	struct text found = {0};
	content = text_unmarked(content);
	json_begin(&scan, content, file->text, arena, &wrong);
	const bool read = read_keys(&reading, rows, into, &found);
	if (read && text_is(found, format))
		return true;
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "reading a fitted file");
	if (found.length && !text_is(found, format))
		return error_set(error, ERROR_CONFIG, file->place,
				 "%s has the format `" TEXT_FORMAT "`, and this step reads %s; name a file that was made for this "
				 "step",
				 file->text, TEXT_ARGUMENTS(found), format);
	return read ? error_set(error, ERROR_CONFIG, file->place, "%s: its `format` is missing", file->text)
		    : refuse_file(file, &scan, content, wrong.text, error);
}
