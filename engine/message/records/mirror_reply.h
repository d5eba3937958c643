/* mirror_reply.h: Records of what mirrors of experiments reply, on the shadow topic of a pipeline.
 *
 * The value is an Avro answer (schemas/response.avsc) with the mirror's outputs, or its error; of a copy that was left out, an
 * error too. The headers have the request's id and origin, and MIRROR_HEADER: which mirror it is, and how long it took. If the
 * engine has compared it with what the candidate replied to the same call, or with the answer, MIRROR_VERDICT_HEADER has the
 * verdict; a header of its own, so that those who do not know it can read the other. Commands compare the record with the answer of
 * that id. Pure.
 */
#pragma once

#include "message/message.h"

/* EXPERIMENT=MIRROR; latency_ms=12; request_ms=1769938200000, perhaps with "; of-answer" and "; left-out", in this order */
#define MIRROR_HEADER "sluice-mirror"
#define MIRROR_HEADER_BYTES_MAX 640
#define MIRROR_VERDICT_HEADER "sluice-mirror-verdict" /* "agrees" or "differs=WORDS" */
#define MIRROR_VERDICT_BYTES_MAX 384

enum mirror_verdict {
	MIRROR_UNJUDGED, /* it was not compared: it has no reply, or its answer is not known where it was sent */
	MIRROR_AGREES,
	MIRROR_DIFFERS
};

/* What a copy came to. Texts are borrowed. */
struct mirror_reply {
	struct text experiment, mirror;
	bool of_answer;	    /* engines compare it with the answer of the message, since no call has that result */
	bool left_out;	    /* the copy was not sent, since too many were outstanding, or its stage ended before the reply */
	int64_t latency_ms; /* of its call; 0 where it was left out */
	int64_t request_ms; /* time of the request */
	enum mirror_verdict verdict;
	struct text difference; /* where it differs: by what */
};

/* Writes the value of the header. Empty: names are too long for it. */
struct text mirror_header_write(const struct mirror_reply *reply, char out[MIRROR_HEADER_BYTES_MAX]);

/* False: it is no such value. Without a verdict. */
bool mirror_header_read(struct text value, struct mirror_reply *reply);

/* Writes the value of the header of the verdict. Empty: there is none. */
struct text mirror_verdict_write(const struct mirror_reply *reply, char out[MIRROR_VERDICT_BYTES_MAX]);

/* Puts the verdict into the reply; any other value is no verdict. */
void mirror_verdict_read(struct text value, struct mirror_reply *reply);
