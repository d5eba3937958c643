/* topics.h: Lookup of names for `sluice help` in the tables that the engine works by.
 *
 * Called by cli/help.c.
 */
#ifndef SLUICE_CLI_TOPICS_H
#define SLUICE_CLI_TOPICS_H

#include "cli/command.h"
#include "cli/page.h"

/* Prints what the words name: a topic ("steps"), one entry of any topic ("filter", a field also by its
 * path), both words ("steps filter"), or `topics NAME` for a topic without whatever else has its name.
 * A name of several things prints each. False: there is none. */
bool topics_print(struct session *session, struct page *page, const char *const *words, size_t count);

/* Lists the entries whose name, place or text has the word in it, whatever its case; false: none has. */
bool topics_search(struct session *session, struct page *page, const char *word);

/* The names that are nearest to the word, as "`a`, `b` or `c`": at most three, equally near. False: none is. */
bool topics_nearest(struct session *session, const char *word, struct buffer *names);

#endif
