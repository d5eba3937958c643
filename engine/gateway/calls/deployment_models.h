/* deployment_models.h: Models of a deployment as the metadata of Seldon Core 1 lists them, the same for all protocols. Pure.
 *
 * A model is listed once, though several steps may call it. Copies to a mirror are not listed, since no answer needs them.
 */
#pragma once

#include "gateway/calls/call_setup.h"

/* What `plan` infers of a model by the first step that calls it. All is borrowed from the plan. */
struct deployment_model {
	struct text name;
	const struct tensor_types *inputs, *outputs; /* some may have no known datatype */
};

/* The next model; `place` starts at 0. False: there are no more. */
bool deployment_model_next(const struct gateway_target *target, size_t *place, struct deployment_model *model);

/* The model of that name. False: it is refused; `list` is the request that lists the models. */
bool deployment_model_find(const struct gateway_target *target, struct text name, const char *list, struct deployment_model *model,
			   struct call_refusal *refusal);
