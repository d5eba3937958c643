/* fault_print.c: Printer of faults: as text with the line and a caret, and as JSON. */
#include "base/line_wrap.h"
#include "base/quote.h"
#include "compiler/yaml/fault.h"

#define LINE_SHOWN_MAX 120 /* characters of a source line; a longer one is cut around the fault */
#define LINE_MARGIN 9	   /* the line number before it */

#define FAULT_BYTES_MAX ((size_t)1 << 20) /* of one fault */

#define COLOUR_BOLD "\033[1m"
#define COLOUR_PLAIN "\033[0m"
static const char *const severity_colours[] = {
	[SEVERITY_ERROR] = "\033[1;31m",
	[SEVERITY_WARNING] = "\033[1;35m",
	[SEVERITY_NOTE] = "\033[1m", /* cyan is not readable on white, nor blue on black */
};

static void fault_print_heading(const struct fault *fault, struct buffer *out, bool colour)
{
	const char *bold = colour ? COLOUR_BOLD : "", *plain = colour ? COLOUR_PLAIN : "";
	buffer_string(out, bold);
	if (fault->place.line > 0)
		buffer_print(out, "%s:%u:%u:", fault->place.file ? fault->place.file : "", fault->place.line, fault->place.column);
	else
		buffer_print(out, "%s:", fault->place.file ? fault->place.file : "sluice");
	buffer_print(out, "%s %s%s:%s ", plain, colour ? severity_colours[fault->code->severity] : "",
		     severity_name(fault->code->severity), plain);
	buffer_shown(out, text_of(fault->message));
	buffer_print(out, " [%s %s]\n", fault->code->code, fault_kind_name(fault->code->kind));
}

/* Characters of a source line that fit. */
static uint32_t line_shown(size_t columns)
{
	if (columns == 0 || columns > LINE_SHOWN_MAX + LINE_MARGIN)
		return LINE_SHOWN_MAX;
	return (uint32_t)(columns > LINE_WRAP_LEAST ? columns : LINE_WRAP_LEAST) - LINE_MARGIN;
}

/* The part of the line that is shown, as characters: tabs and control characters stand
 * as one blank each, so that the caret stays below its character. */
static void source_line(const struct fault *fault, struct buffer *out, struct fault_look look)
{
	const bool colour = look.colour;
	const uint32_t shown = line_shown(look.columns);
	uint32_t column = fault->place.column ? fault->place.column : 1;
	uint32_t first = column > shown / 2 && text_characters(fault->line) > shown ? column - shown / 2 : 1;
	uint32_t last = first + shown, at = 0;
	buffer_print(out, "%6u | ", fault->place.line);
	for (size_t i = 0; i < fault->line.length; i++) {
		unsigned char byte = (unsigned char)fault->line.bytes[i];
		at += (byte & 0xC0) != 0x80;
		if (at >= first && at < last)
			buffer_byte(out, byte < 0x20 || byte == 0x7F ? ' ' : (char)byte);
	}
	buffer_print(out, "\n       | %*s%s^", (int)(column - first), "", colour ? severity_colours[fault->code->severity] : "");
	for (size_t i = 1; i < fault->width && column + i < last; i++)
		buffer_byte(out, '~');
	buffer_print(out, "%s\n", colour ? COLOUR_PLAIN : "");
}

static void fault_print(const struct fault *fault, struct buffer *out, struct fault_look look)
{
	fault_print_heading(fault, out, look.colour);
	if (fault->code->severity == SEVERITY_NOTE)
		return;
	if (fault->line.bytes && text_is_utf8(fault->line))
		source_line(fault, out, look);
	if (fault->suggest)
		buffer_print(out, "         did you mean `%s`?\n", fault->suggest);
	if (fault->code->help)
		buffer_print(out, "         %s\n", fault->code->help);
}

void faults_print_text(const struct faults *faults, struct buffer *out, struct fault_look look)
{
	struct buffer one;
	buffer_open(&one, FAULT_BYTES_MAX);
	for (size_t i = 0; i < faults_total(faults); i++) {
		fault_print(faults_at(faults, i), look.columns > 0 ? &one : out, look);
		lines_wrap(buffer_view(&one), look.columns, out);
		out->failed |= buffer_failed(&one);
		buffer_clear(&one);
	}
	buffer_close(&one);
}

static void member(struct buffer *out, const char *name, const char *value)
{
	buffer_print(out, "\"%s\":", name);
	if (value)
		buffer_quoted(out, text_of(value));
	else
		buffer_string(out, "null");
}

void faults_print_json(const struct faults *faults, struct buffer *out)
{
	buffer_byte(out, '[');
	for (size_t i = 0; i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		buffer_string(out, i > 0 ? ",\n {" : "\n {");
		member(out, "file", fault->place.file);
		buffer_print(out, ",\"line\":%u,\"column\":%u,", fault->place.line, fault->place.column);
		member(out, "kind", fault_kind_name(fault->code->kind));
		buffer_byte(out, ',');
		member(out, "severity", severity_name(fault->code->severity));
		buffer_byte(out, ',');
		member(out, "code", fault->code->code);
		buffer_byte(out, ',');
		member(out, "message", fault->message);
		buffer_byte(out, ',');
		member(out, "suggest", fault->suggest);
		buffer_byte(out, ',');
		member(out, "help", fault->code->help);
		buffer_byte(out, '}');
	}
	buffer_string(out, faults_total(faults) > 0 ? "\n]\n" : "]\n");
}
