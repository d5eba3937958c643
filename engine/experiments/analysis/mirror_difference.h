/* mirror_difference.h: Difference between what the mirror of an experiment replied and what was answered, for one request.
 *
 * They agree if both failed, or if they have the same tensors, of equal shapes, whose numbers differ by at most the tolerance,
 * times the answer's number where that is beyond 1. Texts must be equal.
 *
 * Pure. Workers use it while requests run, and commands for what topics have kept.
 */
#pragma once

#include "message/message.h"

enum mirror_difference {
	MIRROR_SAME,
	MIRROR_NUMBERS,	      /* a tensor differs by more than the tolerance, or a text differs */
	MIRROR_SHAPES,	      /* a tensor has another shape, or one is text and the other is not */
	MIRROR_MISSING,	      /* one of them has a tensor that the other has not */
	MIRROR_FAILED,	      /* the mirror failed, and the request was answered */
	MIRROR_ANSWER_FAILED, /* the other way round */
};

const char *mirror_difference_name(enum mirror_difference difference); /* "numbers" */

struct mirror_disagreement {
	struct text id;
	enum mirror_difference difference;
	struct text tensor;	  /* empty: no one tensor differs */
	double answered, replied; /* the numbers that differ most; NaN: none */
};

/* Receiver of each tensor that both have. */
struct mirror_tensor_taker {
	void *context;
	void (*take)(void *context, struct text name, bool agrees, double largest);
};

/* Compares the outputs; NULL: there are none, since it failed. `taker` NULL: nobody asks for each tensor. The result has no id, and
 * borrows the tensor's name. */
struct mirror_disagreement mirror_difference_find(const struct tensors *answered, const struct tensors *replied, double tolerance,
						  const struct mirror_tensor_taker *taker);

/* Writes a disagreement: `numbers of score: answer 0.5, mirror 0.7`. A long name is cut. */
#define MIRROR_WORDS_BYTES_MAX 320
struct text mirror_disagreement_words(const struct mirror_disagreement *found, char out[MIRROR_WORDS_BYTES_MAX]);
