/* family.h: Families of numeric methods that `sluice compute` runs on cases from a file.
 *
 * One family is one file: functions first, its row last; family.c lists the rows. A family takes a case: an input and
 * parameters, in the form of the reference numbers in tests/oracles. It returns the keys that such a file expects.
 * The methods are in the modules of mathematics; a family only reads and writes JSON.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

struct compute_case {
	const char *name;
	const json_t *input;	/* an object */
	const json_t *params;	/* an object */
	const json_t *document; /* the file that lists the case, for data shared by its cases; NULL: there is no file */
	const char *directory;	/* files that the input names are relative to it */
	struct arena *arena;	/* reset for the next case */
};

struct compute_method {
	const char *name, *definition;
};

struct compute_family {
	const char *name, *summary;
	const struct compute_method *methods; /* ended by a NULL name */
	const char *parameters;		      /* keys of `params`, separated by one space; NULL: it reads none */
	/* Runs a case; returns an object, owned by the caller. NULL: `error` has the reason. */
	json_t *(*run)(const struct compute_case *one, struct error *error);
};

extern const struct compute_family compute_abtest;
extern const struct compute_family compute_bandits;
extern const struct compute_family compute_drift_online;
extern const struct compute_family compute_drift_quality;
extern const struct compute_family compute_drift_twosample;
extern const struct compute_family compute_explain_kernelshap;
extern const struct compute_family compute_explain_other;
extern const struct compute_family compute_explain_treeshap;
extern const struct compute_family compute_inference;
extern const struct compute_family compute_features_ta;
extern const struct compute_family compute_outliers;
extern const struct compute_family compute_preprocess;
extern const struct compute_family compute_shap_budget;
extern const struct compute_family compute_sketches;
extern const struct compute_family compute_windows;

/* NULL: there is none; `nearest` is then the name that was probably meant, or empty. */
const struct compute_family *compute_family_find(const char *name, struct text *nearest);

/* Prints the families, or `only` one, with the definitions of their methods. */
void compute_families_print(const struct compute_family *only, bool json, struct buffer *out);
