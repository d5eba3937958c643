/* key.h: Key of a message, made of a tensor's first element. */
#pragma once

#include "message/tensor.h"

/* The tensor's first element as bytes: text unchanged, numbers in decimal, true or false. Bytes NULL: there is
 * no element, or the arena is full. */
struct text key_of_tensor(const struct tensor *tensor, struct arena *arena);
