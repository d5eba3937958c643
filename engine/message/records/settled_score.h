/* settled_score.h: Settled record of a drift topic as it is read: the later record of a window, with its realised numbers
 * (message/records/drift_score.h, schemas/drift_score.avsc). */
#ifndef SLUICE_MESSAGE_RECORDS_SETTLED_SCORE_H
#define SLUICE_MESSAGE_RECORDS_SETTLED_SCORE_H

#include "message/records/drift_score.h"

struct settled_score {
	struct text pipeline, step, segment;
	uint64_t window, messages, truths;
	uint64_t unkept, unfit;	  /* 0 in records of a program that did not count them */
	int64_t begin_ms, end_ms; /* the least and the greatest time of its messages */
	size_t realised_count;
	struct drift_realisation realised[DRIFT_METRICS];
};

/* Reads a record, also one of the former schema (tests/data/avro); texts borrow from the bytes. False: it is none, as the verdicts
 * of the same topic, and `score` has no meaning. */
bool settled_score_decode(struct text bytes, struct settled_score *score);

#endif
