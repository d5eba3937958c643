/* covariance_past.h: Past of a stream as the reference of Mahalanobis distances: a bounded list of blocks of time, each with the
 * covariance of its rows.
 *
 * A past is divided into COVARIANCE_PARTS parts, at times that depend on its length alone. A row belongs to the block of its own
 * time, so a late one finds the block that it missed. When a block begins, those of which all is older than the past leave, by the
 * clock that the past of drift has (past_clock_move()): one row with a wrong time ends no past. With too many blocks, as of times
 * without order, the one that was begun first leaves.
 *
 * The reference of all blocks is due when there are rows enough, then each time that their number has doubled, and when a block
 * begins, as the one before has all its rows then.
 *
 * The list is plain data, which may be stored. The numbers of blocks are with its owner. Pure.
 */
#pragma once

#include "methods/drift/past.h"

#define COVARIANCE_PARTS 32	 /* so a past is its length, or a part more */
#define COVARIANCE_BLOCKS_MAX 40 /* of a clock that goes on there are 34 */
#define COVARIANCE_ROWS_MIN 200	 /* of any width; else COVARIANCE_ROWS_OF_COLUMN for each column */
#define COVARIANCE_ROWS_OF_COLUMN 10

struct covariance_block {
	uint64_t number;
	int64_t begin_ms;
	uint64_t rows;
};

struct covariance_past {
	uint64_t next; /* number of the next block */
	struct past_clock clock;
	uint64_t given; /* rows of the reference that was given out last; 0: none was */
	uint64_t count;
	struct covariance_block blocks[COVARIANCE_BLOCKS_MAX]; /* in the order in which they were begun */
};

/* When the block of that time begins. */
int64_t covariance_block_begin(int64_t time_ms, int64_t past_ms);

/* NULL: there is none yet. */
struct covariance_block *covariance_past_find(struct covariance_past *past, int64_t begin_ms);

/* The number of a block that leaves as one of that span of times is to begin; it is then no longer in the list. False: there is
 * none more, and covariance_past_begin() may be called. */
bool covariance_past_expire(struct covariance_past *past, struct past_span span, int64_t past_ms, uint64_t *number);
struct covariance_block *covariance_past_begin(struct covariance_past *past, int64_t begin_ms);

uint64_t covariance_past_rows(const struct covariance_past *past);

/* Whether the reference is to be given out; `begun`: a block has begun since. */
bool covariance_past_is_due(const struct covariance_past *past, size_t columns, bool begun);
