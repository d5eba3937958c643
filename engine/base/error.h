/* error.h: Error: the one way in which functions fail.
 *
 * Every function that can fail has a `struct error *` as its last parameter. It sets the error and returns
 * false (or NULL). The kind decides what happens next, so that callers need no rules of their own:
 *
 *   CONFIG   the user's YAML is wrong      the command stops before anything starts
 *   INPUT    this message is wrong         an error answer and a dead letter
 *   REMOTE   something outside failed      it is retried, then treated as INPUT
 *   LIMIT    a stated limit was reached    an error answer that names the limit, and a dead letter unless
 *                                          the request's own deadline was the limit, or its caller cancelled it
 *   SYSTEM   the process cannot go on      the process stops, its state safe
 *
 * An error is a value: it is copied, never freed, and contains one sentence that ends with what to do. Any
 * thread may use its own. It starts as `{0}`. Code that runs for each message sets only its kind (`error.kind =
 * ERROR_NONE`), because the text is long, and is not read before there is a kind.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum error_kind { ERROR_NONE, ERROR_CONFIG, ERROR_INPUT, ERROR_REMOTE, ERROR_LIMIT, ERROR_SYSTEM };

/* The limit that was reached. The numbers are part of the stage link record: append only. */
enum error_limit {
	LIMIT_OF_ENGINE,    /* a size, a window, a count */
	LIMIT_OF_DEADLINE,  /* the request's own */
	LIMIT_OF_ADMISSION, /* refused before its deadline, which could not be met */
	LIMIT_OF_WARMUP,    /* of what it needs, too little has been seen so far */
	LIMIT_OF_CANCEL,    /* its caller cancelled it */
	LIMIT_OF_ANSWER,    /* what an engine wrote for it is larger than its topic, or a message, may be */
	LIMIT_OF_EXPIRY	    /* its deadline had passed before its first step: nothing was processed */
};

/* Place in the user's files. Line 0: not in a file. Columns count characters; both count from 1. */
struct place {
	const char *file; /* borrowed from the spec, which outlives its errors */
	uint32_t line;
	uint32_t column;
};

#define PLACE_NONE ((struct place){0})

#define ERROR_TEXT_MAX 512 /* a sentence that includes text from outside */

struct error {
	enum error_kind kind;
	enum error_limit limit; /* of a LIMIT */
	bool of_tensor; /* of an INPUT: the shape or the datatype of a tensor is wrong */
	bool of_memory; /* of a LIMIT: the message needs more memory than it may take */
	struct place place;
	char text[ERROR_TEXT_MAX]; /* cut between characters if it does not fit */
};

/* Sets `error` and returns false, so that a failing function ends with `return error_set(...)`. The first error
 * stays: a later one is a consequence, not a cause. */
bool error_set(struct error *error, enum error_kind kind, struct place place, const char *format, ...)
	__attribute__((format(printf, 4, 5), cold));

/* Sets an INPUT error of a tensor's shape or datatype, likewise. */
bool error_set_tensor(struct error *error, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Sets a LIMIT error that names its limit; an error that is set already does not change. */
bool error_set_limit(struct error *error, enum error_limit limit, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Sets the usual sentence for memory that ran out while `doing`. For a message's arena, which has a limit, the
 * kind is LIMIT; elsewhere SYSTEM. */
bool error_memory(struct error *error, enum error_kind kind, const char *doing) __attribute__((cold));

/* NULL, so that a failing function that returns a pointer ends with `return error_null(error_set(...))`. */
static inline void *error_null(bool set)
{
	(void)set;
	return NULL;
}

const char *error_kind_name(enum error_kind kind); /* "INPUT"; "" for NONE */
enum error_kind error_kind_find(const char *name, size_t length); /* NONE: there is none of that name */
