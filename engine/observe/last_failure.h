/* last_failure.h: Last failure of a stage: its step and its reason, written by one thread and read by another, neither of which
 * waits for the other.
 */
#ifndef SLUICE_OBSERVE_LAST_FAILURE_H
#define SLUICE_OBSERVE_LAST_FAILURE_H

#include <stdatomic.h>

#include "base/error.h"

#define FAILURE_STEP_BYTES 64 /* of a step's name; more is cut off */

/* Zeroed it is empty. Both sides use the functions below alone. */
struct last_failure {
	atomic_bool busy;
	uint64_t number; /* among all failures of the process, from 1; 0: none was noted */
	enum error_kind kind;
	char step[FAILURE_STEP_BYTES];
	char text[ERROR_TEXT_MAX];
};

/* Keeps a failure in the place of the one before, unless the reader is at it just then. `step` NULL: before or behind all. */
void last_failure_note(struct last_failure *last, const struct error *error, const char *step);

/* A copy. False: none was noted, or the writer is at it just then. */
bool last_failure_read(struct last_failure *last, struct last_failure *copy);

#endif
