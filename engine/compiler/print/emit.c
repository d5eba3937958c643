/* emit.c: see emit.h. */
#include "compiler/print/emit.h"

#include "base/quote.h"
#include "message/json/json_write.h"

static void begin_member(struct emitter *emitter, const char *key)
{
	if (emitter->comma)
		buffer_byte(emitter->out, ',');
	emitter->comma = true;
	if (!key)
		return;
	buffer_quoted(emitter->out, text_of(key));
	buffer_byte(emitter->out, ':');
}

void emit_open(struct emitter *emitter, const char *key, char bracket)
{
	begin_member(emitter, key);
	buffer_byte(emitter->out, bracket);
	emitter->comma = false;
}

void emit_close(struct emitter *emitter, char bracket)
{
	buffer_byte(emitter->out, bracket);
	emitter->comma = true;
}

void emit_text(struct emitter *emitter, const char *key, const char *value)
{
	begin_member(emitter, key);
	if (value)
		buffer_quoted(emitter->out, text_of(value));
	else
		buffer_string(emitter->out, "null");
}

void emit_view(struct emitter *emitter, const char *key, struct text value)
{
	begin_member(emitter, key);
	buffer_quoted(emitter->out, value);
}

void emit_integer(struct emitter *emitter, const char *key, int64_t value)
{
	begin_member(emitter, key);
	buffer_print(emitter->out, "%lld", (long long)value);
}

void emit_number(struct emitter *emitter, const char *key, double value)
{
	begin_member(emitter, key);
	json_write_double(emitter->out, value);
}

void emit_flag(struct emitter *emitter, const char *key, bool value)
{
	begin_member(emitter, key);
	buffer_string(emitter->out, value ? "true" : "false");
}
