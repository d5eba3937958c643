/* fit_rows.c: see fit_rows.h. */
#include "tools/source/fit_rows.h"

#include <math.h>
#include <stdlib.h>

#include "base/suggest.h"
#include "message/rows.h"
#include "tools/source/csv_field.h"
#include "tools/source/record_file.h"
#include "tools/source/request_members.h"

#define OWN_TENSOR SIZE_MAX
#define NUMBERS_A_TEXT 9 /* in a column with so many numbers for each other field, the others are taken for mistakes */

#define VALUE_SHOWN_MAX 40 /* bytes of a field in an error */

/* Columns of a place count characters. */
static struct place place_of_field(const struct fit_rows *rows, const struct csv_field *field)
{
	uint32_t column = 1;
	for (size_t at = field->line_begin; at < field->begin; at++)
		column += ((unsigned char)rows->text.bytes[at] & 0xC0) != 0x80;
	return (struct place){.file = rows->file, .line = (uint32_t)field->line, .column = column};
}

/* ---- a row of a CSV (RFC 4180) ---- */

static void line_count(struct fit_rows *rows, size_t at)
{
	if (rows->text.bytes[at] != '\n')
		return;
	rows->line++;
	rows->line_begin = at + 1;
}

/* Without its quotes; `*at`: behind them. Doubled quotes are made single in the arena. */
static bool field_quoted(struct fit_rows *rows, struct arena *arena, struct csv_field *field, size_t *at, struct error *error)
{
	const struct text text = rows->text;
	const size_t begin = ++*at;
	size_t doubled = 0;
	for (; *at < text.length; ++*at) {
		if (text.bytes[*at] == '"' && !(*at + 1 < text.length && text.bytes[*at + 1] == '"'))
			break;
		doubled += text.bytes[*at] == '"';
		*at += text.bytes[*at] == '"';
		line_count(rows, *at);
	}
	if (*at == text.length)
		return error_set(error, ERROR_INPUT, place_of_field(rows, field),
				 "the quote that begins here is never closed; close it, or double a quote that is meant as one");
	field->text = (struct text){text.bytes + begin, *at - begin};
	++*at;
	const char next = *at < text.length ? text.bytes[*at] : '\n';
	if (next != ',' && next != '\n' && next != '\r')
		return error_set(error, ERROR_INPUT, place_of_field(rows, field),
				 "text follows the closing quote of this field; put all of it between the quotes, and double "
				 "quotes that are part of it");
	if (doubled == 0)
		return true;
	char *out = arena_take_raw(arena, field->text.length);
	size_t length = 0;
	for (size_t i = 0; out && i < field->text.length; i++) {
		out[length++] = field->text.bytes[i];
		i += field->text.bytes[i] == '"';
	}
	field->text = (struct text){out, length};
	return out || error_memory(error, ERROR_SYSTEM, "reading a row");
}

/* The field that begins at `rows->at`; `*last`: its row ends behind it. */
static bool field_next(struct fit_rows *rows, struct arena *arena, struct csv_field *field, bool *last, struct error *error)
{
	const struct text text = rows->text;
	size_t at = rows->at;
	*field = (struct csv_field){.line = rows->line, .line_begin = rows->line_begin, .begin = at};
	if (at < text.length && text.bytes[at] == '"') {
		if (!field_quoted(rows, arena, field, &at, error))
			return false;
	} else {
		while (at < text.length && text.bytes[at] != ',' && text.bytes[at] != '\n')
			at++;
		size_t length = at - field->begin;
		length -= length > 0 && text.bytes[at - 1] == '\r';
		field->text = (struct text){text.bytes + field->begin, length};
	}
	while (at < text.length && text.bytes[at] == '\r')
		at++;
	*last = at >= text.length || text.bytes[at] == '\n';
	if (at < text.length)
		line_count(rows, at);
	rows->at = at + (at < text.length);
	return true;
}

static bool refuse_fields(const struct fit_rows *rows, size_t count, struct error *error)
{
	const char *fault = csv_header_separator_fault(rows->columns, rows->column_count);
	if (fault)
		return error_set(error, ERROR_INPUT, place_of_field(rows, &rows->fields[0]),
				 "this row has %zu fields, and the header 1: %s", count, fault);
	return error_set(error, ERROR_INPUT, place_of_field(rows, &rows->fields[0]),
			 "this row has %zu field%s, and the header %zu; %s", count, count == 1 ? "" : "s", rows->column_count,
			 count < rows->column_count ? "write all of them, and leave those empty that are missing"
						    : "quote fields that contain a comma");
}

static void blank_lines_pass(struct fit_rows *rows)
{
	while (rows->at < rows->text.length && (rows->text.bytes[rows->at] == '\n' || rows->text.bytes[rows->at] == '\r')) {
		line_count(rows, rows->at);
		rows->at++;
	}
}

/* The fields of the next row; false: none is left, or an error. Blank lines are passed over. */
static bool row_next(struct fit_rows *rows, struct arena *arena, struct error *error)
{
	size_t count = 0;
	bool last = false;
	blank_lines_pass(rows);
	if (rows->at >= rows->text.length)
		return false;
	while (!last) {
		struct csv_field field;
		if (!field_next(rows, arena, &field, &last, error))
			return false;
		if (count < rows->column_count)
			rows->fields[count] = field;
		count++;
	}
	rows->number++;
	return count == rows->column_count || refuse_fields(rows, count, error);
}

/* ---- the header, and what its columns are ---- */

static int columns_compare(const void *left, const void *right)
{
	const struct csv_column *const *a = left, *const *b = right;
	const int order = text_compare((*a)->name, (*b)->name);
	return order != 0 ? order : (*a > *b) - (*a < *b);
}

/* The first column of that name. */
static size_t column_find(const struct fit_rows *rows, struct text name)
{
	size_t low = 0, high = rows->column_count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (text_compare(rows->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rows->column_count && text_equal(rows->by_name[low]->name, name) ? (size_t)(rows->by_name[low] - rows->columns)
										      : OWN_TENSOR;
}

/* The column has texts where numbers are wanted. */
static bool refuse_column(const struct fit_rows *rows, const struct csv_column *column, const char *otherwise, struct error *error)
{
	struct text shown = column->other.text;
	if (memchr(shown.bytes, 0, shown.length))
		shown.length = strlen(shown.bytes);
	while (shown.length > 0 && (shown.length > VALUE_SHOWN_MAX || (shown.length < column->other.text.length &&
								       ((unsigned char)shown.bytes[shown.length] & 0xC0) == 0x80)))
		shown.length--;
	return error_set(error, ERROR_INPUT, place_of_field(rows, &column->other),
			 "column `" TEXT_FORMAT "` is not all numbers: here it has `" TEXT_FORMAT "%s`; write a number without "
			 "separators or units, like 50000 or 5e4, leave the field empty where it is missing, or %s",
			 TEXT_ARGUMENTS(column->name), TEXT_ARGUMENTS(shown), shown.length < column->other.text.length ? "..." : "",
			 otherwise);
}

static bool refuse_name(const struct fit_rows *rows, struct text name, struct error *error)
{
	struct suggestion suggestion = suggest_begin(name);
	const char *fault = csv_header_fault(rows->columns, rows->column_count);
	if (fault)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s has no column `" TEXT_FORMAT "`: %s", rows->file,
				 TEXT_ARGUMENTS(name), fault);
	for (size_t i = 0; i < rows->column_count; i++)
		suggest_offer(&suggestion, rows->columns[i].name);
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s has no column `" TEXT_FORMAT "`; its nearest is `" TEXT_FORMAT "`",
			 rows->file, TEXT_ARGUMENTS(name),
			 TEXT_ARGUMENTS(suggestion.nearest.bytes ? suggestion.nearest : rows->columns[0].name));
}

static bool column_gather(struct fit_rows *rows, size_t tensor, struct text name, struct error *error)
{
	const size_t column = column_find(rows, name);
	if (column != OWN_TENSOR && rows->columns[column].gathered != OWN_TENSOR)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--tensor has the column `" TEXT_FORMAT "` twice; give it once",
				 TEXT_ARGUMENTS(name));
	if (column != OWN_TENSOR && !rows->columns[column].number)
		return refuse_column(rows, &rows->columns[column], "leave the column out of --tensor", error);
	if (column == OWN_TENSOR)
		return refuse_name(rows, name, error);
	rows->columns[column].gathered = tensor;
	rows->columns[column].at = rows->tensors[tensor].count++;
	return true;
}

static bool tensors_gather(struct fit_rows *rows, const struct name_list *gather, struct error *error)
{
	rows->tensors = ARENA_ARRAY(rows->arena, struct fit_tensor, gather->count + 1);
	if (!rows->tensors)
		return error_memory(error, ERROR_SYSTEM, "reading data");
	for (size_t i = 0; i < gather->count; i++) {
		const char *equals = strchr(gather->items[i].text, '=');
		if (!equals || equals == gather->items[i].text)
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "--tensor takes NAME=COLUMN,COLUMN and this is `%s`",
					 gather->items[i].text);
		rows->tensors[i] = (struct fit_tensor){.name = {gather->items[i].text, (size_t)(equals - gather->items[i].text)},
						       .columns = equals + 1};
		rows->tensor_count++;
		for (const char *at = equals + 1; *at;) {
			const size_t length = strcspn(at, ",");
			if (!column_gather(rows, i, (struct text){at, length}, error))
				return false;
			at += length + (at[length] == ',');
		}
		if (rows->tensors[i].count == 0)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "--tensor takes NAME=COLUMN,COLUMN and `%s` has no column", gather->items[i].text);
	}
	return true;
}

/* Two columns, or a column and a tensor of --tensor, must not be told apart by nothing. What has no name, as the index
 * that pandas writes, is no tensor. */
static bool names_check(const struct fit_rows *rows, struct error *error)
{
	for (size_t i = 0; i < rows->column_count; i++) {
		const struct text name = rows->columns[i].name;
		if (name.length && column_find(rows, name) < i)
			return error_set(error, ERROR_INPUT, (struct place){rows->file, 1, 1},
					 "the header has the column `" TEXT_FORMAT "` twice; give each a different name",
					 TEXT_ARGUMENTS(name));
	}
	for (size_t i = 0; i < rows->tensor_count; i++) {
		const struct text name = rows->tensors[i].name;
		const size_t column = column_find(rows, name);
		bool twice = column != OWN_TENSOR && rows->columns[column].gathered == OWN_TENSOR;
		for (size_t j = 0; j < i; j++)
			twice = twice || text_equal(rows->tensors[j].name, name);
		if (twice)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "--tensor makes `" TEXT_FORMAT "`, which exists already; choose another name",
					 TEXT_ARGUMENTS(name));
	}
	return true;
}

static size_t header_count(const struct fit_rows *rows, struct error *error)
{
	struct fit_rows ahead = *rows;
	struct csv_field field;
	size_t count = 0;
	for (bool last = false; !last; count++)
		if (!field_next(&ahead, rows->arena, &field, &last, error))
			return 0;
	return count;
}

static bool header_read(struct fit_rows *rows, struct error *error)
{
	blank_lines_pass(rows);
	const size_t count = header_count(rows, error);
	if (count == 0)
		return false;
	rows->columns = ARENA_ARRAY(rows->arena, struct csv_column, count);
	rows->by_name = ARENA_ARRAY(rows->arena, const struct csv_column *, count);
	rows->fields = ARENA_ARRAY(rows->arena, struct csv_field, count);
	if (!rows->columns || !rows->by_name || !rows->fields)
		return error_memory(error, ERROR_SYSTEM, "reading data");
	for (bool last = false; rows->column_count < count; rows->column_count++) {
		struct csv_column *column = &rows->columns[rows->column_count];
		struct csv_field field;
		if (!field_next(rows, rows->arena, &field, &last, error))
			return false;
		if (field.begin == rows->text.length || rows->text.bytes[field.begin] != '"')
			field.text = text_trimmed(field.text, FIELD_SPACES);
		*column = (struct csv_column){.name = field.text, .number = true, .gathered = OWN_TENSOR};
		rows->by_name[rows->column_count] = column;
	}
	qsort(rows->by_name, count, sizeof *rows->by_name, columns_compare);
	return true;
}

static bool row_look(struct fit_rows *rows)
{
	for (size_t i = 0; i < rows->column_count; i++) {
		struct csv_column *column = &rows->columns[i];
		double number, flag;
		const bool is_number = csv_field_number(rows->fields[i].text, &number);
		column->numbers += is_number && !isnan(number);
		column->others += !is_number;
		column->flags += !is_number && csv_field_flag(rows->fields[i].text, &flag);
		const bool is_formatted = !is_number && csv_field_is_formatted(rows->fields[i].text);
		const bool has_unit = !is_number && !is_formatted && csv_field_has_unit(rows->fields[i].text);
		column->formatted += is_formatted;
		column->with_unit += has_unit;
		const bool is_first = (is_formatted || has_unit) && column->formatted + column->with_unit == 1;
		if (is_number || !(column->number || is_first))
			continue;
		column->number = false;
		column->other = rows->fields[i];
		column->other.text = text_copied(rows->arena, column->other.text);
	}
	return !arena_failed(rows->arena);
}

/* A column of `true` and `false` alone has numbers, as a tensor of BOOL has, unless the pipeline makes texts of it. */
static void flags_find(struct fit_rows *rows)
{
	for (size_t i = 0; i < rows->column_count; i++) {
		struct csv_column *column = &rows->columns[i];
		column->flag = column->flags > 0 && column->flags == column->others && column->numbers == 0 &&
			       !mapping_makes_texts(rows->mapping, column->name);
		column->number |= column->flag;
	}
}

/* The number of a field of the current row; false: it is none. */
static bool column_number(const struct fit_rows *rows, size_t column, double *number)
{
	const struct text field = rows->fields[column].text;
	return rows->columns[column].flag ? csv_field_flag(field, number) : csv_field_number(field, number);
}

static bool csv_open(struct fit_rows *rows, const struct name_list *gather, struct error *error)
{
	struct arena *arena = arena_open((size_t)1 << 30);
	bool good = (arena || error_memory(error, ERROR_SYSTEM, "reading data")) && header_read(rows, error);
	rows->begin = rows->at;
	rows->begin_line = rows->line;
	for (; good && row_next(rows, arena, error); arena_reset(arena))
		good = row_look(rows) || error_memory(error, ERROR_SYSTEM, "reading data");
	arena_close(arena);
	flags_find(rows);
	if (error->kind != ERROR_NONE)
		return false;
	/* Numbers that the user names as columns are names. */
	const char *fault = gather->count > 0 ? NULL : csv_header_missing(rows->columns, rows->column_count);
	if (fault)
		return error_set(error, ERROR_INPUT, (struct place){rows->file, 1, 1}, "%s", fault);
	return tensors_gather(rows, gather, error) && names_check(rows, error);
}

/* ---- messages ---- */

static bool row_payload(struct fit_rows *rows, struct arena *arena, struct payload *payload, struct error *error)
{
	static const int64_t one[] = {1};
	struct tensors_builder builder;
	double **gathered = arena_take(arena, rows->tensor_count + 1, sizeof *gathered);
	tensors_begin(&builder, arena, rows->column_count + rows->tensor_count);
	for (size_t i = 0; gathered && i < rows->tensor_count; i++) {
		const struct fit_tensor *of = &rows->tensors[i];
		struct parameter *names = ARENA_NEW(arena, struct parameter);
		void *elements;
		struct tensor *tensor =
			tensor_make(arena, of->name, DATATYPE_FP64, (int64_t[]){1, (int64_t)of->count}, 2, &elements, error);
		if (!tensor || !names)
			return error_memory(error, ERROR_SYSTEM, "reading a row");
		*names = (struct parameter){TEXT(MAPPED_COLUMNS), PARAMETER_TEXT, {.text = text_of(of->columns)}};
		tensor->parameters = (struct parameters){1, names};
		gathered[i] = elements;
		tensors_add(&builder, tensor);
	}
	for (size_t i = 0; gathered && i < rows->column_count; i++) {
		struct csv_column *column = &rows->columns[i];
		double number = NAN;
		void *element = NULL;
		if (column->number)
			(void)column_number(rows, i, &number);
		if (column->gathered != OWN_TENSOR) {
			gathered[column->gathered][column->at] = number;
			continue;
		}
		if (column->name.length == 0 || (i == rows->time_column && !mapping_has_tensor(rows->mapping, column->name)))
			continue;
		struct tensor *tensor =
			tensor_make(arena, column->name, column->number ? DATATYPE_FP64 : DATATYPE_BYTES, one, 1, &element, error);
		if (!tensor)
			return false;
		if (column->number)
			*(double *)element = number;
		else
			*(struct text *)element = rows->fields[i].text;
		column->elements = element;
		tensors_add(&builder, tensor);
	}
	*payload = (struct payload){.tensors = tensors_end(&builder)};
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading a row");
}

static bool request_next(struct fit_rows *rows, struct arena *arena, struct payload *payload, struct error *error)
{
	struct text line = {0};
	while (line.length == 0 && rows->at < rows->text.length) {
		const char *begin = rows->text.bytes + rows->at;
		const char *end = memchr(begin, '\n', rows->text.length - rows->at);
		line = (struct text){begin, end ? (size_t)(end - begin) : rows->text.length - rows->at};
		rows->at += line.length + 1;
		rows->line++;
		line = text_trimmed(line, " \t\r");
	}
	if (line.length == 0)
		return false;
	struct message around = {.arena = arena}, message = around;
	const struct text body = request_members_read(line, arena, &around);
	const bool good = rows->mapping ? mapped_decode(&message, rows->mapping, body, NULL, error)
					: message_decode(&message, body, NULL, error);
	if (!good)
		error->place = (struct place){rows->file, (uint32_t)rows->line - 1, 1};
	*payload = message.payload;
	rows->id = message.payload_id;
	rows->time_ms = message.time_ms;
	rows->message = (struct message){.arena = arena,
					 .id = around.id.length > 0 ? around.id : message.payload_id,
					 .key = around.key,
					 .time_ms = message.time_ms,
					 .headers = around.headers,
					 .payload = message.payload};
	return good;
}

static bool rows_next(void *context, struct arena *arena, struct payload *payload, struct error *error)
{
	struct fit_rows *rows = context;
	if (rows->timed && rows->place == rows->place_count)
		return false;
	if (rows->timed) {
		const struct fit_row_place *next = &rows->places[rows->place++];
		rows->at = next->at;
		rows->line = next->line;
		rows->line_begin = next->line_begin;
	}
	if (!rows->csv)
		return request_next(rows, arena, payload, error);
	return row_next(rows, arena, error) && row_payload(rows, arena, payload, error);
}

/* A file is made for fitting, so a fault in a row is an error of the file. */
static bool rows_refused(void *context, const struct tensor *texts, struct error *error)
{
	const struct fit_rows *rows = context;
	const struct error why = *error;
	*error = (struct error){0};
	for (size_t i = 0; texts && i < rows->column_count; i++)
		if (rows->columns[i].elements == texts->data)
			return refuse_column(rows, &rows->columns[i], "let operations on numbers leave this column out", error);
	if (!rows->csv)
		return error_set(error, why.kind, (struct place){rows->file, (uint32_t)rows->line - 1, 1}, "%s", why.text);
	const char *fault = csv_header_separator_fault(rows->columns, rows->column_count);
	if (fault)
		return error_set(error, ERROR_INPUT, (struct place){rows->file, 1, 1}, "%s", fault);
	return error_set(error, why.kind, why.place, "%s, in the row of line %zu: %s", rows->file, rows->fields[0].line, why.text);
}

/* A column of numbers with units that is named is meant, as one of categories. */
static bool rows_texts_check(void *context, const struct tensor *texts, bool is_named, struct error *error)
{
	const struct fit_rows *rows = context;
	for (size_t i = 0; i < rows->column_count; i++) {
		const struct csv_column *column = &rows->columns[i];
		const size_t formatted = column->formatted + (is_named ? 0 : column->with_unit);
		const size_t numbers = column->numbers + formatted, texts_only = column->others - formatted;
		if (column->elements != texts->data || numbers == 0 || numbers / NUMBERS_A_TEXT < texts_only)
			continue;
		return refuse_column(rows, column,
				     column->with_unit == column->others ? "name it by `tensors` if it has texts"
									 : "learn from requests, one in each line, if it has texts",
				     error);
	}
	return true;
}

static const struct tensor *rows_retype(void *context, const struct tensor *tensor, bool texts, struct arena *arena)
{
	static const int64_t one[] = {1};
	const struct fit_rows *rows = context;
	struct error error = {0};
	void *element;
	double number = NAN;
	size_t i = 0;
	while (i < rows->column_count && rows->columns[i].elements != tensor->data)
		i++;
	if (i == rows->column_count || (!texts && !column_number(rows, i, &number)))
		return tensor;
	const struct tensor *made =
		tensor_make(arena, tensor->name, texts ? DATATYPE_BYTES : DATATYPE_FP64, one, 1, &element, &error);
	if (made && texts)
		*(struct text *)element = rows->fields[i].text;
	else if (made)
		*(double *)element = number;
	return made;
}

static struct fit_name rows_name(void *context)
{
	const struct fit_rows *rows = context;
	return (struct fit_name){.id = rows->id};
}

static const struct message *rows_message(void *context)
{
	const struct fit_rows *rows = context;
	return &rows->message;
}

static void rows_rewind(void *context)
{
	struct fit_rows *rows = context;
	rows->at = rows->begin;
	rows->line = rows->begin_line;
	rows->line_begin = rows->begin;
	rows->place = 0;
}

/* ---- times ---- */

static int places_compare(const void *left, const void *right)
{
	const struct fit_row_place *a = left, *b = right;
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static bool csv_time_next(struct fit_rows *rows, struct arena *arena, struct error *error)
{
	if (!row_next(rows, arena, error))
		return false;
	const struct csv_field *field = &rows->fields[rows->time_column];
	if (mapping_time_read(rows->mapping, text_trimmed(field->text, FIELD_SPACES), arena, &rows->time_ms, error))
		return true;
	error->place = place_of_field(rows, field);
	return false;
}

/* Finds the time of each row, and their order. */
static bool rows_order(struct fit_rows *rows, struct error *error)
{
	struct payload payload;
	size_t most = 1;
	for (size_t at = rows->begin; at < rows->text.length; at++)
		most += rows->text.bytes[at] == '\n';
	struct arena *arena = arena_open((size_t)1 << 30);
	rows->places = arena_take_raw(rows->arena, most * sizeof *rows->places);
	if (!arena || !rows->places) {
		arena_close(arena);
		return error_memory(error, ERROR_SYSTEM, "reading data");
	}
	rows_rewind(rows);
	for (;; arena_reset(arena)) {
		const struct fit_row_place place = {.at = rows->at, .line = rows->line, .line_begin = rows->line_begin};
		if (!(rows->csv ? csv_time_next(rows, arena, error) : request_next(rows, arena, &payload, error)))
			break;
		rows->places[rows->place_count] = place;
		rows->places[rows->place_count++].time_ms = rows->time_ms;
	}
	arena_close(arena);
	if (error->kind != ERROR_NONE)
		return false;
	qsort(rows->places, rows->place_count, sizeof *rows->places, places_compare);
	rows->timed = true;
	return true;
}

/* Whether the rows have the time that the pipeline maps. */
static bool rows_have_times(struct fit_rows *rows)
{
	const struct text path = mapping_time_path(rows->mapping);
	if (!path.bytes || !rows->csv)
		return path.bytes;
	rows->time_column = column_find(rows, path);
	return rows->time_column != SIZE_MAX;
}

static int64_t rows_time_ms(void *context)
{
	const struct fit_rows *rows = context;
	return rows->places[rows->place - 1].time_ms;
}

/* Whether a carriage return is in the header, before its end: no name has one, unless it is quoted. */
static bool has_returns_alone(struct text text)
{
	const struct text header = text_take_until(&text, '\n'), line = text_trimmed(header, "\r");
	const char *found = memchr(line.bytes, '\r', line.length);
	return found && !memchr(line.bytes, '"', (size_t)(found - line.bytes));
}

bool fit_rows_open(struct fit_rows *rows, const char *file, struct text text, const struct name_list *gather,
		   const struct mapping *mapping, bool timed, struct arena *arena, struct error *error)
{
	size_t first = 0;
	text = text_unmarked(text);
	while (first < text.length && strchr(" \t\r\n", text.bytes[first]))
		first++;
	*rows = (struct fit_rows){.file = file,
				  .text = text,
				  .arena = arena,
				  .mapping = mapping,
				  .line = 1,
				  .begin_line = 1,
				  .time_column = SIZE_MAX};
	if (first == text.length)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "%s is empty; it needs a CSV with a header, or requests, one in each line", file);
	const char *foreign = foreign_file_fault(text_from(text, first));
	if (foreign)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "%s %s", file, foreign);
	rows->csv = text.bytes[first] != '{';
	if (rows->csv && has_returns_alone(text_from(text, first)))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "%s ends its lines by carriage returns alone, so it is one long line; end them by line feeds: `tr "
				 "'\\r' '\\n' < %s > NEW.csv`",
				 file, file);
	if (!rows->csv && gather->count)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--tensor combines columns of a CSV, and %s has requests", file);
	if (rows->csv && !csv_open(rows, gather, error))
		return false;
	return !rows_have_times(rows) || !timed || rows_order(rows, error);
}

struct fit_source fit_rows_source(struct fit_rows *rows)
{
	return (struct fit_source){.context = rows,
				   .rewind = rows_rewind,
				   .next = rows_next,
				   .refused = rows_refused,
				   .texts_check = rows->csv ? rows_texts_check : NULL,
				   .retype = rows->csv ? rows_retype : NULL,
				   .time_ms = rows->timed ? rows_time_ms : NULL,
				   .name = rows->csv ? NULL : rows_name,
				   .message = rows->csv ? NULL : rows_message};
}
