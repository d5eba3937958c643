/* answer_tensors.h: Header with the names and shapes of an answer's tensors, as the pipeline had them. V1 has no name for a tensor
 * that is alone, and a SeldonMessage none for any, so that a reader of the record would not find the tensor that a metric names, or
 * that a mirror replied. Formats that keep names have no such header, and gateways drop it, as all headers of sluice's own.
 *
 * The value is JSON: [{"name":"y","shape":[1,3]}].
 */
#pragma once

#include "message/formats/format.h"

#define ANSWER_TENSORS_HEADER "sluice-tensors"
#define ANSWER_TENSORS_BYTES_MAX ((size_t)4096) /* a longer header is not written: most brokers refuse large records */
/* Why an answer has no header, which its record does not say. With the limit as an argument. */
#define ANSWER_TENSORS_MISSING                                                                                                     \
	"these take more than %zu bytes, or an earlier release wrote it; use a format that keeps names, as V2"

/* The value for an answer in that format, in the arena. Empty: the format keeps names, there are no tensors, the value would be too
 * long, or the arena is full. */
struct text answer_tensors_write(struct tensors tensors, const struct format *format, struct arena *arena);

/* Gives the tensors that were decoded from an answer of that format their names and shapes back, from its headers; a SeldonMessage
 * becomes the several tensors that it was. Everything is borrowed, or in the arena. False: the names are not known, for
 * they take too many bytes, or a former release wrote the answer; the payload is as it was. */
bool answer_tensors_restore(struct headers headers, const struct format *format, struct arena *arena, struct payload *payload);
