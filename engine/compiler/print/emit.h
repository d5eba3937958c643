/* emit.h: JSON writer, member by member; it places the commas. For json.c, acls.c and targets.c. */
#pragma once

#include "base/text.h"

struct emitter {
	struct buffer *out;
	bool comma; /* a comma is needed before the next member */
};

/* `key` NULL: an item of a list. `bracket` is '{' or '['. */
void emit_open(struct emitter *emitter, const char *key, char bracket);
void emit_close(struct emitter *emitter, char bracket); /* '}' or ']' */

void emit_text(struct emitter *emitter, const char *key, const char *value); /* NULL: null */
void emit_view(struct emitter *emitter, const char *key, struct text value);
void emit_integer(struct emitter *emitter, const char *key, int64_t value);
void emit_number(struct emitter *emitter, const char *key, double value);
void emit_flag(struct emitter *emitter, const char *key, bool value);
