/* assignment_table.h: Recorded tables of choices (compiler/step/assignment.h): found by name, and packed as a record has them.
 *
 * With a control plane the table of a choice is a record on its topic. Whoever plans the choice makes its table of the
 * recorded one. While the shares are the recorded ones, no bucket moves: all engines have the same table, also after a
 * restart. When they are others, as few buckets move as can: so the keeper makes the next table.
 *
 * A packed table has the choices of all buckets in their order, each as an index in as few bits as the number of choices
 * needs, the lowest bit first.
 *
 * Pure.
 */
#pragma once

#include "compiler/step/assignment.h"

struct assignment_table {
	const char *choice;	    /* PIPELINE/STEP, or the name of an experiment */
	int64_t version;	    /* of the record, from 1 */
	size_t count;		    /* of shares; 0: the choice was deleted */
	const struct share *shares; /* a weight is a number of buckets */
	struct text packed;
	bool moves; /* a rollout moves it, without a plan */
	uint32_t stage; /* of that rollout, from 1; 0: it is not known */
	int64_t began_ms; /* that rollout; 0: it is not known */
};

struct assignment_tables {
	size_t count;
	struct assignment_table *items; /* by assignment_tables_sort() */
};

void assignment_tables_sort(struct assignment_tables *tables);

/* NULL: there is none; `tables` may be NULL. */
const struct assignment_table *assignment_table_find(const struct assignment_tables *tables, const char *choice);

/* Whether both have the same versions of the same tables, but for those that a rollout moves. A record of a version may be
 * written again, with other buckets, before it is in force: so the buckets are compared too. */
bool assignment_tables_equal(const struct assignment_tables *a, const struct assignment_tables *b);

/* The table of a choice: made of the recorded one or, if there is none, of the weights alone. NULL: no weights, or memory ran
 * out. */
const struct assignment *assignment_choose(struct arena *arena, const struct assignment_tables *tables, const char *choice,
					   const struct share *shares, size_t count);

/* Gives the shares the recorded weights, if a table of just these names is recorded: so that the table of a rollout, whose
 * weights the keeper moves, is the recorded one. Else the shares are as before. */
void assignment_weigh(const struct assignment_tables *tables, const char *choice, struct share *shares, size_t count);

/* Appends the packed table. */
void assignment_pack(const struct assignment *assignment, struct buffer *out);

/* Writes the choices of all buckets to `ways` (ASSIGNMENT_BUCKETS bytes). False: the bytes are not a table of so many
 * choices. */
bool assignment_unpack(struct text packed, size_t count, unsigned char *ways);
