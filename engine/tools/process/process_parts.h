/* process_parts.h: State of an engine's process, and what the files of this module call of each other. Private to process_*.c and
 * engine_process.c. */
#pragma once

#include "kafka/kafka_wait.h"
#include "net/loop_task.h"
#include "tools/process/drained_stop.h"
#include "tools/process/engine_process.h"
#include "tools/process/engine_watchers.h"
#include "engine/run/liveness.h"
#include "engine/setup/state_check.h"
#include "engine/run/topic_watch.h"
#include "models/remote_download.h"

struct process_control;

/* From the first reading of the files to the last. */
struct engine_process {
	struct process_config config;
	const struct workspace *workspace;
	const struct run_asked *asked;
	struct revision_options files;
	struct arena *arena;
	struct properties topic_settings;
	struct wanted_topic own_topics[GATEWAY_TOPICS]; /* of the gateway, as it was opened */
	struct batch_limit batches;
	const char *cancels_topic; /* NULL: the files have no pipeline */
	struct engine_watchers watchers;
	struct engine_config engine;
	struct notifier_settings notices;
	struct liveness *liveness; /* NULL: not configured */
	struct engine *live;	   /* NULL: no engine runs yet */
	struct topic_watch_config topics_config;
	struct topic_watch *topics; /* NULL: no engine runs yet */
	struct state_history state_history;
	struct gateway_service gateway; /* its `gateway` is NULL if there is none */
	int http_port, grpc_port;	/* 0: none */
	size_t memory_bytes;		/* of --memory: that of `engine`, and of the gateway */
	struct drained_stop stop;
	struct remote_download fetching;
	struct files *remote_files; /* remote files to be fetched; NULL: none */
	struct reload {
		struct loop_task task; /* prepares Kafka */
		struct kafka_wait wait; /* of the task */
		struct revision *revision;
		const struct plan *before; /* that runs */
		struct error error;
		bool is_asked_again; /* meanwhile */
	} reload;
	bool stopped;		 /* by a signal, before the engine started */
	const struct revision *first; /* while Kafka is prepared for it */
	struct process_control *control; /* NULL: the files are run */
};

/* ---- Kafka: process_kafka.c ---- */

/* Sets Kafka's settings of the engine. `runtime` NULL: those of the command line alone. CONFIG. */
bool process_kafka_configure(struct engine_process *running, const struct runtime_spec *runtime, struct error *error);

/* Prepares Kafka before the engine reads: the topics, and the offsets at which it starts. `before`: the running plan;
 * NULL at the start. Waits for Kafka; REMOTE: it does not answer. */
bool process_kafka_prepare(struct engine_process *running, const struct revision *revision, const struct plan *before,
			    struct error *error);

/* The first part of it: the topics. */
bool process_kafka_topics(struct engine_process *running, const struct revision *revision, const struct plan *before,
			   struct error *error);

/* ---- gateway: process_gateway.c ---- */

/* Sets the memory of the engine's workers, which is that of the process without the gateway's share. In the engine's thread. */
void process_gateway_share(struct engine_process *running);

/* Sets the ports of the gateway, by the options, else by the runtime. */
void process_gateway_choose(struct engine_process *running, const struct revision *revision);

bool process_gateway_is_wanted(const struct engine_process *running);

/* Reads the access settings of the gateway, before anything is opened. */
bool process_gateway_begin(struct engine_process *running, const struct revision *revision, struct error *error);
bool process_gateway_start(struct engine_process *running, struct engine *engine, struct error *error);

/* Whether process_gateway_begin() could use the access settings of that revision. Any thread. */
bool process_gateway_check(const struct engine_process *running, const struct revision *revision, struct error *error);

/* Serves the files that the engine runs now. Unless it `is_reloaded` the plan stays. */
void process_gateway_reread(struct engine_process *running, bool is_reloaded);

/* Drains the gateway, and then stops the engine. For engine_config. */
void process_gateway_stop(void *context, struct engine *engine);

/* Writes the gateway's metrics, if there is one. For engine_config. */
void process_gateway_metrics(void *context, struct exposition *exposition);

/* ---- control plane: process_control.c ---- */

/* Opens what the process needs of the control plane of the namespace: its topics, and what is in force. Waits for
 * Kafka. NULL: `error` has the reason. */
struct process_control *process_control_open(struct engine_process *running, struct error *error);

/* Follows the control plane in the engine's loop, and starts a keeper or a candidate. */
bool process_control_start(struct process_control *control, struct engine *engine, struct error *error);

/* Compiles the documents in force again. */
void process_control_reread(struct process_control *control);
void process_control_close(struct process_control *control); /* before the engine is closed; NULL is fine */
