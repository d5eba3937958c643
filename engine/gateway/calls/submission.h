/* submission.h: Id of a submitted request: the place and time of its record, and a nonce that only its caller was given. Any
 * gateway finds the answer by it, also after a restart. Pure.
 *
 * A call that waited until its deadline gets such an id too. Its record has no nonce, since nearly all calls are answered. Its
 * nonce is a digest of its reply address instead (message/records/reply.h), whose 128 random bits callers never see: ids of
  * requests have others.
 *
 * The text is `PARTITION-OFFSET-TIME-ANSWERS-NONCE`: four numbers in decimal, and 128 random bits (of a call that waited, a digest
 * of as many). The place alone could be guessed, so that callers who may poll a pipeline could read each other's answers. The nonce
 * is a header of the record and of its answer (message/records/reply.h); for a poll whose id has another one there is no such
  * request. A keyed MAC of the place would do the same without those headers, but all gateways would have to share a secret, and
   * ids would end when it is replaced. Who may read the topics in Kafka sees the nonce, and sees the answer beside it.
 */
#pragma once

#include "message/records/reply.h"

#define SUBMISSION_ID_BYTES_MAX 96
#define SUBMISSION_NONCE_DIGITS 32 /* hexadecimal: 128 bits */

/* Of the time of a submission. Searches begin somewhat before it, and Kafka takes times below 0 for the ends of a topic. */
#define SUBMISSION_TIME_MS_LEAST INT64_C(86400000)

/* The error of a poll whose id no gateway has given. */
#define SUBMISSION_UNKNOWN_WORDS "no request was submitted with this id; the answer to a submitted one has it"

/* The same of a request whose caller waited for the answer. */
#define REQUEST_UNKNOWN_WORDS "no request of yours with this id came through a gateway in the last hour; its answer has the id"

struct submission {
	int32_t partition; /* of the pipeline's requests */
	int64_t offset;
	int64_t time_ms; /* since 1970, when it was submitted */
	int32_t answers; /* as from request_producer_answers(); -1: any partition may have the answer */
	char nonce[SUBMISSION_NONCE_DIGITS]; /* not terminated */
};

/* Draws the nonce. False: the system gives no random bytes. */
bool submission_draw(struct submission *submission);

/* Sets the nonce of a call that waited, by the value of REPLY_HEADER of its record. */
void submission_derive(struct submission *submission, struct text reply_address);

struct text submission_nonce(const struct submission *submission);

/* Whether the nonce is this one, in a time that does not depend on where they differ. */
bool submission_is_of(const struct submission *submission, struct text nonce);

/* Writes the place of the request, `inputs` being its topic, as the header REPLY_ORIGIN_HEADER of its answer has it. */
struct text submission_origin(const struct submission *submission, const char *inputs, char out[REPLY_ORIGIN_BYTES_MAX]);

/* Sets the place of the request by the header REPLY_ORIGIN_HEADER of a reply to it. False: it names none. */
bool submission_read_origin(struct submission *submission, struct text origin);

/* Returns the length. */
size_t submission_write(const struct submission *submission, char out[SUBMISSION_ID_BYTES_MAX]);

/* False: no gateway has given this id. */
bool submission_read(struct text id, struct submission *submission);
