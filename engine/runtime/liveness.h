/* liveness.h: Liveness of an engine's process: a Unix socket at which a thread of its own tells whether the main loop and
 * the workers turn, without Kafka, and the question to it.
 *
 * Whoever connects is sent one line and is hung up on; nothing is read, so nothing can be changed by it. A process that is frozen
 * sends nothing, one that has ended refuses the connection.
 */
#ifndef SLUICE_RUNTIME_LIVENESS_H
#define SLUICE_RUNTIME_LIVENESS_H

#include "runtime/engine.h"

#define LIVENESS_NAME_BYTES 256 /* of an engine or a worker; more is cut off */

struct liveness;

/* From now on the process answers at that path: it starts. A socket that nobody answers at any more is replaced. NULL: CONFIG, the
 * path is too long, is something else, or another engine's. */
struct liveness *liveness_open(const char *path, const char *instance, struct error *error);

/* The engine runs: its loop and its workers are told of, until liveness_forget(). From the thread of engine_run(). */
bool liveness_watch(struct liveness *liveness, struct engine *engine, struct error *error);
void liveness_forget(struct liveness *liveness);   /* NULL is fine; the engine ends */
void liveness_close(struct liveness *liveness);    /* removes the socket; NULL is fine */

/* What a process tells of itself. */
struct liveness_report {
	char instance[LIVENESS_NAME_BYTES];
	bool is_running;   /* else it starts or ends, and has no loops to look at */
	int64_t main_ms;   /* since the main loop turned last */
	size_t workers;    /* that have not ended */
	int64_t worker_ms; /* since `worker` turned, the one that has not for longest, when the main loop looked last */
	char worker[LIVENESS_NAME_BYTES];
};

/* Asks, and waits up to that long. False: SYSTEM, nobody answers: the process is frozen, has ended, or was given no such
 * path. */
bool liveness_ask(const char *path, int wait_ms, struct liveness_report *report, struct error *error);

/* Whether all turned within that time. False: `why` says which did not. */
bool liveness_is_well(const struct liveness_report *report, int64_t within_ms, char *why, size_t size);

#endif
