/* streamed_calls.h: Calls of streams over gRPC (ModelStreamInfer): each message of a stream is a call, and its outcome is a message
 * back. Private to the gRPC front end.
 *
 * An outcome is a ModelStreamInferResponse, as Triton Inference Server writes it: `infer_response`, or `error_message` with an
 * `infer_response` that has only the request's id. Streams have no metadata for each message, so what unary calls have there are
 * parameters of the response. Answers leave in the order in which calls end. The parameter `triton_final_response` is true: each
 * request has one answer.
 *
 * All belongs to the loop's thread.
 */
#pragma once

#include "base/list.h"
#include "gateway/grpc_outcome.h"

struct streamed_call; /* one message of a stream, until it is answered */

struct streamed_calls {
	struct list open;
	struct buffer answer, parameters; /* of the call that ends */
	bool has_seldon_errors;		  /* `compat: seldon`; the owner's */
};

void streamed_calls_set_up(struct streamed_calls *calls);
void streamed_calls_close(struct streamed_calls *calls); /* open ones are forgotten without an answer */

/* `message` is a ModelInferRequest, whose id is copied. NULL: no memory. */
struct streamed_call *streamed_call_open(struct streamed_calls *calls, struct grpc_request *stream, struct text message);

/* Answers one that was not begun, with that status of HTTP, and closes it. */
void streamed_call_refuse(struct streamed_call *call, int status, enum error_kind kind, const char *words, struct text place,
			  struct text id);

/* `ended` and `is_over` of a call_request, with the streamed call as context. The first one closes it. */
void streamed_call_ended(void *context, const struct call_outcome *outcome);
bool streamed_call_is_over(void *context);

/* Appends a ModelStreamInferResponse. `id` is the request's own, if it is UTF-8. */
void streamed_outcome_write(const struct call_outcome *outcome, struct text id, bool has_seldon_errors, struct buffer *parameters,
			    struct buffer *out);
