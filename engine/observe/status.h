/* status.h: Status of one pipeline in one engine: a record that the engine writes to the status topic. An engine that follows a
 * control plane writes some each second (monitor/metrics/status_publisher.h); another one writes all of them.
 * Its key is `INSTANCE/PIPELINE`, its value JSON, so that any program can read it.
 *
 * A pipeline is counted as a whole, over all its stages: requests where they enter it, answers and errors wherever
 * they leave it. Calls of it by other pipelines count as its requests. Counters begin at the engine's start; rates
 * and latencies cover the time since the previous record.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "observe/counts.h"

#define STATE_UNOBSERVED "unobserved" /* it answers, and its observers wait, or one of them can watch nothing */
#define STATUS_EVERY_MS 1000
#define STATUS_QUIET_MS 10000	/* within which each pipeline reports, whatever happens */
#define STATUS_WATCH_MS 15000	/* so long it counts that somebody watches */
#define STATUS_FAILING_LEAST 10 /* errors in a row after which a pipeline is failing */
#define STATUS_STALE_MS 3000	/* without a record of any pipeline for so long, the state of an engine is unknown */

struct status {
	struct text instance;
	struct text pipeline;
	struct text namespace;
	int64_t at_ms;		       /* when it was written */
	int64_t started_ms;	       /* start of the engine */
	bool ready;		       /* it has its partitions, or needs none, and works */
	struct text state;	       /* one word: running, waiting, slow, unobserved, paused, failing */
	bool stopped;		       /* its last record: it was stopped, or ended by an error */
	struct text why;	       /* why it, or its observers, wait, or it is slow or fails; empty: it does not */
	struct pipeline_counts sums;   /* of which the record has those that the members name */
	struct text version;	       /* hash of what it is made of; engines with the same files have the same. Empty: it drains */
	struct text group;	       /* consumer group that reads it */
	struct text reads;	       /* its input topics, separated by a space */
	int64_t lag;		       /* records of these that are not committed; -1: not known: readers of a status ask Kafka */
	double rate;		       /* answers per second; without an output, requests that ended */
	double p50_ms, p95_ms, p99_ms; /* from the time of the request's record to its answer */
	/* Of the engine, at that time; 0: an engine of an earlier version wrote it, which reports on all pipelines each second. */
	uint64_t pipelines; /* how many it reports on */
	uint64_t unwell;    /* how many of these are not well: each has a record of that time */
	struct text receivers; /* receivers of its alerts that take no notices from this engine, and why; empty: there is none */
	struct text firing;    /* its alerts that fire, as the engine knows, and since when; empty: there is none */
	struct text drift;     /* its steps whose last window here has drifted, and which feature most; empty: there is none */
	struct text failure;   /* of its last record: the error by which the engine ended; empty: it was asked to stop */
	int64_t heard_ms;   /* not in the record: when its engine was heard of last, about any pipeline; 0: then */
};

/* Whether the pipeline runs, and nothing holds it up. */
bool status_is_well(bool ready, struct text state);

void status_write(const struct status *status, struct buffer *out);

/* Decodes a status. Texts borrow from `json` and the arena; unknown members are skipped. False: INPUT, it is no
 * status. */
bool status_read(struct text json, struct arena *arena, struct status *status, struct error *error);
