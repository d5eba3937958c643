/* counts.c: see counts.h. */
#include "observe/counts.h"

const uint64_t duration_limits_us[DURATION_LIMITS] = {1000,   2500,   5000,    10000,	25000,	 50000,	   100000,
						      250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000};
const unsigned char duration_first[DURATION_BITS + 1] = {0, 0, 0, 0, 0, 0, 0, 0, 0,  0,	 0,  1,	 1,
							 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13};
const uint64_t seldon_limits_us[DURATION_LIMITS] = {5000,   10000,  25000,	50000,	 75000,	  100000,  250000,
						    500000, 750000, 1000000, 2500000, 5000000, 7500000, 10000000};
const int counted_codes[COUNTED_CODES] = {200, 400, 404, 429, 500, 503, 504, 0};
const uint64_t size_limits[SIZE_LIMITS] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

void size_count(struct size_counts *counts, uint64_t size)
{
	size_t bucket = 0;
	while (bucket < SIZE_LIMITS && size > size_limits[bucket])
		bucket++;
	count_add(&counts->buckets[bucket], 1);
	count_add(&counts->sum, size);
}

void attempt_count(struct attempt_counts *counts, enum counted_protocol protocol, int status, uint64_t us)
{
	size_t code = 0;
	while (counted_codes[code] != 0 && counted_codes[code] != status)
		code++;
	duration_count_within(&counts->ends[protocol][code], seldon_limits_us, us);
}

void counts_add(void *sum, const void *live, size_t words)
{
	uint64_t *to = sum;
	const uint64_t *from = live;
	for (size_t i = 0; i < words; i++)
		to[i] += count_read(&from[i]);
}
