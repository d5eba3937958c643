/* start_wait.h: Wait of a command for Kafka before it serves: what it needs of Kafka is asked again until it has it, or a stop is
 * asked for. The one place where `sluice run` and `sluice gateway` wait at their start.
 *
 * The step runs in a thread of its own, with bounds of its waits (kafka/kafka_wait.h). If it fails by a REMOTE error, as when
 * Kafka does not answer in time, it is tried again after START_AGAIN_MS; any other error ends the start at once. Every START_SAY_MS
 * a line says what is waited for. Meanwhile the loop of the calling thread answers probes at the ports that the command will
 * serve: live 200, ready 503 with the same words.
 */
#pragma once

#include "observe/log_sink.h"
#include "engine/run/listening.h"
#include "engine/run/metrics_asked.h"

#define START_AGAIN_MS 1000
#define START_SAY_MS 10000

struct start_wait_config {
	const struct workspace *workspace;
	const struct log_sink *log;
	const struct listening_asked *listening; /* of the gateway */
	struct name_list hosts;			 /* by which requests may address it */
	int http_port, grpc_port; /* of the gateway; not above 0: it has none, or a free one, which nobody knows yet */
	const struct metrics_asked *metrics; /* whose port is served, unless it is a free one */
	bool (*step)(void *context, struct error *error); /* in the thread; may be called again after it has failed */
	void *context;
};

enum start_end {
	START_DONE,
	START_STOPPED, /* by SIGTERM or SIGINT */
	START_FAILED,  /* `error` has the reason */
};

/* To be called in the main thread, without a loop that handles signals. A stop takes some seconds while no broker answers. */
enum start_end start_wait_run(const struct start_wait_config *config, struct error *error);
