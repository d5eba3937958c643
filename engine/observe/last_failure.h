/* last_failure.h: Last failure of a stage: its step and its reason. One thread writes it and another reads it;
 * neither waits for the other. */
#pragma once

#include <stdatomic.h>

#include "base/error.h"

#define FAILURE_STEP_BYTES 64 /* of a step's name; the rest is cut off */

/* Zeroed it is empty. Both threads use only the functions below. */
struct last_failure {
	atomic_bool busy;
	uint64_t number; /* among all failures of the process, from 1; 0: there was none */
	enum error_kind kind;
	char step[FAILURE_STEP_BYTES];
	char text[ERROR_TEXT_MAX];
};

/* Replaces the last failure, unless the reader is just copying it. NULL `step`: the failure is before or after all
 * steps. */
void last_failure_note(struct last_failure *last, const struct error *error, const char *step);

/* Copies it. False: there was none, or the writer is just writing it. */
bool last_failure_read(struct last_failure *last, struct last_failure *copy);
