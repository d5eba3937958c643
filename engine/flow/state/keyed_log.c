/* keyed_log.c: see keyed_log.h. */
#include "flow/state/keyed_log.h"

#include <inttypes.h>
#include <stdio.h>

struct text keyed_log_key(const struct keyed_log *log, uint64_t number, struct keyed_log_key *key)
{
	size_t length = strlen(log->name);
	assert(length + log->group.length <= KEYED_GROUP_BYTES_MAX);
	memcpy(key->bytes, log->name, length);
	if (log->is_binary) {
		memcpy(key->bytes + length, &number, sizeof number);
		return (struct text){key->bytes, length + sizeof number};
	}
	if (log->group.bytes) {
		key->bytes[length++] = '/';
		memcpy(key->bytes + length, log->group.bytes, log->group.length);
		length += log->group.length;
	}
	length += (size_t)snprintf(key->bytes + length, sizeof key->bytes - length, "/%" PRIu64, number);
	return (struct text){key->bytes, length};
}

bool keyed_log_read(const struct keyed_log *log, struct visit *visit, uint64_t number, struct text *value)
{
	struct keyed_log_key key;
	return visit_recall(visit, keyed_log_key(log, number, &key), value);
}

void *keyed_log_write(const struct keyed_log *log, struct visit *visit, uint64_t number, size_t size, struct error *error)
{
	struct keyed_log_key key;
	return visit_remember(visit, keyed_log_key(log, number, &key), size, error);
}

void *keyed_log_append(struct keyed_log *log, struct visit *visit, size_t size, struct error *error)
{
	void *stored = keyed_log_write(log, visit, log->next, size, error);
	log->next += stored != NULL;
	return stored;
}

bool keyed_log_remove(const struct keyed_log *log, struct visit *visit, uint64_t number, struct error *error)
{
	struct keyed_log_key key;
	return keyed_value_remove(visit, keyed_log_key(log, number, &key), error);
}

/* ---- one value, under a key ---- */

bool keyed_value_read(struct visit *visit, struct text key, void *into, size_t size)
{
	struct text stored;
	if (!visit_recall(visit, key, &stored) || stored.length != size)
		return false;
	memcpy(into, stored.bytes, size);
	return true;
}

bool keyed_value_write(struct visit *visit, struct text key, const void *from, size_t size, struct error *error)
{
	void *stored = visit_remember(visit, key, size, error);
	if (stored && size > 0)
		memcpy(stored, from, size);
	return stored != NULL;
}

bool keyed_value_remove(struct visit *visit, struct text key, struct error *error)
{
	struct text stored;
	return !visit_recall(visit, key, &stored) || visit_forget(visit, key, error);
}
