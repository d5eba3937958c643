/* tensor_json.h: the elements of a tensor as JSON.
 *
 * Numbers are exact or correctly rounded; what a datatype cannot hold (a fraction
 * or a number out of range for integers, an overflow for floats, null, a string
 * that is no number) is refused. Floats may be the strings NaN, Infinity and
 * -Infinity. FP16 and BF16 are numbers like the others.
 */
#ifndef SLUICE_MESSAGE_TENSOR_JSON_H
#define SLUICE_MESSAGE_TENSOR_JSON_H

#include "message/json_scan.h"
#include "message/tensor.h"

/* Gives a tensor, whose name, datatype, shape, rank and count are set, its data
 * from the list that the scan stands before: nested or flat, row-major. Errors name
 * the tensor. Where the scan takes bare words, they and null are floats too. */
bool tensor_json_read(struct json_scan *scan, struct tensor *tensor);

/* How elements of BYTES are written. */
enum bytes_form {
	BYTES_AS_TEXT,	 /* strings: they should be UTF-8 */
	BYTES_AS_BASE64, /* strings of base64 */
	BYTES_AS_EITHER	 /* a string, or {"b64": …} where it is not UTF-8, as V1 does */
};

/* A flat list of all elements, a list nested like the shape (`[]` when there are
 * none), and one element. */
void tensor_json_write_flat(struct buffer *out, const struct tensor *tensor, enum bytes_form form);
void tensor_json_write_nested(struct buffer *out, const struct tensor *tensor, enum bytes_form form);
void tensor_json_write_element(struct buffer *out, const struct tensor *tensor, size_t index, enum bytes_form form);

/* The part of it at `row` of the first dimension, nested like the rest of the shape. */
void tensor_json_write_row(struct buffer *out, const struct tensor *tensor, size_t row, enum bytes_form form);

/* [1,16] */
void tensor_json_write_shape(struct buffer *out, const struct tensor *tensor);

/* Whether it can be written as text: no BYTES, or all of them UTF-8. */
bool tensor_is_text(const struct tensor *tensor);

#endif
