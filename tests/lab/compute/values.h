/* values.h: Numbers, rows and tables of the JSON that `sluice compute` reads and writes.
 *
 * JSON has no infinities and no NaN. So the texts "NaN", "Infinity" and "-Infinity" are read and written as numbers.
 *
 * Values that are read are in the case's arena. A reader returns false after an error (INPUT) that names the key. A
 * writer returns a new reference, or NULL if memory ran out. compute_put() accepts either and keeps the error, so
 * that a result can be built without checks in between.
 */
#pragma once

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

/* ---- reading: `object` may be NULL, which counts as empty ---- */

bool compute_has(const json_t *object, const char *key);
bool compute_number(const json_t *object, const char *key, double *number, struct error *error);
/* The same for a key that may be missing or null: then `otherwise`, and after an error too. */
double compute_number_or(const json_t *object, const char *key, double otherwise, struct error *error);
/* The same of an error probability, which is between 0 and 1. */
double compute_level(const json_t *object, const char *key, double otherwise, struct error *error);
bool compute_flag_or(const json_t *object, const char *key, bool otherwise, struct error *error);
const char *compute_text_or(const json_t *object, const char *key, const char *otherwise, struct error *error);
bool compute_integer(const json_t *object, const char *key, int64_t *number, struct error *error);
bool compute_text(const json_t *object, const char *key, const char **text, struct error *error);
bool compute_row(const struct compute_case *one, const json_t *object, const char *key, struct compute_row *row,
		 struct error *error);
/* The numbers of a sample, in their order and without NaN, and how many of those there were. A sample without a number is an
 * error. */
bool compute_sample(const struct compute_case *one, const json_t *object, const char *key, struct compute_row *row, size_t *nan,
		    struct error *error);
bool compute_table(const struct compute_case *one, const json_t *object, const char *key, struct compute_table *table,
		   struct error *error);

/* Whether a row has no NaN. */
bool compute_row_is_whole(const double *row, size_t columns);

/* Reads a JSON value as a number; false: it is none. */
bool compute_read(const json_t *value, double *number);

/* ---- writing ---- */

json_t *compute_write(double number);
json_t *compute_write_row(const double *items, size_t count);
json_t *compute_write_table(const double *items, size_t rows, size_t columns);

/* Text of a number as a key: the shortest, `0.5`, `1.0`, but `50` for an integer. */
#define COMPUTE_KEY_MAX 64
void compute_key(const json_t *number, char key[COMPUTE_KEY_MAX]);

/* Puts `value` under a key, and takes it. If the object or the value is NULL, `error` is set. */
void compute_put(json_t *object, const char *key, json_t *value, struct error *error);
void compute_put_number(json_t *object, const char *key, double number, struct error *error);

/* Finishes a result: returns it, or NULL if `error` is set. Takes `result`, which may be NULL. */
json_t *compute_made(json_t *result, const struct error *error);
