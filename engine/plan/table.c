/* table.c: see table.h. */
#include "plan/table.h"

#define FIRST_ROOM 16
#define GAP 2 /* blanks between columns */

void table_add(struct plan_table *table, const char *const *cells)
{
	if (table->count == table->room) {
		size_t larger = table->room ? 2 * table->room : FIRST_ROOM;
		const char **moved = ARENA_ARRAY(table->arena, const char *, larger * table->columns);
		if (!moved)
			return;
		if (table->count)
			memcpy(moved, table->cells, table->count * table->columns * sizeof *moved);
		table->cells = moved;
		table->room = larger;
	}
	for (size_t i = 0; i < table->columns; i++)
		table->cells[table->count * table->columns + i] = cells[i] ? cells[i] : "";
	table->count++;
}

static void pad(struct buffer *out, size_t blanks)
{
	for (size_t i = 0; i < blanks; i++)
		buffer_byte(out, ' ');
}

static void print_row(const struct plan_table *table, const char *const *cells, const size_t *widths, size_t indent,
		      struct buffer *out)
{
	size_t last = table->columns;
	while (last > 0 && !*cells[last - 1])
		last--;
	if (last > 0)
		pad(out, indent);
	for (size_t i = 0; i < last; i++) {
		buffer_string(out, cells[i]);
		if (i + 1 < last)
			pad(out, widths[i] - text_characters(text_of(cells[i])) + GAP);
	}
	buffer_byte(out, '\n');
}

void table_print(const struct plan_table *table, size_t indent, struct buffer *out)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};
	for (size_t i = 0; i < table->count * table->columns; i++) {
		size_t width = text_characters(text_of(table->cells[i]));
		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (size_t i = 0; i < table->count; i++)
		print_row(table, table->cells + i * table->columns, widths, indent, out);
}
