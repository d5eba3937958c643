/* day.h: a simulated day: workers on the twin of Kafka, requests for a small pipeline, and
 * mishaps, all from one seed; and what must hold when it is over.
 *
 * Exactly once: each request is answered once, at least once: none is lost; answers keep
 * the order of their key; an answer is that of its request; and all of it in time.
 *
 * The same seed gives the same day, to the last turn of a loop. Private to `sluice sim`
 * and its tests.
 */
#ifndef SLUICE_CLI_DAY_H
#define SLUICE_CLI_DAY_H

#include "base/random.h"
#include "log/twin.h"
#include "serving/twin.h"
#include "spec/resource.h"
#include "worker/worker.h"

/* What befalls the workers, beside the twin's mishaps of requests. */
enum day_fault {
	DAY_CRASH,  /* killed, and started again under its name */
	DAY_STOP,   /* told to stop, and started again */
	DAY_FREEZE, /* stands still and goes on */
	DAY_CUT,    /* nothing reaches Kafka */
	DAY_JOIN,   /* one more comes */
	DAY_LEAVE,  /* killed, and not started for a long time: its partitions go to others */
	DAY_AWAY,   /* a model's server is not there */
	DAY_FAULTS
};

extern const char *const day_fault_names[DAY_FAULTS];

/* What a day has, beside its faults; most days some of it. */
enum day_trait {
	DAY_RELOADED, /* pipelines change, come and go while requests are under way */
	DAY_HURRIED,  /* requests have deadlines: near, far and past */
	DAY_BATCHED,  /* steps take several requests together */
	DAY_STAGED,   /* pipelines are cut into stages */
	DAY_FED,      /* a pipeline reads others, in workers of its own */
	DAY_TAPPED,   /* what steps and models give is told */
	DAY_JOINED,   /* pipelines, unless they change, are cut into stages that are joined, whose topics have other partitions */
	DAY_TRAITS
};

extern const char *const day_trait_names[DAY_TRAITS];

/* What a test hands in to see that the simulator finds what is broken. */
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

/* What is broken on purpose where no ground stands, so that tests see it found. */
enum day_break {
	DAY_SOUND,
	DAY_KEEPS_STAGES, /* a changed pipeline is taken for the one before */
	DAY_MIXES_STAGES, /* a request that crosses is not known by its version */
	DAY_MIXES_BATCHES /* who is in a batch gets another's rows */
};

struct day_config {
	uint64_t seed;
	bool exactly_once; /* else at least once */
	const struct step_kind *const *kinds;
	const struct day_ground *ground;
	/* For tests: */
	bool deaf;	   /* connections that close are not counted */
	bool traits_given; /* as `traits` says, as bits; else they are drawn */
	unsigned traits;
	enum day_break broken; /* what the workers do wrong */
	/* Told what happens; NULL: nobody listens. */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

struct day_counts {
	uint64_t days, messages, answers, errors, dropped, repeated, turns;
	uint64_t deployments, hurried, refused, fed, tapped;
	uint64_t traits[DAY_TRAITS];
	uint64_t faults[DAY_FAULTS];
	uint64_t mishaps[TWIN_MISHAPS];
	uint64_t models[MODEL_MISHAPS];
	uint64_t rebalances, fences, timeouts, resets, commits;
	uint64_t fewest_faults, fewest_workers, fewest_messages; /* of one day */
};

#define DAY_WHY_MAX 512

struct day_result {
	bool held;
	char why[DAY_WHY_MAX]; /* of the first thing that did not hold */
	struct day_counts counts;
};

/* False: SYSTEM, the day could not be simulated. */
bool day_run(const struct day_config *config, struct day_result *result, struct error *error);

void day_counts_add(struct day_counts *counts, const struct day_counts *day);

#endif
