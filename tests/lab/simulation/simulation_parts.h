/* simulation_parts.h: State of a simulation run, shared by its files and private to them; simulation.h describes a run.
 *
 *   simulation.c           the clock, the run from start to end, and its result
 *   simulation_worker.c    the workers: opening, turning, ending them
 *   simulation_fault.c     injected faults, and the time at which workers get a new deployment
 *   simulation_trait.c     features in addition to faults
 *   simulation_loss.c      loss of state
 *   simulation_gap.c       requests that are deleted before they are read
 *   simulation_scheme.c    the deployments
 *   simulation_line.c      one pipeline, its requests, its models
 *   simulation_judge.c     checks of its answers
 *   simulation_reading.c   reading of topics by judges
 *   simulation_lineage.c   recorded outputs of its steps and models
 *   simulation_feed.c      a pipeline that reads others, and the checks of its answers
 *   simulation_control.c, simulation_control_topics.c, simulation_keeper.c, simulation_follower.c, simulation_applier.c,
 *   simulation_control_judge.c
 *                          the control plane, and the checks of what it decides
 *   simulation_observer.c  an observer, what it writes, and the engines that read its feed
 *   simulation_pipeline.c  the blocks of a pipeline, and its YAML
 */
#pragma once

#include "simulation/simulation_control.h"
#include "simulation/simulation_feed.h"
#include "simulation/simulation_gap.h"
#include "simulation/simulation_lineage.h"
#include "simulation/simulation_loss.h"
#include "simulation/simulation_observer.h"
#include "simulation/simulation_scheme.h"

#define SIMULATION_MS INT64_C(1000) /* times are in microseconds */
#define SIMULATION_SECOND (1000 * SIMULATION_MS)
#define SIMULATION_WORKERS_MIN 3
#define SIMULATION_WORKERS_MAX 5
#define SIMULATION_STRIKES_MIN 5
#define SIMULATION_STRIKES_MAX 9
#define SIMULATION_READERS 2 /* downstream readers: workers of the pipeline that reads others */
#define SIMULATION_EAR_STRIKES_MAX 3
#define SIMULATION_OBSERVERS 2 /* workers that run the observer */

struct simulation_worker {
	struct simulation *simulation;
	bool observes; /* it runs the observer */
	bool reader; /* downstream reader: it runs the pipeline that reads others */
	char name[16];
	char id[32];
	struct worker_config config;
	struct caller_config callers[SIMULATION_LINES_MAX][SIMULATION_VARIANTS];
	size_t in_flight[SIMULATION_LINES_MAX]; /* for each line's stages, at most */
	/* Indexed by the deployment at its process start, and by its current deployment. */
	const struct worker_setup *setups[SIMULATION_DEPLOYMENTS_MAX][SIMULATION_DEPLOYMENTS_MAX];
	size_t began_with, reached;		     /* deployments */
	int64_t tell_us[SIMULATION_DEPLOYMENTS_MAX]; /* when it gets each deployment, if it is running then */
	struct worker_platform platform;
	struct simulated_host *host;
	struct simulation_follower *follower; /* NULL: the run has no control plane */
	struct loop *loop;
	struct worker *worker; /* NULL: it is not running */
	int64_t start_us;      /* while not running: its start time; INT64_MAX: never */
	int64_t free_us;       /* end time of its last turn */
	int64_t frozen_us;     /* it is frozen until then */
};

struct scheduled {
	int64_t due_us;
	enum simulation_fault fault;
	size_t worker;
	bool reader, observes; /* else one of the pipelines */
	int64_t lasts_us;
};

struct simulation {
	const struct simulation_config *config;
	struct simulation_result *result;
	struct random random;
	struct random wide[SIMULATION_TRAITS]; /* generators of traits that were added later: earlier draws stay as they were */
	unsigned traits;		       /* as bits */
	struct arena *arena;
	struct simulated_kafka *kafka;
	struct simulation_scheme scheme;
	bool by_key;   /* a result waits only for earlier ones of its key */
	bool unwanted; /* Kafka rejects some answers; they excuse errors, so most runs have none */
	int64_t now_us;
	int64_t planned_us; /* time of the next deployment, request or fault; 0 at first */
	int64_t turn_us;    /* time of the next worker's turn or start, unless an event wakes one earlier; 0 at first */
	uint64_t changes;   /* of the logs, and reported gaps, when they were last read */
	size_t line_count;
	struct simulation_line lines[SIMULATION_LINES_MAX];
	size_t worker_count;
	struct simulation_worker workers[SIMULATION_WORKERS_MAX];
	struct simulation_feed feed;
	struct simulation_lineage lineage;
	size_t reader_count;
	struct simulation_worker readers[SIMULATION_READERS];
	struct simulation_observers observers;
	size_t observer_count;
	struct simulation_worker watchers[SIMULATION_OBSERVERS];
	size_t deployment; /* index of the newest */
	int64_t deploy_us[SIMULATION_DEPLOYMENTS_MAX];
	int64_t started_us; /* when a worker last started, or was frozen */
	size_t fault_count, faults_done;
	struct scheduled faults[SIMULATION_STRIKES_MAX + 2 * SIMULATION_EAR_STRIKES_MAX];
	struct simulation_loss loss;
	struct simulation_gap gap;
	struct simulation_control control;
	struct stage_counts counts; /* of all workers together, of the pipelines that get requests */
	int64_t calm_us;	    /* time at which the last request and fault are over */
};

static inline int64_t simulation_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t simulation_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline size_t simulation_worker_total(const struct simulation *simulation)
{
	return simulation->worker_count + simulation->reader_count + simulation->observer_count;
}

static inline struct simulation_worker *simulation_worker_at(struct simulation *simulation, size_t nth)
{
	if (nth < simulation->worker_count)
		return &simulation->workers[nth];
	nth -= simulation->worker_count;
	return nth < simulation->reader_count ? &simulation->readers[nth] : &simulation->watchers[nth - simulation->reader_count];
}

static inline bool simulation_has(const struct simulation *simulation, enum simulation_trait trait)
{
	return (simulation->traits >> trait & 1) != 0;
}

/* simulation_trait.c */
void simulation_traits_draw(struct simulation *simulation);
bool simulation_traits_apply(struct simulation *simulation, struct error *error); /* to its lines, which are open */

/* simulation.c */
void simulation_tell(struct simulation *simulation, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* simulation_worker.c */
bool simulation_worker_configure(struct simulation *simulation, size_t number, struct error *error);
bool simulation_reader_configure(struct simulation *simulation, size_t number, struct error *error);
bool simulation_observer_configure(struct simulation *simulation, size_t number, struct error *error);
bool simulation_worker_start(struct simulation_worker *worker, struct error *error);
void simulation_worker_end(struct simulation_worker *worker, bool killed, int64_t start_us); /* it is restarted at that time */
size_t simulation_worker_follows(const struct simulation_worker *worker); /* its deployment; SIZE_MAX: it is not running */
bool simulation_workers_live(struct simulation *simulation,
			     struct error *error); /* runs or starts the workers that are due; sets `turn_us` */

/* simulation_fault.c */
void simulation_faults_draw(struct simulation *simulation);
int64_t simulation_faults_due_us(const struct simulation *simulation);
bool simulation_faults_inject(struct simulation *simulation, struct error *error); /* injects the faults that are due */
