/* assignment.h: Assignment of units to shares: a unit gets one of several choices by weight, always the same one.
 *
 * A unit is a key, a customer, or a message without a key. It is hashed into one of 10,000 buckets, and each bucket
 * belongs to one choice. When the weights change, as few buckets as possible change their choice, those with the
 * smallest numbers first. So most units keep their choice, and the new table follows from the two sets of weights
 * alone. (Hashing without a table moves more than this minimum when there are three choices.)
 *
 * Pure. A table is immutable and lives in the arena in which it was made.
 */
#ifndef SLUICE_STEP_ASSIGNMENT_H
#define SLUICE_STEP_ASSIGNMENT_H

#include "message/message.h"

#define ASSIGNMENT_BUCKETS 10000
#define ASSIGNMENT_WAYS_MAX 64 /* more than any comparison needs */

struct assignment {
	uint64_t seed; /* of the hash: makes two assignments independent */
	size_t count;  /* of choices */
	const unsigned char *ways; /* of each bucket: the index of its choice */
};

/* A choice, as the user writes it. */
struct share {
	const char *name; /* identifies it when the weights change */
	double weight;	  /* relative to the others; not negative */
};

/* The number of buckets of each choice, in proportion to its weight. Buckets left by rounding go to the largest
 * fractions, to the first among equals. False: the sum of the weights is not above 0. */
bool assignment_count(const struct share *shares, size_t count, size_t *buckets);

/* The first table of an assignment: the buckets of a choice are adjacent, in the order of the choices. NULL: no
 * weights, or memory ran out. */
const struct assignment *assignment_make(struct arena *arena, const char *choice, const struct share *shares, size_t count);

/* The table that replaces `before`, whose weights were `old`. A choice of the same name keeps its buckets, up to the
 * number that it gets now. */
const struct assignment *assignment_change(struct arena *arena, const struct assignment *before, const struct share *old,
					   const struct share *shares, size_t count);

/* The number of buckets whose choice, by name, is another one than before. */
size_t assignment_moved(const struct assignment *before, const struct share *old, const struct assignment *after,
			const struct share *shares);

/* The choice of a unit. For a message the unit is its key or, without a key, its topic position. */
size_t assignment_of(const struct assignment *assignment, struct text unit);
size_t assignment_of_message(const struct assignment *assignment, const struct message *message);

/* Whether a message is in a sample of that percentage. Different `salt`s give independent samples. */
bool assignment_draws(const char *salt, const struct message *message, double percent);

#endif
