/* tensor_fill.h: Expansion of `fill: {start, step}` in the tensors of a request or of an answer, as cases and `sluice produce`
 * have it. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Replaces `fill` by the data: start, start+step, ... over the product of the shape. What is not an object is
 * left as it is. The result is a new text in the arena. */
bool tensor_fill(struct arena *arena, struct text *json, struct error *error);
