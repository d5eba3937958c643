/* predictor_parts.h: what a predictor is made of, and what its readers share; private to
 * engine/numeric/predictor*.c. */
#ifndef SLUICE_NUMERIC_PREDICTOR_PARTS_H
#define SLUICE_NUMERIC_PREDICTOR_PARTS_H

#include <jansson.h>

#include "numeric/dense.h"
#include "numeric/predictor.h"
#include "numeric/trees.h"

/* What makes answers of margins. */
enum predictor_link {
	LINK_IDENTITY,
	LINK_LOGISTIC, /* of each, of `factor` times the margin */
	LINK_PAIR,     /* of one margin: 1 - p and p */
	LINK_EXP,
	LINK_SOFTMAX,
	LINK_GREATEST, /* the place of the greatest margin */
	LINK_STEP,     /* 1 above 0, else 0 */
	LINK_SQUARE,   /* with the margin's sign: of roots that were learnt */
	LINK_LOG_EXP,  /* log(1 + exp(margin)) */
	LINK_ANOMALY,  /* -2^(-margin) */
};

struct predictor {
	struct predictor_traits traits;
	enum predictor_link link;
	double factor;	    /* LINK_LOGISTIC's */
	double share;	    /* of a margin, of which the link makes an answer */
	const double *base; /* what is added to each margin; NULL: nothing */
	/* One of the two. */
	const struct trees *trees;
	const struct dense *dense;
};

/* A CONFIG error without a place; always NULL. */
struct predictor *predictor_refuse(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- readers; NULL: refused, or SYSTEM ---- */

struct predictor *predictor_read_xgboost(struct arena *arena, const json_t *root, enum predictor_iterations iterations,
					 struct error *error);
struct predictor *predictor_read_lightgbm(struct arena *arena, struct text content, struct error *error);
struct predictor *predictor_read_linear(struct arena *arena, const json_t *root, struct error *error);
struct predictor *predictor_read_mlp(struct arena *arena, const json_t *root, struct error *error);
struct predictor *predictor_read_forest(struct arena *arena, const json_t *root, struct error *error);
struct predictor *predictor_read_isolation(struct arena *arena, const json_t *root, struct error *error);

/* ---- of JSON (predictor_json.c) ---- */

/* The number at `key`, or in `item`: a JSON number, flag, or a text of one, as XGBoost writes
 * them. False: none, or not finite. */
bool json_take_number(const json_t *item, double *number);
bool json_take_count(const json_t *object, const char *key, size_t *count); /* a whole number, not below 0 */

/* `classes` of the file: numbers, or nothing. How many; SIZE_MAX: refused. */
size_t json_take_classes(const json_t *root, struct arena *arena, const double **labels, struct error *error);

/* The numbers of an array; SIZE_MAX rows: not all are finite numbers, or memory ran out. */
size_t json_take_numbers(const json_t *array, struct arena *arena, double **numbers);

#endif
