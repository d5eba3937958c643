/* csv_field.h: Field of a CSV: read as a number, as one that is missing, or as a flag; and whether it is a formatted number or one
 * with a unit, which is not read. Spaces around it are no part of it.
 *
 * Pure; any thread may call.
 */
#ifndef SLUICE_TOOLS_SOURCE_CSV_FIELD_H
#define SLUICE_TOOLS_SOURCE_CSV_FIELD_H

#include "base/text.h"

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

#endif
