/* quote.c: see quote.h. */
#include "base/quote.h"

#include <string.h>

static void byte_escaped(struct buffer *buffer, unsigned char byte)
{
	static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	for (const char *escape = escapes; *escape; escape += 2)
		if ((unsigned char)*escape == byte) {
			buffer_byte(buffer, '\\');
			buffer_byte(buffer, escape[1]);
			return;
		}
	if (byte < 0x20 || byte == 0x7F)
		buffer_print(buffer, "\\u%04x", byte);
	else
		buffer_byte(buffer, (char)byte);
}

/* How long the character that begins `rest` is; 0 when it is none. */
static size_t character_length(struct text rest)
{
	size_t length = 1;
	while (length < 4 && length < rest.length && ((unsigned char)rest.bytes[length] & 0xC0) == 0x80)
		length++;
	return text_is_utf8((struct text){rest.bytes, length}) ? length : 0;
}

void buffer_quoted(struct buffer *buffer, struct text text)
{
	buffer_byte(buffer, '"');
	for (size_t at = 0; at < text.length;) {
		unsigned char byte = (unsigned char)text.bytes[at];
		if (byte < 0x80) {
			byte_escaped(buffer, byte);
			at++;
			continue;
		}
		size_t length = character_length((struct text){text.bytes + at, text.length - at});
		if (length == 0)
			buffer_string(buffer, "\xEF\xBF\xBD");
		else
			buffer_append(buffer, text.bytes + at, length);
		at += length ? length : 1;
	}
	buffer_byte(buffer, '"');
}

static bool is_plain(unsigned char byte)
{
	return strchr("-_./:=,@%+", byte) || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

void buffer_shell_word(struct buffer *buffer, struct text word)
{
	size_t plain = 0;
	while (plain < word.length && word.bytes[plain] && is_plain((unsigned char)word.bytes[plain]))
		plain++;
	if (plain > 0 && plain == word.length) {
		buffer_text(buffer, word);
		return;
	}
	buffer_byte(buffer, '\'');
	for (size_t i = 0; i < word.length; i++)
		buffer_text(buffer, word.bytes[i] == '\'' ? TEXT("'\\''") : (struct text){&word.bytes[i], 1});
	buffer_byte(buffer, '\'');
}
