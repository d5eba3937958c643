/* html_parts.h: Parts of pages of HTML in one file: their head with its style, for light and dark screens, and escaped text.
 *
 * Such a page has no link to anything outside of it, and no script. Its Content-Security-Policy forbids both, for the case that a
 * text in it were ever read as markup. */
#pragma once

#include "base/text.h"

/* The rules of tables of numbers, as part of a page's style: numbers and their headings stand at the right, the first column and
 * cells of class `t` are text. A table that is wider than its page is scrolled by itself. */
#define HTML_TABLE_STYLE                                                                                                           \
	"table{display:block;overflow-x:auto}tr+tr>*{border-top:1px solid var(--Soft)}td{white-space:nowrap}"                      \
	"tr>:not(:first-child){text-align:right}tr>.t{text-align:left}"                                                            \
	"th[scope=row],td.t{white-space:normal;overflow-wrap:anywhere;min-width:9em}"

/* For contents and for values of attributes in double quotes. U+FFFD is in the place of control characters that HTML forbids. */
void html_write_text(struct buffer *out, struct text text);

/* The text between markup. */
void html_write_around(struct buffer *out, const char *before, struct text text, const char *behind);

/* Up to the beginning of the body. `title` is what the browser shows, `style` the rules of this page beside the common
 * ones: colours --Ink, --Paper, --Soft, --Line, --Up, --Down, and tables. */
void html_begin(struct buffer *out, const char *title, struct text name, const char *style);
void html_end(struct buffer *out);
