/* csv_header.c: see csv_header.h. */
#include "tools/source/csv_header.h"

#include <math.h>

#include "tools/source/csv_field.h"

#define NAMES_MISSING "its first line has numbers; write the names of the columns above it"

const char *csv_header_separator_fault(const struct csv_column *columns, size_t count)
{
	const struct text first = columns[0].name;
	const bool other = count == 1 && (memchr(first.bytes, ';', first.length) || memchr(first.bytes, '\t', first.length));
	return other ? "its first line has no comma; separate the columns by commas, and write decimals with a point" : NULL;
}

/* Whether all names are numbers; `are_places`: 0, 1, 2 and so on. */
static bool are_numbers(const struct csv_column *columns, size_t count, bool *are_places)
{
	*are_places = true;
	for (size_t i = 0; i < count; i++) {
		double number;
		if (!csv_field_number(columns[i].name, &number) || !isfinite(number))
			return false;
		*are_places = *are_places && number == (double)i;
	}
	return true;
}

const char *csv_header_missing(const struct csv_column *columns, size_t count)
{
	bool are_places;
	return are_numbers(columns, count, &are_places) && !are_places ? NAMES_MISSING : NULL;
}

const char *csv_header_fault(const struct csv_column *columns, size_t count)
{
	bool are_places;
	return are_numbers(columns, count, &are_places) ? NAMES_MISSING : csv_header_separator_fault(columns, count);
}
