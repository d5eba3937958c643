/* error.h: the one way to fail.
 *
 * Every function that can fail takes a `struct error *` last and returns false
 * (or NULL) after filling it in. The kind decides the fate, so no caller has to
 * invent one:
 *
 *   CONFIG   the user's YAML is wrong      the command stops before anything starts
 *   INPUT    this message is wrong         an error answer and a dead letter
 *   REMOTE   something outside failed      it is tried again, then as INPUT
 *   LIMIT    a stated limit was met        an error answer that names the limit, and a dead letter unless
 *                                          the request's own deadline was the limit
 *   SYSTEM   we cannot go on               the process stops, its state safe
 *
 * An error is a value: it is copied, never freed, and says one sentence that
 * ends in what to do. Any thread may use its own. It starts as `{0}`; on the way of
 * a message by its kind alone (`error.kind = ERROR_NONE`), for the text is long, and
 * nobody reads it before there is a kind.
 */
#ifndef SLUICE_BASE_ERROR_H
#define SLUICE_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum error_kind { ERROR_NONE, ERROR_CONFIG, ERROR_INPUT, ERROR_REMOTE, ERROR_LIMIT, ERROR_SYSTEM };

/* Which limit was met. Numbers stand in the crossing record: append only. */
enum error_limit {
	LIMIT_OF_ENGINE,   /* a size, a window, a count */
	LIMIT_OF_DEADLINE, /* the request's own */
	LIMIT_OF_ADMISSION /* refused ahead of its deadline, which could not be kept */
};

/* Where in the user's files. A line of 0 means: nowhere in a file. Columns count
 * characters, both from 1. */
struct place {
	const char *file; /* borrowed from the spec, which outlives its errors */
	uint32_t line;
	uint32_t column;
};

#define PLACE_NONE ((struct place){0})

#define ERROR_TEXT_MAX 512 /* a sentence with the outside's own words in it */

struct error {
	enum error_kind kind;
	enum error_limit limit; /* of a LIMIT */
	struct place place;
	char text[ERROR_TEXT_MAX]; /* cut at a character's edge when it does not fit */
};

/* Fills in `error` and returns false, so that a failing function ends in
 * `return error_set(...)`. The first error stays: a second one on the way out
 * is a consequence, not a cause. */
bool error_set(struct error *error, enum error_kind kind, struct place place, const char *format, ...)
	__attribute__((format(printf, 4, 5), cold));

/* A LIMIT of which it counts which one it was; where an error was there already nothing changes. */
bool error_set_limit(struct error *error, enum error_limit limit, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* The sentence everybody needs: memory ran out while `doing`. A message's arena
 * has a limit, so there it is a LIMIT; elsewhere SYSTEM. */
bool error_memory(struct error *error, enum error_kind kind, const char *doing) __attribute__((cold));

const char *error_kind_name(enum error_kind kind); /* "INPUT"; "" for NONE */

#endif
