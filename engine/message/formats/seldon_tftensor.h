/* seldon_tftensor.h: Reader of TensorFlow's TensorProto as JSON, which is `data.tftensor` of a SeldonMessage. For
 * seldon_json.c only.
 *
 * The elements are in tensorContent (base64 of little-endian bytes) or in the list of the dtype, as floatVal. Of a list that
 * is shorter than the shape the last value counts for the rest, as in TensorFlow. Over gRPC it is written as JSON first. Names may
 * be floatVal or float_val, and numbers of 64 bits may be texts, as protobuf writes them.
 */
#pragma once

#include "message/json/json_scan.h"
#include "message/tensor.h"

/* Reads the object `span` of the body that `scan` reads, as the tensor `data`. NULL: INPUT, with the reason, or LIMIT. */
const struct tensor *seldon_tftensor_read(const struct json_scan *scan, struct text span);
