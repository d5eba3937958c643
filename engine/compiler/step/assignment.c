/* assignment.c: see assignment.h. */
#include "compiler/step/assignment.h"

#include <limits.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number/random.h"

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

#define NO_WAY UCHAR_MAX

/* Sorts the choices by name; `order[i]` is the index of the `i`th. So the table does not depend on the order in which
 * they are written, even if two choices rank a bucket equally or rounding leaves one. */
static void shares_sort(const struct share *shares, size_t count, struct share *sorted, unsigned char *order)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i;
		for (; at > 0 && strcmp(sorted[at - 1].name, shares[i].name) > 0; at--) {
			sorted[at] = sorted[at - 1];
			order[at] = order[at - 1];
		}
		sorted[at] = shares[i];
		order[at] = (unsigned char)i;
	}
}

/* All buckets, in the order in which a choice of that name ranks them. */
static void ranking_fill(uint16_t *ranking, const char *name)
{
	struct random random = {hash_bytes(name, strlen(name), 0)};
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		ranking[i] = (uint16_t)i;
	for (size_t i = ASSIGNMENT_BUCKETS; i > 1; i--) {
		size_t other = random_below(&random, i);
		uint16_t bucket = ranking[other];
		ranking[other] = ranking[i - 1];
		ranking[i - 1] = bucket;
	}
}

/* Distributes the buckets, rank by rank, until each choice has as many as it `lacks`. */
static void buckets_deal(const uint16_t *rankings, size_t count, size_t *lacks, const unsigned char *order, unsigned char *ways)
{
	memset(ways, NO_WAY, ASSIGNMENT_BUCKETS);
	for (size_t rank = 0; rank < ASSIGNMENT_BUCKETS; rank++)
		for (size_t i = 0; i < count; i++) {
			size_t bucket = rankings[i * ASSIGNMENT_BUCKETS + rank];
			if (lacks[i] == 0 || ways[bucket] != NO_WAY)
				continue;
			ways[bucket] = order[i];
			lacks[i]--;
		}
}

/* Names and not indexes are hashed, so the order in which choices are written does not matter. */
static uint64_t assignment_version(const struct assignment *assignment, const struct share *shares)
{
	uint64_t names[ASSIGNMENT_WAYS_MAX], version = assignment->seed;
	for (size_t i = 0; i < assignment->count; i++)
		names[i] = hash_bytes(shares[i].name, strlen(shares[i].name), 0);
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		version = hash_bytes(&names[assignment->ways[i]], sizeof *names, version);
	return version;
}

const struct assignment *assignment_make(struct arena *arena, const char *choice, const struct share *shares, size_t count)
{
	struct share sorted[ASSIGNMENT_WAYS_MAX];
	unsigned char order[ASSIGNMENT_WAYS_MAX];
	size_t lacks[ASSIGNMENT_WAYS_MAX];
	if (count > ASSIGNMENT_WAYS_MAX)
		return NULL;
	shares_sort(shares, count, sorted, order);
	if (!assignment_count(sorted, count, lacks))
		return NULL;
	struct assignment *assignment = ARENA_NEW(arena, struct assignment);
	unsigned char *ways = ARENA_ARRAY(arena, unsigned char, ASSIGNMENT_BUCKETS);
	uint16_t *rankings = memory_take_raw(count * ASSIGNMENT_BUCKETS * sizeof *rankings);
	if (assignment && ways && rankings) {
		*assignment = (struct assignment){.seed = hash_bytes(choice, strlen(choice), 0), .count = count, .ways = ways};
		for (size_t i = 0; i < count; i++)
			ranking_fill(rankings + i * ASSIGNMENT_BUCKETS, sorted[i].name);
		buckets_deal(rankings, count, lacks, order, ways);
		assignment->version = assignment_version(assignment, shares);
	} else {
		assignment = NULL;
	}
	memory_give(rankings);
	return assignment;
}

/* ---- from a former table ---- */

/* The choices by which a table is moved, sorted by name. */
struct table_change {
	struct share sorted[ASSIGNMENT_WAYS_MAX];
	unsigned char order[ASSIGNMENT_WAYS_MAX];
	size_t wanted[ASSIGNMENT_WAYS_MAX]; /* buckets */
	size_t surplus[ASSIGNMENT_WAYS_MAX], lacks[ASSIGNMENT_WAYS_MAX];
	unsigned char now[ASSIGNMENT_WAYS_MAX]; /* of each former choice: its place in `sorted`, or NO_WAY */
};

static void change_match(struct table_change *change, const struct assignment *former, const struct share *old, size_t count)
{
	size_t had[ASSIGNMENT_WAYS_MAX] = {0};
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		had[former->ways[i]]++;
	memcpy(change->lacks, change->wanted, count * sizeof *change->lacks);
	for (size_t i = 0; i < former->count; i++) {
		size_t now = 0;
		while (now < count && strcmp(change->sorted[now].name, old[i].name) != 0)
			now++;
		change->now[i] = now < count ? (unsigned char)now : NO_WAY;
		if (now == count)
			continue;
		size_t kept = had[i] < change->wanted[now] ? had[i] : change->wanted[now];
		change->surplus[now] = had[i] - kept;
		change->lacks[now] -= kept;
	}
}

static void buckets_move(struct table_change *change, const struct assignment *former, unsigned char *ways)
{
	size_t to = 0;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++) {
		unsigned char now = change->now[former->ways[i]];
		if (now != NO_WAY && change->surplus[now] == 0) {
			ways[i] = change->order[now];
			continue;
		}
		if (now != NO_WAY)
			change->surplus[now]--;
		while (change->lacks[to] == 0)
			to++;
		change->lacks[to]--;
		ways[i] = change->order[to];
	}
}

const struct assignment *assignment_move(struct arena *arena, const struct assignment *former, const struct share *old,
					 const struct share *shares, size_t count)
{
	struct table_change change = {0};
	if (count > ASSIGNMENT_WAYS_MAX)
		return NULL;
	shares_sort(shares, count, change.sorted, change.order);
	if (!assignment_count(change.sorted, count, change.wanted))
		return NULL;
	struct assignment *assignment = ARENA_NEW(arena, struct assignment);
	unsigned char *ways = ARENA_ARRAY(arena, unsigned char, ASSIGNMENT_BUCKETS);
	if (!assignment || !ways)
		return NULL;
	change_match(&change, former, old, count);
	buckets_move(&change, former, ways);
	*assignment = (struct assignment){.seed = former->seed, .count = count, .ways = ways};
	assignment->version = assignment_version(assignment, shares);
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

static uint64_t origin_hash(const struct origin *origin, uint64_t seed)
{
	seed = hash_bytes(origin->topic.bytes, origin->topic.length, seed);
	seed = hash_bytes(&origin->partition, sizeof origin->partition, seed);
	return hash_bytes(&origin->offset, sizeof origin->offset, seed);
}

static uint64_t unit_hash(const struct message *message, uint64_t seed)
{
	return message->key.bytes ? hash_bytes(message->key.bytes, message->key.length, seed) : origin_hash(&message->origin, seed);
}

size_t assignment_bucket(uint64_t seed, struct text unit)
{
	return hash_bytes(unit.bytes, unit.length, seed) % ASSIGNMENT_BUCKETS;
}

size_t assignment_bucket_of_origin(uint64_t seed, const struct origin *origin)
{
	return origin_hash(origin, seed) % ASSIGNMENT_BUCKETS;
}

size_t assignment_group(uint64_t seed, struct text unit, size_t groups)
{
	return hash_bytes(unit.bytes, unit.length, seed) / ASSIGNMENT_BUCKETS % groups;
}

size_t assignment_of(const struct assignment *assignment, struct text unit)
{
	return assignment->ways[assignment_bucket(assignment->seed, unit)];
}

size_t assignment_of_origin(const struct assignment *assignment, const struct origin *origin)
{
	return assignment->ways[assignment_bucket_of_origin(assignment->seed, origin)];
}

size_t assignment_of_message(const struct assignment *assignment, const struct message *message)
{
	return assignment->ways[unit_hash(message, assignment->seed) % ASSIGNMENT_BUCKETS];
}

struct sample sample_of(const char *salt, double percent)
{
	return (struct sample){hash_bytes(salt, strlen(salt), 0), percent / WHOLE_PERCENT * ASSIGNMENT_BUCKETS};
}

/* Without the topic, whose hash would cost more than all else: each topic has its share without it. */
bool sample_has(const struct sample *sample, const struct message *message)
{
	const struct origin *origin = &message->origin;
	const uint64_t seed = sample->seed + (uint32_t)origin->partition;
	return sample->below >= ASSIGNMENT_BUCKETS ||
	       (double)(hash_bytes(&origin->offset, sizeof origin->offset, seed) % ASSIGNMENT_BUCKETS) < sample->below;
}

bool assignment_draws(const char *salt, const struct message *message, double percent)
{
	const struct sample units = sample_of(salt, percent);
	return (double)(unit_hash(message, units.seed) % ASSIGNMENT_BUCKETS) < units.below;
}
