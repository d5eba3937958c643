/* group_setup.h: Setup of the workers of a group: the stages of its pipelines, and the counts of all that it runs. Private to the
 * engine, its simulator and cases. */
#pragma once

#include "engine/run/engine.h"
#include "engine/setup/alert_counters.h"
#include "engine/setup/revision.h"
#include "engine/setup/topic_register.h"
#include "engine/worker/worker.h"

#define SERVED_LISTS 4096 /* of stages by the names of their pipelines: ten thousand are found as fast as ten */

/* A consumer group: the part that survives a change of setups. */
struct group {
	const char *name;
	bool exactly_once;
	bool observes; /* no answer waits for its stages (compiler/plan/plan.h) */
	bool explains; /* of those that observe: they explain, and their output is awaited */
	struct topic_register reads, writes, taps;
	struct served *served; /* counts of all its stages so far */
	struct served *served_lists[SERVED_LISTS]; /* the same, by hashes of the names of their pipelines */
	struct counted_pipeline *pipelines; /* counts of their steps */
	struct counted *models;
	struct model_news *news; /* engine/setup/model_clients.h */
	struct member *members;
	size_t worker_count;
	struct verdict_board *board; /* of the engine */
	struct policy_board *policies; /* likewise */
	struct rollout_board *rollouts; /* likewise */
	struct model_demands *demands;	/* likewise; NULL: no other group calls the models */
	struct alert_counters *alerts;	/* likewise; NULL: they are not counted */
	const char *feed; /* topic of the namespace; NULL: none */
	const char *instance; /* name of this engine */
	struct worker_setup *setup; /* the latest; group_setup_follow() sets it */
	struct group *next;
};

/* Whether it only watches: nobody waits for its output. */
bool group_watches(const struct group *group);

/* Counts of a stage since the engine began, over all its versions; or of the calls of a pipeline by others of the
 * group. */
struct served {
	const char *name;
	const char *pipeline; /* that the stage belongs to */
	enum served_kind { SERVED_FIRST, SERVED_LATER, SERVED_CALLS } kind;
	struct stage_counts *counts; /* one entry per worker */
	const struct stage_config *present; /* of the latest setup, if it is the stage with its pipeline's name; else NULL */
	struct served *next, *next_in_list;
};

/* The counts of a pipeline: each of its stages, and its calls. NULL: there is no more. */
struct served *served_first(const struct group *group, const char *pipeline);
struct served *served_next(const struct served *served);

/* Counts of a step, or of a model, since the engine started. */
struct counted {
	const char *name;
	void *counts; /* struct step_counts or model_counts, one entry per worker */
	struct counted *next;
};

/* Series of a declared metric since the engine started, as long as its type, its labels and its buckets stay. */
struct counted_metric {
	const char *name;
	uint64_t form;		      /* hash of these */
	struct series_table **tables; /* one per worker */
	struct counted_metric *next;
};

struct counted_pipeline {
	const char *name;
	struct counted *steps;
	struct counted_metric *metrics;
	struct counted_pipeline *next;
};

/* The series of a metric of the plan; NULL: none of the group's workers has counted it. */
const struct counted_metric *counted_metric_find(const struct counted_pipeline *pipeline, const struct pipeline_metric *metric);
bool counted_metric_is_of(const struct counted_metric *counted, const struct pipeline_metric *metric);
const struct counted_pipeline *counted_pipeline_find(const struct group *group, const char *pipeline);

/* The tables of the pipeline's metrics for a stage of it, in `arena`; those that are new in `lasting`. NULL: no memory. */
struct series_table *const *metric_tables_make(struct group *group, struct counted_pipeline *counted,
					       const struct pipeline_plan *plan, struct arena *arena, struct arena *lasting);

/* Makes the group's setup in `arena`, which lives as long as its revision. Counts and names of topics are in
 * `lasting`, which lives as long as the engine. `users` counts the workers that have its stages open. NULL: `error`
 * has the reason; CONFIG: a stage that cannot be opened. */
struct worker_setup *group_setup_make(struct group *group, const struct revision *revision, const struct engine_config *config,
				      atomic_size_t *users, struct arena *arena, struct arena *lasting, struct error *error);

/* Makes the setup the group's latest. Called from the thread of engine_run(), as all calls that read counts are. */
void group_setup_follow(struct group *group, struct worker_setup *setup);
