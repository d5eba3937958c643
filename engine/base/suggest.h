/* suggest.h: Suggestions for mistyped words ("did you mean").
 *
 * The suggestion is the candidate that was most likely meant. A candidate is near if it is equal except for
 * case, hyphens and underscores. It is also near if a few letters are missing, added, changed or swapped (more
 * in longer words), or if one word is the beginning of the other. Among equals the first wins. If none is near,
 * there is no suggestion, because a wrong one misleads more than none.
 *
 * Nothing is stored or allocated; callable from any thread.
 */
#pragma once

#include "base/text.h"

/* One of `candidates`, or NULL. */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t count);

/* The same for candidates that are not in one array: begin, offer each, and read `nearest` (bytes NULL: none is
 * near; else it borrows the candidate). */
struct suggestion {
	struct text word;
	struct text nearest;
	unsigned cost; /* of `nearest`; private */
};

struct suggestion suggest_begin(struct text word);
void suggest_offer(struct suggestion *suggestion, struct text candidate);

/* The place of a word among `choices`, which are separated by one space, as in an option row; -1: it is none of them. Those
 * before it are offered to `suggestion`, unless that is NULL. */
int choice_find(const char *choices, struct text word, struct suggestion *suggestion);
