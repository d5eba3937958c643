/* doctor_machine.h: Check of a machine for an engine: descriptors, processors, memory, clock, disk. */
#pragma once

#include "tools/view/findings.h"

struct machine_needs {
	size_t workers;
	double memory_bytes;	  /* of the engine and its state */
	const char *state_folder; /* NULL: none */
	double state_bytes;	  /* the most that a snapshot takes there */
};

void machine_examine(const struct machine_needs *needs, struct findings *findings);
