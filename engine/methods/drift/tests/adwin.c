/* adwin.c: A window that ends where its mean has changed; see adwin.h. */
#include "methods/drift/tests/adwin.h"

#include <math.h>

struct adwin_bucket {
	double total;
	double squares; /* sum of squared deviations from the bucket's mean */
};

struct adwin_level {
	unsigned count;
	struct adwin_bucket *buckets; /* oldest first */
};

struct adwin {
	struct adwin_options options;
	uint64_t ticks;
	double width, total, squares; /* of the window */
	bool alarmed;
	struct adwin_level levels[ADWIN_LEVELS];
};

struct adwin *adwin_open(struct arena *arena, const struct adwin_options *options)
{
	struct adwin *adwin = ARENA_NEW(arena, struct adwin);
	struct adwin_bucket *buckets = ARENA_ARRAY(arena, struct adwin_bucket, ADWIN_LEVELS * ((size_t)options->buckets + 1));
	if (!adwin || !buckets)
		return NULL;
	adwin->options = *options;
	for (size_t i = 0; i < ADWIN_LEVELS; i++)
		adwin->levels[i].buckets = buckets + i * (options->buckets + 1);
	return adwin;
}

void adwin_begin(struct adwin *adwin)
{
	adwin->alarmed = false;
	adwin->ticks = 0;
	adwin->width = adwin->total = adwin->squares = 0;
	for (size_t i = 0; i < ADWIN_LEVELS; i++)
		adwin->levels[i].count = 0;
}

/* What joining two groups of numbers adds to their squared deviations. */
static double adwin_apart(double n, double total, double m, double other)
{
	double apart = total / n - other / m;
	return n * m * apart * apart / (n + m);
}

/* Two buckets of a level that is too full become one of the next. */
static void adwin_compress(struct adwin *adwin)
{
	double size = 1;
	for (size_t i = 0; i + 1 < ADWIN_LEVELS && adwin->levels[i].count > adwin->options.buckets; i++) {
		struct adwin_level *level = &adwin->levels[i], *next = &adwin->levels[i + 1];
		struct adwin_bucket *a = &level->buckets[0], *b = &level->buckets[1];
		next->buckets[next->count++] = (struct adwin_bucket){
			a->total + b->total, a->squares + b->squares + adwin_apart(size, a->total, size, b->total)};
		level->count -= 2;
		memmove(level->buckets, level->buckets + 2, level->count * sizeof *level->buckets);
		size *= 2;
	}
}

static void adwin_insert(struct adwin *adwin, double number)
{
	struct adwin_level *level = &adwin->levels[0];
	if (adwin->width > 0)
		adwin->squares += adwin_apart(adwin->width, adwin->total, 1, number);
	level->buckets[level->count++] = (struct adwin_bucket){number, 0};
	adwin->width++;
	adwin->total += number;
	adwin_compress(adwin);
}

/* Whether there are numbers enough on both sides of a boundary behind `old` of them. */
static bool adwin_parts(const struct adwin *adwin, double old)
{
	const double least = adwin->options.least;
	return old >= least && adwin->width - old >= least;
}

static double adwin_sizes(const struct adwin *adwin, double old)
{
	const double least = adwin->options.least, recent = adwin->width - old;
	return 1 / (old - least + 1) + 1 / (recent - least + 1);
}

static double adwin_apart_at(const struct adwin *adwin, double old, double old_total)
{
	return fabs(old_total / old - (adwin->total - old_total) / (adwin->width - old));
}

/* The same at all boundaries of a look. */
static double adwin_confidence(const struct adwin *adwin)
{
	return log(2 * log(adwin->width) / adwin->options.delta) * adwin->options.dependence;
}

static double adwin_bound(const struct adwin *adwin, double sizes, double confidence)
{
	double variance = adwin->squares / adwin->width;
	return sqrt(2 * sizes * variance * confidence) + 2.0 / 3 * confidence * sizes;
}

/* Whether the means of `old` numbers and of those behind them are further apart than chance makes them. */
static bool adwin_cuts(const struct adwin *adwin, double old, double old_total, double confidence)
{
	return adwin_parts(adwin, old) &&
	       adwin_apart_at(adwin, old, old_total) > adwin_bound(adwin, adwin_sizes(adwin, old), confidence);
}

static bool adwin_look(const struct adwin *adwin)
{
	const double confidence = adwin_confidence(adwin);
	double old = 0, old_total = 0;
	for (size_t i = ADWIN_LEVELS; i-- > 0;) {
		for (unsigned j = 0; j < adwin->levels[i].count; j++) {
			old += ldexp(1, (int)i);
			old_total += adwin->levels[i].buckets[j].total;
			if (adwin_cuts(adwin, old, old_total, confidence))
				return true;
		}
	}
	return false;
}

bool adwin_add(struct adwin *adwin, double number)
{
	if (adwin->alarmed)
		adwin_begin(adwin);
	adwin_insert(adwin, number);
	bool due = ++adwin->ticks % adwin->options.clock == 0 && adwin->width > (double)adwin->options.grace;
	return adwin->alarmed = due && adwin_look(adwin);
}

void adwin_keep(struct adwin *adwin)
{
	adwin->alarmed = false;
}

void adwin_tune(struct adwin *adwin, double delta)
{
	adwin->options.delta = delta;
}

/* ---- the best boundary ---- */

/* The reverse of the bound: the root of the confidence solves a quadratic equation. */
static double adwin_delta(const struct adwin *adwin, double sizes, double apart)
{
	const double linear = sqrt(2 * sizes * adwin->squares / adwin->width), square = 2.0 / 3 * sizes;
	const double root = (sqrt(linear * linear + 4 * square * apart) - linear) / (2 * square);
	return 2 * log(adwin->width) * exp(-root * root / adwin->options.dependence);
}

struct adwin_boundary adwin_boundary_best(const struct adwin *adwin)
{
	struct adwin_boundary best = {0};
	const double confidence = adwin_confidence(adwin);
	double old = 0, old_total = 0, most = -(double)INFINITY;
	for (size_t i = ADWIN_LEVELS; i-- > 0;)
		for (unsigned j = 0; j < adwin->levels[i].count; j++) {
			old += ldexp(1, (int)i);
			old_total += adwin->levels[i].buckets[j].total;
			if (!adwin_parts(adwin, old) || adwin->width <= (double)adwin->options.grace)
				continue;
			const double sizes = adwin_sizes(adwin, old), apart = adwin_apart_at(adwin, old, old_total);
			const double bound = adwin_bound(adwin, sizes, confidence);
			if (apart - bound <= most)
				continue;
			most = apart - bound;
			best = (struct adwin_boundary){apart, bound, adwin_delta(adwin, sizes, apart)};
		}
	return best;
}

/* ---- the state as bytes ---- */

struct adwin_kept {
	uint64_t ticks, levels;
	double width, total, squares;
};

static size_t adwin_levels_used(const struct adwin *adwin)
{
	size_t used = ADWIN_LEVELS;
	while (used > 0 && adwin->levels[used - 1].count == 0)
		used--;
	return used;
}

size_t adwin_bytes(const struct adwin *adwin)
{
	size_t bytes = sizeof(struct adwin_kept);
	for (size_t i = 0; i < adwin_levels_used(adwin); i++)
		bytes += sizeof(uint64_t) + adwin->levels[i].count * sizeof(struct adwin_bucket);
	return bytes;
}

void adwin_write(const struct adwin *adwin, char *bytes)
{
	const struct adwin_kept kept = {adwin->ticks, adwin_levels_used(adwin), adwin->width, adwin->total, adwin->squares};
	memcpy(bytes, &kept, sizeof kept);
	bytes += sizeof kept;
	for (size_t i = 0; i < kept.levels; i++) {
		const uint64_t count = adwin->levels[i].count;
		memcpy(bytes, &count, sizeof count);
		memcpy(bytes + sizeof count, adwin->levels[i].buckets, count * sizeof(struct adwin_bucket));
		bytes += sizeof count + count * sizeof(struct adwin_bucket);
	}
}

static bool adwin_take(struct text *bytes, void *value, size_t length)
{
	if (bytes->length < length)
		return false;
	memcpy(value, bytes->bytes, length);
	*bytes = (struct text){bytes->bytes + length, bytes->length - length};
	return true;
}

bool adwin_read(struct adwin *adwin, struct text *bytes)
{
	struct adwin_kept kept;
	adwin_begin(adwin);
	if (!adwin_take(bytes, &kept, sizeof kept) || kept.levels > ADWIN_LEVELS)
		return false;
	for (size_t i = 0; i < kept.levels; i++) {
		uint64_t count;
		if (!adwin_take(bytes, &count, sizeof count) || count > adwin->options.buckets ||
		    !adwin_take(bytes, adwin->levels[i].buckets, count * sizeof(struct adwin_bucket)))
			return false;
		adwin->levels[i].count = (unsigned)count;
	}
	adwin->ticks = kept.ticks;
	adwin->width = kept.width;
	adwin->total = kept.total;
	adwin->squares = kept.squares;
	return true;
}
