/* outlier_record.h: Reference that the observer of a step `outlier` has learnt from its stream: a record of the namespace's feed
 * (schemas/outlier_reference.avsc), by which the paths of all engines judge messages.
 *
 * It is listed with the message whose row made it due, in its arena, and leaves in its transaction.
 */
#ifndef SLUICE_MESSAGE_RECORDS_OUTLIER_RECORD_H
#define SLUICE_MESSAGE_RECORDS_OUTLIER_RECORD_H

#include "methods/outliers/covariance.h"
#include "message/records/listed_record.h"

#define OUTLIER_LEARNT_COLUMNS_MAX 128 /* so that a record has 67 KB */

struct outlier_learnt {
	struct listed_record listed; /* with a message */
	const char *pipeline, *step;
	uint64_t identity; /* of what is learnt from what (message/records/feed_record.h) */
	struct covariance covariance;
};

#endif
