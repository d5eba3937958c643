/* status.h: what an engine says of each of its pipelines once a second: a record of the
 * status topic, keyed `INSTANCE/PIPELINE`, in JSON, so that anything can read it.
 *
 * A pipeline is counted as a whole, whatever stages it is cut into: requests where they enter it,
 * answers and errors wherever they leave it. Requests that reach it by a call of another pipeline count
 * with its own. Counters count from the engine's start; rates and latencies are those of the time since
 * the record before.
 */
#ifndef SLUICE_OBSERVE_STATUS_H
#define SLUICE_OBSERVE_STATUS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define STATUS_EVERY_MS 1000
#define STATUS_FAILING_LEAST 10 /* errors one behind the other, by which a pipeline is failing */
#define STATUS_STALE_MS 3000 /* of an engine that has said nothing for so long, nobody knows how it is */

struct status {
	struct text instance;
	struct text pipeline;
	struct text namespace;
	int64_t at_ms;	    /* when it was said */
	int64_t started_ms; /* the engine */
	bool ready;	    /* it has its partitions, or has none to take, and works */
	struct text state;  /* one word: running, waiting, paused, failing */
	bool stopped;	    /* its last word: it was told to stop, and has */
	struct text why;    /* what it waits for, or what fails; empty: nothing */
	uint64_t taken;	    /* requests */
	uint64_t ended;	    /* of them: answered, dropped on purpose, or through, where there is no output */
	uint64_t answered;  /* a request that was split may have many answers */
	uint64_t failed;    /* errors: those of the answers, and of requests without one */
	uint64_t dropped;   /* on purpose: by a filter, or into a window that stays open */
	uint64_t dead_letters;
	uint64_t resets; /* transactions given up */
	uint64_t skipped; /* records that were deleted before they were read */
	uint64_t in_flight;
	struct text version;	       /* of what it is made of: engines that were given the same say the same; empty: it drains */
	struct text group;	       /* of Kafka, by which it reads */
	struct text reads;	       /* the topics, a blank between */
	int64_t lag;		       /* records of these that are not committed; -1: not known: who reads a status asks Kafka */
	double rate;		       /* answers a second; of a pipeline without output, requests that ended */
	double p50_ms, p95_ms, p99_ms; /* from the time of the request's record to its answer */
};

void status_write(const struct status *status, struct buffer *out);

/* Texts borrow from `json` and the arena; members it does not know are passed over.
 * INPUT when it is no status. */
bool status_read(struct text json, struct arena *arena, struct status *status, struct error *error);

#endif
