/* predictor_parts.h: Parts of a predictor, and the functions that its readers share. Private to
 * engine/methods/predictors/predictor*.c. */
#pragma once

#include <jansson.h>

#include "methods/predictors/dense.h"
#include "methods/predictors/predictor.h"
#include "methods/predictors/trees.h"

/* Link function: turns margins into answers. */
enum predictor_link {
	LINK_IDENTITY,
	LINK_LOGISTIC, /* of `factor` times the margin, for each margin */
	LINK_PAIR,     /* for one margin: 1 - p and p */
	LINK_EXP,
	LINK_SOFTMAX,
	LINK_GREATEST, /* the index of the greatest margin */
	LINK_STEP,     /* 1 above 0, else 0 */
	LINK_SQUARE,   /* with the margin's sign: for learnt square roots */
	LINK_LOG_EXP,  /* log(1 + exp(margin)) */
	LINK_ANOMALY,  /* -2^(-margin) */
};

struct predictor {
	struct predictor_traits traits;
	enum predictor_link link;
	double factor;	    /* for LINK_LOGISTIC */
	double share;	    /* factor of a margin before the link */
	const double *base; /* added to each margin; NULL: nothing */
	/* One of the two. */
	const struct trees *trees;
	const struct dense *dense;
};

/* Sets a CONFIG error without a place; always NULL. */
struct predictor *predictor_refuse(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- readers; NULL: rejected (CONFIG), or SYSTEM ---- */

struct predictor *predictor_read_xgboost(struct arena *arena, const json_t *root, enum predictor_iterations iterations,
					 struct error *error);
struct predictor *predictor_read_lightgbm(struct arena *arena, struct text content, struct error *error);
struct predictor *predictor_read_linear(struct arena *arena, const json_t *root, struct error *error);
struct predictor *predictor_read_mlp(struct arena *arena, const json_t *root, struct error *error);
struct predictor *predictor_read_forest(struct arena *arena, const json_t *root, struct error *error);
struct predictor *predictor_read_isolation(struct arena *arena, const json_t *root, struct error *error);

/* ---- parsing of JSON (predictor_json.c) ---- */

/* Reads a number: a JSON number or flag, or a text that contains one, as XGBoost writes them. False: none, or not finite. */
bool json_take_number(const json_t *item, double *number);
bool json_take_count(const json_t *object, const char *key, size_t *count); /* a whole number, at least 0 */

/* Reads `classes` of the file: numbers, or absent. Returns their number; SIZE_MAX: rejected. */
size_t json_take_classes(const json_t *root, struct arena *arena, const double **labels, struct error *error);

/* The numbers of an array; returns their count. SIZE_MAX: not all are finite numbers, or memory ran out. */
size_t json_take_numbers(const json_t *array, struct arena *arena, double **numbers);
