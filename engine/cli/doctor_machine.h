/* doctor_machine.h: what an engine needs of the machine that it is to run on: descriptors,
 * processors, memory, a clock, a disk. */
#ifndef SLUICE_CLI_DOCTOR_MACHINE_H
#define SLUICE_CLI_DOCTOR_MACHINE_H

#include "cli/findings.h"

struct machine_needs {
	size_t workers;
	double memory_bytes;	  /* of the engine, and of what it remembers */
	const char *state_folder; /* NULL: none */
	double state_bytes;	  /* that a snapshot may take there */
};

void machine_examine(const struct machine_needs *needs, struct findings *findings);

#endif
