/* stage.h: Configuration of a worker: the stages of pipelines that it runs, the topics that they read, and the topics
 * that they write.
 *
 * Topics are numbers: indices into the lists of a setup. A setup is data, made by the owner of the workers and shared
 * by all workers of a group. A later setup keeps the numbers of the one before and appends its own.
 */
#pragma once

#include <stdatomic.h>

#include "compiler/conditions/judged_groups.h"
#include "compiler/conditions/notice.h"
#include "experiments/outcomes/judged_answer.h"
#include "flow/external_input.h"
#include "kafka/topics/absent_topics.h"
#include "kafka/consume/upstream.h"
#include "message/formats/format.h"
#include "observe/counts.h"
#include "observe/histogram.h"
#include "observe/last_failure.h"
#include "compiler/plan/plan.h"
#include "models/calls/caller.h"
#include "compiler/resources/resource.h"

#define TOPIC_NOWHERE UINT32_MAX

/* The topics of a struct stage_config that writes nothing. */
#define STAGE_WRITES_NOTHING                                                                                                       \
	.answers = TOPIC_NOWHERE, .requests = TOPIC_NOWHERE, .own = TOPIC_NOWHERE, .dead_letters = TOPIC_NOWHERE,                  \
	.explanations = TOPIC_NOWHERE, .importances = TOPIC_NOWHERE, .verdicts = TOPIC_NOWHERE,                                    \
	.feed = TOPIC_NOWHERE, .changelog = TOPIC_NOWHERE

/* Limits of a stage. A stage over a limit takes no more records; those that it has wait. 0: only the worker's limit
 * counts. */
struct stage_limits {
	size_t in_flight;  /* messages taken and not left */
	size_t held_bytes; /* of their records and arenas */
};

/* Judgements of an alert by the results of steps; of one with outlier_rate, the flags of messages. */
struct judged_counts {
	uint64_t held, broken;
	uint64_t judged, missing; /* messages that left the stage without an error: a result of theirs in it was judged, or none */
};

/* Counts of an alert by one worker of a stage (engine/setup/alert_counters.h). */
struct alert_counts {
	struct judged_counts judged;
	_Atomic(int64_t) first_ms;    /* as of judged_first_note(), of one without `groupBy` */
	struct judged_groups *groups; /* of one with `groupBy` instead; NULL: its messages are not judged */
	char apart[CACHE_LINE_BYTES];
};

/* Counts of a stage, written by its worker and read by any thread (observe/counts.h). In a pipeline of several stages
 * each request ends in one of them. A message that only goes on to another stage is not counted as an end. */
struct stage_counts {
	struct pipeline_counts sums;
	uint64_t latency[HISTOGRAM_BUCKETS];   /* of requests that ended, since the time of their record, finer than in `sums` */
	_Atomic(const char *) waits_for;	     /* why the stage waits, as static text; NULL: it does not */
	_Atomic(const char *) absent[ABSENCES];	     /* a topic that the stage reads, by why it is absent; NULL: none is */
	_Atomic(const char *) denied;		     /* a topic that the stage writes, and may not write now; NULL: none is */
	atomic_bool denied_is_gone;		     /* with `denied`: because Kafka has no such topic */
	_Atomic(const char *) denied_group;	     /* its consumer group, which the login may not use now; NULL: it may */
	_Atomic(const char *) outage;	/* changelog of observers whose state is out (observer_outage.h); NULL: none is */
	struct last_failure outage_why; /* with `outage` */
	struct last_failure last_failure;	     /* the last one that `failed` counts */
	uint64_t former;		/* requests that wait in replaced versions (engine/worker/waiting_requests.h) */
	struct last_failure former_why; /* with `former` */
};

/* Topics for the inputs and outputs of a step; TOPIC_NOWHERE: none. */
struct step_topics {
	uint32_t inputs;
	uint32_t outputs;
};

/* A step with sampled lineage sends one in so many messages to its taps. */
#define LINEAGE_SAMPLE 100

struct step_taps {
	struct step_topics topics; /* numbers of the setup's taps */
	unsigned one_in;	   /* messages: 1 means all */
};

/* Content of a topic that the first stage of a pipeline reads. */
#define POINT_OWN SIZE_MAX

struct stage_point {
	size_t point; /* index of the other pipeline's point in the external input; POINT_OWN: the pipeline's own requests */
	const struct mapping *mapping; /* for mapped requests of another pipeline; otherwise NULL */
};

/* Taps for the inputs and outputs of a model, for a share of its calls. */
struct model_taps {
	const char *model;
	uint64_t percent;
	struct step_topics topics; /* numbers of the setup's taps */
};

/* Subpipeline: a pipeline that steps call; it runs whole, in the same worker. */
struct called_pipeline {
	const char *name;
	const struct graph *graph;
	struct stage_counts *counts; /* of the calls, one entry per worker, by its number; NULL: not counted */
	struct step_counts *const *step_counts; /* of each step, likewise */
	size_t needed_count; /* models without which it gives no answer, also those of the pipelines that it needs */
	const char *const *needed;
};

/* An alert whose condition is judged by the results of steps. */
struct stage_alert {
	const char *name;
	uint64_t meaning; /* as of alert_counter_meaning() */
	struct alert_condition condition;
	const struct expression *group_by; /* NULL: it has one state */
	int64_t keep_ms;		   /* as of judged_groups_note() */
	/* Of the record by which a message begins a firing (begun_alerts.h), without what it has of the message; NULL: none. */
	const struct alert_message *begins;
	int64_t begins_every_ms;
};

struct stage_config {
	const char *name; /* of the pipeline */
	/* Two stages of the same name and version are the same: a reload does not touch such a stage, unless it is renewed
	 * (struct worker_setup). */
	uint64_t version;
	uint64_t revision; /* of the deployment: what is borrowed here is of it */
	const struct graph *graph;	    /* that messages run through */
	const struct caller_config *caller; /* for its calls; stages with the same one share a client */
	size_t own_model_count;		    /* models of `caller` that its pipeline calls, itself or by others; for reports */
	const struct model_config *own_models;
	size_t called_count;		    /* subpipelines that its steps call, and those that they call */
	const struct called_pipeline *called;
	size_t topic_count;
	const uint32_t *topics; /* numbers of the setup's reads: it takes their records */
	const struct external_input
		*external_input; /* of the first stage that reads other pipelines, and of the one that joins their records */
	const struct stage_point *points; /* of each topic; NULL: all are the pipeline's own */
	uint32_t answers;		  /* number of the setup's writes */
	const char *mark; /* of the pipeline, in requests of it that were logged after their answer; NULL: there are none */
	uint32_t requests; /* likewise, for requests that come past Kafka (engine/worker/direct_hub.h); TOPIC_NOWHERE: none do */
	const uint32_t *next;		  /* likewise: of the stages that it sends to, in the order of graph->part */
	uint32_t own; /* likewise: the topic that it reads, of a stage that sends itself records: it joins, or has
		       * an observer that waits for truths; otherwise TOPIC_NOWHERE */
	bool exposes;			  /* `exposures` is set: its messages' exposures leave with the answer */
	uint32_t exposures;		  /* number of the setup's writes */
	bool mirrors;			  /* `shadow` is set: it gets what mirrors of experiments reply, best effort */
	uint32_t shadow;		  /* number of the setup's taps */
	uint32_t dead_letters;		  /* for failed requests, as message/records/failure.h defines */
	uint32_t explanations;		  /* of its steps that explain others; TOPIC_NOWHERE: none does */
	uint32_t importances;		  /* of those of them that keep the importance of features; likewise */
	uint32_t verdicts;		  /* of its steps that observe; TOPIC_NOWHERE: none does */
	uint32_t feed;			  /* of the namespace, for the last verdict; TOPIC_NOWHERE: there is none */
	bool explains;			  /* it has a step that explains another */
	bool relays; /* it reads feedback, and runs no step: observers get it as truths (engine/outputs/truth_relay.h) */
	const struct step_topics *steps;  /* of the setup's writes, for each step: they leave with the answer. NULL: none */
	const struct step_taps *taps;	  /* for each step: they may be lost. NULL: none */
	size_t model_count;
	const struct model_taps *models; /* models with taps */
	size_t alert_count;
	const struct stage_alert *alerts; /* that are judged for each message */
	struct alert_counts *const *alert_counts; /* of each alert, one entry per worker, by its number; NULL: not counted */
	size_t metric_count; /* 0: none are counted */
	const struct pipeline_metric *metrics;
	struct series_table *const *metric_tables; /* of each worker by its number, of each metric; NULL: it is counted elsewhere */
	struct judged_parts judged; /* what metrics of feedback name */
	const struct file_source *files; /* that its steps name; NULL: none can be read */
	struct verdict_board *board;	 /* of the engine; NULL: none */
	struct policy_board *policies;	 /* likewise */
	struct rollout_board *rollouts;	 /* likewise */
	/* Of a stage that joins: groups that lead to it, and whose lag keeps its windows open. Count 0: windows do
	 * not wait. */
	struct upstream_chain upstream;
	uint32_t changelog; /* of the setup's writes: for the state of its steps; TOPIC_NOWHERE: none */
	const struct schema_source *schemas;
	const struct format *format; /* of answers; NULL: the format of each request */
	bool errors_off;	     /* errors are not answered */
	bool errors_kept;	     /* errors of synchronous requests are written as dead letters, too */
	bool replies_early;	     /* exactly once: callers that wait are answered before the commit */
	bool gap_stops;		     /* records that were deleted before they were read stop the engine */
	bool by_key;		     /* at least once: a result waits only for those of its key */
	struct stage_limits limits;
	struct stage_counts *counts; /* one entry per worker, by its number; NULL: not counted */
	struct step_counts *const *step_counts; /* of each step, likewise */
	atomic_size_t *users;	     /* number of workers that have it open; NULL: not counted */
};

struct topic_list {
	size_t count;
	const char *const *names;
};

struct worker_setup {
	struct topic_list reads;
	struct topic_list writes;
	struct topic_list taps; /* written best effort, not with the output */
	const char *replies;	/* namespace's topic of replies to gateways; the same in all setups. NULL: none */
	/* Stages without state of revisions before this one are opened again, so that what they borrow can be freed. 0: none. */
	uint64_t renewed;
	size_t stage_count;
	const struct stage_config *stages;
};
