/* store.c: Journal over the tables; see store.h.
 *
 * The journal is a chained hash of the newest write of each key. An older write of the same key is not found any
 * more, only released.
 */
#include "flow/state/store.h"

#include "base/hash.h"
#include "base/memory.h"

#define JOURNAL_BUCKETS_AT_FIRST ((size_t)256)

struct store {
	struct store_scopes scopes;
	const char **names; /* of the scopes, with the texts behind them */
	struct state_table **tables;
	size_t bytes_max;
	struct write **buckets; /* a power of two of them */
	size_t bucket_count;
	size_t journaled;     /* keys */
	size_t pending_bytes; /* that writes will add to the tables at most */
};

static bool scopes_copy(struct store *store, struct store_scopes scopes)
{
	size_t texts = 0;
	for (size_t i = 0; i < scopes.count; i++)
		texts += strlen(scopes.names[i]) + 1;
	store->names = memory_take(1, scopes.count * sizeof(const char *) + texts);
	char *at = (char *)(store->names + scopes.count);
	for (size_t i = 0; store->names && i < scopes.count; i++) {
		size_t size = strlen(scopes.names[i]) + 1;
		store->names[i] = memcpy(at, scopes.names[i], size);
		at += size;
	}
	store->scopes = (struct store_scopes){scopes.count, store->names};
	return store->names != NULL;
}

struct store *store_open(struct store_scopes scopes, size_t bytes_max)
{
	assert(scopes.count == 0 || scopes.names);
	assert(scopes.count <= STORE_SCOPES_MAX);
	struct store *store = memory_take(1, sizeof *store);
	if (!store)
		return NULL;
	*store = (struct store){.bytes_max = bytes_max, .bucket_count = JOURNAL_BUCKETS_AT_FIRST};
	store->buckets = memory_take(store->bucket_count, sizeof(struct write *));
	store->tables = memory_take(scopes.count, sizeof(struct state_table *));
	bool opened = scopes_copy(store, scopes) && store->buckets && store->tables;
	for (size_t i = 0; opened && i < scopes.count; i++)
		opened = (store->tables[i] = table_open()) != NULL;
	if (opened)
		return store;
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; store->tables && i < store->scopes.count; i++)
		table_close(store->tables[i]);
	memory_give(store->tables);
	memory_give(store->buckets);
	memory_give(store->names);
	memory_give(store);
}

struct store_scopes store_scopes(const struct store *store)
{
	return store->scopes;
}

bool store_scope_find(const struct store *store, struct text name, uint32_t *scope)
{
	for (size_t i = 0; i < store->scopes.count; i++)
		if (text_is(name, store->scopes.names[i])) {
			*scope = (uint32_t)i;
			return true;
		}
	return false;
}

size_t store_count(const struct store *store)
{
	size_t count = 0;
	for (size_t i = 0; i < store->scopes.count; i++)
		count += table_count(store->tables[i]);
	return count;
}

bool store_has_scope(const struct store *store, uint32_t scope)
{
	return scope < store->scopes.count && table_count(store->tables[scope]) > 0;
}

size_t store_bytes(const struct store *store)
{
	size_t bytes = store->pending_bytes;
	for (size_t i = 0; i < store->scopes.count; i++)
		bytes += table_bytes(store->tables[i]);
	return bytes;
}

/* ---- the journal ---- */

static uint32_t write_hash(uint32_t scope, struct text key)
{
	return (uint32_t)hash_bytes(key.bytes, key.length, scope);
}

/* Where the newest write of the key stands; what it points to is NULL where there is none. */
static struct write **newest(const struct store *store, uint32_t hash, uint32_t scope, struct text key)
{
	struct write **at = &store->buckets[hash & (store->bucket_count - 1)];
	while (*at && ((*at)->hash != hash || (*at)->scope != scope || !text_equal((*at)->key, key)))
		at = &(*at)->chained;
	return at;
}

static bool journal_grow(struct store *store)
{
	size_t count = store->bucket_count * 2;
	struct write **buckets = memory_take(count, sizeof(struct write *));
	if (!buckets)
		return false;
	for (size_t i = 0; i < store->bucket_count; i++) {
		struct write *next;
		for (struct write *write = store->buckets[i]; write; write = next) {
			struct write **bucket = &buckets[write->hash & (count - 1)];
			next = write->chained;
			write->chained = *bucket;
			*bucket = write;
		}
	}
	memory_give(store->buckets);
	store->buckets = buckets;
	store->bucket_count = count;
	return true;
}

bool store_read(const struct store *store, uint32_t scope, struct text key, struct text *value)
{
	assert(scope < store->scopes.count);
	const struct write *write = store->journaled ? *newest(store, write_hash(scope, key), scope, key) : NULL;
	if (!write)
		return table_read(store->tables[scope], key, value);
	*value = write->value;
	return write->value.bytes != NULL;
}

bool store_may_write(const struct store *store, uint32_t scope, size_t key_length, size_t value_length, struct error *error)
{
	assert(scope < store->scopes.count);
	const char *step = store->scopes.names[scope];
	if (key_length > STORE_KEY_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "step `%s` keeps state under a key of %zu bytes, and at most %d are allowed; choose a shorter key",
				 step, key_length, STORE_KEY_BYTES_MAX);
	return value_length <= STORE_VALUE_BYTES_MAX ||
	       error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "step `%s` keeps %zu bytes for one key, and at most %d are allowed; shorten its windows", step,
			 value_length, STORE_VALUE_BYTES_MAX);
}

static size_t write_cost(const struct write *write)
{
	return write->value.bytes ? table_cost(write->key.length, write->value.length) : 0;
}

/* Memory of the present value of the write's key. */
static size_t present_cost(const struct store *store, const struct write *write)
{
	struct text present;
	return store_read(store, write->scope, write->key, &present) ? table_cost(write->key.length, present.length) : 0;
}

bool store_has_room(const struct store *store, const struct write *writes, struct error *error)
{
	const size_t bytes = store_bytes(store);
	size_t cost = 0, freed = 0;
	for (const struct write *write = writes; write; write = write->next)
		cost += write_cost(write);
	if (bytes + cost <= store->bytes_max)
		return true;
	for (const struct write *write = writes; write; write = write->next)
		freed += present_cost(store, write);
	return cost <= freed || bytes + cost - freed <= store->bytes_max ||
	       error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "step `%s` cannot keep more state: its stage has %zu bytes for this partition already; shorten its "
			 "windows, give the topic more partitions, or allow it more memory",
			 store->scopes.names[writes->scope], store->bytes_max);
}

bool store_journal(struct store *store, struct write *write, struct error *error)
{
	assert(write->scope < store->scopes.count);
	assert(write->key.length <= STORE_KEY_BYTES_MAX); /* store_may_write() has checked that it fits */
	if (store->journaled >= store->bucket_count && !journal_grow(store))
		return error_memory(error, ERROR_SYSTEM, "remembering for a step");
	write->hash = write_hash(write->scope, write->key);
	struct write **at = newest(store, write->hash, write->scope, write->key);
	write->chained = *at ? (*at)->chained : NULL;
	store->journaled += *at == NULL;
	store->pending_bytes += write_cost(write);
	*at = write;
	return true;
}

bool store_release(struct store *store, struct write *writes, struct error *error)
{
	for (struct write *write = writes; write; write = write->next) {
		assert(write->scope < store->scopes.count);
		if (!table_put(store->tables[write->scope], write->key, write->value, true))
			return error_memory(error, ERROR_SYSTEM, "keeping what a step remembers");
		struct write **at = newest(store, write->hash, write->scope, write->key);
		assert(store->pending_bytes >= write_cost(write)); /* what is released was journaled, once */
		store->pending_bytes -= write_cost(write);
		if (*at != write)
			continue;
		assert(store->journaled > 0);
		*at = write->chained;
		store->journaled--;
	}
	return true;
}

bool store_restore(struct store *store, uint32_t scope, struct text key, struct text value, struct error *error)
{
	assert(scope < store->scopes.count);
	return table_put(store->tables[scope], key, value, false) ||
	       error_memory(error, ERROR_SYSTEM, "bringing back what steps remember");
}

/* ---- changes ---- */

size_t store_changes(const struct store *store)
{
	size_t changes = 0;
	for (size_t i = 0; i < store->scopes.count; i++)
		changes += table_changes(store->tables[i]);
	return changes;
}

bool store_change(const struct store *store, struct change *change)
{
	for (size_t i = 0; i < store->scopes.count; i++) {
		change->scope = (uint32_t)i;
		if (table_change(store->tables[i], &change->key, &change->value))
			return true;
	}
	return false;
}

void store_change_written(struct store *store)
{
	size_t scope = 0;
	while (table_changes(store->tables[scope]) == 0) {
		scope++;
		assert(scope < store->scopes.count); /* store_change() has shown one */
	}
	table_change_written(store->tables[scope]);
}

/* ---- all of it ---- */

struct store_showing {
	uint32_t scope;
	size_t shown;
	void (*show)(void *context, const struct change *kept);
	void *context;
};

static void show_one(void *context, struct text key, struct text value)
{
	struct store_showing *showing = context;
	const struct change kept = {showing->scope, key, value};
	showing->shown++;
	showing->show(showing->context, &kept);
}

bool store_show(const struct store *store, struct store_walk *walk, size_t items,
		void (*show)(void *context, const struct change *kept), void *context)
{
	assert(items > 0); /* otherwise a walk would return nothing and never end */
	struct store_showing showing = {.show = show, .context = context};
	for (; walk->scope < store->scopes.count; walk->scope++, walk->bucket = 0) {
		const struct state_table *table = store->tables[walk->scope];
		showing.scope = walk->scope;
		while (walk->bucket < table_buckets(table)) {
			if (showing.shown >= items)
				return true;
			table_show(table, walk->bucket++, show_one, &showing);
		}
	}
	return false;
}
