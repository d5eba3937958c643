/* resource_index.h: Index of the resources of a spec, by their names and by their types. Private to spec; others find resources by
 * spec_find() and spec_next().
 *
 * A resource is known by its position in the spec, from 1; 0 is none. The lists of names double when there are as many
 * resources, so finding one takes as long among ten as among ten thousand. All memory is the spec's arena. When it is
 * full, the index is incomplete, and the arena reports that.
 */
#pragma once

#include "compiler/resources/resource.h"

/* Adds the spec's last resource. `named`: it is found by its name; a repeated one is not, because the first counts. */
void resource_index_add(struct spec *spec, bool named);

/* The position of the newest resource whose name has the same hash, and of the one before it in that list. */
size_t resource_index_newest(const struct spec *spec, const char *name);
size_t resource_index_before(const struct spec *spec, size_t position);
