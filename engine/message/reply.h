/* reply.h: Reply address of a synchronous request, and the error body of its answer.
 *
 * A gateway sends a request with the header `sluice-reply: PARTITION/EPOCH/CALL/PIPELINE`. An engine that answers it sends a
 * copy of the answer to that partition of the namespace's replies topic, with the same header. The epoch is a random
 * number of each start of a gateway: gateways that share a partition, and one that was started again, skip what is not
 * theirs. CALL and PIPELINE may be left out together: then any pipeline that reads the request replies.
 *
 * The call and the pipeline are in the address because request ids may repeat, and because a pipeline may read the requests of
 * another.
 */
#ifndef SLUICE_MESSAGE_REPLY_H
#define SLUICE_MESSAGE_REPLY_H

#include "message/message.h"

#define REPLY_HEADER "sluice-reply"
#define REPLY_EPOCH_DIGITS 16 /* hexadecimal: 64 bits */
#define REPLY_PARTITION_MAX 9999 /* of the replies topic; far more gateways than there are */
#define REPLY_ADDRESS_BYTES_MAX 320 /* with a pipeline's name of 253 characters */

/* Headers of a reply, beside those of an answer. */
#define REPLY_OUTCOME_HEADER "sluice-outcome" /* "filtered": the pipeline dropped the request, and there is no answer */
#define REPLY_FILTERED "filtered"
#define REPLY_ERROR_HEADER "sluice-error" /* the kind of error */
#define REPLY_LIMIT_HEADER "sluice-limit" /* of a LIMIT: "deadline" or "admission"; not there: one of the engine's */
#define REPLY_ID_HEADER "x-request-id"

/* The id under which a request runs that has none of its own, neither by header nor by payload. Set by gateways. */
#define REPLY_DEFAULT_ID_HEADER "sluice-id"

struct reply_address {
	int32_t partition;
	uint64_t epoch;
	uint64_t call;	      /* 0: none is said */
	struct text pipeline; /* empty: none is said */
};

/* Borrows the pipeline from the value. False: it is not an address. */
bool reply_address_read(struct text value, struct reply_address *address);

/* Without its CALL and PIPELINE where the pipeline is empty. In `out`; returns its length. The pipeline's name has at most
 * 253 characters. */
size_t reply_address_write(const struct reply_address *address, char out[REPLY_ADDRESS_BYTES_MAX]);

/* "deadline", "admission"; NULL: the error is no LIMIT, or one of the engine's. */
const char *reply_limit_name(const struct error *error);

/* Appends the body: a JSON object with `error`, `kind`, and of `place`, `step`, `attempts` and `id` those that are known.
 * `place` is the error's own place in a file, else the origin of the request. */
struct reply_failure {
	const struct error *error;
	const char *step; /* NULL: none */
	unsigned attempts; /* 0: none */
	struct text id; /* empty: not known */
	struct origin origin; /* topic empty: not known */
	struct text where;    /* in place of an origin: where a gateway took the request; empty: not known */
};
void reply_error_write(struct buffer *out, const struct reply_failure *failure);

#endif
