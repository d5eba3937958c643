/* seldon_route.h: Header x-seldon-route of an answer, as Seldon Core 2 gives it to each caller (`compat: seldon`). Pure.
 *
 * Its ingress adds a line for each model that has answered, `:NAME_1:`, and then one for the pipeline, `:NAME.pipeline:`. Here the
 * engine gives the candidates that experiments have chosen (message/records/assigned.h), and the plan the models that every request
  * calls. Models that only some requests call, by a route, a switch or a trigger, are not named unless an experiment has chosen
   * them.
 */
#pragma once

#include "gateway/calls/call_outcome.h"
#include "gateway/calls/targets.h"

/* The headers of the outcome with those lines, in its arena. If memory runs out, they are as before. */
struct headers seldon_route_headers(const struct gateway_targets *targets, const struct call_outcome *outcome);
