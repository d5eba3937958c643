/* v1_json.h: V1 of TensorFlow Serving and KServe, and MLflow's /invocations, as a caller
 * of model servers sees them: requests are written, replies read. The door is format_v1
 * (message/format.h).
 */
#ifndef SLUICE_MESSAGE_V1_JSON_H
#define SLUICE_MESSAGE_V1_JSON_H

#include "message/message.h"

/* {"instances": [...]}: one tensor as a list, several as an object a row; where that
 * cannot be, or `columns` asks for it, {"inputs": ...}. */
bool v1_encode_request(const struct payload *payload, bool columns, struct buffer *out, struct error *error);

/* {"inputs": ...}; several tensors of one element a row, or the parameter content_type
 * `pd`, as a table: {"dataframe_split": ...}. */
bool mlflow_encode_request(const struct payload *payload, struct buffer *out, struct error *error);

/* `predictions` or `outputs` of either; one without a name is `output-0`. It borrows from
 * the body. REMOTE: it is none. */
bool v1_decode_reply(struct arena *arena, struct text body, struct payload *payload, struct error *error);

#endif
