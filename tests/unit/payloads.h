/* payloads.h: payloads for tests of formats: drawn from a seed, and compared. */
#pragma once

#include "message/message.h"

/* The next number of a seed: the same seed gives the same test. */
uint64_t seed_next(uint64_t *seed);

/* A payload of all datatypes, ranks 0 to 4, empty dimensions, odd names, and all
 * kinds of parameters. */
struct payload payload_drawn(struct arena *arena, uint64_t *seed);
struct text text_drawn(struct arena *arena, uint64_t *seed);

/* A payload of one tensor of that name, FP32[1], in the arena, which has room for it. */
struct payload *payload_of_number(struct arena *arena, const char *name, float number);

/* Elements are compared bit by bit. */
bool tensors_equal(struct tensors a, struct tensors b);
bool parameters_equal(struct parameters a, struct parameters b);
