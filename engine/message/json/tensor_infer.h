/* tensor_infer.h: Type inference for tensors in JSON without types: V1 and Seldon v1 send only lists.
 *
 * The shape is that of the lists. The datatype is that of the elements: BOOL for true and false, BYTES for
 * strings, FP64 for numbers. Some of the numbers may be "NaN", "Infinity" or "-Infinity". Mixed elements are
 * refused, unless the rules take them.
 */
#pragma once

#include "message/json/json_scan.h"
#include "message/tensor.h"

struct infer_rules {
	bool integers; /* numbers that are all integers become INT64 */
	bool base64;   /* {"b64": "…"} is an element of BYTES */
	bool mixed;    /* numbers beside strings become BYTES, as they were written; otherwise they are refused */
};

/* Infers a tensor from `values`, spans of the body that `scan` reads. With `rows` each is a row of the tensor;
 * else there is one value, the whole tensor. NULL and an INPUT error that begins with `where`. */
const struct tensor *tensor_infer(const struct json_scan *scan, const char *where, struct text name, const struct text *values,
				  size_t count, bool rows, struct infer_rules rules);

/* Whether the value at the scan is {"b64": "…"}. Its bytes are decoded into the arena; `bytes->bytes` is NULL
 * if they are not base64. */
bool json_is_base64(const struct json_scan *scan, struct text *bytes);
