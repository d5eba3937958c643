/* store.h: what the steps of a stage remember of one partition: a table a step, and the
 * journal before them.
 *
 * A message's writes live in its arena. Journaled, they are seen by every later message
 * at once; released, with the message, they are moved to the tables. So the tables hold
 * what has left and nothing else, and a message that never leaves takes its writes
 * with it when the store is closed.
 *
 * Messages are released in the order in which they wrote under a key. What was released
 * since the last time is told, each key once, for the changelog (store_change()).
 *
 * A step is known by its scope: its place in the list that the store was opened with.
 * A store belongs to one thread at a time.
 */
#ifndef SLUICE_STATE_STORE_H
#define SLUICE_STATE_STORE_H

#include "base/error.h"
#include "state/table.h"

struct store;

#define STORE_SCOPES_MAX 65	     /* stateful steps of a stage, its waiting parts, and the changelog's identity */
#define STORE_SCOPE_BYTES_MAX 255    /* of a step's name */
#define STORE_KEY_BYTES_MAX 32768    /* of a key; with its value it is one record of Kafka, */
#define STORE_VALUE_BYTES_MAX 900000 /* which takes 1 MB by its defaults */

/* The steps' names, each once. */
struct scopes {
	size_t count;
	const char *const *names;
};

/* A message's write. It is its arena's until the message is released or the store is
 * closed; `key` and `value` are too. */
struct write {
	struct write *next; /* of the same message, in the order in which they were journaled */
	uint32_t scope;
	struct text key;
	struct text value; /* bytes NULL: removed */
	/* The store's: */
	uint32_t hash;
	struct write *chained;
};

/* A store that holds `bytes_max` at most; the scopes are copied. NULL: memory ran out. */
struct store *store_open(struct scopes scopes, size_t bytes_max);
void store_close(struct store *store); /* NULL is fine */
struct scopes store_scopes(const struct store *store);

/* What the next message finds there, the journal first; false: nothing. It stays until
 * that key is journaled or released again. */
bool store_read(const struct store *store, uint32_t scope, struct text key, struct text *value);

/* Whether such a write still fits; else a LIMIT that names the step and the limit. */
bool store_may_write(const struct store *store, uint32_t scope, size_t key_length, size_t value_length, struct error *error);

/* The write is seen from now on. False: memory ran out (SYSTEM). */
bool store_journal(struct store *store, struct write *write, struct error *error);

/* A message leaves: its writes, all of them journaled, are moved to the tables and are
 * its own again. False: memory ran out (SYSTEM): the store holds a part of them. */
bool store_release(struct store *store, struct write *writes, struct error *error);

/* Puts what was kept elsewhere, past the journal: it is no change. Bytes NULL: removes it. */
bool store_restore(struct store *store, uint32_t scope, struct text key, struct text value, struct error *error);

/* The place of a scope in the list; false: there is none of that name. */
bool store_scope_find(const struct store *store, struct text name, uint32_t *scope);

size_t store_count(const struct store *store); /* keys with a value that were released */
size_t store_bytes(const struct store *store); /* of the tables, and what the journal will add to them at most */

/* ---- changes ---- */

struct change {
	uint32_t scope;
	struct text key;
	struct text value; /* bytes NULL: removed */
};

size_t store_changes(const struct store *store); /* keys released and not told yet */

/* One of them as it stands now, of a step the one that changed first; the same until store_change_told(). False: there
 * is none. */
bool store_change(const struct store *store, struct change *change);
void store_change_told(struct store *store);

/* ---- all of it ---- */

/* A walk shows what was released and every key of it, at least once, though others are
 * released between two calls; it begins as {0}. Shows about `items` keys, and returns
 * false when that was the end. */
struct store_walk {
	uint32_t scope;
	size_t bucket;
};

bool store_show(const struct store *store, struct store_walk *walk, size_t items,
		void (*show)(void *context, const struct change *kept), void *context);

#endif
