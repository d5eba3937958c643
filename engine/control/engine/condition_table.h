/* condition_table.h: Table of the conditions that the engines of a namespace publish, as read from `status`.
 *
 * For commands: opening it waits for Kafka. Belongs to one thread.
 */
#pragma once

#include "base/list.h"
#include "control/records/records.h"
#include "kafka/consume/reader.h"

/* Records before the end of `status` that are read at first: the conditions of the last CONDITIONS_EVERY_MS are among
 * them with 3 engines and 600 pipelines, each of which writes a record a second. */
#define CONDITION_TABLE_NEWEST 20000

/* An engine, with its newest conditions. */
struct condition_source {
	struct list_node node;
	struct text engine;
	int64_t heard_ms; /* when its last record was written, by its clock */
	int64_t arrived_ms; /* when that was read, by the monotonic clock; 0: it was there when the table was opened */
	bool stopped;
	bool has_record;
	struct engine_conditions record;
	/* Private. */
	struct arena *arena;
	char *name;
};

struct condition_table {
	struct list sources; /* struct condition_source */
	/* Private. */
	struct reader_config config;
	struct reader *reader;
	const char *namespace;
	int64_t opened_ms; /* of the monotonic clock; 0: not yet */
	struct arena *scratch;
};

#define CONDITION_TABLE_A_TURN 10000 /* records; so that a caller looks at its own time */

/* Reads the newest records. What is given is borrowed. False: as reader_open(), or SYSTEM; it is to be closed. */
bool condition_table_open(struct condition_table *table, const char *brokers, struct properties properties, const char *status,
			  const char *namespace, struct error *error);
void condition_table_close(struct condition_table *table); /* a zeroed one is fine */

/* Reads the records that have arrived, at most CONDITION_TABLE_A_TURN; waits at most `wait_ms` for the first one. */
bool condition_table_follow(struct condition_table *table, int wait_ms, struct error *error);

/* Whether the engine runs, as far as is known. What arrives is timed here. Records that were there before have the time
 * of their engine's clock, which is compared with the clock of this machine; if the two differ, the engine is live from
 * the first record that arrives. */
bool condition_source_is_live(const struct condition_table *table, const struct condition_source *source);

/* Waits at most `wait_ms` until all engines are live which have not stopped. */
bool condition_table_settle(struct condition_table *table, int wait_ms, struct error *error);

/* Its condition of a resource; of an engine that does not run the resource, its own condition (CONDITION_OF_ENGINE), whose
 * version is 0. NULL: it has published none. */
const struct engine_condition *condition_of(const struct condition_source *source, struct text kind, struct text name);

#define LIST_EACH_SOURCE(table, source)                                                                                            \
	for (struct list_node *node_ = (table)->sources.first;                                                                     \
	     node_ && ((source) = LIST_OWNER(node_, struct condition_source, node), true); node_ = node_->next)
