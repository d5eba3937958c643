/* day.h: Simulation run ("day") of `sluice sim`: workers on the twin of Kafka, requests for small pipelines, and
 * injected faults, all from one seed; and the properties that are checked at its end.
 *
 * Exactly-once: each request is answered once. At-least-once: none is lost. Answers keep the order of their key. An
 * answer belongs to its request. All of it is in time.
 *
 * The same seed gives the same run, down to each turn of a loop. Private to `sluice sim` and its tests.
 */
#ifndef SLUICE_CLI_DAY_H
#define SLUICE_CLI_DAY_H

#include "base/random.h"
#include "log/twin.h"
#include "serving/twin.h"
#include "spec/resource.h"
#include "worker/worker.h"

/* Injected faults of the workers, in addition to the twin's request faults. */
enum day_fault {
	DAY_CRASH,  /* killed, and restarted under its name */
	DAY_STOP,   /* stopped in order, and restarted */
	DAY_FREEZE, /* frozen for a time, then continues */
	DAY_CUT,    /* connection to Kafka lost */
	DAY_JOIN,   /* one more worker joins */
	DAY_LEAVE,  /* killed, and restarted much later: its partitions move to others */
	DAY_AWAY,   /* a model's server is unreachable */
	DAY_FAULTS
};

extern const char *const day_fault_names[DAY_FAULTS];

/* Features of a run in addition to its faults; most runs have some. */
enum day_trait {
	DAY_RELOADED, /* pipelines are changed, added and removed while requests are in flight */
	DAY_HURRIED,  /* requests have deadlines: near, far and already past */
	DAY_BATCHED,  /* steps process several requests as a batch */
	DAY_STAGED,   /* pipelines have several stages */
	DAY_FED,      /* a pipeline reads others, in workers of its own */
	DAY_TAPPED,   /* the outputs of steps and models are recorded (lineage, logger) */
	DAY_JOINED,   /* pipelines, unless they change, have joined stages, with other partition counts on their topics */
	DAY_BOUNDED,  /* topics accept small batches only, and from some time on smaller ones */
	DAY_BEREFT,   /* Kafka loses changelogs, or the references to them */
	DAY_TRAITS
};

extern const char *const day_trait_names[DAY_TRAITS];

/* Platform that a test replaces, to prove that the simulator finds defects. */
struct day_ground {
	struct consumer *(*consumer_open)(struct twin_host *host, struct loop *loop, const struct consumer_config *config,
					  struct error *error);
	struct output *(*output_open)(struct twin_host *host, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error);
	struct archive *(*archive_open)(struct twin_host *host, struct loop *loop, const struct consumer *consumer,
					struct error *error);
	struct side *(*side_open)(struct twin_host *host, struct error *error);
};

extern const struct day_ground day_ground_twin;

/* Deliberate defects outside the platform, with which tests prove that they are found. */
enum day_break {
	DAY_SOUND,
	DAY_KEEPS_STAGES, /* a changed pipeline is treated as the previous one */
	DAY_MIXES_STAGES, /* a request between stages loses its version */
	DAY_MIXES_BATCHES, /* a request in a batch gets the rows of another */
	DAY_BLAMES_RECORDS /* each record of a batch that is too large is refused */
};

struct day_config {
	uint64_t seed;
	bool exactly_once; /* else at-least-once */
	const struct step_kind *const *kinds;
	const struct day_ground *ground;
	/* For tests: */
	bool deaf;	   /* closed connections are not counted */
	bool traits_given; /* `traits` is given, as bits; else they are drawn */
	unsigned traits;
	enum day_break broken; /* defect of the workers */
	/* Called for each event of the run; NULL: not called. */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

struct day_counts {
	uint64_t days, messages, answers, errors, dropped, repeated, turns;
	uint64_t deployments, hurried, refused, fed, tapped;
	uint64_t losses; /* of state, because of which workers have stopped */
	uint64_t traits[DAY_TRAITS];
	uint64_t faults[DAY_FAULTS];
	uint64_t mishaps[TWIN_MISHAPS];
	uint64_t models[MODEL_MISHAPS];
	uint64_t rebalances, fences, timeouts, batches, resets, commits; /* batches: refused because of their size */
	uint64_t fewest_faults, fewest_workers, fewest_messages; /* of one run */
};

#define DAY_WHY_MAX 512

struct day_result {
	bool held;
	char why[DAY_WHY_MAX]; /* the first property that was violated */
	struct day_counts counts;
};

/* Simulates one run. False: SYSTEM, the run could not be simulated. */
bool day_run(const struct day_config *config, struct day_result *result, struct error *error);

void day_counts_add(struct day_counts *counts, const struct day_counts *day);

#endif
