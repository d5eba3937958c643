/* assignment.c: see assignment.h. */
#include "step/assignment.h"

#include "base/hash.h"

#define WHOLE_PERCENT 100.0

/* ---- how many ---- */

bool assignment_count(const struct share *shares, size_t count, size_t *buckets)
{
	double sum = 0, fractions[ASSIGNMENT_WAYS_MAX];
	size_t given = 0;
	for (size_t i = 0; i < count; i++)
		sum += shares[i].weight;
	if (count > ASSIGNMENT_WAYS_MAX || !(sum > 0))
		return false;
	for (size_t i = 0; i < count; i++) {
		double exact = shares[i].weight / sum * ASSIGNMENT_BUCKETS;
		buckets[i] = (size_t)exact;
		fractions[i] = exact - (double)buckets[i];
		given += buckets[i];
	}
	for (; given < ASSIGNMENT_BUCKETS; given++) {
		size_t largest = 0;
		for (size_t i = 1; i < count; i++)
			if (fractions[i] > fractions[largest])
				largest = i;
		buckets[largest]++;
		fractions[largest] = -1;
	}
	return true;
}

/* ---- which ---- */

static struct assignment *table_begin(struct arena *arena, uint64_t seed, size_t count, unsigned char **ways)
{
	struct assignment *assignment = ARENA_NEW(arena, struct assignment);
	*ways = ARENA_ARRAY(arena, unsigned char, ASSIGNMENT_BUCKETS);
	if (!assignment || !*ways)
		return NULL;
	*assignment = (struct assignment){.seed = seed, .count = count, .ways = *ways};
	return assignment;
}

const struct assignment *assignment_make(struct arena *arena, const char *choice, const struct share *shares, size_t count)
{
	size_t buckets[ASSIGNMENT_WAYS_MAX];
	unsigned char *ways;
	if (!assignment_count(shares, count, buckets))
		return NULL;
	struct assignment *assignment = table_begin(arena, hash_bytes(choice, strlen(choice), 0), count, &ways);
	for (size_t way = 0, bucket = 0; assignment && way < count; way++)
		for (size_t i = 0; i < buckets[way]; i++)
			ways[bucket++] = (unsigned char)way;
	return assignment;
}

/* Which of the new ways an old one is; `count`: it is gone. */
static size_t way_named(const char *name, const struct share *shares, size_t count)
{
	size_t way = 0;
	while (way < count && strcmp(shares[way].name, name) != 0)
		way++;
	return way;
}

const struct assignment *assignment_change(struct arena *arena, const struct assignment *before, const struct share *old,
					   const struct share *shares, size_t count)
{
	size_t wanted[ASSIGNMENT_WAYS_MAX], had[ASSIGNMENT_WAYS_MAX + 1] = {0}, now[ASSIGNMENT_WAYS_MAX];
	unsigned char *ways;
	if (!assignment_count(shares, count, wanted))
		return NULL;
	struct assignment *assignment = table_begin(arena, before->seed, count, &ways);
	if (!assignment)
		return NULL;
	for (size_t i = 0; i < before->count; i++)
		now[i] = way_named(old[i].name, shares, count);
	for (size_t bucket = 0; bucket < ASSIGNMENT_BUCKETS; bucket++)
		had[now[before->ways[bucket]]]++;
	for (size_t bucket = 0, taker = 0; bucket < ASSIGNMENT_BUCKETS; bucket++) {
		size_t way = now[before->ways[bucket]];
		if (way == count || had[way] > wanted[way]) {
			had[way]--;
			while (had[taker] >= wanted[taker])
				taker++;
			had[way = taker]++;
		}
		ways[bucket] = (unsigned char)way;
	}
	return assignment;
}

size_t assignment_moved(const struct assignment *before, const struct share *old, const struct assignment *after,
			const struct share *shares)
{
	size_t moved = 0;
	for (size_t bucket = 0; bucket < ASSIGNMENT_BUCKETS; bucket++)
		moved += strcmp(old[before->ways[bucket]].name, shares[after->ways[bucket]].name) != 0;
	return moved;
}

/* ---- whose ---- */

static uint64_t unit_hash(const struct message *message, uint64_t seed)
{
	const struct origin *origin = &message->origin;
	if (message->key.bytes)
		return hash_bytes(message->key.bytes, message->key.length, seed);
	seed = hash_bytes(origin->topic.bytes, origin->topic.length, seed);
	seed = hash_bytes(&origin->partition, sizeof origin->partition, seed);
	return hash_bytes(&origin->offset, sizeof origin->offset, seed);
}

size_t assignment_of(const struct assignment *assignment, struct text unit)
{
	return assignment->ways[hash_bytes(unit.bytes, unit.length, assignment->seed) % ASSIGNMENT_BUCKETS];
}

size_t assignment_of_message(const struct assignment *assignment, const struct message *message)
{
	return assignment->ways[unit_hash(message, assignment->seed) % ASSIGNMENT_BUCKETS];
}

bool assignment_draws(const char *salt, const struct message *message, double percent)
{
	uint64_t bucket = unit_hash(message, hash_bytes(salt, strlen(salt), 0)) % ASSIGNMENT_BUCKETS;
	return (double)bucket < percent / WHOLE_PERCENT * ASSIGNMENT_BUCKETS;
}
