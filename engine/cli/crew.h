/* crew.h: the workers of an engine: one thread for each pipeline, from their start to
 * their end. For `sluice run`.
 *
 * Whoever opens a crew has blocked SIGTERM and SIGINT, so that no worker is entered by
 * them; crew_run() takes them.
 */
#ifndef SLUICE_CLI_CREW_H
#define SLUICE_CLI_CREW_H

#include <stdio.h>

#include "log/topics.h"
#include "plan/plan.h"

struct crew;

/* Borrowed as long as the crew lives. */
struct crew_config {
	const char *brokers;
	const char *instance; /* who this engine is in its groups, over restarts */
	struct properties consumer;
	struct properties producer;
	int64_t commit_ms; /* 0: adaptive */
	int64_t drain_ms;
	FILE *out; /* a line for each pipeline when it starts, and when it has ended */
};

/* Opens a worker for each pipeline, all or none. CONFIG: a step that cannot run, or a
 * setting that librdkafka refuses. */
struct crew *crew_open(const struct plan *plan, const struct crew_config *config, struct arena *arena, struct error *error);
void crew_close(struct crew *crew); /* NULL is fine */

/* Until a signal comes and all have drained, or one of them cannot go on: then the
 * others drain too, and it says why. */
bool crew_run(struct crew *crew, struct error *error);

#endif
