/* keyed_log.h: Log in a step's state: values under numbers, to which others are appended.
 *
 * Each value has a key of its own, so a visit writes only those that it changes. A number may have no value. The step stores the
 * number `next` itself, in a value of its own, if it does not know it otherwise.
 *
 * For visits of a stateful step (compiler/step/step.h). A value that is read or written lives as long as that of visit_recall() or
 * visit_remember(). Functions that return a pointer or take an error: NULL or false is LIMIT, and the log is as it was.
 */
#pragma once

#include "compiler/step/step.h"

#define KEYED_GROUP_BYTES_MAX 512

struct keyed_log {
	const char *name;
	struct text group; /* which of several logs of that name; NULL bytes: there is one */
	bool is_binary; /* keys are the name and the number's 8 bytes; else NAME/NUMBER, or NAME/GROUP/NUMBER, in decimal digits */
	uint64_t next; /* number of the value that is appended next */
};

struct keyed_log_key {
	char bytes[KEYED_GROUP_BYTES_MAX + 64];
};

struct text keyed_log_key(const struct keyed_log *log, uint64_t number, struct keyed_log_key *key);

/* False: that number has no value. */
bool keyed_log_read(const struct keyed_log *log, struct visit *visit, uint64_t number, struct text *value);

/* Writes a value under a number, as visit_remember() does; and under the next one. */
void *keyed_log_write(const struct keyed_log *log, struct visit *visit, uint64_t number, size_t size, struct error *error);
void *keyed_log_append(struct keyed_log *log, struct visit *visit, size_t size, struct error *error);

/* Removes the value of a number, if it has one. */
bool keyed_log_remove(const struct keyed_log *log, struct visit *visit, uint64_t number, struct error *error);

/* ---- one value, under a key ---- */

/* Reads a value of that size. False: there is none, or it has another size. */
bool keyed_value_read(struct visit *visit, struct text key, void *into, size_t size);
bool keyed_value_write(struct visit *visit, struct text key, const void *from, size_t size, struct error *error);

/* Removes it, if there is one. */
bool keyed_value_remove(struct visit *visit, struct text key, struct error *error);
