/* day_judge.h: Judge of a simulation run: checks the answers of one pipeline. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_JUDGE_H
#define SLUICE_CLI_DAY_JUDGE_H

#include "cli/day.h"
#include "cli/day_pipeline.h"
#include "cli/day_reading.h"

#define DAY_KEYS 8
#define DAY_VARIANTS 2 /* of a pipeline, at most: it is changed at most once */
#define DAY_NO_DEADLINE INT64_MAX

/* One request; its number is its index. */
struct day_request {
	int64_t due_us;
	int32_t partition; /* of the inputs */
	int key;	   /* -1: none */
	int64_t offset;	   /* set when it is sent; -1: not yet */
	int64_t sent_us;
	int64_t deadline_us; /* or DAY_NO_DEADLINE */
	bool wanted;	     /* it must be answered; else a variant drops it */
	int64_t counted;     /* requests of its class so far, including itself */
	unsigned may_run;    /* variants that may process it, as bits: set when it is sent */
	unsigned answers; /* so far */
	bool good, failed; /* good: one answer is no error; failed: one is an error */
	unsigned parts;	  /* its answered parts, as bits; an error answer of its own counts for all */
	int64_t answered_us;
};

struct day_judge {
	const struct day_pipeline *pipeline; /* the first of its variants */
	size_t variant_count;
	unsigned in_force; /* variants that a worker may run by now, as bits */
	bool mixed;	   /* a request may begin in one variant and end in another */
	struct day_reading answers;
	bool exactly_once;
	bool by_partition; /* order is kept for each partition, not for each key */
	bool bereft;   /* state was lost, and workers have stopped because of it */
	bool hurried;  /* some requests have deadlines */
	bool unwanted; /* the twin of Kafka rejected some answers */
	size_t count;
	struct day_request *requests;
	size_t wanted, answered; /* requests */
	uint64_t errors, repeated, refused; /* refused: because of their deadlines */
	int64_t last_of_key[DAY_KEYS];	     /* the request answered last */
	int64_t last_of_partition[DAY_PARTITIONS_MAX];
	struct arena *arena; /* of one answer */
	char *why;	     /* set once: the violated property */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what); /* NULL: not called */
	void *context;
};

/* Writes the violated property to `why`, unless there is one already. */
void day_fails(char why[DAY_WHY_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The number of the request, of `count`, to which a record belongs as a whole. False: none. */
bool day_request_number(const struct record *record, size_t count, int64_t *number);

/* The requests are borrowed. `why` has DAY_WHY_MAX bytes, and several judges may share it. The other fields are set
 * by the caller afterwards. False: memory. */
bool day_judge_open(struct day_judge *judge, const struct day_pipeline *variants, struct day_request *requests, size_t count,
		    char *why);
void day_judge_close(struct day_judge *judge);

/* Computes which requests must be answered, with that many variants. */
void day_judge_ready(struct day_judge *judge, size_t variant_count);

/* Reads the new answers up to now. */
void day_judge_read(struct day_judge *judge, const struct twin *twin, int64_t now_us);

bool day_judge_settled(const struct day_judge *judge);

/* Checks at the end of the run for missing answers, and for model calls of requests whose deadlines had passed. */
void day_judge_end(struct day_judge *judge, uint64_t overdue_calls);

#endif
