/* series.h: Series of a declared metric in one worker: a value for each combination of its labels, bounded in number.
 *
 * One thread counts, and any thread reads, without a lock. A table has all of its memory from the beginning. When all its places
 * are taken, further combinations are counted under SERIES_OTHER, in the last place.
 *
 * A reader may see a value's bucket before it sees the value in the sum.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"
#include "observe/counts.h"

#define SERIES_OTHER "other" /* each label of what had no place of its own */
#define SERIES_LABELS_MAX 8
#define SERIES_LABEL_BYTES 64 /* of a label's value: what is longer is cut there, between characters */
#define SERIES_BUCKETS_MAX 20
#define SERIES_PLACES_MAX ((size_t)500) /* of a table */

enum series_type { SERIES_GAUGE, SERIES_COUNTER, SERIES_HISTOGRAM, SERIES_SUMMARY };
#define SERIES_TYPES "gauge counter histogram summary" /* by enum series_type */

struct series_form {
	enum series_type type;
	size_t label_count;
	size_t bucket_count;   /* only of a histogram */
	const double *buckets; /* rising; borrowed */
	size_t places;	       /* 1 to SERIES_PLACES_MAX; with one all values are SERIES_OTHER, unless there are no labels */
};

/* One combination of labels. The last bucket is that of all larger values. */
struct series_sum {
	struct text labels[SERIES_LABELS_MAX];
	uint64_t hash;
	uint64_t count;	  /* of values */
	uint64_t sum;	  /* a double, as bits */
	uint64_t last;	  /* likewise: the latest value */
	uint64_t last_ms; /* when it was counted */
	uint64_t buckets[SERIES_BUCKETS_MAX + 1];
};

struct series_table;

/* Number of samples in `/metrics` of one series of that form. */
size_t series_samples(const struct series_form *form);

/* NULL: memory ran out. It lives in the arena. */
struct series_table *series_table_open(const struct series_form *form, struct arena *arena);
const struct series_form *series_table_form(const struct series_table *table);

/* Whether a value can be counted in a metric of that type: it is finite, and of a counter not negative. */
bool series_takes(enum series_type type, double value);

/* Counts a value that series_takes(), under labels whose number is that of the form. Texts are copied. */
void series_add(struct series_table *table, const struct text *labels, double value, uint64_t now_ms);

/* Counts an answer that could not be judged; or so many that were lost before they could be. */
void series_miss(struct series_table *table);
void series_lose(struct series_table *table, uint64_t count);

/* For any thread: the number of series, and a copy of one of them, whose labels point into the table. The sums of values that
 * were not judged, of answers that were lost, and of values counted as SERIES_OTHER. */
size_t series_count(const struct series_table *table);
void series_read(const struct series_table *table, size_t index, struct series_sum *series);
uint64_t series_missed(const struct series_table *table);
uint64_t series_lost(const struct series_table *table);
uint64_t series_others(const struct series_table *table);

/* Adds a copy to another with equal labels; of a gauge the later value stays. */
void series_merge(struct series_sum *sum, const struct series_sum *more);

static inline double series_double(uint64_t bits)
{
	double value;
	__builtin_memcpy(&value, &bits, sizeof value);
	return value;
}
