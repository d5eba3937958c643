/* bodies.h: Bodies of the JSON formats, for their fuzz targets: one is read, and written again as its own answer. */
#pragma once

#include <stdint.h>

#include "message/formats/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Empties the arena that fuzz_decode() uses; before each input. */
void fuzz_begin(void);
struct arena *fuzz_arena(void);

/* Breaks off when bytes end in an error that is not theirs. */
bool fuzz_decode(struct message *message, const struct format *format, struct text body);

/* The message's own tensors as its answer, in the arena. */
struct text fuzz_answer(const struct message *message);

/* `text` with `prefix` replaced; breaks off when it begins otherwise. */
struct text fuzz_replace(struct text text, struct text prefix, struct text with);
