/* csv_field.h: Field of a CSV: read as a number, as one that is missing, or as a flag; and whether it is a formatted number or one
 * with a unit, which is not read. Spaces around it are no part of it.
 *
 * Pure; any thread may call.
 */
#pragma once

#include "tools/source/fit_rows.h"

/* First line of a CSV: looked at as a whole. Each function returns what to say of it, or NULL: nothing
 * that shows.
 *
 * Pure; any thread may call.
 */

/* One column, which has semicolons or tabs in its name: these separate the columns. */
const char *csv_header_separator_fault(const struct csv_column *columns, size_t count);

/* Numbers that are no names: not 0, 1, 2 and so on, which pandas writes for columns that have no names. */
const char *csv_header_missing(const struct csv_column *columns, size_t count);

/* For where a column was not found: numbers of any kind, or other separators. */
const char *csv_header_fault(const struct csv_column *columns, size_t count);

#define FIELD_SPACES " "

/* Whether the field is a number, maybe infinite, or without the 0 before or behind its point, or is missing: then NaN. Missing are
 * an empty field and, whatever their letters' case, what programs write instead of a number that they lack: nan, na, n/a, #n/a,
 * <na>, null, none, and \N of databases. */
bool csv_field_number(struct text field, double *number);

/* Whether the field is `true` (1) or `false` (0), whatever their letters' case, or is missing: then NaN. */
bool csv_field_flag(struct text field, double *number);

/* Whether the field is a number with a currency sign, a percent sign, or commas between thousands, as $5, -$5, 12% and 1,234.50; or
 * with a decimal comma. */
bool csv_field_is_formatted(struct text field);

/* Whether the field is a number, maybe a formatted one, and its unit: 5 EUR, 1.5kg, but no ordinal number (3rd) and no digits with
 * one letter (5a). Such fields may be categories, as 36 months. */
bool csv_field_has_unit(struct text field);
