/* file_refusals.h: Refusals of files that lack what other files, or a control plane, may have: `run` refuses them, `plan` notes it,
 * and lint warns of it, by one check.
 */
#pragma once

#include "compiler/graph/graph.h"

/* What lint adds to such a warning. */
#define REFUSED_ALONE "; `sluice plan` and `sluice run` of these files alone refuse it"

/* Why a step's call of that experiment cannot be made, as the rest of a sentence; NULL: it can. */
const char *experiment_call_refusal(const struct spec *spec, const struct graph *graph, size_t step, const char *name);
