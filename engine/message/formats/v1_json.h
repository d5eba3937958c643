/* v1_json.h: V1 protocol of TensorFlow Serving and KServe, and MLflow's /invocations, for clients of model
 * servers: writes requests and reads replies. For servers see format_v1 (message/formats/format.h).
 */
#pragma once

#include "message/message.h"

/* Writes {"instances": [...]}: one tensor as a list, several as one object per row. If that is not possible, or
 * `columns` is set, writes {"inputs": ...}. */
bool v1_encode_request(const struct payload *payload, bool columns, struct buffer *out, struct error *error);

/* Writes {"inputs": ...}. Several tensors of one element per row, or the parameter content_type `pd`, become a
 * table: {"dataframe_split": ...}. */
bool mlflow_encode_request(const struct payload *payload, struct buffer *out, struct error *error);

/* Reads `predictions` or `outputs` of either; one without a name is `output-0`. It borrows from the body.
 * REMOTE: it is not a reply. */
bool v1_decode_reply(struct arena *arena, struct text body, struct payload *payload, struct error *error);
