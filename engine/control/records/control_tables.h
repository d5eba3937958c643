/* control_tables.h: Bucket tables of a ledger: those in force, those that a change would bring into force, and those that
 * are accepted; and the contents of their records.
 *
 * Pure.
 */
#pragma once

#include "control/records/ledger.h"
#include "compiler/step/assignment_table.h"

#define CONTROL_IN_FORCE 0    /* instead of the number of a change */
#define CONTROL_ACCEPTED (-1) /* likewise: in force, or will be if nothing fails */

/* The table that the choice has in force, or will have when that change is active. NULL: none. */
const struct ledger_table *control_table_at(const struct ledger *ledger, const struct ledger_choice *choice, int64_t change);

/* The version in force of the Experiment of that name, or of the resource whose choice has that name; NULL: it is gone. */
const struct control_version *control_choice_version(const struct ledger *ledger, struct text name);

/* Copies a table of the ledger. False: the arena is full. */
bool control_table_copy(const struct ledger_table *table, struct arena *arena, struct assignment_table *copy);

/* Copies the tables of all choices, sorted. False: the arena is full. */
bool control_tables_open(struct assignment_tables *tables, const struct ledger *ledger, int64_t change, struct arena *arena);

/* Sets the members of a record that follow from its table: shares, buckets, table, moved. `former` is the table before;
 * NULL: none. What is set is in the arena. False: it is full. */
bool control_table_fill(struct control_table *record, const struct assignment *assignment, const struct share *shares,
			const struct assignment_table *former, struct arena *arena);

/* Whether a table of the ledger has the buckets of the assignment, with the same candidates. */
bool control_table_is(const struct ledger_table *table, const struct assignment *assignment);
