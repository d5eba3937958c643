/* seldon_path.h: The prefix /seldon/NAMESPACE/NAME, which the ingress of Seldon Core 1 puts before the path of a deployment. Pure.
 */
#pragma once

#include "base/text.h"

struct seldon_path {
	struct text prefix, namespace, name; /* empty: the path has no prefix */
	struct text rest;		     /* what follows the prefix and its slash; all but the first slash: no prefix */
};

/* The parts of a path that begins with a slash. */
struct seldon_path seldon_path_split(struct text path);

/* Whether the path is of the API of Seldon Core 1, with or without a prefix, or with the predictor of an explainer behind it. */
bool seldon_path_is_v1(struct text path);
