/* model_name.h: Name of a model in a plan: NODE, or OWNER/NODE.
 *
 * A model that belongs to one resource has that resource before the slash, so that models of two resources are told apart:
 *
 *	DEPLOYMENT/NODE                     a node of a SeldonDeployment
 *	DEPLOYMENT.PREDICTOR/NODE           the same, where several predictors have a node of that name
 *	DEPLOYMENT[.PREDICTOR].METHOD/NODE  a further method of the same node
 *	PIPELINE[.STEP]/NAME                a model that a step itself locates, where another step locates another one
 *
 * Its server has it under the part after the slash. Pure.
 */
#pragma once

#include "base/text.h"

/* The name of the model on its server. Borrows from `name`. */
const char *model_served_name(const char *name);

/* The fit of a whole name. */
#define MODEL_NAME_WHOLE SIZE_MAX

/* How closely `given`, which may leave out parts of the owner, names the model: `classifier`, `main/classifier` and
 * `mine/classifier` all name `mine.main/classifier`. More is closer. 0: it names another model. */
size_t model_name_fit(struct text given, const char *name);
