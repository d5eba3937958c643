/* suggest.h: did-you-mean.
 *
 * The candidate that a mistyped word was most likely meant to be. Near is: the same
 * but for case, hyphens and underscores; a few letters left out, added, changed or
 * swapped (the longer the word, the more); or one the beginning of the other. Among
 * equals the first offered wins. When nothing is near, nothing is said: a far-fetched
 * suggestion misleads more than none.
 *
 * Nothing is kept or taken from the heap; any thread may call.
 */
#ifndef SLUICE_BASE_SUGGEST_H
#define SLUICE_BASE_SUGGEST_H

#include "base/text.h"

/* One of `candidates`, or NULL. */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t count);

/* The same when the candidates do not stand in one array: begin, offer each, and
 * read `nearest` (bytes NULL: nothing near; else it borrows what was offered). */
struct suggestion {
	struct text word;
	struct text nearest;
	unsigned cost; /* of `nearest`; private */
};

struct suggestion suggest_begin(struct text word);
void suggest_offer(struct suggestion *suggestion, struct text candidate);

#endif
