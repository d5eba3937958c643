/* table.h: Table of one step's state: a hash table from bytes to bytes.
 *
 * It is a linear hash: it grows by one bucket when a key is added. So no message ever waits for a whole table to be
 * moved. It does not shrink: buckets cost 8 bytes a key, for the highest number of keys so far.
 *
 * The table records which keys changed since they were last reported, each once. They are reported for the changelog,
 * with their current values.
 *
 * The memory of a key is counted (table_cost()) from its put to its removal. What a table only keeps to report changes is not: 8
 * bytes for each change, and a removed key without its value. The heap is used only if a value does not fit into the memory of the
 * value before. A table belongs to one thread.
 */
#pragma once

#include "base/text.h"

struct state_table;

struct state_table *table_open(void);	     /* NULL: memory ran out */
void table_close(struct state_table *table); /* NULL is fine */

/* Value of `key`; false: none. It is aligned to 8 bytes, and valid until that key is put again. */
bool table_read(const struct state_table *table, struct text key, struct text *value);

/* Puts a copy of `value` under `key`; NULL bytes: removes the key. `noted`: it is a change to report. Keys and values
 * are below 2 GiB. False: memory ran out, and the table is unchanged. */
bool table_put(struct state_table *table, struct text key, struct text value, bool noted);

size_t table_count(const struct state_table *table); /* keys that have a value */
size_t table_bytes(const struct state_table *table); /* memory of these keys, and of the buckets */

/* Largest memory of a key with such a value. */
size_t table_cost(size_t key_length, size_t value_length);

/* ---- changes ---- */

size_t table_changes(const struct state_table *table); /* that were not reported yet */

/* The key that changed first, with its current value; NULL value bytes: it was removed. False: there is none. It is
 * returned again until table_change_written(). */
bool table_change(const struct state_table *table, struct text *key, struct text *value);
void table_change_written(struct state_table *table);

/* ---- all of it ---- */

/* Number of buckets, and a walk over one of them. A walk from bucket 0 until table_buckets() shows each key that is
 * there all the time at least once, though others are put meanwhile. */
size_t table_buckets(const struct state_table *table);
void table_show(const struct state_table *table, size_t bucket, void (*show)(void *context, struct text key, struct text value),
		void *context);
