/* past.h: Past of a stream as the reference of a drift monitor: a bounded sample of the windows that have closed.
 *
 * A window that has closed is remembered by blocks: PAST_BLOCK_ROWS rows that followed one another, so that their dependence
 * can be learnt, and with each feature the counts and the ends of all the rows for which the block stands. Blocks merge: of
 * two neighbours, one remains, drawn by the rows for which they stand, and stands for the rows of both. So a block of the past
 * is a fair draw, however long the past is. How many remember a window at most is said by who stores them.
 *
 * The first blocks are the reference, and stay as they are. Newer ones wait until they stand for PAST_RENEWED of the rows of
 * the reference, or so much of it is not of the past any more; then it is made anew from all that is. So a monitor learns seldom,
 * and who has the blocks has the same reference.
 *
 * Blocks of windows in alarm are set aside: they are in no reference, so that a fault that lasts does not become one, and merge
 * with their like alone. They have memory of their own, and become too old as others do. They are learnt after all when the alarm
 * has ended PAST_RETURNS times and they stand for PAST_RENEWED of the other rows: hours that differ, such as nights, come and go.
 *
 * What is of the past is known by the times of the last two windows that differ: one window with a wrong clock ends no past.
 * A block far ahead of both is not of the past either: the clock was set back.
 *
 * The list is plain data, which may be stored. The rows of blocks are with its owner, by number. Pure; the same windows give
 * the same list.
 */
#pragma once

#include "methods/drift/monitor.h"
#include "methods/drift/reference.h"

#define PAST_BLOCK_ROWS MONITOR_ROWS_MIN /* a window of fewer is not judged, and not remembered */
#define PAST_LEARNT_BLOCKS (DRIFT_REFERENCE_ROWS_MAX / PAST_BLOCK_ROWS)
#define PAST_REFERENCE_BLOCKS 160 /* of them; the others are newer than the reference */
#define PAST_ROWS_MIN 1000	  /* fewer rows are no past yet: windows are not judged */
#define PAST_ASIDE_BLOCKS (PAST_ROWS_MIN / PAST_BLOCK_ROWS) /* of windows in alarm: as many as a past begins with */
#define PAST_BLOCKS_MAX (PAST_LEARNT_BLOCKS + PAST_ASIDE_BLOCKS)
#define PAST_RENEWED 4 /* a quarter */
#define PAST_RETURNS 3

struct past_block {
	uint64_t number;
	uint64_t rows;	/* for which it stands */
	int64_t time_ms; /* of its window; of a merged one, that of the later */
	uint32_t windows; /* that begin in its rows */
	uint32_t alarmed; /* 1: a window of its rows was in alarm; else 0 */
};

#define PAST_TIME_MOST ((int64_t)1 << 60) /* so that a past before it and behind it does not overflow */

/* The time within these bounds. */
static inline int64_t past_time(int64_t time_ms)
{
	return time_ms > PAST_TIME_MOST ? PAST_TIME_MOST : time_ms < -PAST_TIME_MOST ? -PAST_TIME_MOST : time_ms;
}

/* Times of windows, which differ: the last, and the one before. */
struct past_clock {
	int64_t last_ms, before_ms;
};

struct past {
	uint64_t next;	 /* number of the next block */
	uint64_t chain;	 /* hash of the rows of all blocks so far, in their order */
	uint64_t fit;	 /* the chain when the reference was made; 0: there is none */
	uint64_t fitted; /* blocks of the reference, which are the first */
	uint64_t count;
	struct past_clock clock;
	struct past_block blocks[PAST_BLOCKS_MAX]; /* those of the reference and all newer ones, each in the order of windows */
};

/* A feature of a block: of the rows for which it stands, and the values of its own rows. Infinite values, and those of which
 * nothing can be learnt, count as missing. */
struct past_values {
	uint64_t missing;
	double least, greatest; /* of no number: infinite, the least above the greatest */
	double values[PAST_BLOCK_ROWS];
};

/* How many blocks, and `most` at most, remember a window of which so many rows are kept, in alarm or not: 0 if they are too few. */
size_t past_blocks_of(const struct past *past, size_t rows, size_t most, bool alarmed);

/* The first row of a window that the n-th of its blocks stands for. */
size_t past_block_first(size_t rows, size_t blocks, size_t nth);

/* What a block has of one feature of the window that a monitor closed last: it stands for `count` rows from `first` on. */
void past_values_take(const struct monitor *monitor, size_t feature, size_t first, size_t count, struct past_values *values);

/* Merges two features' values: those of the left block remain, or those of the right. */
void past_values_merge(struct past_values *into, const struct past_values *other);

/* Adds a block whose rows have that hash, and gives it its number. There must be memory for it: past_full() is false. */
void past_add(struct past *past, const struct past_block *block, uint64_t hash);

/* Whether so many more blocks, in alarm or not, do not fit, before some of their kind that are newer than the reference are
 * merged. */
bool past_full(const struct past *past, size_t more, bool alarmed);

/* How many blocks could be a reference: those that are not in alarm. */
size_t past_learnable(const struct past *past);

/* What is set aside for an alarm. */
struct past_left {
	uint64_t windows, rows;
};
struct past_left past_aside(const struct past *past);

/* Takes what is set aside for learnable, if it stands for so many rows: the alarm has ended for the PAST_RETURNS-th time. */
bool past_accept(struct past *past);

/* Two neighbours that are to be merged: `into` remains. */
struct past_merge {
	uint64_t into, from; /* numbers */
};

/* Merges the two neighbours of those in alarm or of the others, from the block at `first` on, which stand for the fewest rows.
 * There are two. */
struct past_merge past_merge_next(struct past *past, size_t first, bool alarmed);

/* The same of all that past_select() kept, if they stand for no more rows than another block does: so blocks come to stand for
 * about as many each; or if they are more than a reference may have. False: there are no such two. */
bool past_merge_light(struct past *past, struct past_merge *merge);

/* The times of windows that are of the past. */
struct past_span {
	int64_t since_ms, until_ms;
};

/* A window of that time has closed: what is of the past from now on. */
struct past_span past_clock_move(struct past_clock *clock, int64_t time_ms, int64_t past_ms);

/* Whether the reference is to be made anew, at the end of a window. */
bool past_renews(const struct past *past, struct past_span span);

/* The number of the first block that is not of the past; it is then no longer in the list. False: there is none. */
bool past_expire(struct past *past, struct past_span span, uint64_t *number);

/* Keeps the blocks whose time is in the span, without those in alarm unless these are wanted, as the blocks of a reference, in the
 * order of their windows; those that are kept count as learnable. What it leaves out for an alarm is in `left_out`, which stands
 * for so many windows and rows. */
void past_select(struct past *past, struct past_span span, bool alarmed, struct past_left *left_out);

/* All blocks that are learnable are the reference from now on, if they have enough rows. They are PAST_REFERENCE_BLOCKS at most. */
void past_fit(struct past *past);

/* Fills in features of the reference of the blocks, as of numbers: `values` has of each of its blocks those of each feature. What
 * is made lives in the arena. False: it is full. */
bool past_features_fill(const struct past *past, const struct past_values *const *values, size_t count, struct arena *arena,
			struct drift_feature *features);

/* The reference of the blocks, with these features, which are borrowed. */
struct drift_reference past_reference(const struct past *past, const struct drift_feature *features, size_t count);
