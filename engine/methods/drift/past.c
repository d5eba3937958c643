/* past.c: see past.h. */
#include "methods/drift/past.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/number/random.h"

#define NUMBER_MAX 1e150 /* the square of a larger one is beyond the range of a double */

/* How many blocks and rows, from the block at `first` on, are in alarm or not. */
struct kind_sum {
	size_t blocks;
	uint64_t rows;
};

static struct kind_sum kind_sum_of(const struct past *past, size_t first, bool alarmed)
{
	struct kind_sum sum = {0};
	for (size_t i = first; i < past->count; i++) {
		if ((past->blocks[i].alarmed > 0) != alarmed)
			continue;
		sum.blocks++;
		sum.rows += past->blocks[i].rows;
	}
	return sum;
}

/* Those of the reference, in which a former build also had windows in alarm. */
static uint64_t fitted_rows(const struct past *past)
{
	uint64_t rows = 0;
	for (size_t i = 0; i < past->fitted; i++)
		rows += past->blocks[i].rows;
	return rows;
}

/* ---- blocks of a window ---- */

size_t past_blocks_of(const struct past *past, size_t rows, size_t most, bool alarmed)
{
	const uint64_t blocks_most = alarmed ? PAST_ASIDE_BLOCKS : PAST_REFERENCE_BLOCKS;
	const uint64_t span = (kind_sum_of(past, 0, alarmed).rows + rows) / blocks_most;
	most = rows / PAST_BLOCK_ROWS < most ? rows / PAST_BLOCK_ROWS : most;
	const size_t blocks = span > PAST_BLOCK_ROWS ? (size_t)(rows / span) : most;
	return most == 0 ? 0 : blocks < 1 ? 1 : blocks < most ? blocks : most;
}

size_t past_block_first(size_t rows, size_t blocks, size_t nth)
{
	return nth * rows / blocks;
}

void past_values_take(const struct monitor *monitor, size_t feature, size_t first, size_t count, struct past_values *values)
{
	*values = (struct past_values){.least = (double)INFINITY, .greatest = -(double)INFINITY};
	for (size_t i = 0; i < count; i++) {
		const double raw = monitor_closed_value(monitor, feature, first + i);
		const bool known = fabs(raw) < NUMBER_MAX;
		if (i < PAST_BLOCK_ROWS)
			values->values[i] = known ? raw : (double)NAN;
		values->missing += !known;
		values->least = known && raw < values->least ? raw : values->least;
		values->greatest = known && raw > values->greatest ? raw : values->greatest;
	}
}

void past_values_merge(struct past_values *into, const struct past_values *other)
{
	into->missing += other->missing;
	into->least = other->least < into->least ? other->least : into->least;
	into->greatest = other->greatest > into->greatest ? other->greatest : into->greatest;
}

/* ---- the list ---- */

/* Those that can be learnt come first. */
static int blocks_compare(const void *a, const void *b)
{
	const struct past_block *left = a, *right = b;
	if ((left->alarmed > 0) != (right->alarmed > 0))
		return left->alarmed > 0 ? 1 : -1;
	return (left->number > right->number) - (left->number < right->number);
}

static void blocks_order(struct past *past)
{
	qsort(past->blocks, past->count, sizeof *past->blocks, blocks_compare);
}

void past_add(struct past *past, const struct past_block *block, uint64_t hash)
{
	struct past_block *added = &past->blocks[past->count++];
	*added = *block;
	added->number = past->next++;
	past->chain = hash_bytes(&hash, sizeof hash, past->chain) | 1; /* 0 is none */
}

bool past_full(const struct past *past, size_t more, bool alarmed)
{
	const size_t aside = kind_sum_of(past, past->fitted, true).blocks;
	return alarmed ? aside + more > PAST_ASIDE_BLOCKS : past->count - aside + more > PAST_LEARNT_BLOCKS;
}

size_t past_learnable(const struct past *past)
{
	return kind_sum_of(past, 0, false).blocks;
}

struct past_left past_aside(const struct past *past)
{
	struct past_left left = {0};
	for (size_t i = past->fitted; i < past->count; i++) {
		left.windows += past->blocks[i].alarmed ? past->blocks[i].windows : 0;
		left.rows += past->blocks[i].alarmed ? past->blocks[i].rows : 0;
	}
	return left;
}

bool past_accept(struct past *past)
{
	const struct kind_sum aside = kind_sum_of(past, 0, true);
	if (aside.blocks == 0 || aside.rows < kind_sum_of(past, 0, false).rows / PAST_RENEWED)
		return false;
	for (size_t i = 0; i < past->count; i++)
		past->blocks[i].alarmed = 0;
	blocks_order(past);
	return true;
}

/* The first block of that kind from one on; the count: there is none. */
static size_t kind_find(const struct past *past, size_t from, bool alarmed)
{
	while (from < past->count && (past->blocks[from].alarmed > 0) != alarmed)
		from++;
	return from;
}

/* Two neighbours of a kind, and the rows for which they stand. */
struct block_pair {
	size_t left, right;
	uint64_t rows;
};

/* The first of the pairs that stand for the fewest rows. */
static struct block_pair lightest_pair(const struct past *past, size_t first, bool alarmed)
{
	struct block_pair lightest = {.rows = UINT64_MAX};
	size_t left = kind_find(past, first, alarmed), right;
	for (; (right = kind_find(past, left + 1, alarmed)) < past->count; left = right) {
		const uint64_t rows = past->blocks[left].rows + past->blocks[right].rows;
		if (rows < lightest.rows)
			lightest = (struct block_pair){left, right, rows};
	}
	return lightest;
}

bool past_merge_light(struct past *past, struct past_merge *merge)
{
	uint64_t most = past->count > PAST_LEARNT_BLOCKS ? UINT64_MAX : 0;
	for (size_t i = 0; i < past->count; i++)
		most = past->blocks[i].rows > most ? past->blocks[i].rows : most;
	if (past->count < 2 || lightest_pair(past, 0, false).rows > most)
		return false;
	*merge = past_merge_next(past, 0, false);
	return true;
}

struct past_merge past_merge_next(struct past *past, size_t first, bool alarmed)
{
	const struct block_pair pair = lightest_pair(past, first, alarmed);
	struct past_block *left = &past->blocks[pair.left], *right = &past->blocks[pair.right];
	struct random chance = {past->chain ^ left->number ^ right->number << 32};
	const double drawn = (double)(random_next(&chance) >> 11) * 0x1p-53;
	const bool stays = drawn * (double)pair.rows < (double)left->rows;
	const struct past_merge merge = {stays ? left->number : right->number, stays ? right->number : left->number};
	left->number = merge.into;
	left->rows = pair.rows;
	left->time_ms = right->time_ms;
	left->windows += right->windows;
	past->count--;
	memmove(right, right + 1, (past->count - pair.right) * sizeof *right);
	return merge;
}

struct past_span past_clock_move(struct past_clock *clock, int64_t time_ms, int64_t past_ms)
{
	time_ms = past_time(time_ms);
	if (time_ms != clock->last_ms) {
		clock->before_ms = clock->last_ms;
		clock->last_ms = time_ms;
	}
	const bool on = clock->before_ms < clock->last_ms;
	const int64_t least_ms = on ? clock->before_ms : clock->last_ms, most_ms = on ? clock->last_ms : clock->before_ms;
	return (struct past_span){least_ms - past_ms, most_ms + past_ms};
}

static bool is_outside(const struct past_block *block, struct past_span span)
{
	return block->time_ms < span.since_ms || block->time_ms > span.until_ms;
}

bool past_renews(const struct past *past, struct past_span span)
{
	const uint64_t fitted = fitted_rows(past), newer = kind_sum_of(past, past->fitted, false).rows;
	uint64_t outside = 0;
	for (size_t i = 0; i < past->fitted; i++)
		outside += is_outside(&past->blocks[i], span) ? past->blocks[i].rows : 0;
	if (past->fitted == 0)
		return newer >= PAST_ROWS_MIN;
	return newer >= fitted / PAST_RENEWED || outside >= fitted / PAST_RENEWED;
}

bool past_expire(struct past *past, struct past_span span, uint64_t *number)
{
	size_t at = 0;
	while (at < past->count && !is_outside(&past->blocks[at], span))
		at++;
	if (at == past->count)
		return false;
	*number = past->blocks[at].number;
	past->count--;
	memmove(past->blocks + at, past->blocks + at + 1, (past->count - at) * sizeof *past->blocks);
	past->fitted -= past->fitted > at;
	return true;
}

void past_select(struct past *past, struct past_span span, bool alarmed, struct past_left *left_out)
{
	size_t kept = 0;
	*left_out = (struct past_left){0};
	for (size_t i = 0; i < past->count; i++) {
		const struct past_block *block = &past->blocks[i];
		if (is_outside(block, span))
			continue;
		if (!block->alarmed || alarmed) {
			past->blocks[kept] = *block;
			past->blocks[kept++].alarmed = 0;
			continue;
		}
		left_out->windows += block->windows;
		left_out->rows += block->rows;
	}
	past->count = past->fitted = kept;
	blocks_order(past);
}

void past_fit(struct past *past)
{
	const struct kind_sum learnable = kind_sum_of(past, 0, false);
	const bool enough = learnable.blocks * PAST_BLOCK_ROWS >= DRIFT_REFERENCE_ROWS_MIN && learnable.rows >= PAST_ROWS_MIN;
	blocks_order(past);
	past->fitted = enough ? learnable.blocks : 0;
	past->fit = enough ? past->chain : 0;
}

/* ---- the reference ---- */

static bool feature_fill(const struct past *past, const struct past_values *const *values, size_t feature, struct arena *arena,
			 struct drift_feature *into)
{
	double *all = ARENA_ARRAY(arena, double, past->fitted * PAST_BLOCK_ROWS);
	into->least = (double)INFINITY;
	into->greatest = -(double)INFINITY;
	for (size_t i = 0; all && i < past->fitted; i++) {
		const struct past_values *block = &values[i][feature];
		memcpy(all + i * PAST_BLOCK_ROWS, block->values, sizeof block->values);
		into->missing += block->missing;
		into->mistyped += block->missing; /* blocks do not tell them apart */
		into->least = block->least < into->least ? block->least : into->least;
		into->greatest = block->greatest > into->greatest ? block->greatest : into->greatest;
	}
	if (into->least > into->greatest) { /* no number came, so none is outside */
		into->least = -(double)INFINITY;
		into->greatest = (double)INFINITY;
	}
	into->values = all;
	return all;
}

bool past_features_fill(const struct past *past, const struct past_values *const *values, size_t count, struct arena *arena,
			struct drift_feature *features)
{
	for (size_t i = 0; i < count && past->fitted; i++)
		if (!feature_fill(past, values, i, arena, &features[i]))
			return false;
	return true;
}

struct drift_reference past_reference(const struct past *past, const struct drift_feature *features, size_t count)
{
	return (struct drift_reference){.all_rows = fitted_rows(past),
					.rows = past->fitted * PAST_BLOCK_ROWS,
					.block = PAST_BLOCK_ROWS,
					.feature_count = count,
					.features = features};
}
