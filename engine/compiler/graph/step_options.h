/* step_options.h: Options of a step, looked up by the names of their rows, so that the plan names no step kind. */
#pragma once

#include "compiler/resources/resource.h"

/* The value of the row of that name and type. NULL, 0 or an empty list: there is no such row, or it has no value. */
const char *step_option_text(const struct step_spec *step, const char *name);
int step_option_choice(const struct step_spec *step, const char *name);
struct name_list step_option_names(const struct step_spec *step, const char *name);

/* `cache: {ttl: TIME}`; 0: not given. */
int64_t step_cache_ns(const struct step_spec *step);

/* Whether the step says itself where its model is, so that it needs no Model. */
bool step_locates_model(const struct step_spec *step);
