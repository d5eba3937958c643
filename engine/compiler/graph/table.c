/* table.c: see table.h. */
#include "compiler/graph/table.h"

#define FIRST_ROOM 16
#define GAP 2	    /* blanks between columns */
#define CONTINUED 4 /* blanks before the columns that do not fit, beside the indent */

void table_add(struct plan_table *table, const char *const *cells)
{
	const char **moved =
		arena_grow(table->arena, table->cells, table->count, &table->room, FIRST_ROOM, table->columns * sizeof *moved);
	if (!moved)
		return;
	table->cells = moved;
	for (size_t i = 0; i < table->columns; i++)
		table->cells[table->count * table->columns + i] = cells[i] ? cells[i] : "";
	table->count++;
}

static void pad(struct buffer *out, size_t blanks)
{
	for (size_t i = 0; i < blanks; i++)
		buffer_byte(out, ' ');
}

struct table_shape {
	size_t widths[TABLE_COLUMNS_MAX];
	bool begins[TABLE_COLUMNS_MAX]; /* a further line of the row */
	size_t indent;
};

/* The last column begins in the left half, or has a line of its own, unless it fits. */
static void shape_fold(struct table_shape *shape, size_t columns, size_t width)
{
	size_t at = shape->indent;
	for (size_t i = 0; i < columns; i++) {
		const bool too_long = at + shape->widths[i] > width;
		shape->begins[i] = i > 0 && too_long && (i + 1 < columns || at > width / 2);
		if (shape->begins[i])
			at = shape->indent + CONTINUED;
		at += shape->widths[i] + GAP;
	}
}

static void print_row(const struct plan_table *table, const char *const *cells, const struct table_shape *shape, struct buffer *out)
{
	size_t last = table->columns;
	while (last > 0 && !*cells[last - 1])
		last--;
	if (last > 0)
		pad(out, shape->indent);
	for (size_t i = 0; i < last; i++) {
		if (shape->begins[i]) {
			buffer_byte(out, '\n');
			pad(out, shape->indent + CONTINUED);
		}
		buffer_string(out, cells[i]);
		if (i + 1 < last && !shape->begins[i + 1])
			pad(out, shape->widths[i] - text_characters(text_of(cells[i])) + GAP);
	}
	buffer_byte(out, '\n');
}

void table_print(const struct plan_table *table, size_t indent, size_t width, struct buffer *out)
{
	struct table_shape shape = {.indent = indent};
	for (size_t i = 0; i < table->count * table->columns; i++) {
		const size_t characters = text_characters(text_of(table->cells[i]));
		if (characters > shape.widths[i % table->columns])
			shape.widths[i % table->columns] = characters;
	}
	if (width > 0)
		shape_fold(&shape, table->columns, width);
	for (size_t i = 0; i < table->count; i++)
		print_row(table, table->cells + i * table->columns, &shape, out);
}
