/* baseline.c: see baseline.h. */
#include "compiler/step/baseline.h"

/* Both are odd and end in neither 5 nor 0, so each runs through all buckets; one is the inverse of the other. */
#define RANK_OF_BUCKET 6607
#define BUCKET_OF_RANK 3743

static void buckets_count(const struct assignment *assignment, size_t *buckets)
{
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		buckets[assignment->ways[i]]++;
}

static size_t largest_other(const size_t *buckets, size_t count, size_t way)
{
	size_t largest = 0;
	for (size_t i = 0; i < count; i++)
		if (i != way && buckets[i] > largest)
			largest = buckets[i];
	return largest;
}

void baselines_of(const struct assignment *assignment, struct baseline *baselines)
{
	size_t buckets[ASSIGNMENT_WAYS_MAX] = {0}, lacks[ASSIGNMENT_WAYS_MAX] = {0};
	buckets_count(assignment, buckets);
	for (size_t i = 0; i < assignment->count; i++) {
		lacks[i] = largest_other(buckets, assignment->count, i);
		baselines[i] = (struct baseline){assignment->seed, lacks[i] == 0 ? 0 : ASSIGNMENT_BUCKETS};
	}
	for (size_t rank = 0; rank < ASSIGNMENT_BUCKETS; rank++) {
		const size_t way = assignment->ways[rank * BUCKET_OF_RANK % ASSIGNMENT_BUCKETS];
		if (lacks[way] > 0 && --lacks[way] == 0)
			baselines[way].ranks = rank + 1;
	}
}

bool baseline_has(const struct baseline *baseline, struct text unit, const struct origin *origin)
{
	const size_t bucket =
		unit.length > 0 ? assignment_bucket(baseline->seed, unit) : assignment_bucket_of_origin(baseline->seed, origin);
	return bucket * RANK_OF_BUCKET % ASSIGNMENT_BUCKETS < baseline->ranks;
}
