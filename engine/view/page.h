/* page.h: Writer of documentation pages in four forms: for a terminal, as JSON, as Markdown, as a man page.
 *
 * Help, reference pages and the man page are made of these calls. Texts are plain sentences: words in `backquotes`
 * are typed literally, an empty line ends a paragraph, and lines that begin with two blanks are an example and stay
 * unchanged.
 */
#ifndef SLUICE_VIEW_PAGE_H
#define SLUICE_VIEW_PAGE_H

#include "base/option.h"
#include "base/text.h"

enum page_form { PAGE_TEXT, PAGE_JSON, PAGE_MARKDOWN, PAGE_MAN };

struct page {
	struct buffer *out; /* borrowed; its failure is checked once, at the end */
	enum page_form form;
	bool colour; /* PAGE_TEXT only: headings are bold */
	size_t columns; /* PAGE_TEXT only: of the terminal, if it is narrower than a page; 0: it is none */
	enum page_part { PAGE_NOTHING, PAGE_HEADING, PAGE_BLOCK, PAGE_ITEM } last; /* private: the previous part */
};

void page_heading(struct page *page, unsigned level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void page_text(struct page *page, const char *text);

/* Takes the first part of such a text, a paragraph or an example, and prints one. */
struct text page_take_part(struct text *text);
void page_part(struct page *page, struct text part);
bool page_is_example(struct text part);

void page_code(struct page *page, const char *language, const char *text);

/* An entry of a list: its term, and its help. Deeper entries belong to the one above them. */
void page_item(struct page *page, unsigned depth, const char *help, const char *term, ...) __attribute__((format(printf, 4, 5)));

void page_end(struct page *page);

/* Prints the rows of a YAML map as a list, with all their nested rows. */
void page_options(struct page *page, const struct option *rows);

/* Writes the text of such a list for one row: its type, its bounds, its default, its help. */
void page_describe(struct buffer *text, const struct option *row);

#endif
