/* change.h: one key's change as a record of a changelog.
 *
 *   key      version 1, length of the step's name, the name, the step's own key
 *   value    version 1, the step's own bytes; no value: removed
 *
 * The name stands in it, not a number, so that a pipeline whose steps changed places
 * finds again what they remember. Any thread may call.
 */
#ifndef SLUICE_STATE_CHANGE_H
#define SLUICE_STATE_CHANGE_H

#include "state/store.h"

/* Written behind what `out` holds; its failure says that memory ran out. */
void change_write_key(struct buffer *out, const char *scope, struct text key);
void change_write_value(struct buffer *out, struct text value);

/* What a record says: it borrows from the record. False: it is no such record, or of a
 * version that is not known (SYSTEM; the caller says where it stood). */
bool change_read(struct text record_key, struct text record_value, struct text *scope, struct text *key, struct text *value,
		 struct error *error);

#endif
