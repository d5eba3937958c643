/* oip_contents.h: Typed contents of a tensor in OIP's protobuf messages (InferTensorContents): a list for each
 * kind of element. */
#pragma once

#include "message/formats/protobuf_wire.h"
#include "message/tensor.h"

#define OIP_CONTENTS_FIELDS 9 /* numbers 1 to 8 */

/* Counts of the contents of one tensor, which may be spread over several messages. */
struct oip_contents {
	size_t counts[OIP_CONTENTS_FIELDS];
	size_t total;
	struct text only; /* the one packed list of floats, if there is nothing else; else NULL */
};

/* Adds the counts of one InferTensorContents. False: it is invalid. */
bool oip_contents_count(struct oip_contents *contents, struct text message);

/* Reads the elements of a tensor whose type is set, from all InferTensorContents (field 5) of `tensor_message`.
 * The contents must have been counted. */
bool oip_contents_read(const struct oip_contents *contents, struct text tensor_message, struct tensor *tensor, struct arena *arena,
		       struct error *error);

#define OIP_TENSOR_CONTENTS 5 /* its field number in a tensor */
