/* run_parts.h: Parts of `sluice run`: its options and its state, and what the files of the command call of each other.
 * Private to run*.c. */
#ifndef SLUICE_CLI_RUN_PARTS_H
#define SLUICE_CLI_RUN_PARTS_H

#include "cli/command.h"
#include "client/kafka.h"
#include "gateway/gateway_service.h"
#include "runtime/alert_settings.h"
#include "runtime/cancel_relay.h"
#include "runtime/engine.h"
#include "runtime/liveness.h"
#include "runtime/state_check.h"
#include "runtime/topic_watch.h"
#include "serving/fetching.h"
#include "worker/direct_hub.h"

struct run_control;

enum observers_choice { OBSERVERS_ON, OBSERVERS_OFF };
enum topics_choice { TOPICS_CREATE, TOPICS_CHECK };

struct run_options {
	const char *namespace;
	const char *namespaces; /* A,B; NULL: one */
	bool control;
	struct prefix_asked prefix;
	struct kafka_asked kafka;
	int topics;
	const char *instance;
	int64_t workers;
	double memory_bytes;
	const char *state_folder;
	const char *artifact_folder;
	int observers;
	double state_bytes;
	int64_t snapshot_ns;
	struct name_list new_state;
	struct name_list servers;
	int64_t commit_ns;
	int64_t drain_ns;
	const char *chaos;
	int64_t http_port, grpc_port; /* 0: not given */
	struct gateway_asked gateway;
	const char *health_socket;
	const char *metrics;
	struct alert_asked alerts;
	int log_level;
	int form;
};

/* State of `run`, from the first reading of the files to the last. */
struct run_engine {
	struct session *session;
	const struct run_options *options;
	struct revision_options files;
	struct arena *arena;
	struct properties topic_settings;
	struct batch_limit batches;
	struct direct_hub *direct; /* between the engine and the gateway */
	struct cancel_board *cancels;
	const char *cancels_topic; /* NULL: the files have no pipeline */
	struct cancel_relay *cancel_relay;
	struct engine_config engine;
	struct notifier_settings notices;
	struct liveness *liveness; /* NULL: not configured */
	struct engine *live;	   /* NULL: no engine runs yet */
	struct topic_watch_config topics_config;
	struct topic_watch *topics; /* NULL: no engine runs yet */
	const struct model_watch *models; /* NULL: likewise */
	struct state_history state_history;
	struct gateway_service gateway; /* its `gateway` is NULL if there is none */
	int http_port, grpc_port;	/* 0: none */
	struct loop_timer drain_timer;
	int64_t drain_until_ms;
	struct fetching fetching;
	struct files *elsewhere; /* remote files to be fetched; NULL: none */
	bool stopped;		 /* by a signal, before the engine started */
	struct run_control *control; /* NULL: the files are run */
};

/* ---- Kafka: run_kafka.c ---- */

/* Sets Kafka's settings of the engine. `runtime` NULL: those of the command line alone. CONFIG. */
bool run_kafka_configure(struct run_engine *running, const struct runtime_spec *runtime, struct error *error);

/* Prepares Kafka before the engine reads: the topics, and the offsets at which it starts. `before`: the running plan;
 * NULL at the start. Waits for Kafka. */
bool run_kafka_prepare(struct run_engine *running, const struct revision *revision, const struct plan *before, struct error *error);

/* The first part of it: the topics. */
bool run_kafka_topics(struct run_engine *running, const struct revision *revision, const struct plan *before, struct error *error);

/* ---- gateway: run_gateway.c ---- */

/* Sets the ports of the gateway, by the options, else by the runtime. */
void run_gateway_choose(struct run_engine *running, const struct revision *revision);

bool run_gateway_is_wanted(const struct run_engine *running);

/* Reads the access settings of the gateway, before anything is opened. */
bool run_gateway_begin(struct run_engine *running, const struct revision *revision, struct error *error);
bool run_gateway_start(struct run_engine *running, struct engine *engine, struct error *error);

/* Whether run_gateway_begin() could use the access settings of that revision. Any thread. */
bool run_gateway_check(const struct run_engine *running, const struct revision *revision, struct error *error);

/* Serves the files that the engine runs now. Unless it `is_reloaded` the plan stays. */
void run_gateway_reread(struct run_engine *running, bool is_reloaded);

/* Drains the gateway before the engine stops, because the engine answers the open calls. For engine_config. */
void run_gateway_stop(void *context, struct engine *engine);
void run_gateway_drain(void *context); /* timer of the above */

/* Writes the gateway's metrics, if there is one. For engine_config. */
void run_gateway_metrics(void *context, struct exposition *exposition);

/* ---- control plane: run_control.c ---- */

/* Opens what the command needs of the control plane of the namespace: its topics, and what is in force. Waits for
 * Kafka. NULL: `error` has the reason. */
struct run_control *run_control_open(struct run_engine *running, struct error *error);

/* Follows the control plane in the engine's loop, and starts a keeper or a candidate. */
bool run_control_start(struct run_control *control, struct engine *engine, struct error *error);

/* Compiles the documents in force again. */
void run_control_reread(struct run_control *control);
void run_control_close(struct run_control *control); /* before the engine is closed; NULL is fine */

#endif
