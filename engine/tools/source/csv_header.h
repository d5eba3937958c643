/* csv_header.h: First line of a CSV: looked at as a whole. Each function returns what to say of it, or NULL: nothing
 * that shows.
 *
 * Pure; any thread may call.
 */
#ifndef SLUICE_TOOLS_SOURCE_CSV_HEADER_H
#define SLUICE_TOOLS_SOURCE_CSV_HEADER_H

#include "tools/source/fit_rows.h"

/* One column, which has semicolons or tabs in its name: these separate the columns. */
const char *csv_header_separator_fault(const struct csv_column *columns, size_t count);

/* Numbers that are no names: not 0, 1, 2 and so on, which pandas writes for columns that have no names. */
const char *csv_header_missing(const struct csv_column *columns, size_t count);

/* For where a column was not found: numbers of any kind, or other separators. */
const char *csv_header_fault(const struct csv_column *columns, size_t count);

#endif
