/* route.h: Choice of an experiment by the route that an answer has returned, in the header x-seldon-route, as in Seldon.
 *
 * A route is any number of parts between colons: `NAME_VERSION` of a model, of any version, `NAME.pipeline` of a pipeline, or a
 * name alone. Parts that name no candidate are of other experiments. Private to flow.
 */
#pragma once

#include "message/message.h"
#include "compiler/graph/graph.h"

/* The candidate that the first such part names; of several headers the last one that names a candidate counts. */
bool route_find(const struct graph_experiment *experiment, struct headers headers, size_t *index);
