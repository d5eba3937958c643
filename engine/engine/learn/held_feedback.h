/* held_feedback.h: Records of feedback that wait in memory for their exposures, and offsets of the partitions of a topic. Private
 * to the outcome feed and the learner service. */
#ifndef SLUICE_ENGINE_LEARN_HELD_FEEDBACK_H
#define SLUICE_ENGINE_LEARN_HELD_FEEDBACK_H

#include "kafka/record.h"

/* ---- offsets ---- */

struct offsets { /* of the next record of each partition, by its number; starts as {0} */
	int64_t *items;
	size_t count;
};

int64_t offsets_of(const struct offsets *offsets, int32_t partition); /* 0: none is set */
bool offsets_set(struct offsets *offsets, int32_t partition, int64_t offset, struct error *error); /* false: SYSTEM */

/* Lowers each to that of `other`, or with `first` sets them to it. */
bool offsets_lower(struct offsets *offsets, const struct offsets *other, bool first, struct error *error);

/* Raises each to that of `other`. False: SYSTEM. */
bool offsets_raise(struct offsets *offsets, const struct offsets *other, struct error *error);
void offsets_close(struct offsets *offsets); /* they are {0} again */

/* ---- records ---- */

struct held_record {
	int32_t partition;
	int64_t offset;
	int64_t time_ms;
	int64_t since_ms; /* when it came */
	struct text value;
};

struct held_feedback;

struct held_feedback *held_open(size_t most, size_t bytes_most, struct error *error); /* at most so many records and bytes */
void held_close(struct held_feedback *feedback); /* NULL is fine */

/* Adds a record, for whose number there is space. False: SYSTEM. */
bool held_add(struct held_feedback *feedback, const struct record *record, int64_t now_ms, struct error *error);
size_t held_space(const struct held_feedback *feedback); /* for so many more; 0 when its bytes are reached */
const struct held_record *held_first(const struct held_feedback *feedback); /* NULL: there is none */
void held_drop_first(struct held_feedback *feedback); /* there is one */

/* Time of the latest record that was ever held. */
int64_t held_latest_ms(const struct held_feedback *feedback);

/* Whether exposures are to be read, of which the latest has that time: if no feedback is left to read, if none can be held that
 * does not wait for them, or if feedback is ahead of them. */
bool held_needs_exposures(const struct held_feedback *feedback, bool none_left, int64_t exposed_ms);

#endif
