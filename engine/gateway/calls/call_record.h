/* call_record.h: Records of a gateway's calls, as they are sent to engines: requests, feedback and cancellations. Pure.
 */
#pragma once

#include "base/number/number.h"
#include "gateway/calls/calls.h"
#include "message/records/reply.h"

/* What a request's headers name; borrowed. */
struct call_record_names {
	struct text id;
	struct text nonce;	 /* of its submission; empty: it has none */
	struct text address;	 /* for the reply */
	char deadline[NUMBER_TEXT_MAX]; /* set by call_record_of_request() */
};

/* What a topic's limit leaves beside a body: for the batch, the key, and headers. */
#define CALL_RECORD_OVERHEAD_BYTES ((size_t)4096)

/* Borrows from the request and the names; the headers are in the arena. False: LIMIT. */
bool call_record_of_request(const struct call_request *request, struct call_record_names *names, struct arena *arena,
			    struct outgoing *record, struct error *error);

/* The bytes that Kafka counts for the record alone in its batch, at most. */
size_t call_record_bytes(const struct outgoing *record);

/* Whether the topic takes it: the caller's own key and headers may need more than is left beside the body. */
bool call_record_fits(size_t record_bytes, const struct gateway_target *target);

/* Whether nobody replies to it, so that its record has no headers: feedback and cancellations. */
static inline bool call_record_is_bare(const struct call_request *request)
{
	return request->is_feedback || request->cancels;
}

struct outgoing call_record_bare(const struct call_request *request, const struct gateway_targets *targets);

/* Of the request with that token (observe/cancel_board.h). */
struct outgoing call_record_of_cancellation(const struct gateway_targets *targets, const struct gateway_target *target,
					    struct text token);
