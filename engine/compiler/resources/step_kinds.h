/* step_kinds.h: Parser of the kind of a step, by the rows of that kind. Private to spec: readers of documents hand it to the parser
 * of options. */
#pragma once

#include "compiler/yaml/options.h"

extern const struct kind_parser step_kind_parser;
