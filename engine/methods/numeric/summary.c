/* summary.c: Summary of many numbers; see summary.h. */
#include "methods/numeric/summary.h"

#include <assert.h>
#include <math.h>

#include "methods/numeric/distinct_sketch.h"
#include "methods/numeric/moments.h"
#include "methods/numeric/quantile_sketch.h"

/* Of distances from `origin`, the first number, so that a large offset costs no digits. */
struct spread {
	double origin;
	double mean;
	double squares;
};

struct least {
	double least, greatest;
};

struct ends {
	int64_t first_time, last_time;
	double first, last;
};

/* Where in the bytes what stands; NULL: it is not tracked. */
struct summary_parts {
	uint64_t *count;
	struct sum *sum;
	struct spread *spread;
	struct least *least;
	struct ends *ends;
	struct sum *squares;
	struct quantile_sketch *quantiles;
	struct distinct_sketch *distinct;
};

/* NULL: what is not tracked, and who reads it has to ask for it when the summary is begun. */
static struct summary_parts parts_of(unsigned tracks, const void *summary)
{
	union {
		const void *in;
		char *out;
	} bytes = {.in = summary}; /* readers pass constant ones and do not write */
	struct summary_parts parts = {0};
	char *at = bytes.out;
	parts.count = (uint64_t *)(void *)at;
	at += sizeof *parts.count;
	if (tracks & SUMMARY_SUM) {
		parts.sum = (struct sum *)(void *)at;
		at += sizeof *parts.sum;
	}
	if (tracks & SUMMARY_SPREAD) {
		parts.spread = (struct spread *)(void *)at;
		at += sizeof *parts.spread;
	}
	if (tracks & SUMMARY_LEAST) {
		parts.least = (struct least *)(void *)at;
		at += sizeof *parts.least;
	}
	if (tracks & SUMMARY_ENDS) {
		parts.ends = (struct ends *)(void *)at;
		at += sizeof *parts.ends;
	}
	if (tracks & SUMMARY_SQUARES) {
		parts.squares = (struct sum *)(void *)at;
		at += sizeof *parts.squares;
	}
	if (tracks & SUMMARY_QUANTILES) {
		parts.quantiles = (struct quantile_sketch *)(void *)at;
		at += sizeof *parts.quantiles;
	}
	if (tracks & SUMMARY_DISTINCT)
		parts.distinct = (struct distinct_sketch *)(void *)at;
	return parts;
}

size_t summary_bytes(unsigned tracks)
{
	return sizeof(uint64_t) + (tracks & SUMMARY_SUM ? sizeof(struct sum) : 0) +
	       (tracks & SUMMARY_SPREAD ? sizeof(struct spread) : 0) + (tracks & SUMMARY_LEAST ? sizeof(struct least) : 0) +
	       (tracks & SUMMARY_ENDS ? sizeof(struct ends) : 0) + (tracks & SUMMARY_SQUARES ? sizeof(struct sum) : 0) +
	       (tracks & SUMMARY_QUANTILES ? sizeof(struct quantile_sketch) : 0) +
	       (tracks & SUMMARY_DISTINCT ? sizeof(struct distinct_sketch) : 0);
}

static void spread_add(struct spread *spread, uint64_t count, double number)
{
	struct moments moments = {count, spread->mean, spread->squares};
	double origin = count ? spread->origin : number;
	moments_add(&moments, number - origin);
	*spread = (struct spread){origin, moments.mean, moments.squares};
}

static void spread_merge(struct spread *into, uint64_t count, const struct spread *from, uint64_t from_count)
{
	struct moments moments = {count, into->mean, into->squares};
	double origin = count ? into->origin : from->origin;
	moments_merge(&moments, &(struct moments){from_count, from->mean + (from->origin - origin), from->squares});
	*into = (struct spread){origin, moments.mean, moments.squares};
}

static void ends_add(struct ends *ends, bool only, int64_t time, double number)
{
	if (only || time < ends->first_time) {
		ends->first_time = time;
		ends->first = number;
	}
	if (only || time >= ends->last_time) {
		ends->last_time = time;
		ends->last = number;
	}
}

void summary_add(unsigned tracks, void *summary, int64_t time, double number)
{
	struct summary_parts parts = parts_of(tracks, summary);
	if (isnan(number))
		return;
	bool only = *parts.count == 0;
	if (parts.sum)
		sum_add(parts.sum, number);
	if (parts.spread)
		spread_add(parts.spread, *parts.count, number);
	if (parts.least) {
		parts.least->least = only ? number : fmin(parts.least->least, number);
		parts.least->greatest = only ? number : fmax(parts.least->greatest, number);
	}
	if (parts.ends)
		ends_add(parts.ends, only, time, number);
	if (parts.squares)
		sum_add(parts.squares, number * number);
	if (parts.quantiles)
		quantile_sketch_add(parts.quantiles, number);
	if (parts.distinct)
		distinct_sketch_add(parts.distinct, number);
	++*parts.count;
}

static void sum_merge(struct sum *into, const struct sum *from)
{
	sum_add(into, from->total);
	into->rest += from->rest;
}

void summary_merge(unsigned tracks, void *into, const void *from)
{
	struct summary_parts its = parts_of(tracks, into), other = parts_of(tracks, from);
	bool only = *its.count == 0;
	if (*other.count == 0)
		return;
	if (its.sum)
		sum_merge(its.sum, other.sum);
	if (its.spread)
		spread_merge(its.spread, *its.count, other.spread, *other.count);
	if (its.least) {
		its.least->least = only ? other.least->least : fmin(its.least->least, other.least->least);
		its.least->greatest = only ? other.least->greatest : fmax(its.least->greatest, other.least->greatest);
	}
	if (its.ends) {
		ends_add(its.ends, only, other.ends->first_time, other.ends->first);
		ends_add(its.ends, false, other.ends->last_time, other.ends->last);
	}
	if (its.squares)
		sum_merge(its.squares, other.squares);
	if (its.quantiles)
		quantile_sketch_merge(its.quantiles, other.quantiles);
	if (its.distinct)
		distinct_sketch_merge(its.distinct, other.distinct);
	*its.count += *other.count;
}

uint64_t summary_count(const void *summary)
{
	return *parts_of(0, summary).count;
}

double summary_sum(unsigned tracks, const void *summary)
{
	return sum_value(parts_of(tracks, summary).sum);
}

/* Total and rest are integers too; the total in two parts, for it may be 2^63 and the rest below 0. */
bool summary_sum_whole(unsigned tracks, const void *summary, int64_t *sum)
{
	const struct sum *kept = parts_of(tracks, summary).sum;
	assert(kept); /* it is tracked */
	if (!(fabs(kept->total) <= 0x1p63))
		return false;
	int64_t half = (int64_t)(kept->total / 2), other = (int64_t)(kept->total - (double)half);
	return !__builtin_add_overflow(other, (int64_t)kept->rest, &other) && !__builtin_add_overflow(half, other, sum);
}

double summary_mean(unsigned tracks, const void *summary)
{
	struct summary_parts parts = parts_of(tracks, summary);
	return sum_value(parts.sum) / (double)*parts.count;
}

double summary_variance(unsigned tracks, const void *summary, unsigned freedom)
{
	struct summary_parts parts = parts_of(tracks, summary);
	assert(parts.spread);
	struct moments moments = {*parts.count, parts.spread->mean, parts.spread->squares};
	return moments_variance(&moments, freedom);
}

/* A fact of nothing is NaN. */
static double summary_known(const struct summary_parts *parts, double fact)
{
	return *parts->count > 0 ? fact : (double)NAN;
}

double summary_least(unsigned tracks, const void *summary)
{
	struct summary_parts parts = parts_of(tracks, summary);
	assert(parts.least);
	return summary_known(&parts, parts.least->least);
}

double summary_greatest(unsigned tracks, const void *summary)
{
	struct summary_parts parts = parts_of(tracks, summary);
	assert(parts.least);
	return summary_known(&parts, parts.least->greatest);
}

double summary_first(unsigned tracks, const void *summary)
{
	struct summary_parts parts = parts_of(tracks, summary);
	assert(parts.ends);
	return summary_known(&parts, parts.ends->first);
}

double summary_last(unsigned tracks, const void *summary)
{
	struct summary_parts parts = parts_of(tracks, summary);
	assert(parts.ends);
	return summary_known(&parts, parts.ends->last);
}

double summary_norm(unsigned tracks, const void *summary)
{
	return sqrt(sum_value(parts_of(tracks, summary).squares));
}

double summary_quantile(unsigned tracks, const void *summary, double q)
{
	return quantile_sketch_quantile(parts_of(tracks, summary).quantiles, q);
}

double summary_distinct(unsigned tracks, const void *summary)
{
	return distinct_sketch_count(parts_of(tracks, summary).distinct);
}
