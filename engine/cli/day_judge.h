/* day_judge.h: what must hold of a simulated day's answers. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_JUDGE_H
#define SLUICE_CLI_DAY_JUDGE_H

#include "cli/day.h"
#include "cli/day_pipeline.h"
#include "cli/day_reading.h"

#define DAY_KEYS 8
#define DAY_VARIANTS 2 /* of a pipeline, at most: it is changed once */
#define DAY_NO_DEADLINE INT64_MAX

/* One request; its number is its place. */
struct day_request {
	int64_t due_us;
	int32_t partition; /* of the inputs */
	int key;	   /* -1: none */
	int64_t offset;	   /* once it was sent; -1: not yet */
	int64_t sent_us;
	int64_t deadline_us; /* or DAY_NO_DEADLINE */
	bool wanted;	     /* it must be answered; else some variant drops it */
	int64_t counted;     /* of its class so far, itself among them */
	unsigned may_run;    /* variants that it may go through, as bits: once it was sent */
	unsigned answers; /* so far */
	bool good, failed; /* one of them is no error, or is one */
	unsigned parts;	  /* which of its parts are answered, as bits; all of them by an error of its own */
	int64_t answered_us;
};

struct day_judge {
	const struct day_pipeline *pipeline; /* the first of its variants */
	size_t variant_count;
	unsigned in_force; /* variants that some worker may have by now, as bits */
	bool mixed;	   /* a request may begin in one and end in another */
	struct day_reading answers;
	bool exactly_once;
	bool by_partition; /* its order is that of a partition, whatever the keys */
	bool hurried;  /* some requests have deadlines */
	bool unwanted; /* some answers were, by the twin of Kafka */
	size_t count;
	struct day_request *requests;
	size_t wanted, answered; /* requests */
	uint64_t errors, repeated, refused; /* the last: by their deadlines */
	int64_t last_of_key[DAY_KEYS];	     /* the request answered last */
	int64_t last_of_partition[DAY_PARTITIONS_MAX];
	struct arena *arena; /* of one answer */
	char *why;	     /* set once: what did not hold */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what); /* NULL: nobody listens */
	void *context;
};

/* Says in `why`, once, what did not hold: the first stands. */
void day_fails(char why[DAY_WHY_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Which of `count` requests a record is of, as a whole. False: none of them. */
bool day_request_number(const struct record *record, size_t count, int64_t *number);

/* The requests are borrowed; `why` has DAY_WHY_MAX bytes, and may be several judges'. What
 * else it is to know is set behind this. False: memory. */
bool day_judge_open(struct day_judge *judge, const struct day_pipeline *variants, struct day_request *requests, size_t count,
		    char *why);
void day_judge_close(struct day_judge *judge);

/* Works out which requests must be answered, by so many variants. */
void day_judge_ready(struct day_judge *judge, size_t variant_count);

/* Reads what came since, up to now. */
void day_judge_read(struct day_judge *judge, const struct twin *twin, int64_t now_us);

bool day_judge_settled(const struct day_judge *judge);

/* At the end of the day: what is still missing, and whether models were called for
 * requests whose deadlines had passed. */
void day_judge_end(struct day_judge *judge, uint64_t overdue_calls);

#endif
