/* topics.h: Lookup of names for `sluice help` in the tables of the engine.
 *
 * Called by cli/help.c.
 */
#ifndef SLUICE_CLI_TOPICS_H
#define SLUICE_CLI_TOPICS_H

#include "cli/command.h"
#include "view/page.h"

/* Prints the entry that the words name: a topic ("steps"), one entry of any topic ("filter", a field also by its
 * path), or both ("steps filter"). `topics NAME` is only the topic, not another entry of that name. For a name with
 * several entries it prints each. False: there is none. */
bool topics_print(struct session *session, struct page *page, const char *const *words, size_t count);

/* Appends the names of the topics, with a blank behind each. */
void topics_names(struct buffer *names);

/* Lists the entries whose name, place or text contains the word, ignoring case. False: none. */
bool topics_search(struct session *session, struct page *page, const char *word);

/* The names nearest to the word, as "`a`, `b` or `c`": at most three, equally near. False: none. */
bool topics_nearest(struct session *session, const char *word, struct buffer *names);

#endif
