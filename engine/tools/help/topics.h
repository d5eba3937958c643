/* topics.h: Lookup of names for `sluice help` in the tables of the engine.
 *
 * Called by tools/cli/help.c.
 */
#pragma once

#include "compiler/yaml/workspace.h"
#include "tools/view/help_page.h"

/* Prints the entry that the words name: a topic ("steps"), one entry of any topic ("filter", a field also by its
 * path), or both ("steps filter"). `topics NAME` is only the topic, not another entry of that name. For a name with
 * several entries it prints each. False: there is none. */
bool topics_print(struct help_page *page, const char *const *words, size_t count);

/* Appends the names of the topics, with a blank behind each. */
void topics_names(struct buffer *names);

/* Lists the entries whose name, place or text contains the word, ignoring case. False: none. */
bool topics_search(struct help_page *page, const char *word);

/* The names nearest to the word, as "`a`, `b` or `c`": at most three, equally near. False: none. */
bool topics_nearest(const struct workspace *workspace, const char *word, struct buffer *names);
