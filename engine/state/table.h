/* table.h: bytes by bytes: what one step remembers, key by key.
 *
 * The table is a linear hash: it grows by one bucket at a time, when a key is added, so
 * no message ever waits for a whole table to be moved. It does not shrink: buckets cost
 * 8 bytes a key, of the most keys there ever were.
 *
 * It knows which keys were changed since they were last told, each once, with the value
 * that they have when they are told: that is what goes into a changelog.
 *
 * What a key takes is counted (table_cost()) and asks the heap only when its value does
 * not fit where the one before stood. A table belongs to one thread.
 */
#ifndef SLUICE_STATE_TABLE_H
#define SLUICE_STATE_TABLE_H

#include "base/text.h"

struct state_table;

struct state_table *table_open(void);	     /* NULL: memory ran out */
void table_close(struct state_table *table); /* NULL is fine */

/* What stands under `key`; false: nothing. It is aligned to 8 bytes and stays until that
 * key is put again. */
bool table_read(const struct state_table *table, struct text key, struct text *value);

/* Puts a copy of `value` under `key`; bytes NULL: removes what stands there. `noted`:
 * it is a change, to be told. Keys and values are below 2 GiB. False: memory ran out,
 * and all is as it was. */
bool table_put(struct state_table *table, struct text key, struct text value, bool noted);

size_t table_count(const struct state_table *table); /* keys that have a value */
size_t table_bytes(const struct state_table *table); /* all that it holds */

/* What a key with such a value takes, at most. */
size_t table_cost(size_t key_length, size_t value_length);

/* ---- changes ---- */

size_t table_changes(const struct state_table *table); /* that were not told yet */

/* The one that changed first, as it stands now; value bytes NULL: it was removed. False: there is none.
 * The same until table_change_told(). */
bool table_change(const struct state_table *table, struct text *key, struct text *value);
void table_change_told(struct state_table *table);

/* ---- all of it ---- */

/* Going through the buckets from 0, until table_buckets() is reached, shows every key
 * that is there from the first to the last of them at least once, though others are put
 * between two buckets. */
size_t table_buckets(const struct state_table *table);
void table_show(const struct state_table *table, size_t bucket, void (*show)(void *context, struct text key, struct text value),
		void *context);

#endif
