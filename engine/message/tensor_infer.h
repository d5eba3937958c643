/* tensor_infer.h: tensors from JSON that does not say what they are: V1 and Seldon
 * v1 send lists alone.
 *
 * The shape is that of the lists. The datatype is that of the elements: BOOL for
 * true and false, BYTES for strings, FP64 for numbers, of which "NaN", "Infinity"
 * and "-Infinity" may be some. Anything mixed is refused.
 */
#ifndef SLUICE_MESSAGE_TENSOR_INFER_H
#define SLUICE_MESSAGE_TENSOR_INFER_H

#include "message/json_scan.h"
#include "message/tensor.h"

struct infer_rules {
	bool integers; /* numbers that are all written as integers are INT64 */
	bool base64;   /* {"b64": "…"} is an element of BYTES */
};

/* From `values`, spans of the body that `scan` reads. With `rows` each is a row of
 * the tensor, else there is one and it is all of it. NULL and an INPUT error that
 * begins with `where`. */
const struct tensor *tensor_infer(const struct json_scan *scan, const char *where, struct text name, const struct text *values,
				  size_t count, bool rows, struct infer_rules rules);

/* Whether the value that the scan stands before is {"b64": "…"}. Its bytes go to the
 * arena; `bytes->bytes` is NULL when that is no base64. */
bool json_is_base64(const struct json_scan *scan, struct text *bytes);

#endif
