/* json_form.h: Detection of a body's JSON format, by the keys of its outermost object. */
#ifndef SLUICE_MESSAGE_JSON_FORM_H
#define SLUICE_MESSAGE_JSON_FORM_H

#include "base/arena.h"
#include "base/text.h"

enum json_form { JSON_FORM_NONE, JSON_FORM_OIP, JSON_FORM_V1, JSON_FORM_SELDON };

/* Reads only as far as needed, and reports no errors. NONE: it is not an object. OIP: no key indicates another
 * format. */
enum json_form json_form_of(struct text body, struct arena *arena);

#endif
