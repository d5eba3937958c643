/* recent_ids.c: see recent_ids.h. */
#include "experiments/outcomes/recent_ids.h"

#include "base/hash.h"
#include "experiments/outcomes/join_keys.h"

void recent_ids_close(struct recent_ids *ids)
{
	table_close(ids->now);
	table_close(ids->before);
	*ids = (struct recent_ids){0};
}

void recent_ids_pass(struct recent_ids *ids, int64_t now_ms)
{
	if (now_ms - ids->turned_ms <= ids->window_ms)
		return;
	ids->turned_ms = now_ms;
	table_close(ids->before);
	ids->before = ids->now;
	ids->now = NULL;
}

uint64_t recent_id(struct text feedback_id, uint64_t unit)
{
	return hash_bytes(feedback_id.bytes, feedback_id.length, unit);
}

static struct text id_key(const uint64_t *id)
{
	return (struct text){(const char *)id, sizeof *id};
}

bool recent_ids_have(const struct recent_ids *ids, uint64_t id)
{
	uint32_t ignored;
	return (ids->now && join_number_find(ids->now, id_key(&id), &ignored)) ||
	       (ids->before && join_number_find(ids->before, id_key(&id), &ignored));
}

bool recent_ids_put(struct recent_ids *ids, uint64_t id)
{
	struct error ignored = {0};
	if (!ids->now)
		ids->now = table_open();
	return ids->now && table_count(ids->now) < RECENT_IDS_MAX && join_number_put(ids->now, id_key(&id), 0, &ignored);
}
