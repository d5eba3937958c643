/* topics.h: what `sluice help` can explain beside commands, printed from the tables
 * that the engine itself works by. Called by cli/help.c. */
#ifndef SLUICE_CLI_TOPICS_H
#define SLUICE_CLI_TOPICS_H

#include "base/suggest.h"
#include "cli/command.h"
#include "cli/page.h"

/* A topic ("steps"), one thing of any topic ("filter"), or both words. False when
 * there is no such thing. */
bool topics_print(struct session *session, struct page *page, const char *const *words, size_t count);

/* Every word that topics_print() knows. */
void topics_offer(struct session *session, struct suggestion *suggestion);

#endif
