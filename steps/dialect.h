/* dialect.h: Parameter of a model in the reference dialect, which may set an option of a built-in step. */
#pragma once

#include "base/option.h"

struct dialect_parameter {
	struct name name;
	struct name value;
};
