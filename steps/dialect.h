/* dialect.h: Parameter of a model in the reference dialect, which may set an option of a built-in step. */
#ifndef SLUICE_STEPS_DIALECT_H
#define SLUICE_STEPS_DIALECT_H

#include "base/option.h"

struct dialect_parameter {
	struct name name;
	struct name value;
};

#endif
