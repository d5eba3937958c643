/* simulation.h: Simulation run ("run") of `sluice sim`: workers on simulated Kafka, requests for small pipelines, and
 * injected faults, all from one seed; and the properties that are checked at its end.
 *
 * Exactly-once: each request is answered once. At-least-once: none is lost. Answers keep the order of their key. An
 * answer belongs to its request. All of it is in time.
 *
 * The same seed gives the same run, down to each turn of a loop. Private to `sluice sim` and its tests.
 */
#pragma once

#include "base/number/random.h"
#include "simulation/simulated_fenced_writer.h"
#include "tools/test/simulated/simulated_kafka.h"
#include "simulation/simulated_models.h"
#include "compiler/resources/resource.h"
#include "engine/worker/worker.h"

/* Injected faults of the workers, in addition to the simulated Kafka's request faults. */
enum simulation_fault {
	SIMULATION_CRASH,  /* killed, and restarted under its name */
	SIMULATION_STOP,   /* stopped in order, and restarted */
	SIMULATION_FREEZE, /* frozen for a time, then continues */
	SIMULATION_CUT,	   /* connection to Kafka lost */
	SIMULATION_JOIN,   /* one more worker joins */
	SIMULATION_LEAVE,  /* killed, and restarted much later: its partitions move to others */
	SIMULATION_AWAY,   /* a model's server is unreachable */
	SIMULATION_FAULTS
};

extern const char *const simulation_fault_names[SIMULATION_FAULTS];

/* Injected faults of the control plane. */
enum simulation_keeper_fault {
	SIMULATION_KEEPER_KILLED,
	SIMULATION_KEEPER_FROZEN,
	SIMULATION_KEEPER_CUT,	   /* off from Kafka */
	SIMULATION_CONTROL_HIDDEN, /* `control` is unavailable */
	SIMULATION_KEEPER_FAULTS
};

extern const char *const simulation_keeper_fault_names[SIMULATION_KEEPER_FAULTS];

/* Features of a run in addition to its faults; most runs have some. */
enum simulation_trait {
	SIMULATION_RELOADED, /* pipelines are changed, added and removed while requests are in flight */
	SIMULATION_HURRIED,  /* requests have deadlines: near, far and already past */
	SIMULATION_BATCHED,  /* steps process several requests as a batch */
	SIMULATION_STAGED,   /* pipelines have several stages */
	SIMULATION_FED,	     /* a pipeline reads others, in workers of its own */
	SIMULATION_TAPPED,   /* the outputs of steps and models are recorded (lineage, logger) */
	SIMULATION_JOINED,   /* pipelines, unless they change, have joined stages, with other partition counts on their topics */
	SIMULATION_BOUNDED,  /* topics accept small batches only, and from some time on smaller ones */
	SIMULATION_BEREFT,   /* Kafka loses changelogs, or the references to them */
	SIMULATION_GAPPED,   /* Kafka deletes requests before they are read */
	SIMULATION_PARCELLED, /* results leave together; requests have no headers, so that their answers are short */
	SIMULATION_CONTROLLED, /* a control plane: deployments are changes, which a keeper activates (simulation_control.h) */
	SIMULATION_OBSERVED, /* a step `drift`, its observer, and engines that read the feed (simulation_observer.h) */
	SIMULATION_MISADDRESSED, /* the address of a model is dead from some time on, and a reload corrects it */
	SIMULATION_TRAITS
};

extern const char *const simulation_trait_names[SIMULATION_TRAITS];

/* Platform that a test replaces, to prove that the simulator finds defects. */
struct simulation_platform {
	struct consumer *(*consumer_open)(struct simulated_host *host, struct loop *loop, const struct consumer_config *config,
					  struct error *error);
	struct output *(*output_open)(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error);
	struct archive *(*archive_open)(struct simulated_host *host, struct loop *loop, const struct consumer *consumer,
					struct error *error);
	struct best_effort *(*best_effort_open)(struct simulated_host *host, struct error *error);
	/* Of keepers, as simulated_fenced_writer_open(). */
	struct simulated_fenced_writer *(*fenced_writer_open)(struct simulated_host *host, const char *id, const char *topic,
							      uint64_t *wakes);
};

extern const struct simulation_platform simulation_platform_kafka;

/* Deliberate defects outside the platform, with which tests prove that they are found. */
enum simulation_break {
	SIMULATION_SOUND,
	SIMULATION_KEEPS_STAGES,    /* a changed pipeline is treated as the previous one */
	SIMULATION_MIXES_STAGES,    /* a request between stages loses its version */
	SIMULATION_MIXES_BATCHES,   /* a request in a batch gets the rows of another */
	SIMULATION_BLAMES_RECORDS,  /* each record of a batch that is too large is refused */
	SIMULATION_REPEATS_WINDOWS, /* observers run at least once */
	SIMULATION_ACCEPTS_LOSS,    /* workers whose state is lost begin anew */
	SIMULATION_FORGETS_FEED,    /* an engine that reads the feed again takes what it has taken */
	SIMULATION_MIXES_TOPICS	    /* results of a topic are sorted by the partitions of another */
};

struct simulation_config {
	uint64_t seed;
	bool exactly_once; /* else at-least-once */
	const struct step_kind *const *kinds;
	const struct simulation_platform *platform;
	/* For tests: */
	bool misses_closes; /* closed connections are not counted */
	bool traits_given; /* `traits` is given, as bits; else they are drawn */
	unsigned traits;
	enum simulation_break broken; /* defect of the workers */
	/* Called for each event of the run; NULL: not called. */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

struct simulation_counts {
	uint64_t runs, messages, answers, errors, dropped, repeated, turns;
	uint64_t deployments, hurried, refused, fed, tapped;
	uint64_t losses;	/* of state, because of which workers have stopped */
	uint64_t proposals, activations, terms; /* of the control plane: proposals, active changes, terms of keepers */
	uint64_t keeper_faults[SIMULATION_KEEPER_FAULTS];
	uint64_t windows;	/* that observers closed */
	uint64_t gaps, skipped; /* gaps that workers were informed of, and the requests in them */
	uint64_t traits[SIMULATION_TRAITS];
	uint64_t faults[SIMULATION_FAULTS];
	uint64_t mishaps[SIMULATED_MISHAPS];
	uint64_t models[MODEL_MISHAPS];
	uint64_t rebalances, fences, timeouts, batches, resets, commits; /* batches: refused because of their size */
	uint64_t fewest_faults, fewest_workers, fewest_messages;	 /* of one run */
};

#define SIMULATION_WHY_MAX 512

struct simulation_result {
	bool held;
	char why[SIMULATION_WHY_MAX]; /* the first property that was violated */
	struct simulation_counts counts;
};

/* Simulates one run. False: SYSTEM, the run could not be simulated. */
bool simulation_run(const struct simulation_config *config, struct simulation_result *result, struct error *error);

void simulation_counts_add(struct simulation_counts *counts, const struct simulation_counts *simulation);
