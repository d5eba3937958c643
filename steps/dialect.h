/* dialect.h: Parameter of a model of the reference dialect, which may be one of a step that is built in. */
#ifndef SLUICE_STEPS_DIALECT_H
#define SLUICE_STEPS_DIALECT_H

#include "base/option.h"

struct dialect_parameter {
	struct name name;
	struct name value;
};

#endif
