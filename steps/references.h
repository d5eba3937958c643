/* references.h: Reference data to which live data are compared: a file, or a period of the past. */
#ifndef SLUICE_STEPS_REFERENCES_H
#define SLUICE_STEPS_REFERENCES_H

#include "base/error.h"
#include "base/option.h"

struct step_reference {
	struct place here;
	struct name file;
	int64_t past_ns;
	const char *topic;
};

extern const struct option reference_rows[]; /* of a struct step_reference */

/* Checks that the reference is given in exactly one way; else a CONFIG error at its place. */
bool reference_check(const struct step_reference *reference, struct error *error);

#endif
