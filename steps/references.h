/* references.h: Reference data to which live data are compared: a file, a period of the past, or a topic. */
#pragma once

#include "base/option.h"

struct step_reference {
	struct place here;
	struct name file;
	int64_t past_ns;
	const char *topic;
};

/* Checks that the reference is given in exactly one way; else a CONFIG error at its place. */
bool reference_check(const struct step_reference *reference, struct error *error);
