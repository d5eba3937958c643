/* worker.h: Worker: one thread with one event loop, which runs stages. It connects flows, their calls to models, and
 * Kafka.
 *
 * A worker serves many pipelines with one consumer, one output and one client of models. The topic of a record
 * decides its stage. Kafka assigns partitions to the workers of a group, on whatever hosts they run.
 *
 * Exactly once: results leave as the finished prefix of their partition, in the transaction that commits their
 * offsets. A transaction ends after a time. If its outcome is in doubt, in-flight messages are dropped and taken
 * again from the committed offsets. So a model may be called twice for a message; a result never leaves twice.
 *
 * At least once: results leave at once, in the order of their key or of their partition. The offsets of the finished
 * prefix are committed when Kafka has acknowledged all of it. A crash repeats some of them.
 *
 * A stage at its in-flight limit takes no more records: its partitions are paused, and only its.
 *
 * A worker belongs to the thread that runs it. worker_stop() and worker_reload() may be called from any thread,
 * worker_stop() also from signal handlers.
 */
#pragma once

#include "kafka/produce/best_effort.h"
#include "kafka/produce/output.h"
#include "kafka/topics/registry.h"
#include "engine/worker/partition_state.h"
#include "engine/worker/stage.h"

struct cancel_board;
struct direct_hub; /* engine/worker/direct_hub.h */
struct worker;

/* Platform of a worker: opens its loop, its consumer and the other connections. */
struct worker_platform {
	struct loop *(*loop_open)(void *context, struct error *error);
	struct consumer *(*consumer_open)(void *context, struct loop *loop, const struct consumer_config *config,
					  struct error *error);
	struct output *(*output_open)(void *context, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error);
	struct archive *(*archive_open)(void *context, struct loop *loop, const struct archive_config *config,
					const struct consumer *consumer, struct error *error);
	struct best_effort *(*best_effort_open)(void *context, const struct best_effort_config *config, struct error *error);
	bool asks_groups; /* whether Kafka can be asked for the progress of groups (kafka/consume/upstream.h) */
	void *context;
};

extern const struct worker_platform worker_platform_usual; /* Kafka, sockets and the machine's clock */

/* Limits of all stages together. While they are not reached, only a stage's own limits apply; beyond them, each stage
 * has an equal share. */
struct worker_limits {
	size_t in_flight;     /* messages taken and not left */
	size_t held_bytes;    /* of their records and arenas */
	size_t message_bytes; /* of one message's arena */
	size_t answer_bytes;  /* of one encoded answer */
	size_t tap_bytes;     /* queued for Kafka, of records for taps */
	size_t reply_bytes;   /* of replies of models that are kept in memory, of all models together */
	int64_t commit_ms;    /* 0: five times the duration of a commit, within 10 and 100 ms */
	/* Commits that nobody waits for: the interval of those without any output, which are progress and state alone, and the
	 * least one between two with outputs. 0: commit_ms. */
	int64_t quiet_commit_ms, output_commit_ms;
	int64_t drain_ms;    /* time for in-flight messages after a stop */
	int64_t observed_ms; /* how long rows and records to observers wait for earlier messages (engine/outputs/held_links.h) */
};

extern const struct worker_limits worker_limits_usual;

/* The same for observers, whose output is a record once a window: between verdicts, commits are progress and state,
 * which nobody reads. */
struct worker_limits worker_limits_of_observers(struct worker_limits limits);

/* Configuration, borrowed for the worker's lifetime. */
struct worker_config {
	size_t number; /* among the workers of its group in this process: 0, 1, ... */
	/* The worker sets the topics of these two from the setup. */
	struct consumer_config consumer;
	struct transaction_config transaction; /* id NULL: at least once */
	struct registry_config registry;       /* of schemas; url NULL: there is none. The worker sets its callback */
	struct worker_setup setup;	       /* the first setup */
	struct direct_hub *direct;	       /* for requests of a gateway in this process; NULL: none */
	struct direct_hub *gateway; /* the same hub, for replies to requests that came through Kafka; NULL: they go to Kafka */
	const struct cancel_board *cancels; /* cancelled requests (observe/cancel_board.h); NULL: none are known */
	struct worker_limits limits;
	bool time_is_virtual; /* the process cannot be paused, which turns need not look for: months take a tenth of the turns */
	struct partition_state_config partition_state;
	const struct worker_platform *platform; /* NULL: worker_platform_usual */
	/* Receives what each alert of a pipeline says of each result of a step; `name` is the alert's. NULL: nobody asks. */
	void (*alert_judged)(void *context, const struct message *message, const char *name, bool held);
	void *alert_context;
};

struct worker *worker_open(const struct worker_config *config, struct error *error);
void worker_close(struct worker *worker); /* NULL is fine */

/* Runs until the worker is stopped and drained, or fails (SYSTEM). */
bool worker_run(struct worker *worker, struct error *error);

/* Runs one turn, for callers that drive several workers in one thread; `over`: it was the last. */
bool worker_turn(struct worker *worker, bool *over, struct error *error);

void worker_stop(struct worker *worker);

/* Replaces the setup. It is borrowed for the worker's lifetime, or until `users` of its stages shows that the worker
 * does not have them open. Stages that are the same are not touched. In-flight messages end in the stage that they
 * entered, unless they wait for a model (engine/worker/waiting_requests.h); new records enter the new one
 * (engine/worker/stage_phase.h). The partitions of a topic that no stage reads any more are given up. Their in-flight messages
 * have a second to end; those that have not ended are not committed. A setup that was not followed yet is replaced. */
void worker_reload(struct worker *worker, const struct worker_setup *setup);

/* Any thread: when the last turn began, and the setup that was followed last. */
int64_t worker_turned_ms(const struct worker *worker); /* by the loop's clock; 0: no turn yet */
const struct worker_setup *worker_follows(const struct worker *worker);

/* Any thread: whether its partitions, or none, were assigned to it since it subscribed to its topics, and not revoked. */
bool worker_has_partitions(const struct worker *worker);

/* Whether a stage can be opened; CONFIG: the reason why not. Any thread. */
bool stage_check(const struct stage_config *config, struct error *error);

/* The counts of the worker. Any thread may call. */
struct worker_counts worker_counts(const struct worker *worker);

/* The reason of the last reset (NULL: there was none). To be called once the worker's thread has ended: until then the next reset
 * replaces it. */
const char *worker_reset_reason(const struct worker *worker);

/* What librdkafka has reported of its consumer, or of its producer; 0 before the first time. Any thread. */
struct client_counts worker_client_counts(const struct worker *worker, bool of_producer);
