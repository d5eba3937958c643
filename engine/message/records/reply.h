/* reply.h: Reply address of a synchronous request, and the error body of its answer.
 *
 * A gateway sends a request with the header `sluice-reply: PARTITION/EPOCH/CALL/PIPELINE`. An engine that answers it sends a
 * copy of the answer to that partition of the namespace's replies topic, with the same header. The epoch is a random
 * number of each start of a gateway: gateways that share a partition, and one that was started again, skip what is not
 * theirs. Its digits are followed by those of a secret, which is random likewise and which nobody reads: the ids of late calls are
 * digests of addresses (gateway/calls/submission.h), and 64 random bits could be found by trying. CALL and PIPELINE may be left out
 * together: then any pipeline that reads the request replies.
 *
 * The call and the pipeline are in the address because request ids may repeat, and because a pipeline may read the requests of
 * another.
 */
#pragma once

#include "base/number/number.h"
#include "message/message.h"

#define REPLY_HEADER "sluice-reply"
#define REPLY_EPOCH_DIGITS 16 /* hexadecimal: 64 bits */
#define REPLY_SECRET_DIGITS 16	 /* likewise */
#define REPLY_PARTITION_MAX 9999 /* of the replies topic; far more gateways than there are */
#define REPLY_ADDRESS_BYTES_MAX 320 /* with a pipeline's name of 253 characters */

/* Headers of a reply, in addition to those of an answer. */
#define REPLY_OUTCOME_HEADER "sluice-outcome" /* how the request ended without an answer: */
#define REPLY_FILTERED "filtered"	      /* the pipeline dropped it */
#define REPLY_FAILED "failed" /* it failed, and the pipeline answers no errors; only for submitted requests */
#define REPLY_ERROR_HEADER "sluice-error" /* the kind of error */
#define REPLY_LIMIT_HEADER "sluice-limit" /* of a LIMIT, as reply_limit_name(); absent: one of the engine's */
#define REPLY_LIMIT_CANCEL "cancel"
#define REPLY_LIMIT_ANSWER "answer"
#define REPLY_INPUT_HEADER "sluice-input" /* of an INPUT: "tensor", by its shape or datatype; absent: another one */
#define REPLY_INPUT_TENSOR "tensor"
#define REPLY_ID_HEADER "x-request-id"

/* Headers with the parts of an error that its words do not have. In the metadata of gRPC, and in an error in the outputs that a
 * caller may poll, who gets the error that a reply would have had. */
#define REPLY_PLACE_HEADER "sluice-place" /* FILE:LINE:COLUMN; absent in the outputs: that of the request */
#define REPLY_STEP_HEADER "sluice-step"
#define REPLY_ATTEMPTS_HEADER "sluice-attempts"
#define REPLY_PLACE_BYTES_MAX 1024 /* a longer one is not written into the outputs */

/* Header of a request whose answer may be polled: it was submitted, or has an idempotency key. Its value is the nonce of the
 * request's id (gateway/calls/submission.h). The answer then has its content type, REPLY_ORIGIN_HEADER: `TOPIC/PARTITION/OFFSET`
 * of the request, by which polls find it, and REPLY_SUBMISSION_HEADER: the nonce, by which they know that the id is right.
 * A request that ends without an answer gets a record without a value instead, with REPLY_OUTCOME_HEADER. Each reply to it has
 * the origin too: it may reach the gateway before Kafka's report of the request. */
#define REPLY_SUBMITTED_HEADER "sluice-submitted"
#define REPLY_SUBMISSION_HEADER "sluice-submission"
#define REPLY_ORIGIN_HEADER "sluice-origin"
#define REPLY_ORIGIN_BYTES_MAX 300 /* with a topic's name of 249 characters */

/* Header of a request in the inputs that was answered before it was logged (`ingress: direct`). The pipeline that
 * answered it skips it; other readers of the topic see it as any request. Its value is that pipeline: PREFIX.NAMESPACE.NAME. */
#define REPLY_ANSWERED_HEADER "sluice-answered"

/* Header with the id of a request that has none of its own, neither in a header nor in the payload. Set by
 * gateways; the answer has it too. */
#define REPLY_DEFAULT_ID_HEADER "sluice-id"

/* Where the answer to a request is in the outputs of its pipeline, by the times of records. */
#define ANSWER_LATE_MS 90000   /* clocks, and a transaction that Kafka ends after a minute */
#define ANSWER_CLOCKS_MS 10000 /* by which the clocks of engines and gateways may differ */

/* Whether a record with those headers and without a value only ends a submitted request: readers of answers skip it. */
bool reply_is_end_only(struct text value, struct headers headers);

/* Whether the header is one of sluice's own, between engines and gateways. Callers can neither set nor read these. */
bool reply_header_is_own(struct text name);

struct reply_address {
	int32_t partition;
	uint64_t epoch;
	struct text secret;   /* its digits; empty: none, as earlier gateways wrote */
	uint64_t call;	      /* 0: none */
	struct text pipeline; /* empty: none */
};

/* Borrows secret and pipeline from the value. False: the value is not an address. */
bool reply_address_read(struct text value, struct reply_address *address);

/* Writes the address, without CALL and PIPELINE if the pipeline is empty. In `out`; returns its length. The
 * pipeline's name has at most 253 characters. */
size_t reply_address_write(const struct reply_address *address, char out[REPLY_ADDRESS_BYTES_MAX]);

/* Appends CALL and PIPELINE to an address of that length which was written without them. Returns the length. */
size_t reply_address_extend(char out[REPLY_ADDRESS_BYTES_MAX], size_t length, uint64_t call, struct text pipeline);

/* Whether an address is another one, written without CALL and PIPELINE, with these behind it; and its call. */
bool reply_address_has(struct text value, struct text begin, uint64_t *call);

/* Name of the limit: "deadline", "admission", "warmup", "cancel", "answer", "expiry"; NULL: the error is not a LIMIT, or is
 * another one of the engine's. */
const char *reply_limit_name(const struct error *error);

/* The header that says more of an error than its kind does: REPLY_LIMIT_HEADER or REPLY_INPUT_HEADER. Bytes NULL: none. */
struct header reply_cause(const struct error *error);

/* Memory for headers of an error. */
struct reply_details {
	char place[REPLY_PLACE_BYTES_MAX];
	char attempts[NUMBER_TEXT_MAX];
};

/* Writes the headers of an error in the outputs that a caller may poll: its cause, and the parts that its words do not have.
 * They borrow from the answer and from `details`. Returns their number; 0: the answer is no error. */
#define REPLY_ERROR_HEADERS_MAX 4
size_t reply_error_headers(const struct answer *answer, struct header items[REPLY_ERROR_HEADERS_MAX],
			   struct reply_details *details);

/* Appends the body: a JSON object with `error`, `kind`, and those of `place`, `step`, `attempts` and `id` that
 * are known. `place` is the error's own place in a file, else the origin of the request. */
struct reply_failure {
	const struct error *error;
	struct text step;  /* empty: none */
	unsigned attempts; /* 0: none */
	struct text id; /* empty: unknown */
	struct origin origin; /* topic empty: unknown */
	struct text where;    /* instead of an origin: where a gateway received the request; empty: unknown */
};
void reply_error_write(struct buffer *out, const struct reply_failure *failure);
