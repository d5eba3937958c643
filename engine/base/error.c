/* error.c: see error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/url_mask.h"

/* A cut sentence must not end in half a character: readers print it as UTF-8. */
static void end_at_a_character(char *text)
{
	size_t length = strlen(text);
	while (length > 0 && ((unsigned char)text[length - 1] & 0xC0) == 0x80)
		length--;
	if (length > 0 && (unsigned char)text[length - 1] >= 0xC0)
		length--;
	text[length] = '\0';
}

/* A sentence is one line, and what others wrote into it commands no terminal. */
static void make_printable(char *text)
{
	mask_string(text);
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7F)
			*text = *text == '\n' || *text == '\t' ? ' ' : '?';
}

static void error_print(struct error *error, const char *format, va_list arguments)
{
	int length = vsnprintf(error->text, sizeof error->text, format, arguments);
	if (length >= (int)sizeof error->text)
		end_at_a_character(error->text);
	make_printable(error->text);
}

static void error_fill(struct error *error, enum error_kind kind, struct place place, const char *format, va_list arguments)
{
	error->kind = kind;
	error->limit = LIMIT_OF_ENGINE;
	error->of_tensor = error->of_memory = false;
	error->place = place;
	error_print(error, format, arguments);
}

bool error_set(struct error *error, enum error_kind kind, struct place place, const char *format, ...)
{
	if (error->kind != ERROR_NONE)
		return false;
	va_list arguments;
	va_start(arguments, format);
	error_fill(error, kind, place, format, arguments);
	va_end(arguments);
	return false;
}

bool error_set_tensor(struct error *error, struct place place, const char *format, ...)
{
	if (error->kind != ERROR_NONE)
		return false;
	va_list arguments;
	va_start(arguments, format);
	error_fill(error, ERROR_INPUT, place, format, arguments);
	va_end(arguments);
	error->of_tensor = true;
	return false;
}

bool error_set_limit(struct error *error, enum error_limit limit, const char *format, ...)
{
	if (error->kind != ERROR_NONE)
		return false;
	va_list arguments;
	va_start(arguments, format);
	error_fill(error, ERROR_LIMIT, PLACE_NONE, format, arguments);
	va_end(arguments);
	error->limit = limit;
	return false;
}

bool error_memory(struct error *error, enum error_kind kind, const char *doing)
{
	if (kind != ERROR_LIMIT)
		return error_set(error, kind, PLACE_NONE, "out of memory while %s; give the process more", doing);
	if (error->kind != ERROR_NONE)
		return false;
	(void)error_set(error, kind, PLACE_NONE,
			"the message needs more memory than a message may take, while %s; send less at once", doing);
	error->of_memory = true;
	return false;
}

const char *error_kind_name(enum error_kind kind)
{
	static const char *const names[] = {"", "CONFIG", "INPUT", "REMOTE", "LIMIT", "SYSTEM"};
	return names[kind];
}

enum error_kind error_kind_find(const char *name, size_t length)
{
	enum error_kind kind = ERROR_SYSTEM;
	while (kind > ERROR_NONE && (strlen(error_kind_name(kind)) != length || memcmp(error_kind_name(kind), name, length) != 0))
		kind--;
	return kind;
}
