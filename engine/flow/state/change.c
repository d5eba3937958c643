/* change.c: see change.h. */
#include "flow/state/change.h"

#include <stdio.h>

#define VERSION '\1'
#define VERSIONS_MOST 31 /* whose byte is no text: keys of other programs are mostly texts, or begin with 0 */

void change_write_key(struct buffer *out, const char *scope, struct text key)
{
	size_t length = strlen(scope);
	assert(length > 0 && length <= UINT8_MAX); /* its length is one byte in the key, and 0 means no step */
	buffer_byte(out, VERSION);
	buffer_byte(out, (char)length);
	buffer_append(out, scope, length);
	buffer_text(out, key);
}

void change_write_value(struct buffer *out, struct text value)
{
	buffer_byte(out, VERSION);
	buffer_text(out, value);
}

/* `pipeline` NULL: of observers. */
static bool foreign(struct error *error, const char *pipeline, const char *how)
{
	static const char words[] = "it was not written by sluice. Only engines may write to a changelog";
	if (!pipeline)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "%s; %s: delete the topic and create it again, and its observers begin without state", how, words);
	return error_set(error, ERROR_SYSTEM, PLACE_NONE,
			 "%s; %s: delete the topic, and start once with --new-state %s, which begins without state", how, words,
			 pipeline);
}

static bool version_known(struct text bytes, const char *what, const char *pipeline, struct error *error)
{
	char how[64];
	const unsigned version = bytes.length > 0 ? (unsigned char)bytes.bytes[0] : 0;
	if (bytes.length == 0)
		(void)snprintf(how, sizeof how, "its %s is empty", what);
	else
		(void)snprintf(how, sizeof how, "its %s begins with the byte %u", what, version);
	if (version == 0 || version > VERSIONS_MOST)
		return foreign(error, pipeline, how);
	return version == VERSION ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE,
			 "its %s is of version %u, and this sluice supports version 1; run the one that wrote it, or a newer one",
			 what, version);
}

bool change_read(struct text record_key, struct text record_value, struct text *scope, struct text *key, struct text *value,
		 const char *pipeline, struct error *error)
{
	if (!version_known(record_key, "key", pipeline, error) ||
	    (record_value.bytes && !version_known(record_value, "value", pipeline, error)))
		return false;
	size_t name = record_key.length > 1 ? (unsigned char)record_key.bytes[1] : 0;
	if (name == 0 || record_key.length - 2 < name)
		return foreign(error, pipeline, "its key names no step");
	*scope = (struct text){record_key.bytes + 2, name};
	*key = (struct text){record_key.bytes + 2 + name, record_key.length - 2 - name};
	*value = record_value.bytes ? text_from(record_value, 1) : (struct text){0};
	return true;
}
