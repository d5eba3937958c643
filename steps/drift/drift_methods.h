/* drift_methods.h: Checks of the tests that a step `drift` names: whether what is watched has values that its `methods` and the
 * sets of its `joint` can compare. */
#pragma once

#include "steps/drift/drift_comparison.h"

/* What the watched features have, as far as it is known before messages come. */
struct drift_kinds {
	bool numbers, categories; /* there are such features */
	bool known;		  /* and there are no others */
};

/* By the reference; NULL: by the types of the tensors that come. */
struct drift_kinds drift_kinds_of(const struct drift *options, const struct drift_reference *reference,
				  const struct tensor_types *in);

/* CONFIG: none of the methods can compare anything. */
bool drift_methods_check(const struct drift *options, const struct drift_kinds *kinds, struct error *error);

/* Words on the first method that is repeated, or has no effect beside others, in the arena, with its place. NULL: there is none. */
const char *drift_methods_idle(const struct drift *options, const struct drift_kinds *kinds, struct arena *arena,
			       struct place *place);

/* CONFIG: two sets of `joint` have one name, there are too many, or one names what the tensors of a past do not have. */
bool drift_sets_check(const struct drift *options, struct error *error);

/* CONFIG: a set names this tensor, which has texts. */
bool drift_set_type_check(const struct drift *options, const struct tensor_type *tensor, struct error *error);
