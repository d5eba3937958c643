/* engine_process.h: Engine with its gateway and its control plane in one process, from reading the files to the end of its
 * workers: what `sluice run` does. On SIGTERM and SIGINT it ends; on SIGHUP it reads the files again.
 *
 * To be called in the main thread, without other threads. Findings go to the workspace, and lines to the log.
 */
#pragma once

#include "tools/client/kafka.h"
#include "gateway/gateway_service.h"
#include "monitor/alerts/alert_settings.h"
#include "monitor/metrics/metrics_listener.h"

struct log_writer;

enum observers_choice { OBSERVERS_ON, OBSERVERS_OFF };
enum topics_choice { TOPICS_CREATE, TOPICS_CHECK };

/* Options of `sluice run`; its rows fill them (tools/cli/run.c). */
struct run_asked {
	const char *namespace;
	const char *namespaces; /* A,B; NULL: one */
	bool control;
	struct prefix_asked prefix;
	struct kafka_asked kafka;
	int topics;
	const char *instance;
	int64_t workers;
	double memory_bytes;	/* 0: not given (engine/setup/process_memory.h) */
	size_t namespace_count; /* of `namespaces`; 0: one */
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
	struct metrics_asked metrics;
	struct alert_asked alerts;
	int log_level;
	int form; /* enum output_form of the command */
};

/* Borrowed until engine_process_close(). */
struct process_config {
	const struct workspace *workspace;
	const struct run_asked *asked;
	const char *const *paths; /* of the files; none with `asked->control` */
	size_t path_count;
	struct log_writer *log;
	void (*began)(void *context); /* the files are read and Kafka is prepared: from now on an engine runs */
	void *context;
};

enum process_end {
	PROCESS_ENDED,	/* it was stopped, if it had not begun yet by a signal */
	PROCESS_UNREAD, /* the files have faults, which were reported, or `error` is set */
	PROCESS_FAILED, /* `error` is set */
};

struct engine_process *engine_process_open(const struct process_config *config, struct error *error); /* NULL: SYSTEM */
enum process_end engine_process_run(struct engine_process *process, struct error *error);
void engine_process_close(struct engine_process *process); /* frees what the error borrows; NULL is fine */
