/* adwin.c: A window that ends where its mean has changed; see adwin.h. */
#include "drift/adwin.h"

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

static void adwin_forget(struct adwin *adwin)
{
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

/* Whether the means of `old` numbers and of those behind them are further apart than chance makes them. */
static bool adwin_cuts(const struct adwin *adwin, double old, double old_total)
{
	double least = adwin->options.least, recent = adwin->width - old;
	if (old < least || recent < least)
		return false;
	double apart = fabs(old_total / old - (adwin->total - old_total) / recent);
	double confidence = log(2 * log(adwin->width) / adwin->options.delta);
	double sizes = 1 / (old - least + 1) + 1 / (recent - least + 1);
	double variance = adwin->squares / adwin->width;
	return apart > sqrt(2 * sizes * variance * confidence) + 2.0 / 3 * confidence * sizes;
}

static bool adwin_look(const struct adwin *adwin)
{
	double old = 0, old_total = 0;
	for (size_t i = ADWIN_LEVELS; i-- > 0;) {
		for (unsigned j = 0; j < adwin->levels[i].count; j++) {
			old += ldexp(1, (int)i);
			old_total += adwin->levels[i].buckets[j].total;
			if (adwin_cuts(adwin, old, old_total))
				return true;
		}
	}
	return false;
}

bool adwin_add(struct adwin *adwin, double number)
{
	if (adwin->alarmed)
		adwin_forget(adwin);
	adwin_insert(adwin, number);
	bool due = ++adwin->ticks % adwin->options.clock == 0 && adwin->width > (double)adwin->options.grace;
	return adwin->alarmed = due && adwin_look(adwin);
}
