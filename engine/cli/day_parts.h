/* day_parts.h: State of a simulation run, shared by its files and private to them; day.h describes a run.
 *
 *   day.c           the clock, the run from start to end, and its result
 *   day_worker.c    the workers: opening, turning, ending them
 *   day_fault.c     injected faults, and the time at which workers get a new deployment
 *   day_loss.c      loss of state
 *   day_scheme.c    the deployments
 *   day_line.c      one pipeline, its requests, its models
 *   day_judge.c     checks of its answers
 *   day_reading.c   reading of topics by judges
 *   day_tap.c       recorded outputs of its steps and models
 *   day_feed.c      a pipeline that reads others, and the checks of its answers
 *   day_pipeline.c  the blocks of a pipeline, and its YAML
 */
#ifndef SLUICE_CLI_DAY_PARTS_H
#define SLUICE_CLI_DAY_PARTS_H

#include "cli/day_feed.h"
#include "cli/day_loss.h"
#include "cli/day_scheme.h"
#include "cli/day_tap.h"

#define DAY_MS INT64_C(1000) /* times are in microseconds */
#define DAY_SECOND (1000 * DAY_MS)
#define DAY_WORKERS_MIN 3
#define DAY_WORKERS_MAX 5
#define DAY_STRIKES_MIN 5
#define DAY_STRIKES_MAX 9
#define DAY_EARS 2 /* downstream readers: workers of the pipeline that reads others */
#define DAY_EAR_STRIKES_MAX 3

struct day_worker {
	struct day *day;
	bool ear; /* downstream reader: it runs the pipeline that reads others */
	char name[16];
	char id[32];
	struct worker_config config;
	struct caller_config callers[DAY_LINES_MAX][DAY_VARIANTS];
	size_t in_flight[DAY_LINES_MAX]; /* for each line's stages, at most */
	/* Indexed by the deployment at its process start, and by its current deployment. */
	const struct worker_setup *setups[DAY_DEPLOYMENTS_MAX][DAY_DEPLOYMENTS_MAX];
	size_t began_with, told; /* deployments */
	int64_t tell_us[DAY_DEPLOYMENTS_MAX]; /* when it gets each deployment, if it is running then */
	struct worker_ground ground;
	struct twin_host *host;
	struct loop *loop;
	struct worker *worker; /* NULL: it is not running */
	int64_t start_us;      /* while not running: its start time; INT64_MAX: never */
	int64_t free_us;       /* end time of its last turn */
	int64_t frozen_us;     /* it is frozen until then */
};

struct scheduled {
	int64_t due_us;
	enum day_fault fault;
	size_t worker;
	bool ear;
	int64_t lasts_us;
};

struct day {
	const struct day_config *config;
	struct day_result *result;
	struct random random;
	struct random wide[DAY_TRAITS]; /* generators of traits that were added later: earlier draws stay as they were */
	unsigned traits;    /* as bits */
	struct arena *arena;
	struct twin *twin;
	struct day_scheme scheme;
	bool by_key;   /* a result waits only for earlier ones of its key */
	bool unwanted; /* Kafka rejects some answers; they excuse errors, so most runs have none */
	int64_t now_us;
	int64_t planned_us; /* time of the next deployment, request or fault; 0 at first */
	int64_t turn_us; /* time of the next worker's turn or start, unless an event wakes one earlier; 0 at first */
	uint64_t changes; /* change count of the twin's logs when they were last read */
	size_t line_count;
	struct day_line lines[DAY_LINES_MAX];
	size_t worker_count;
	struct day_worker workers[DAY_WORKERS_MAX];
	struct day_feed feed;
	struct day_taps taps;
	size_t ear_count;
	struct day_worker ears[DAY_EARS];
	size_t deployment; /* index of the newest */
	int64_t deploy_us[DAY_DEPLOYMENTS_MAX];
	int64_t started_us; /* when a worker last started, or was frozen */
	size_t fault_count, faults_done;
	struct scheduled faults[DAY_STRIKES_MAX + DAY_EAR_STRIKES_MAX];
	struct day_loss loss;
	int64_t calm_us; /* time at which the last request and fault are over */
};

static inline int64_t day_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t day_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline size_t day_worker_total(const struct day *day)
{
	return day->worker_count + day->ear_count;
}

static inline struct day_worker *day_worker_at(struct day *day, size_t nth)
{
	return nth < day->worker_count ? &day->workers[nth] : &day->ears[nth - day->worker_count];
}

/* day.c */
void day_tell(struct day *day, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* day_worker.c */
bool day_worker_configure(struct day *day, size_t number, struct error *error);
bool day_ear_configure(struct day *day, size_t number, struct error *error);
bool day_worker_start(struct day_worker *worker, struct error *error);
void day_worker_end(struct day_worker *worker, bool killed, int64_t start_us); /* it is restarted at that time */
size_t day_worker_follows(const struct day_worker *worker);		      /* its deployment; SIZE_MAX: it is not running */
bool day_workers_live(struct day *day, struct error *error); /* runs or starts the workers that are due; sets `turn_us` */

/* day_fault.c */
void day_faults_draw(struct day *day);
int64_t day_faults_due_us(const struct day *day);
bool day_faults_strike(struct day *day, struct error *error); /* injects the faults that are due */

#endif
