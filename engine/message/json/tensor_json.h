/* tensor_json.h: Elements of a tensor as JSON.
 *
 * Numbers are exact or correctly rounded. A value that the datatype cannot hold is refused: a fraction or a
 * number out of range for integers, an overflow for floats, null, a string that is not a number. Floats may be
 * the strings NaN, Infinity and -Infinity. FP16 and BF16 are numbers like the others.
 */
#pragma once

#include "message/json/json_scan.h"
#include "message/tensor.h"

/* Sets the data of a tensor whose name, datatype, shape, rank and count are set, from the list at the scan:
 * nested or flat, row-major. Errors name the tensor. If the scan accepts bare words, they and null are floats
 * too. */
bool tensor_json_read(struct json_scan *scan, struct tensor *tensor);

/* Form of BYTES elements in JSON. */
enum bytes_form {
	BYTES_AS_TEXT,	 /* strings: they should be UTF-8 */
	BYTES_AS_BASE64, /* strings of base64 */
	BYTES_AS_EITHER	 /* a string, or {"b64": …} if it is not UTF-8, as in V1 */
};

/* A flat list of all elements, a list nested like the shape (`[]` if there are none), and one element. */
void tensor_json_write_flat(struct buffer *out, const struct tensor *tensor, enum bytes_form form);
void tensor_json_write_nested(struct buffer *out, const struct tensor *tensor, enum bytes_form form);
void tensor_json_write_element(struct buffer *out, const struct tensor *tensor, size_t index, enum bytes_form form);

/* The part at `row` of the first dimension, nested like the rest of the shape. */
void tensor_json_write_row(struct buffer *out, const struct tensor *tensor, size_t row, enum bytes_form form);

/* [1,16]; and the same to where there is room for it, returning where it ends. */
void tensor_json_write_shape(struct buffer *out, const struct tensor *tensor);
char *tensor_json_put_shape(char *to, const struct tensor *tensor);
static inline size_t tensor_json_shape_room(const struct tensor *tensor)
{
	return tensor->rank * NUMBER_LIST_TEXT_MAX + 2;
}

/* Whether the tensor can be written as text: no BYTES, or all of them UTF-8. */
bool tensor_is_text(const struct tensor *tensor);
