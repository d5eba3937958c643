/* yaml_hint.h: what is probably meant where libyaml cannot go on. For yaml.c alone. */
#ifndef SLUICE_SPEC_YAML_HINT_H
#define SLUICE_SPEC_YAML_HINT_H

#include <stdint.h>

#include "base/text.h"

/* Where libyaml stopped: its words, the line, and the column from 1. */
struct yaml_stop {
	const char *context; /* NULL: none */
	const char *problem;
	struct text line;
	uint32_t column;
};

/* A sentence that says what to do, and in `stop->column` where; NULL: nothing is known beyond libyaml's words. */
const char *yaml_hint(struct yaml_stop *stop);

#endif
