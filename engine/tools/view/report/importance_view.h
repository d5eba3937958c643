/* importance_view.h: View of the importance of features over the last windows of a pipeline: as text, JSON, or a page of HTML.
 *
 * The most important feature is first. Names come from requests, so both readable forms escape them.
 */
#pragma once

#include "tools/source/importance_windows.h"

#define IMPORTANCE_LINES_MAX 50 /* features of a subject; the others are one line. JSON has all */

void importance_print_text(const struct importance_list *list, const char *pipeline, struct buffer *out);
void importance_print_json(const struct importance_list *list, const char *pipeline, struct buffer *out);
void importance_print_html(const struct importance_list *list, const char *pipeline, struct buffer *out);
