/* policy_candidates.h: Candidates of each choice of a policy: the variants that had a probability then. Records of choices have the
 * variant that was chosen alone, and candidates come and go.
 *
 * Where the policy's record names its candidates, these are they, but for those to which the version gave no probability. Of
 * others:
 *
 * Whatever one table gave was a candidate in all choices of that table: a version of the policy, or a table of weights. Where the
 * probabilities that a table gave sum to 1, no other variant had one. Of the variants that a table did not give, and whose
 * probabilities would have had room in it, its neighbours in time say whether they were candidates: not if a table between two that
 * gave the variant had no room for it, if it was met nowhere in so many choices that the least probability that it may have had
 * would have given it, or if it is no candidate at the end and was not met again.
 *
 * Private to the join (unit_join_parts.h). Pure.
 */
#pragma once

#include "base/arena.h"

#define CHANCE_EQUAL 1e-9 /* two probabilities that differ by less are one */

struct candidate_choice {
	uint32_t arm, table; /* tables are numbered from 0 */
	double probability;  /* 0: not known */
	bool contextual;     /* probabilities of its table differ from request to request */
	uint64_t recorded;   /* a bit for each arm that the policy's record names as its candidates; 0: no record does */
	uint64_t candidates; /* found: a bit for each arm */
};

/* Of choices in the order of time. `declared` has the candidates at the end; 0: they are not known. False: the arena is full. */
bool policy_candidates_find(struct candidate_choice *choices, size_t count, size_t arms, size_t tables, uint64_t declared,
			    struct arena *arena);
