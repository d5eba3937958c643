/* offsets.h: Offsets of the next records of a topic, by partition: that a reader takes, or that a group has committed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct offsets { /* starts as {0} */
	int64_t *items;
	size_t count;
};

int64_t offsets_of(const struct offsets *offsets, int32_t partition); /* 0: none is set */
bool offsets_set(struct offsets *offsets, int32_t partition, int64_t offset, struct error *error); /* false: SYSTEM */
void offsets_close(struct offsets *offsets); /* they are {0} again */
