/* payload_words.h: Payloads of tests as words: tensors of FP32, as `x=1,2 y=[2]1,2,3,4` with two rows. */
#pragma once

#include <stddef.h>

#include "message/message.h"

const char *word_end(const char *word); /* a space, or the end of the text */
const struct tensor *tensor_made(struct arena *arena, const char *word);
struct payload *payload_made(struct arena *arena, const char *tensors);
void payload_print(const struct payload *payload, char *text, size_t size);
