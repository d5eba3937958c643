/* values.h: numbers, rows and tables of the JSON that `sluice compute` reads and writes.
 *
 * JSON has no number that is none, so the texts "NaN", "Infinity" and "-Infinity" may stand
 * wherever a number may, and are written there.
 *
 * What is read lives in the case's arena. A reader returns false after an error (INPUT) that
 * names the key. What is written is a new reference, NULL when memory ran out; compute_put() takes
 * either and keeps the error, so that a result is put together without asking in between.
 */
#ifndef SLUICE_COMPUTE_VALUES_H
#define SLUICE_COMPUTE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compute/family.h"

struct compute_row {
	size_t count;
	double *items;
};

struct compute_table {
	size_t rows;
	size_t columns; /* of each row; 0 without rows */
	double *items;	/* row by row */
};

/* ---- reading: `object` may be NULL, which is one without keys ---- */

bool compute_has(const json_t *object, const char *key);
bool compute_number(const json_t *object, const char *key, double *number, struct error *error);
/* The same where the key, or anything but null under it, may be missing: then `otherwise`, and after an error too. */
double compute_number_or(const json_t *object, const char *key, double otherwise, struct error *error);
bool compute_flag_or(const json_t *object, const char *key, bool otherwise, struct error *error);
const char *compute_text_or(const json_t *object, const char *key, const char *otherwise, struct error *error);
bool compute_integer(const json_t *object, const char *key, int64_t *number, struct error *error);
bool compute_text(const json_t *object, const char *key, const char **text, struct error *error);
bool compute_row(const struct compute_case *one, const json_t *object, const char *key, struct compute_row *row,
		 struct error *error);
bool compute_table(const struct compute_case *one, const json_t *object, const char *key, struct compute_table *table,
		   struct error *error);

/* A number itself; false: it is none. */
bool compute_read(const json_t *value, double *number);

/* ---- writing ---- */

json_t *compute_write(double number);
json_t *compute_write_row(const double *items, size_t count);
json_t *compute_write_table(const double *items, size_t rows, size_t columns);

/* The key that stands for a number: shortest, `0.5`, `1.0`, but `50` where an integer was written. */
#define COMPUTE_KEY_MAX 64
void compute_key(const json_t *number, char key[COMPUTE_KEY_MAX]);

/* Puts `value`, which it takes, under a key. Where either could not be had, `error` says so. */
void compute_put(json_t *object, const char *key, json_t *value, struct error *error);

/* Ends a result: itself, or NULL where `error` holds one by now. Takes `result`, or NULL. */
json_t *compute_made(json_t *result, const struct error *error);

#endif
