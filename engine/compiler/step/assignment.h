/* assignment.h: Assignment of units to shares: a unit gets one of several choices by weight, always the same one.
 *
 * A unit is a key, a customer, or a message without a key. It is hashed into one of 10,000 buckets, and each bucket
 * belongs to one choice. The first table follows from the names and weights of the choices alone, in whatever order
 * they are written. Without a control plane every table does: engines with the same files agree, whatever weights
 * were there before. With a control plane tables are records, and a change of weights makes a table of the former one.
 *
 * Table of the weights alone. Each choice ranks all buckets in an order that follows from its name. A bucket goes to the
 * choice that ranks it highest among those that still lack buckets. When the weights change, the buckets that move are,
 * compared with the fewest possible:
 *
 *   two choices          exactly as many: the boundary between the two moves
 *   three                1.1 times as many on average, 1.3 times when a few move from one to another
 *   five                 1.2 times, and 1.7 times
 *   eight                1.3 times, and 1.9 times
 *   `n` choices          at most n - 1 times as many: a bucket that is taken displaces at most one of each choice
 *
 * (tests/unit/compiler/assignment_test.c measures them.) No table that follows from the weights alone moves the fewest for
 * every change among three choices.
 *
 * Pure. A table is immutable and lives in the arena in which it was made.
 */
#pragma once

#include "message/message.h"

#define ASSIGNMENT_BUCKETS 10000
#define ASSIGNMENT_WAYS_MAX 64 /* more than any comparison needs */

struct assignment {
	uint64_t version; /* follows from the table: equal tables have the same */
	uint64_t seed; /* of the hash: makes two assignments independent */
	size_t count;  /* of choices */
	const unsigned char *ways; /* of each bucket: the index of its choice */
};

/* A choice, as the user writes it. */
struct share {
	const char *name; /* determines which buckets it gets */
	double weight;	  /* relative to the others; not negative */
};

/* The number of buckets of each choice, in proportion to its weight. Buckets left by rounding go to the largest
 * fractions, to the first among equals. False: the sum of the weights is not above 0. */
bool assignment_count(const struct share *shares, size_t count, size_t *buckets);

/* Makes the table of these weights. The names of the choices must differ. NULL: no weights, or memory ran out. */
const struct assignment *assignment_make(struct arena *arena, const char *choice, const struct share *shares, size_t count);

/* Makes the table of these weights out of a `former` one of the same choice, whose shares were `old`: exactly as many
 * buckets move as must, because their owner has more than its weight gives, or is gone. Of each such owner those with
 * the smallest numbers move, to the choices that lack buckets, in the order of their names. Choices are the same if
 * they have the same name; the order in which they are written does not matter. NULL: as above. */
const struct assignment *assignment_move(struct arena *arena, const struct assignment *former, const struct share *old,
					 const struct share *shares, size_t count);

/* Number of buckets whose choice, by name, has changed. */
size_t assignment_moved(const struct assignment *before, const struct share *old, const struct assignment *after,
			const struct share *shares);

/* The bucket of a unit, or of a message without one, for that seed of a table. */
size_t assignment_bucket(uint64_t seed, struct text unit);
size_t assignment_bucket_of_origin(uint64_t seed, const struct origin *origin);

/* One of so many groups of units, at random: it is independent of the unit's bucket. */
size_t assignment_group(uint64_t seed, struct text unit, size_t groups);

/* The choice of a unit. For a message the unit is its key or, without a key, its topic position. */
size_t assignment_of(const struct assignment *assignment, struct text unit);
size_t assignment_of_origin(const struct assignment *assignment, const struct origin *origin);
size_t assignment_of_message(const struct assignment *assignment, const struct message *message);

/* A sample of messages: a percentage of them, drawn one by one by their partitions and offsets, whatever their keys are. So it
 * has that share also of a few keys, a replay draws the same messages, and all engines and stages agree. Different `salt`s give
 * independent samples. */
struct sample {
	uint64_t seed;
	double below; /* the first bucket that is not in it */
};

struct sample sample_of(const char *salt, double percent);
bool sample_has(const struct sample *sample, const struct message *message);

/* Whether a message is in a part of that percentage of all units, for what needs all messages of a key: a copy of requests, whose
 * receiver may keep state. Different `salt`s give independent parts. */
bool assignment_draws(const char *salt, const struct message *message, double percent);
