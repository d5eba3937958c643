/* simd.h: Vectors of four numbers (SIMD), and functions that are compiled twice: for processors that compute four numbers in
 * one instruction (AVX2, of any maker), and for all. Which one runs is settled when the program starts. Both give the same bits:
 * neither has instructions that multiply and add with one rounding. */
#pragma once

#include <math.h> /* says which C library it is */
#include <stdalign.h>
#include <stdint.h>

#define WIDE 4
typedef double wide __attribute__((vector_size(WIDE * sizeof(double)), aligned(alignof(double))));
typedef int64_t wide_mask __attribute__((vector_size(WIDE * sizeof(int64_t))));

/* Sanitizers are not ready yet where it is settled. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define BUILT_TWICE __attribute__((target_clones("avx2", "default")))
#define SIMD_CLONES 1
#else
#define BUILT_TWICE
#define SIMD_CLONES 0
#endif
