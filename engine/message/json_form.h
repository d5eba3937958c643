/* json_form.h: which of the JSON formats a body is in, by the keys at its top. */
#ifndef SLUICE_MESSAGE_JSON_FORM_H
#define SLUICE_MESSAGE_JSON_FORM_H

#include "base/arena.h"
#include "base/text.h"

enum json_form { JSON_FORM_NONE, JSON_FORM_OIP, JSON_FORM_V1, JSON_FORM_SELDON };

/* Looks no further than needed, and reports nothing: NONE when it is no object, OIP
 * when no key says otherwise. */
enum json_form json_form_of(struct text body, struct arena *arena);

#endif
