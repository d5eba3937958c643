/* judgement.h: Judgement of an answer by the truth that comes later: what each of them says, as a text to compare.
 *
 * An answer says what its first output has, where that is one element: an integer or a text as it is, BOOL as 0 or 1, and a
 * probability 1 from 0.5 on, else 0. Anything else (more elements, a number that is no probability) says nothing, and is not
 * judged. So does the truth, whose numbers are integers, also where they were written as 1.0.
 *
 * The answer is right if both texts are equal. Exposures carry the text of the answer (schemas/exposure.avsc), so that the
 * truth can be judged without the answer. Pure.
 */
#ifndef SLUICE_MESSAGE_JUDGEMENT_H
#define SLUICE_MESSAGE_JUDGEMENT_H

#include "message/message.h"

#define JUDGEMENT_METRIC "accuracy" /* what it is called: 1 of a right answer, else 0 */
#define JUDGEMENT_ROOM 24	      /* for the text of an integer */
#define JUDGEMENT_BYTES_MAX 256 /* a longer text says nothing: it is no class */

/* What it says; empty: nothing. Borrows from the tensors or is in `room`. */
struct text judgement_of_answer(const struct tensors *outputs, char room[JUDGEMENT_ROOM]);
struct text judgement_of_truth(const struct tensors *truth, char room[JUDGEMENT_ROOM]);

#endif
