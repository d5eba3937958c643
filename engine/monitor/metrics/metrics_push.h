/* metrics_push.h: Push of a process's metrics to a Pushgateway of Prometheus, every METRICS_PUSH_MS.
 *
 * The metrics are those of `/metrics`. They are computed in the loop's thread, and sent by a thread for each push: one that
 * takes long delays the next, and nothing else. They are grouped by job and instance, and replace those of the push before (PUT).
 * The Pushgateway keeps the last ones when the process has ended.
 *
 * The address is a setting of the operator, like that of Kafka, so it may be in any network. Belongs to its loop's thread.
 */
#pragma once

#include "monitor/metrics/metrics_listener.h"

#define METRICS_PUSH_MS 15000
#define METRICS_PUSH_JOB "sluice"

struct metrics_push;

struct metrics_push_config { /* copied */
	const char *address;  /* HOST:PORT, or a URL with http or https */
	const char *instance; /* of this process, in the metrics' group */
	struct metrics_owner owner;
	/* A push has failed, and `reason` has its address and why; or succeeds again: NULL. Called when that changes. */
	void (*reported)(void *context, const char *reason);
	void *context;
};

/* Pushes from now on. NULL: SYSTEM. */
struct metrics_push *metrics_push_open(struct loop *loop, const struct metrics_push_config *config, struct error *error);

/* Gives up a push that is on its way. NULL is fine. */
void metrics_push_close(struct metrics_push *push);
