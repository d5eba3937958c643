/* answer_label.h: Label of an answer, and of the truth that comes later: the class that each of them names, as a text.
 *
 * An answer's label is its first output, where that is one element: an integer or a text as it is, BOOL as 0 or 1, and a
 * probability 1 from 0.5 on, else 0. A number of floating point beyond 0 to 1 is an integer if it has no fraction: protocols
 * without integers, as that of Seldon v1, have the classes 2 and -1 as 2.0 and -1.0. Anything else (more elements, a fraction that
 * is no probability) has no label, and its accuracy is not counted. The same holds for the truth, whose numbers are integers, also
 * where they were written as 1.0.
 *
 * The answer is right if both labels are equal. Exposures carry the answer's label (schemas/exposure.avsc), so the truth can be
 * compared without the answer. Pure.
 */
#pragma once

#include "message/message.h"

#define ACCURACY_METRIC "accuracy" /* name of the metric: 1 of a right answer, else 0 */
#define LABEL_ROOM 24	      /* for the text of an integer */
#define LABEL_BYTES_MAX 256 /* a longer text is no label */

/* Empty: no label. Borrows from the tensors or is in `room`. */
struct text answer_label(const struct tensors *outputs, char room[LABEL_ROOM]);
struct text truth_label(const struct tensors *truth, char room[LABEL_ROOM]);
