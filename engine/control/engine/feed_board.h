/* feed_board.h: Order of a feed at one of its readers: puts the records of a namespace's feed on the verdict board, and never an
 * older one after a newer one.
 *
 * A reader that failed reads the topic from its beginning again (kafka/consume/loop_reader.h). What it took before is left out
  * then, so the board does not go back to verdicts that are over. A topic that was made anew begins at offset 0 again: its records
   * are known by their times, which are later than those of all records before. Pure.
 */
#ifndef SLUICE_CONTROL_ENGINE_FEED_BOARD_H
#define SLUICE_CONTROL_ENGINE_FEED_BOARD_H

#include "kafka/record.h"
#include "observe/verdict_board.h"

/* All zero but the board: nothing was read yet. */
struct feed_board {
	struct verdict_board *verdicts;
	int64_t next;	 /* offset behind the last record */
	int64_t last_ms; /* the latest time of a record */
};

/* Whether that record was taken before: the topic is read again. */
bool feed_board_has_taken(const struct feed_board *board, const struct record *record);

/* Takes the next record that was read: a verdict, the figures of a window, what was learnt of outliers, or one of another kind,
 * which is left out. INPUT: it cannot be read, and what was known before stays. */
bool feed_board_take(struct feed_board *board, const struct record *record, struct error *error);

#endif
