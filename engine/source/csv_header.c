/* csv_header.c: see csv_header.h. */
#include "source/csv_header.h"

#include <math.h>

#include "source/csv_field.h"

#define NAMES_MISSING "its first line has numbers; write the names of the columns above it"

const char *csv_header_separator_fault(const struct csv_column *columns, size_t count)
{
	const struct text first = columns[0].name;
	const bool other = count == 1 && (memchr(first.bytes, ';', first.length) || memchr(first.bytes, '\t', first.length));
	return other ? "its first line has no comma; separate the columns by commas, and write decimals with a point" : NULL;
}

const char *csv_header_missing(const struct csv_column *columns, size_t count)
{
	bool all_count = true;
	for (size_t i = 0; i < count; i++) {
		double number;
		if (!csv_field_number(columns[i].name, &number) || !isfinite(number))
			return NULL;
		all_count = all_count && number >= 0 && number == floor(number);
	}
	return all_count ? NULL : NAMES_MISSING;
}

const char *csv_header_fault(const struct csv_column *columns, size_t count)
{
	bool numbers = true;
	double number;
	for (size_t i = 0; i < count; i++)
		numbers = numbers && csv_field_number(columns[i].name, &number) && isfinite(number);
	return numbers ? NAMES_MISSING : csv_header_separator_fault(columns, count);
}
