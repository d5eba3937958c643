/* store.h: State of one partition of a stage: a table for each step, and the journal before the tables.
 *
 * A message's writes are in its arena. After they are journaled, every later message sees them. When the message is
 * released, they move to the tables. So the tables contain only the writes of messages that have left. The writes of
 * a message that never leaves are lost when the store is closed.
 *
 * Messages are released in the order in which they wrote to a key. Keys released since the last call are reported as
 * changes, each once, for the changelog (store_change()).
 *
 * A step is identified by its scope: its index in the list that the store was opened with. A store belongs to one
 * thread at a time.
 */
#pragma once

#include "base/error.h"
#include "base/table.h"

struct store;

#define STORE_SCOPES_MAX 65	     /* stateful steps of a stage, its parked parts, and the changelog's identity */
#define STORE_SCOPE_BYTES_MAX 255    /* of a step's name */
#define STORE_KEY_BYTES_MAX 32768    /* of a key; with its value it is one record of Kafka, */
#define STORE_VALUE_BYTES_MAX 900000 /* which accepts 1 MB by default */

/* Names of the steps, each once. */
struct store_scopes {
	size_t count;
	const char *const *names;
};

/* Write of a message. It is in the message's arena, as are `key` and `value`, until the message is released or the
 * store is closed. */
struct write {
	struct write *next; /* of the same message, in the order in which they were journaled */
	uint32_t scope;
	struct text key;
	struct text value; /* NULL bytes: removed */
	/* Private to the store: */
	uint32_t hash;
	struct write *chained;
};

/* A store of at most `bytes_max`; copies the scopes. NULL: memory ran out. */
struct store *store_open(struct store_scopes scopes, size_t bytes_max);
void store_close(struct store *store); /* NULL is fine */
struct store_scopes store_scopes(const struct store *store);

/* Value that the next message reads, from the journal first; false: there is none. It is valid until that key is
 * journaled or released again. */
bool store_read(const struct store *store, uint32_t scope, struct text key, struct text *value);

/* Whether a key and a value may be so long; otherwise a LIMIT that names the step and the limit. */
bool store_may_write(const struct store *store, uint32_t scope, size_t key_length, size_t value_length, struct error *error);

/* Whether the writes, chained by `next`, fit together; otherwise a LIMIT. They always do if they take no more than the present
 * values of their keys: so a full store goes on for the keys that it has, and gets room by removals, as soon as these are
 * released: when they reach the changelog is up to Kafka. */
bool store_has_room(const struct store *store, const struct write *writes, struct error *error);

/* Makes the write visible to later messages. False: memory ran out (SYSTEM). */
bool store_journal(struct store *store, struct write *write, struct error *error);

/* Moves the writes of a message that leaves to the tables; all must be journaled. They are then free for the message
 * to reuse. False: memory ran out (SYSTEM), and the store has a part of them. */
bool store_release(struct store *store, struct write *writes, struct error *error);

/* Puts a restored value into the tables, without the journal; it is not a change. NULL bytes: removes the key. */
bool store_restore(struct store *store, uint32_t scope, struct text key, struct text value, struct error *error);

/* Index of a scope in the list; false: there is none of that name. */
bool store_scope_find(const struct store *store, struct text name, uint32_t *scope);

size_t store_count(const struct store *store); /* keys with a released value */
bool store_has_scope(const struct store *store, uint32_t scope); /* whether a key of that scope has one */
size_t store_bytes(const struct store *store); /* of the tables (table_bytes()), and what the journal may add to them */

/* ---- changes ---- */

struct change {
	uint32_t scope;
	struct text key;
	struct text value; /* NULL bytes: removed */
};

size_t store_changes(const struct store *store); /* keys released and not reported yet */

/* Next change, with the current value; for each step the one that changed first. It is returned again until
 * store_change_written(). False: there is none. */
bool store_change(const struct store *store, struct change *change);
void store_change_written(struct store *store);

/* ---- all of it ---- */

/* Walk over all released keys, each at least once, though others may be released between two calls. Starts as {0}. A
 * call shows about `items` keys and returns false at the end. */
struct store_walk {
	uint32_t scope;
	size_t bucket;
};

bool store_show(const struct store *store, struct store_walk *walk, size_t items,
		void (*show)(void *context, const struct change *kept), void *context);
