/* candidate_history.h: History of the candidates of a policy: among whom each of its versions chose, for its record.
 *
 * A candidate is known by its name: files may be read again with others, or with the same ones in another order.
 *
 * Private to learner.c. Pure; names that are kept are in the arena.
 */
#ifndef SLUICE_EXPERIMENTS_BANDITS_CANDIDATE_HISTORY_H
#define SLUICE_EXPERIMENTS_BANDITS_CANDIDATE_HISTORY_H

#include "base/arena.h"
#include "message/records/policy_record.h"

struct candidate_history {
	size_t count;
	struct policy_candidates lists[POLICY_CANDIDATES_MAX];
};

/* Takes the history of a record; of one that has none, what its own version chose among. False: the arena is full. */
bool candidate_history_take(struct candidate_history *history, const struct policy_record *record, struct arena *arena);

/* From that version on the policy chooses among these, whose names are borrowed. The oldest list makes space for it. */
void candidate_history_add(struct candidate_history *history, int64_t version, const struct text *names, size_t count);

/* Which one of `arms` each of the record's arms is; SIZE_MAX: none. `*changed`: they are others, or in another order. False: the
 * record lacks one of `arms`, so nothing is known of it. */
bool candidate_places_find(const struct policy_record *record, const struct text *arms, size_t count, size_t *places,
			   bool *changed);

#endif
