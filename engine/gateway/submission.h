/* submission.h: Id of a submitted request: the place and time of its record, by which any gateway finds the answer, also after
 * a restart. Pure.
 *
 * The text is `PARTITION-OFFSET-TIME-ANSWERS`, in decimal. It is not a secret: access control decides who may poll a pipeline.
 */
#ifndef SLUICE_GATEWAY_SUBMISSION_H
#define SLUICE_GATEWAY_SUBMISSION_H

#include "base/text.h"

#define SUBMISSION_ID_BYTES_MAX 96

struct submission {
	int32_t partition; /* of the pipeline's requests */
	int64_t offset;
	int64_t time_ms; /* since 1970, when it was submitted */
	int32_t answers; /* as from request_producer_answers(); -1: any partition may have the answer */
};

/* Returns the length. */
size_t submission_write(const struct submission *submission, char out[SUBMISSION_ID_BYTES_MAX]);

/* False: no gateway has given this id. */
bool submission_read(struct text id, struct submission *submission);

#endif
