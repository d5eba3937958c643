/* counts.h: Counts of pipelines, steps, models and workers, each written by one thread and read by any.
 *
 * The writer uses count_add() and count_set(). Another thread reads with counts_add(), which takes no lock: neither
 * side waits. A reader may see one count of a moment before it sees another. A struct of counts consists of words, so
 * structs of the same kind can be summed; observe/metric.h gives each word its name and meaning.
 *
 * Counts of two workers are at least a cache line apart: the structs that contain them end with words that are rarely
 * written, or with `apart`.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE_BYTES 64

/* Errors by their kind (base/error.h), in its order, without ERROR_NONE. */
#define COUNTED_ERROR_KINDS 5

/* Upper limits of the buckets of a histogram; one more bucket counts longer or larger values. */
#define DURATION_LIMITS 14
#define SIZE_LIMITS 10

extern const uint64_t duration_limits_us[DURATION_LIMITS];
extern const uint64_t size_limits[SIZE_LIMITS];

/* Where the search for the bucket of a duration of so many bits begins: the bucket of the shortest one. Longer ones have the last.
 */
#define DURATION_BITS 25
extern const unsigned char duration_first[DURATION_BITS + 1];

struct duration_counts {
	uint64_t sum_us;
	uint64_t buckets[DURATION_LIMITS + 1];
};

struct size_counts {
	uint64_t sum;
	uint64_t buckets[SIZE_LIMITS + 1];
};

/* Counts of a pipeline, or of one of its stages in one worker: requests where they enter, answers and errors wherever
 * they leave. */
struct pipeline_counts {
	uint64_t taken;
	uint64_t released;
	uint64_t ended;	    /* requests that the pipeline has finished */
	uint64_t succeeded; /* results that are no error: answers, drops, ends without output */
	uint64_t answered;  /* a request that was split may have many answers */
	uint64_t failed;    /* errors: in answers, and of requests without an answer */
	uint64_t dropped;   /* on purpose: by a filter, or into a window that stays open */
	uint64_t dead_letters;
	uint64_t pauses;  /* how often it was full and its partitions were paused */
	uint64_t resets;  /* of the worker: aborted transactions, with all in flight */
	uint64_t skipped; /* records that were deleted before they were read */
	uint64_t in_flight;
	uint64_t errors[COUNTED_ERROR_KINDS];
	struct duration_counts duration; /* of requests that ended */
};

/* Counts of the copies to mirrors of a step's experiments, whose replies are compared with the answers. */
struct mirror_counts {
	uint64_t agreed, disagreed;
	uint64_t failed;	       /* of these, errors of the mirror */
	uint64_t left_out;	       /* copies that were not compared */
	struct duration_counts mirror; /* of those that were: from the copy to the mirror's reply */
	struct duration_counts answer; /* the same to the candidate's */
};

/* Counts of a step in one worker. */
struct step_counts {
	uint64_t errors[COUNTED_ERROR_KINDS];
	uint64_t units_missing;		 /* of its experiments: messages that had none */
	uint64_t fallbacks;		 /* of its experiments: calls of the default after a candidate that failed */
	struct duration_counts duration; /* of visits that ended; also counts them */
	struct mirror_counts mirror;
	char apart[CACHE_LINE_BYTES];	 /* not a count: distance to the counts of the next worker */
};

/* Limits of the histograms of Seldon, the same in Core 1 (executor) and Core 2 (agent, pipeline gateway). */
extern const uint64_t seldon_limits_us[DURATION_LIMITS];

/* Protocols of a call, and classes of its end: an HTTP status, or the HTTP equivalent of a gRPC status. */
enum counted_protocol { COUNTED_REST, COUNTED_GRPC, COUNTED_PROTOCOLS };
#define COUNTED_CODES 8
extern const int counted_codes[COUNTED_CODES]; /* the last is 0: every other status */

/* Attempts of a model by protocol and end, for the metrics with Seldon's names: with seldon_limits_us. */
struct attempt_counts {
	struct duration_counts ends[COUNTED_PROTOCOLS][COUNTED_CODES];
};

#define BREAKER_STATES 3 /* closed, open, half-open, as models/calls/breaker.h numbers them */

/* Counts of the calls that one worker makes to a model. */
struct model_counts {
	uint64_t calls;
	uint64_t attempts;
	uint64_t retries;
	uint64_t errors[COUNTED_ERROR_KINDS]; /* of calls that ended with one */
	uint64_t in_flight;
	uint64_t waiting;
	uint64_t limit; /* of calls in flight, at present */
	uint64_t oldest_us; /* time by the clock of the loop at which the oldest call in flight was sent; 0: none is */
	uint64_t breakers[BREAKER_STATES]; /* 1 for the current state, 0 for the others */
	uint64_t cache_hits;
	uint64_t cache_misses;
	struct duration_counts duration; /* of attempts */
	struct size_counts batch_rows;	 /* of attempts, where calls are merged */
	struct attempt_counts outcomes;	 /* of attempts */
	char apart[CACHE_LINE_BYTES];
};

/* Counts of a worker. */
struct worker_counts {
	uint64_t taken;
	uint64_t released; /* records that have left, among them: */
	uint64_t answered;
	uint64_t failed; /* errors among the answers */
	uint64_t dead_letters;
	uint64_t copies;	    /* shadow requests sent */
	uint64_t copies_lost;	    /* not sent: too many were outstanding */
	uint64_t taps_lost;	    /* records for taps: too many waited for Kafka, or it did not take them */
	uint64_t truths_lost;	    /* feedback that no observer got */
	uint64_t dropped_in_flight; /* taken again later */
	uint64_t commits;
	uint64_t refused;		/* results that Kafka accepted and then refused */
	uint64_t cancelled;		/* requests that their callers cancelled, before they entered or in flight */
	uint64_t replies, replies_lost; /* copies of answers for gateways */
	uint64_t replies_malformed;	/* requests whose reply address could not be read */
	uint64_t snapshots, snapshots_lost; /* of state: kept, and not written */
	uint64_t resets;
};

/* What librdkafka has last reported of a consumer or producer (kafka/client_statistics.h). Counts begin again when a worker
 * replaces its client. */
struct client_counts {
	uint64_t brokers, brokers_up; /* known ones, and those that are connected */
	uint64_t round_trip_us;	      /* the mean of the slowest broker, in the last interval */
	uint64_t requests, requests_waiting, requests_in_flight; /* sent; not sent yet; sent and not answered yet */
	uint64_t records_waiting; /* of a producer: produced, and not acknowledged */
	uint64_t records_sent, records_received;
	uint64_t sent_bytes, received_bytes;
	uint64_t errors, timeouts, disconnects; /* of requests and connections */
	uint64_t rebalances;
};

/* Number of words in a struct of counts; `apart` is not one of them. */
#define COUNT_WORDS(type) ((sizeof(type)) / sizeof(uint64_t))
#define COUNT_WORDS_APART(type) (offsetof(type, apart) / sizeof(uint64_t))

/* For the only writer of a count. */
static inline void count_set(uint64_t *count, uint64_t value)
{
	__atomic_store_n(count, value, __ATOMIC_RELAXED);
}

static inline void count_add(uint64_t *count, uint64_t more)
{
	count_set(count, *count + more);
}

static inline void duration_count_within(struct duration_counts *counts, const uint64_t limits_us[DURATION_LIMITS], uint64_t us)
{
	size_t bucket = 0;
	while (bucket < DURATION_LIMITS && us > limits_us[bucket])
		bucket++;
	count_add(&counts->buckets[bucket], 1);
	count_add(&counts->sum_us, us);
}

static inline void duration_count(struct duration_counts *counts, uint64_t us)
{
	const unsigned bits = 64u - (unsigned)__builtin_clzll(us | 1);
	size_t bucket = duration_first[bits < DURATION_BITS ? bits : DURATION_BITS];
	while (bucket < DURATION_LIMITS && us > duration_limits_us[bucket])
		bucket++;
	count_add(&counts->buckets[bucket], 1);
	count_add(&counts->sum_us, us);
}

/* Counts an attempt that ended with that status; 0: without one. */
void attempt_count(struct attempt_counts *counts, enum counted_protocol protocol, int status, uint64_t us);

void size_count(struct size_counts *counts, uint64_t size);

/* For any thread. */
static inline uint64_t count_read(const uint64_t *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

/* Adds each word of `live`, which its writer may be changing, to the same word of `sum`. */
void counts_add(void *sum, const void *live, size_t words);

static inline void duration_counts_add(struct duration_counts *sum, const struct duration_counts *more)
{
	counts_add(sum, more, COUNT_WORDS(struct duration_counts));
}
