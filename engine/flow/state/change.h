/* change.h: Change of one key, encoded as a record of a changelog.
 *
 *   key      version 1, length of the step's name, the name, the step's own key
 *   value    version 1, the step's own bytes; no value: removed
 *
 * The key contains the step's name, not its number, so that a pipeline whose steps changed places finds their state
 * again. Any thread may call.
 */
#pragma once

#include "flow/state/store.h"

/* Append to `out`; buffer_failed(out): memory ran out. */
void change_write_key(struct buffer *out, const char *scope, struct text key);
void change_write_value(struct buffer *out, struct text value);

/* Decodes a record; the results borrow from it. False: it is no such record, or of an unknown version, of which there are 31 at
 * most (SYSTEM; the caller adds the position). `pipeline` is that whose state it is, for the words;
 * NULL: the state is of observers, which may begin without it. */
bool change_read(struct text record_key, struct text record_value, struct text *scope, struct text *key, struct text *value,
		 const char *pipeline, struct error *error);
