/* spec_check.h: Check of pipelines that were read, beyond what their rows say: references, cycles, types, stages,
 * files of steps, and what lies between pipelines. Called by `sluice lint` and `sluice test`, so that both refuse alike.
 */
#ifndef SLUICE_CLI_SPEC_CHECK_H
#define SLUICE_CLI_SPEC_CHECK_H

#include "spec/resource.h"

/* Adds what it finds to the faults of the spec. False: SYSTEM, memory ran out. */
bool spec_check(const struct spec *spec, struct error *error);

#endif
