/* compute.h: the families of numeric methods that `sluice compute` runs.
 *
 * A family is one file, compute_FAMILY.c: functions first, its row last; compute.c lists
 * it. It takes a case (an input and parameters, as the files of reference numbers in
 * tests/oracles have them) and gives its result: the keys that such a file expects. What it runs
 * stands in engine/numeric; a family only reads and writes JSON.
 */
#ifndef SLUICE_CLI_COMPUTE_H
#define SLUICE_CLI_COMPUTE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"

struct compute_case {
	const char *name;
	const json_t *input;   /* an object */
	const json_t *params;  /* an object */
	const char *directory; /* a file that the input names is relative to it */
	struct arena *arena;   /* empty again for the next case */
};

struct compute_method {
	const char *name, *definition;
};

struct compute_family {
	const char *name, *summary;
	const struct compute_method *methods; /* ended by a NULL name */
	/* The result, an object, owned by the caller; NULL: the error says why. */
	json_t *(*run)(const struct compute_case *one, struct error *error);
};

extern const struct compute_family compute_inference;
extern const struct compute_family compute_features_ta;
extern const struct compute_family compute_preprocess;
extern const struct compute_family compute_sketches;
extern const struct compute_family compute_windows;

#endif
