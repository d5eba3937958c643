/* assignment.h: which of several ways a unit goes, so that it always goes the same.
 *
 * A unit (a key, a customer, or a message that has no key) is hashed into one of 10,000
 * buckets, and each bucket belongs to one way. When the shares change, exactly as many
 * buckets change hands as must, those of the smallest numbers first: so most units stay
 * where they were, and what has moved follows from the two sets of shares alone. (Hashing
 * that needs no table moves more than the least with three ways.)
 *
 * Pure. A table is immutable once made, and lives in the arena that it was made in.
 */
#ifndef SLUICE_STEP_ASSIGNMENT_H
#define SLUICE_STEP_ASSIGNMENT_H

#include "message/message.h"

#define ASSIGNMENT_BUCKETS 10000
#define ASSIGNMENT_WAYS_MAX 64 /* more than one would ever compare */

struct assignment {
	uint64_t seed; /* of the hash: of two choices, one says nothing of the other */
	size_t count;  /* of ways */
	const unsigned char *ways; /* of each bucket: which of them has it */
};

/* A way, as the user writes it. */
struct share {
	const char *name; /* by which it is known again when the shares change */
	double weight;	  /* relative to the others; not negative */
};

/* The buckets that each way has: as its weight says, what rounding leaves to the largest
 * fractions, the first among equals. False: the weights have no sum above 0. */
bool assignment_count(const struct share *shares, size_t count, size_t *buckets);

/* The first table of a choice: the buckets of a way stand side by side, in the order of
 * the ways. NULL: no weights, or memory ran out. */
const struct assignment *assignment_make(struct arena *arena, const char *choice, const struct share *shares, size_t count);

/* The table that follows on `before`, whose shares were `old`: a way of the same name keeps
 * its buckets, as many as it is still to have. */
const struct assignment *assignment_change(struct arena *arena, const struct assignment *before, const struct share *old,
					   const struct share *shares, size_t count);

/* How many buckets belong to another way, by name, than they did. */
size_t assignment_moved(const struct assignment *before, const struct share *old, const struct assignment *after,
			const struct share *shares);

/* The way of a unit; that of a message is its key, or where it stood in its topic. */
size_t assignment_of(const struct assignment *assignment, struct text unit);
size_t assignment_of_message(const struct assignment *assignment, const struct message *message);

/* Whether a message is among so many percent of all; `salt` tells choices apart. */
bool assignment_draws(const char *salt, const struct message *message, double percent);

#endif
