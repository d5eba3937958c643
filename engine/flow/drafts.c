/* drafts.c: Linked list of drafts, with hash buckets once it is long; see drafts.h. */
#include "flow/drafts.h"

#include "base/hash.h"

static struct write **bucket_of(const struct drafts *drafts, const struct write *write)
{
	return &drafts->buckets[write->hash & (drafts->bucket_count - 1)];
}

static void put_in_bucket(struct drafts *drafts, struct write *write)
{
	struct write **bucket = bucket_of(drafts, write);
	write->chained = *bucket;
	*bucket = write;
}

/* Makes at least twice as many buckets as drafts, so that most drafts are found at the first look. */
static bool buckets_grow(struct drafts *drafts, struct arena *arena)
{
	size_t count = drafts->bucket_count ? 4 * drafts->bucket_count : 4 * (size_t)DRAFTS_LOOKED_THROUGH;
	struct write **buckets = ARENA_ARRAY(arena, struct write *, count);
	if (!buckets)
		return false;
	drafts->buckets = buckets;
	drafts->bucket_count = count;
	for (struct write *write = drafts->newest; write; write = write->next) {
		write->hash = hash_key(write->key);
		put_in_bucket(drafts, write);
	}
	return true;
}

struct write *drafts_find(const struct drafts *drafts, struct text key)
{
	struct write *write = drafts->newest;
	if (drafts->bucket_count == 0) {
		while (write && !text_equal(write->key, key))
			write = write->next;
		return write;
	}
	uint32_t hash = hash_key(key);
	write = *bucket_of(drafts, &(struct write){.hash = hash});
	while (write && (write->hash != hash || !text_equal(write->key, key)))
		write = write->chained;
	return write;
}

struct write *drafts_add(struct drafts *drafts, struct text key, struct arena *arena)
{
	bool many = drafts->count >= DRAFTS_LOOKED_THROUGH;
	if (many && drafts->count >= drafts->bucket_count / 2 && !buckets_grow(drafts, arena))
		return NULL;
	struct write *write = ARENA_NEW(arena, struct write);
	const char *own = arena_copy(arena, key.bytes, key.length);
	if (!write || !own)
		return NULL;
	*write = (struct write){.next = drafts->newest, .key = {own, key.length}};
	drafts->newest = write;
	drafts->count++;
	if (drafts->bucket_count == 0)
		return write;
	write->hash = hash_key(key);
	put_in_bucket(drafts, write);
	return write;
}
