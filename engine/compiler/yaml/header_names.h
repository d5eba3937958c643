/* header_names.h: List of names of headers, each once: they are the same in any case. */
#pragma once

#include "base/arena.h"
#include "base/option.h"
#include "base/text.h"

/* Adds a copy of the name, unless the list has it. If memory runs out, the arena has failed. */
void header_names_add(struct name_list *names, struct text name, struct place place, struct arena *arena);
