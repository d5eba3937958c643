/* key.h: Key of a tensor, which distinguishes messages. */
#ifndef SLUICE_MESSAGE_KEY_H
#define SLUICE_MESSAGE_KEY_H

#include "message/tensor.h"

/* The tensor's first element as bytes: text unchanged, numbers in decimal, true or false. Bytes NULL: there is
 * no element, or the arena is full. */
struct text key_of_tensor(const struct tensor *tensor, struct arena *arena);

#endif
