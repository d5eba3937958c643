/* spec_check.h: Check of parsed pipelines beyond their rows: references, cycles, types, stages, files of steps, and
 * the connections between pipelines. Called by `sluice lint` and `sluice test`, so that both reject the same files. */
#pragma once

#include "compiler/resources/resource.h"

/* Adds its findings to the faults of the spec; `draws_laws`: also warnings that need seconds to be known (compiler/plan/types.h).
 * False: SYSTEM, memory ran out. */
bool spec_check(const struct spec *spec, bool draws_laws, struct error *error);
