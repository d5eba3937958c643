/* json_form.h: Detection of a body's JSON format, by the keys of its outermost object. */
#pragma once

#include "message/json/json_scan.h"

enum json_form { JSON_FORM_NONE, JSON_FORM_OIP, JSON_FORM_V1, JSON_FORM_SELDON };

/* Reads only as far as needed, and reports no errors. NONE: it is not an object. OIP: no key indicates another
 * format. */
enum json_form json_form_of(struct text body, struct arena *arena);

/* The same by the value at the scan alone, of `inputs` or `outputs`: OIP's list of tensors, or V1's columns, which are an object of
 * them by name, or one without a name as a value or a list of values. NONE: it shows neither. */
enum json_form json_form_of_tensors(struct json_scan scan);
