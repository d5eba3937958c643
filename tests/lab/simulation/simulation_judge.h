/* simulation_judge.h: Judge of a simulation run: checks the answers of one pipeline. Private to `sluice sim`. */
#pragma once

#include "simulation/simulation.h"
#include "simulation/simulation_pipeline.h"
#include "simulation/simulation_reading.h"

#define SIMULATION_KEYS 8
#define SIMULATION_VARIANTS 2 /* of a pipeline, at most: it is changed at most once */
#define SIMULATION_NO_DEADLINE INT64_MAX

/* One request; its number is its index. */
struct simulation_request {
	int64_t due_us;
	int32_t partition; /* of the inputs */
	int key;	   /* -1: none */
	int64_t offset;	   /* set when it is sent; -1: not yet */
	int64_t sent_us;
	int64_t deadline_us; /* or SIMULATION_NO_DEADLINE */
	bool wanted;	     /* it must be answered; else a variant drops it */
	int64_t counted;     /* requests of its class so far, including itself */
	unsigned may_run;    /* variants that may process it, as bits: set when it is sent */
	unsigned answers;    /* so far */
	bool skipped;	     /* it was deleted, and a worker was informed of that */
	bool good, failed;   /* good: one answer is no error; failed: one is an error */
	unsigned parts;	     /* its answered parts, as bits; an error answer of its own counts for all */
	int64_t answered_us;
};

struct simulation_judge {
	const struct simulation_pipeline *pipeline; /* the first of its variants */
	size_t variant_count;
	unsigned in_force; /* variants that a worker may run by now, as bits */
	bool mixed;	   /* a request that waits for no model may begin in one variant and end in another too */
	struct simulation_reading answers;
	bool exactly_once;
	bool by_partition; /* order is kept for each partition, not for each key */
	bool bereft;	   /* state was lost, and workers have stopped because of it */
	bool hurried;	   /* some requests have deadlines */
	bool unwanted;	   /* simulated Kafka rejected some answers */
	size_t count;
	struct simulation_request *requests;
	size_t wanted, answered;	      /* requests */
	size_t skipped;			      /* that must be answered, are not, and were skipped */
	uint64_t errors, repeated, refused;   /* refused: because of their deadlines */
	int64_t last_of_key[SIMULATION_KEYS]; /* the request answered last */
	int64_t last_of_partition[SIMULATION_PARTITIONS_MAX];
	struct arena *arena;								/* of one answer */
	char *why;									/* set once: the violated property */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what); /* NULL: not called */
	void *context;
};

/* Writes the violated property to `why`, unless there is one already. */
void simulation_fails(char why[SIMULATION_WHY_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The number of the request, of `count`, to which a record belongs as a whole. False: none. */
bool simulation_request_number(const struct record *record, size_t count, int64_t *number);

/* The requests are borrowed. `why` has SIMULATION_WHY_MAX bytes, and several judges may share it. The other fields are set
 * by the caller afterwards. False: memory. */
bool simulation_judge_open(struct simulation_judge *judge, const struct simulation_pipeline *variants,
			   struct simulation_request *requests, size_t count, char *why);
void simulation_judge_close(struct simulation_judge *judge);

/* Computes which requests must be answered, with that many variants. */
void simulation_judge_ready(struct simulation_judge *judge, size_t variant_count);

/* Reads the new answers up to now. */
void simulation_judge_read(struct simulation_judge *judge, const struct simulated_kafka *kafka, int64_t now_us);

bool simulation_request_is_answered(const struct simulation_judge *judge, const struct simulation_request *request); /* wholly */

bool simulation_judge_settled(const struct simulation_judge *judge);

/* Checks at the end of the run for missing answers, and for model calls of requests whose deadlines had passed. */
void simulation_judge_end(struct simulation_judge *judge, uint64_t overdue_calls);
