/* help_page.h: Writer of documentation pages in four forms: for a terminal, as JSON, as Markdown, as a man page.
 *
 * Help, reference pages and the man page are made of these calls. Texts are plain sentences: words in `backquotes`
 * are typed literally, an empty line ends a paragraph, and lines that begin with two blanks are an example and stay
 * unchanged.
 */
#pragma once

#include "base/option.h"
#include "base/text.h"

enum help_page_form { PAGE_TEXT, PAGE_JSON, PAGE_MARKDOWN, PAGE_MAN };

struct help_page {
	struct buffer *out; /* borrowed; its failure is checked once, at the end */
	enum help_page_form form;
	bool colour; /* PAGE_TEXT only: headings are bold */
	size_t columns; /* PAGE_TEXT only: of the terminal, if it is narrower than a page; 0: it is none */
	const struct workspace *workspace; /* for topics (tools/help/help_topic.h): the kinds of steps, and the commands */
	enum help_page_part { PAGE_NOTHING, PAGE_HEADING, PAGE_BLOCK, PAGE_ITEM } last; /* private: the previous part */
};

void help_page_heading(struct help_page *page, unsigned level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void help_page_text(struct help_page *page, const char *text);

/* Takes the first part of such a text, a paragraph or an example, and prints one. */
struct text help_page_take_part(struct text *text);
void help_page_part(struct help_page *page, struct text part);
bool help_page_is_example(struct text part);

void help_page_code(struct help_page *page, const char *language, const char *text);

/* An entry of a list: its term, and its help. Deeper entries belong to the one above them. */
void help_page_item(struct help_page *page, unsigned depth, const char *help, const char *term, ...)
	__attribute__((format(printf, 4, 5)));

void help_page_end(struct help_page *page);

/* Prints the rows of a YAML map as a list, with all their nested rows. */
void help_page_options(struct help_page *page, const struct option *rows);

/* Writes the text of such a list for one row: its type, its bounds, its default, its help. */
void help_page_describe(struct buffer *text, const struct option *row);
