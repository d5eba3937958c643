/* access_rate.c: see access_rate.h. A bucket is stored as the time at which it will be full again. */
#include "gateway/access/access_rate.h"

#include "base/number/duration.h"
#include "base/list.h"
#include "base/memory.h"

#define ROWS ACCESS_RATE_IDENTITIES
#define US_PER_S 1e6

struct access_bucket {
	struct access_identity identity;
	int64_t full_us;
	struct access_bucket *next; /* in its row */
	struct list_node node;	    /* most recently used first */
};

struct access_rate {
	int64_t each_us;  /* time in which one request is refilled */
	int64_t depth_us; /* time in which an empty bucket becomes full */
	size_t count;
	int64_t shared_full_us; /* of callers without a bucket of their own */
	struct list used;
	struct access_bucket *rows[ROWS];
	struct access_bucket buckets[ACCESS_RATE_IDENTITIES];
};

struct access_rate *access_rate_open(double per_second, int64_t burst, struct error *error)
{
	if (!(per_second > 0 && per_second <= ACCESS_RATE_PER_SECOND_MAX) || burst < 1 || burst > ACCESS_RATE_BURST_MAX)
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
					    "a rate limit is above 0 and at most %.0f requests a second, with a burst of 1 to %d",
					    ACCESS_RATE_PER_SECOND_MAX, ACCESS_RATE_BURST_MAX));
	struct access_rate *rate = memory_take(1, sizeof *rate);
	if (!rate)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a rate limiter"));
	double each_us = US_PER_S / per_second;
	rate->each_us = each_us < (double)INT32_MAX * US_PER_MS ? (int64_t)each_us : (int64_t)INT32_MAX * US_PER_MS;
	rate->depth_us = burst * rate->each_us;
	return rate;
}

void access_rate_close(struct access_rate *rate)
{
	memory_give(rate);
}

static size_t row_of(const struct access_identity *identity)
{
	return ((size_t)identity->bytes[0] << 8 | identity->bytes[1]) % ROWS;
}

static struct access_bucket *bucket_find(const struct access_rate *rate, const struct access_identity *identity)
{
	struct access_bucket *bucket = rate->rows[row_of(identity)];
	while (bucket && memcmp(&bucket->identity, identity, sizeof *identity) != 0)
		bucket = bucket->next;
	return bucket;
}

/* A bucket for a new identity: an unused one, or the least recently used one if it is full. NULL: none is free. */
static struct access_bucket *bucket_place(struct access_rate *rate, int64_t now_us)
{
	if (rate->count < ACCESS_RATE_IDENTITIES)
		return &rate->buckets[rate->count++];
	struct access_bucket *oldest = LIST_OWNER(rate->used.last, struct access_bucket, node), **at;
	if (oldest->full_us > now_us)
		return NULL;
	for (at = &rate->rows[row_of(&oldest->identity)]; *at != oldest;)
		at = &(*at)->next;
	*at = oldest->next;
	return oldest;
}

/* Time until a bucket has a request again, in milliseconds, rounded up; 0: it has one. */
static int64_t bucket_wait_ms(const struct access_rate *rate, int64_t full_us, int64_t now_us)
{
	int64_t wait_us = full_us + rate->each_us - rate->depth_us - now_us;
	return wait_us <= 0 ? 0 : (wait_us + US_PER_MS - 1) / US_PER_MS;
}

static int64_t bucket_take(const struct access_rate *rate, int64_t *full_us, int64_t now_us)
{
	int64_t wait_ms = bucket_wait_ms(rate, *full_us > now_us ? *full_us : now_us, now_us);
	if (wait_ms == 0)
		*full_us = (*full_us > now_us ? *full_us : now_us) + rate->each_us;
	return wait_ms;
}

int64_t access_rate_take(struct access_rate *rate, const struct access_identity *identity, int64_t now_ms)
{
	int64_t now_us = now_ms * US_PER_MS;
	struct access_bucket *bucket = bucket_find(rate, identity);
	if (!bucket) {
		bucket = bucket_place(rate, now_us);
		if (!bucket)
			return bucket_take(rate, &rate->shared_full_us, now_us);
		struct access_bucket **row = &rate->rows[row_of(identity)];
		bucket->identity = *identity;
		bucket->full_us = now_us;
		bucket->next = *row;
		*row = bucket;
	}
	list_remove(&bucket->node);
	list_add_first(&rate->used, &bucket->node);
	return bucket_take(rate, &bucket->full_us, now_us);
}

bool access_rate_is_spent(const struct access_rate *rate, const struct access_identity *identity, int64_t now_ms)
{
	const struct access_bucket *bucket = bucket_find(rate, identity);
	return bucket && bucket_wait_ms(rate, bucket->full_us, now_ms * US_PER_MS) > 0;
}
