/* help_page.c: see help_page.h. */
#include "tools/view/help_page.h"

#include <stdarg.h>
#include <stdio.h>

#include "message/json/json_write.h"
#include "compiler/yaml/options.h"

#define PAGE_COLUMNS 96 /* of a terminal: wide enough for an example, narrow enough to read */
#define TERM_COLUMNS 26 /* where the help of a list begins */
#define TERM_MAX 256

static void blanks(struct help_page *page, size_t count)
{
	while (count-- > 0)
		buffer_byte(page->out, ' ');
}

/* ---- man: escapes for roff ---- */

static void man_words(struct help_page *page, struct text text)
{
	bool typed = false;
	bool line_begins = true;
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.bytes[i];
		if (byte == '`') {
			typed = !typed;
			buffer_string(page->out, typed ? "\\fB" : "\\fR");
		} else if (byte == '\\') {
			buffer_string(page->out, "\\e");
		} else if (byte == '-') {
			buffer_string(page->out, "\\-");
		} else {
			if (line_begins && (byte == '.' || byte == '\''))
				buffer_string(page->out, "\\&");
			buffer_byte(page->out, byte);
		}
		line_begins = byte == '\n';
	}
}

/* ---- terminal: words fill lines ---- */

static size_t page_columns(const struct help_page *page)
{
	return page->columns > 0 && page->columns < PAGE_COLUMNS ? page->columns : PAGE_COLUMNS;
}

/* Writes `text` from column `at` on, later lines from `indent`; ends the line. */
static void help_page_fill(struct help_page *page, struct text text, size_t at, size_t indent)
{
	size_t column = at;
	bool line_begins = true;
	for (size_t i = 0; i < text.length;) {
		if (text.bytes[i] == ' ' || text.bytes[i] == '\n') {
			i++;
			continue;
		}
		size_t end = i;
		while (end < text.length && text.bytes[end] != ' ' && text.bytes[end] != '\n')
			end++;
		struct text word = {text.bytes + i, end - i};
		size_t width = text_characters(word);
		if (!line_begins && column + 1 + width > page_columns(page)) {
			buffer_byte(page->out, '\n');
			blanks(page, indent);
			column = indent;
			line_begins = true;
		}
		if (!line_begins)
			buffer_byte(page->out, ' ');
		column += width + !line_begins;
		buffer_text(page->out, word);
		line_begins = false;
		i = end;
	}
	buffer_byte(page->out, '\n');
}

/* ---- JSON: one array, an object for each part ---- */

static void json_part(struct help_page *page, const char *part, struct text text)
{
	buffer_print(page->out, "{\"part\":\"%s\",\"text\":", part);
	json_write_string(page->out, text);
	buffer_byte(page->out, '}');
}

static void json_item(struct help_page *page, unsigned depth, const char *term, const char *help)
{
	buffer_print(page->out, "{\"part\":\"item\",\"depth\":%u,\"term\":", depth);
	json_write_string(page->out, text_of(term));
	json_write_string_after(page->out, TEXT(",\"help\":"), text_of(help));
	buffer_byte(page->out, '}');
}

/* ---- the parts of a page ---- */

/* An empty line between parts, but not within a list, nor on a terminal below a heading. */
static void help_page_begin(struct help_page *page, enum help_page_part part)
{
	if (page->form == PAGE_JSON) {
		buffer_string(page->out, page->last == PAGE_NOTHING ? "[\n" : ",\n");
		page->last = part;
		return;
	}
	bool together = (page->last == PAGE_ITEM && part == PAGE_ITEM) || (page->last == PAGE_HEADING && page->form == PAGE_TEXT);
	if (page->form != PAGE_MAN && page->last != PAGE_NOTHING && !together)
		buffer_byte(page->out, '\n');
	page->last = part;
}

void help_page_heading(struct help_page *page, unsigned level, const char *format, ...)
{
	char text[TERM_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	help_page_begin(page, PAGE_HEADING);
	switch (page->form) {
	case PAGE_TEXT:
		buffer_print(page->out, page->colour ? "\033[1m%s\033[0m\n" : "%s\n", text);
		break;
	case PAGE_JSON:
		json_part(page, "heading", text_of(text));
		break;
	case PAGE_MARKDOWN:
		buffer_print(page->out, "%.*s %s\n", (int)level, "######", text);
		break;
	case PAGE_MAN:
		buffer_string(page->out, level > 2 ? ".SS " : ".SH ");
		man_words(page, text_of(text));
		buffer_byte(page->out, '\n');
		break;
	}
}

static void paragraph(struct help_page *page, struct text text)
{
	help_page_begin(page, PAGE_BLOCK);
	switch (page->form) {
	case PAGE_TEXT:
		help_page_fill(page, text, 0, 0);
		break;
	case PAGE_JSON:
		json_part(page, "text", text);
		break;
	case PAGE_MARKDOWN:
		buffer_text(page->out, text);
		buffer_byte(page->out, '\n');
		break;
	case PAGE_MAN:
		buffer_string(page->out, ".PP\n");
		man_words(page, text);
		buffer_byte(page->out, '\n');
		break;
	}
}

/* `margin`: blanks before each line that are not the example's own. */
static void code(struct help_page *page, const char *language, struct text text, size_t margin)
{
	while (text.length > 0 && text.bytes[text.length - 1] == '\n')
		text.length--;
	help_page_begin(page, PAGE_BLOCK);
	if (page->form == PAGE_JSON) {
		json_part(page, "example", text);
		return;
	}
	if (page->form == PAGE_MARKDOWN)
		buffer_print(page->out, "```%s\n", language);
	else if (page->form == PAGE_MAN)
		buffer_string(page->out, ".PP\n.nf\n.RS 4\n");
	while (text.length > 0) {
		struct text line = text_take_until(&text, '\n');
		size_t cut = line.length < margin ? line.length : margin;
		line = text_from(line, cut);
		if (page->form == PAGE_TEXT)
			blanks(page, line.length > 0 ? 2 : 0);
		if (page->form == PAGE_MAN)
			man_words(page, line);
		else
			buffer_text(page->out, line);
		buffer_byte(page->out, '\n');
	}
	if (page->form == PAGE_MARKDOWN)
		buffer_string(page->out, "```\n");
	else if (page->form == PAGE_MAN)
		buffer_string(page->out, ".RE\n.fi\n");
}

void help_page_code(struct help_page *page, const char *language, const char *text)
{
	code(page, language, text_of(text), 0);
}

struct text help_page_take_part(struct text *text)
{
	const char *end = memmem(text->bytes, text->length, "\n\n", 2);
	const struct text part = {text->bytes, end ? (size_t)(end - text->bytes) : text->length};
	const size_t taken = part.length + (end ? 2 : 0);
	*text = (struct text){text->bytes + taken, text->length - taken};
	return part;
}

bool help_page_is_example(struct text part)
{
	return part.length > 1 && part.bytes[0] == ' ' && part.bytes[1] == ' ';
}

void help_page_part(struct help_page *page, struct text part)
{
	if (help_page_is_example(part))
		code(page, "", part, 2);
	else
		paragraph(page, part);
}

void help_page_text(struct help_page *page, const char *text)
{
	struct text rest = text_of(text);
	while (rest.length > 0)
		help_page_part(page, help_page_take_part(&rest));
}

static void text_item(struct help_page *page, unsigned depth, const char *term, const char *help)
{
	size_t indent = 2 + (size_t)depth * 2;
	size_t width = text_characters(text_of(term));
	blanks(page, indent);
	buffer_string(page->out, term);
	if (!*help) {
		buffer_byte(page->out, '\n');
		return;
	}
	if (indent + width + 2 <= TERM_COLUMNS) {
		blanks(page, TERM_COLUMNS - indent - width);
	} else {
		buffer_byte(page->out, '\n');
		blanks(page, TERM_COLUMNS);
	}
	help_page_fill(page, text_of(help), TERM_COLUMNS, TERM_COLUMNS);
}

void help_page_item(struct help_page *page, unsigned depth, const char *help, const char *term, ...)
{
	char text[TERM_MAX];
	va_list arguments;
	va_start(arguments, term);
	(void)vsnprintf(text, sizeof text, term, arguments);
	va_end(arguments);
	help_page_begin(page, PAGE_ITEM);
	switch (page->form) {
	case PAGE_TEXT:
		text_item(page, depth, text, help);
		break;
	case PAGE_JSON:
		json_item(page, depth, text, help);
		break;
	case PAGE_MARKDOWN:
		blanks(page, (size_t)depth * 2);
		buffer_print(page->out, *help ? "- `%s`: %s\n" : "- `%s`%s\n", text, help);
		break;
	case PAGE_MAN:
		if (depth > 0)
			buffer_print(page->out, ".RS %u\n", depth * 4);
		buffer_string(page->out, ".TP\n\\fB");
		man_words(page, text_of(text));
		buffer_string(page->out, "\\fR\n");
		man_words(page, text_of(help));
		buffer_string(page->out, depth > 0 ? "\n.RE\n" : "\n");
		break;
	}
}

void help_page_end(struct help_page *page)
{
	if (page->form == PAGE_JSON)
		buffer_string(page->out, page->last == PAGE_NOTHING ? "[]\n" : "\n]\n");
}

/* ---- rows ---- */

/* The maps that contain a row, so that rows which contain themselves end. */
struct page_chain {
	const struct page_chain *outer;
	const struct option *rows;
};

static bool stands_in(const struct page_chain *chain, const struct option *rows)
{
	for (; chain; chain = chain->outer)
		if (chain->rows == rows)
			return true;
	return false;
}

/* Bounds that every number keeps are not told. */
static void range_describe(struct buffer *text, const struct option *row)
{
	const bool has_least = row->least > -NUMBER_UNBOUNDED, has_most = row->most < NUMBER_UNBOUNDED;
	if (row->least >= row->most)
		return;
	if (has_least)
		buffer_print(text, " from %.10g%s", row->least, has_most ? "" : " on");
	if (has_most)
		buffer_print(text, " to %.10g", row->most);
}

void help_page_describe(struct buffer *text, const struct option *row)
{
	static const char *const effects[] = {
		[EFFECT_HONOURED] = "",
		[EFFECT_LATER] = " Not supported yet: `lint` warns.",
		[EFFECT_REFUSED] = " Not supported yet: `lint` warns, and `run` refuses it.",
		[EFFECT_NONE] = " Has no effect here.",
		[EFFECT_PROTECTS] = " Not supported yet. As it is a protection, a server with it refuses to start. `lint` warns.",
		[EFFECT_KEEPER] = " The keeper of a control plane carries it out.",
		[EFFECT_GATEWAY] = " The gateway enforces it.",
	};
	buffer_string(text, option_type_name(row));
	if (row->choices)
		buffer_print(text, ": %s", row->choices);
	range_describe(text, row);
	if (row->required)
		buffer_string(text, ", required");
	if (row->fallback && *row->fallback)
		buffer_print(text, ", default %s", row->fallback);
	buffer_print(text, ". %s%s", row->help ? row->help : "", effects[row->effect]);
}

static void options_below(struct help_page *page, const struct option *rows, unsigned depth, const struct page_chain *outer)
{
	const struct page_chain chain = {outer, rows};
	struct buffer text;
	buffer_open(&text, 4096);
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		if (row->name) {
			buffer_clear(&text);
			help_page_describe(&text, row);
			buffer_byte(&text, '\0');
			help_page_item(page, depth, buffer_failed(&text) ? "" : text.bytes, "%s", row->name);
		}
		/* A row without a name is another form of the map that contains it. */
		if (row->rows && !stands_in(&chain, row->rows))
			options_below(page, row->rows, depth + (row->name != NULL), &chain);
	}
	page->out->failed |= buffer_failed(&text);
	buffer_close(&text);
}

void help_page_options(struct help_page *page, const struct option *rows)
{
	options_below(page, rows, 0, NULL);
}
