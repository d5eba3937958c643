/* quote.c: see quote.h. */
#include "base/quote.h"

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
		size_t length = text_character_length(text_from(text, at));
		if (length == 0)
			buffer_string(buffer, "\xEF\xBF\xBD");
		else
			buffer_append(buffer, text.bytes + at, length);
		at += length ? length : 1;
	}
	buffer_byte(buffer, '"');
}

/* Of a character of UTF-8: C1, line and paragraph separators, and marks that turn the direction. */
static bool is_command(struct text character)
{
	const unsigned char *bytes = (const unsigned char *)character.bytes;
	if (character.length == 2)
		return bytes[0] == 0xC2 && bytes[1] < 0xA0;
	return character.length == 3 && bytes[0] == 0xE2 &&
	       ((bytes[1] == 0x80 && (bytes[2] == 0x8E || bytes[2] == 0x8F || (bytes[2] >= 0xA8 && bytes[2] <= 0xAE))) ||
		(bytes[1] == 0x81 && bytes[2] >= 0xA6 && bytes[2] <= 0xA9));
}

static void escape(struct buffer *buffer, struct text character)
{
	const unsigned char *bytes = (const unsigned char *)character.bytes;
	unsigned code = bytes[0];
	if (character.length == 2)
		code = (bytes[0] & 0x1FU) << 6 | (bytes[1] & 0x3FU);
	else if (character.length == 3)
		code = (bytes[0] & 0x0FU) << 12 | (bytes[1] & 0x3FU) << 6 | (bytes[2] & 0x3FU);
	buffer_print(buffer, "\\u%04x", code);
}

void buffer_shown(struct buffer *buffer, struct text text)
{
	for (size_t at = 0; at < text.length;) {
		unsigned char byte = (unsigned char)text.bytes[at];
		size_t length = byte < 0x80 ? 1 : text_character_length(text_from(text, at));
		struct text character = {text.bytes + at, length ? length : 1};
		if (length == 0 || byte < 0x20 || byte == 0x7F || is_command(character))
			escape(buffer, character);
		else
			buffer_text(buffer, character);
		at += character.length;
	}
}

void buffer_shown_around(struct buffer *buffer, const char *before, struct text text, const char *behind)
{
	buffer_string(buffer, before);
	buffer_shown(buffer, text);
	buffer_string(buffer, behind);
}

void buffer_shown_lines(struct buffer *buffer, struct text text)
{
	while (text.length > 0) {
		const char *end = memchr(text.bytes, '\n', text.length);
		size_t length = end ? (size_t)(end - text.bytes) : text.length;
		buffer_shown(buffer, (struct text){text.bytes, length});
		if (end)
			buffer_byte(buffer, '\n');
		length += end != NULL;
		text = text_from(text, length);
	}
}

const char *text_shown(struct text text, struct arena *arena)
{
	struct buffer shown;
	buffer_open(&shown, 6 * text.length + 1);
	buffer_shown(&shown, text);
	const char *copy = buffer_failed(&shown) ? NULL : arena_copy(arena, shown.bytes ? shown.bytes : "", shown.length);
	buffer_close(&shown);
	return copy ? copy : "";
}

struct text name_abridged(struct text name, struct arena *arena)
{
	const struct text beginning = text_beginning(name, NAME_SHOWN_BYTES);
	const char *abridged = name.length > NAME_SHOWN_BYTES ? arena_print(arena, "%.*s...", TEXT_ARGUMENTS(beginning)) : NULL;
	return abridged ? text_of(abridged) : beginning;
}

void print_shown(FILE *stream, const char *string)
{
	struct buffer shown;
	struct text text = text_of(string);
	buffer_open(&shown, 6 * text.length + 1);
	buffer_shown_lines(&shown, text);
	if (!buffer_failed(&shown))
		(void)fwrite(shown.bytes, 1, shown.length, stream);
	buffer_close(&shown);
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
