/* page.h: a page of documentation, written once and printed four ways: for a
 * terminal, as JSON, as Markdown, as a man page.
 *
 * Help, reference pages and the man page are made of rows by these calls. Texts are
 * plain sentences: `words` in backquotes stand for what is typed, an empty line ends
 * a paragraph, and lines that begin with two blanks are an example, kept as they are.
 */
#ifndef SLUICE_CLI_PAGE_H
#define SLUICE_CLI_PAGE_H

#include "base/option.h"
#include "base/text.h"

enum page_form { PAGE_TEXT, PAGE_JSON, PAGE_MARKDOWN, PAGE_MAN };

struct page {
	struct buffer *out; /* borrowed; its failure is asked for once, at the end */
	enum page_form form;
	bool colour; /* PAGE_TEXT only: headings are bold */
	enum page_part { PAGE_NOTHING, PAGE_HEADING, PAGE_BLOCK, PAGE_ITEM } last; /* private: what stands above */
};

void page_heading(struct page *page, unsigned level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void page_text(struct page *page, const char *text);
void page_code(struct page *page, const char *language, const char *text);

/* A line of a list: what it is about, and what there is to say. Deeper ones belong to
 * the one above them. */
void page_item(struct page *page, unsigned depth, const char *help, const char *term, ...) __attribute__((format(printf, 4, 5)));

void page_end(struct page *page);

/* The rows of a YAML map as a list, with all that stands below them. */
void page_options(struct page *page, const struct option *rows);

/* Writes what such a list says of one row: its type, its bounds, its fallback, its help. */
void page_describe(struct buffer *text, const struct option *row);

#endif
