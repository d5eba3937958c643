/* tally.h: a stateful step kind, for tests alone: it counts the messages of each key. */
#pragma once

#include "compiler/step/step.h"

/* `tally: {}` adds the tensor `count`, INT64 of shape [1]: how many messages with the key
 * of this one have come to it. */
extern const struct step_kind tally_kind;

/* The kinds `model`, `filter`, `expression` and `tally`. */
extern const struct step_kind *const tally_kinds[];
