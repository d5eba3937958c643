/* state_key.h: The key under which a step keeps state for a message. */
#pragma once

#include "compiler/expression/expression.h"

/* The value of the expression: one value, or several that are equal, such as those of a request whose rows are all of one user.
 * Without an expression: the key of the message, empty if it has none. False: it cannot be evaluated, has no value, or has values
 * that differ. The error says that `kept` ("features", "windows") are kept by key. */
bool state_key_of(const struct expression *expression, const struct scope *scope, const char *kept, struct arena *arena,
		  struct text *key, struct error *error);
