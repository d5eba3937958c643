/* stage.h: what a worker serves: stages of pipelines, the topics that lead to them, and
 * where what they make goes.
 *
 * Topics are numbers: places in the lists of a setup. A setup is data, made by whoever
 * runs workers, and shared by all workers of a group; a later one keeps the numbers of
 * the one before and adds behind them.
 */
#ifndef SLUICE_WORKER_STAGE_H
#define SLUICE_WORKER_STAGE_H

#include <stdatomic.h>

#include "flow/external_input.h"
#include "log/upstream.h"
#include "message/format.h"
#include "observe/histogram.h"
#include "observe/last_failure.h"
#include "plan/graph.h"
#include "serving/caller.h"

#define TOPIC_NOWHERE UINT32_MAX

/* Whoever is over a limit takes no more; what is in hand then is kept. 0: the worker's
 * own limit alone. */
struct stage_limits {
	size_t in_flight;  /* messages taken and not left */
	size_t held_bytes; /* of their records and arenas */
};

/* What a stage did, written by its worker and read by anybody. Of a pipeline in several stages each
 * request ends in one of them: what counts ends counts nothing of what only goes on to another. */
struct stage_counts {
	_Atomic uint64_t taken;
	_Atomic uint64_t released;
	_Atomic uint64_t ended;	    /* requests of which the pipeline is done */
	_Atomic uint64_t succeeded; /* results that are no error: answers, drops, ends without output */
	_Atomic uint64_t answered;
	_Atomic uint64_t failed; /* of the answers: errors */
	_Atomic uint64_t dropped;
	_Atomic uint64_t dead_letters;
	_Atomic uint64_t pauses;  /* how often it was full and its partitions were paused */
	_Atomic uint64_t resets;  /* of the worker: transactions that were given up, with all in flight */
	_Atomic uint64_t skipped; /* records that were deleted before they were read */
	_Atomic uint64_t in_flight;
	_Atomic uint64_t latency[HISTOGRAM_BUCKETS]; /* of requests that ended, from the time of their record */
	_Atomic(const char *) waits_for;	     /* in words that stay; NULL: nothing keeps it */
	struct last_failure last_failure;	     /* of those that `failed` counts */
};

/* Topics for what a step was sent and gave; TOPIC_NOWHERE: none. */
struct step_topics {
	uint32_t inputs;
	uint32_t outputs;
};

/* One in so many messages is told to the taps of a step whose lineage is sampled. */
#define LINEAGE_SAMPLE 100

struct step_taps {
	struct step_topics topics; /* of the setup's taps */
	unsigned one_in;	   /* messages: 1 is all */
};

/* What stands in a topic that the first stage of a pipeline reads. */
#define POINT_OWN SIZE_MAX

struct stage_point {
	size_t point; /* of the external input's: what another pipeline wrote; POINT_OWN: the pipeline's own requests */
	const struct mapping *mapping; /* of another pipeline's requests, where they are mapped; NULL */
};

/* What a model is sent and gives, for a share of its calls. */
struct model_taps {
	const char *model;
	uint64_t percent;
	struct step_topics topics; /* of the setup's taps */
};

/* A pipeline that steps call: it is run whole, in the same worker. */
struct called_pipeline {
	const char *name;
	const struct graph *graph;
	struct stage_counts *counts; /* of the calls, one a worker, by its number; NULL: nobody asks */
};

struct stage_config {
	const char *name; /* the pipeline's */
	/* Two of one name and version are the same: a reload leaves such a stage as it is. */
	uint64_t version;
	const struct graph *graph;	    /* what messages run through */
	const struct caller_config *caller; /* whom its calls reach; stages with the same one share it */
	size_t called_count;		    /* pipelines that its steps call, and those that they call */
	const struct called_pipeline *called;
	size_t topic_count;
	const uint32_t *topics; /* of the setup's reads: whose records it takes */
	const struct external_input
		*external_input; /* of the first stage that reads other pipelines, and of the one that joins what they gave */
	const struct stage_point *points; /* of each topic; NULL: all are the pipeline's own */
	uint32_t answers;		  /* of the setup's writes */
	const uint32_t *next;		  /* so too: of the stages that it sends on to, as graph->part has them */
	uint32_t own;			  /* so too: the topic that it reads, of a stage that joins; TOPIC_NOWHERE */
	uint32_t dead_letters;		  /* of requests that failed, as message/failure.h says */
	const struct step_topics *steps;  /* of the setup's writes, for each step: they leave with the answer. NULL: none */
	const struct step_taps *taps;	  /* for each step: they may be lost. NULL: none */
	size_t model_count;
	const struct model_taps *models; /* those of which somebody is told */
	const struct file_source *files; /* that its steps name; NULL: none can be read */
	/* Of a stage that joins: what leads to it, for as long as windows stand still for that. Count 0: they do not. */
	struct upstream_chain upstream;
	uint32_t changelog; /* of the setup's writes: of what its steps remember; TOPIC_NOWHERE: nothing */
	const struct schema_source *schemas;
	const struct format *format; /* of answers; NULL: as their requests came */
	bool errors_off;	     /* an error is not answered */
	bool errors_kept;	     /* the error of a synchronous request is kept as a dead letter, too */
	bool gap_stops;		     /* records that were deleted before they were read end the engine */
	bool by_key;		     /* at least once: a result waits for those of its key alone */
	struct stage_limits limits;
	struct stage_counts *counts; /* one a worker, by its number; NULL: nobody asks */
	atomic_size_t *users;	     /* how many workers have it open; NULL: nobody asks */
};

struct topic_list {
	size_t count;
	const char *const *names;
};

struct worker_setup {
	struct topic_list reads;
	struct topic_list writes;
	struct topic_list taps; /* written beside the output, best effort */
	const char *replies;	/* the namespace's topic of replies to gateways; the same in all setups. NULL: none */
	size_t stage_count;
	const struct stage_config *stages;
};

#endif
