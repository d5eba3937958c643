/* html_parts.h: Parts of pages of HTML in one file: their head with its style, for light and dark screens, and escaped text.
 *
 * Such a page has no link to anything outside of it. */
#ifndef SLUICE_VIEW_HTML_PARTS_H
#define SLUICE_VIEW_HTML_PARTS_H

#include "base/text.h"

/* For contents and for values of attributes in double quotes. */
void html_write_text(struct buffer *out, struct text text);

/* Up to the beginning of the body. `title` is what the browser shows, `style` the rules of this page beside the common
 * ones: colours --Ink, --Paper, --Soft, --Line, --Up, --Down, and tables. */
void html_begin(struct buffer *out, const char *title, struct text name, const char *style);
void html_end(struct buffer *out);

#endif
