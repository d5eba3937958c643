/* liveness.h: Liveness of an engine's process: a Unix socket that reports whether the main loop and the workers turn,
 * and the client of it. A thread of its own serves the socket, without Kafka.
 *
 * A client that connects gets one line, and the connection is closed. Nothing is read from it, so it can change
 * nothing. A process that is frozen sends nothing; one that has ended refuses the connection.
 */
#pragma once

#include "engine/run/engine.h"

#define LIVENESS_NAME_BYTES 256 /* of an engine or a worker; the rest is cut off */

struct liveness;

/* Opens the socket; until liveness_watch() it reports that the process starts. A socket that no process serves any
 * more is replaced. NULL: CONFIG, the path is too long, is another kind of file, or belongs to another engine. */
struct liveness *liveness_open(const char *path, const char *instance, struct error *error);

/* Reports the loop and workers of an engine, one at a time, from now on, until liveness_forget(). Called from the
 * thread of engine_run(). */
bool liveness_watch(struct liveness *liveness, struct engine *engine, struct error *error);
void liveness_forget(struct liveness *liveness);   /* NULL is fine; called when the engine ends */
void liveness_close(struct liveness *liveness);    /* removes the socket; NULL is fine */

/* Report of a process about itself. */
struct liveness_report {
	char instance[LIVENESS_NAME_BYTES];
	bool is_running;   /* otherwise it starts or ends, and has no loops to report */
	int64_t main_ms;   /* since the last turn of the main loop */
	size_t workers;    /* that have not ended */
	int64_t worker_ms; /* since the last turn of `worker`, the slowest one, when the main loop looked last */
	char worker[LIVENESS_NAME_BYTES];
};

/* Asks the process, and waits up to that long. False: SYSTEM, no answer: the process is frozen, has ended, or was not
 * given this path. */
bool liveness_ask(const char *path, int wait_ms, struct liveness_report *report, struct error *error);

/* Whether all turned within that time. False: `why` names one that did not. */
bool liveness_is_well(const struct liveness_report *report, int64_t within_ms, char *why, size_t size);
