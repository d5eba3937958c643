/* number_wide.h: Test whether the processor has vectors of 32 bytes (AVX2). With them numbers are read and written in fewer
 * instructions. For number_rows.c, number_write.c and number_write_wide.c.
 *
 * The functions of NUMBER_WIDE are compiled beside the plain ones, and called where `number_wide` says so. Both give
 * the same results. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define NUMBER_WIDE
#define COMPILED_WIDE __attribute__((target("avx2,bmi")))
#define BUILT_WIDE __attribute__((always_inline, target("avx2,bmi")))
#endif

extern bool number_wide; /* set before main; tests unset it to compare */

/* What number_write_floats() does. `listed` writes one number so, with its comma: those that are very large or small, or no
 * numbers, and what is left of fours. */
typedef size_t number_write_listed(char *out, float number);
size_t number_write_floats_wide(char *out, const float *numbers, size_t count, number_write_listed *listed);
