/* restore_failures.h: Failures of the restores of a worker's partitions: collected until no restore is in progress, so that one
 * start names all changelogs that are damaged.
 * Private to worker. Each failure is a line of the log: of a single one, the worker's own failure is that line.
 */
#pragma once

#include "base/error.h"
#include "observe/log_sink.h"

#define RESTORE_FAILURES_NAMED 20      /* lines of one worker; the others are counted */
#define RESTORE_FAILURES_LEAST_MS 1000 /* for restores of other workers, which end with the first worker that fails */
#define RESTORE_FAILURES_MOST_MS 30000 /* a good restore may take hours, and the engine is to stop */

struct restore_failures { /* starts as `{0}` */
	size_t count;
	struct error first;
	int64_t since_ms; /* when the first one came */
	bool is_ended;
};

/* Takes the failure of one restore, whose text names the topic, the partition, the cause and what to do. NULL `log`: no lines. */
void restore_failures_take(struct restore_failures *failures, const struct error *failure, const struct log_sink *log,
			   int64_t now_ms);

/* When the worker is to fail, if restores are in progress or not, in the clock of `now_ms`; INT64_MAX: there is no failure. */
int64_t restore_failures_due_ms(const struct restore_failures *failures, bool is_restoring);

/* The worker's failure. */
void restore_failures_end(struct restore_failures *failures, const struct log_sink *log, struct error *error);

/* The worker ends, perhaps for another reason: what was not logged yet is logged. */
void restore_failures_close(struct restore_failures *failures, const struct log_sink *log);
