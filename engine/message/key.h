/* key.h: the key that a tensor is: what messages are told apart by. */
#ifndef SLUICE_MESSAGE_KEY_H
#define SLUICE_MESSAGE_KEY_H

#include "message/tensor.h"

/* Its first element as bytes: a text as it is, a number as it is written, true or false.
 * Bytes NULL: it has no element, or the arena is full. */
struct text key_of_tensor(const struct tensor *tensor, struct arena *arena);

#endif
