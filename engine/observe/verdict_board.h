/* verdict_board.h: Board of the last verdicts that are known in a process: for each step `drift` the verdict on the window
 * that its observer closed last.
 *
 * An observer writes its entry, and the steps of the path read it for the marks of messages, in any thread. An entry is never
 * removed, so a reload keeps what is known. When the observer's partition goes to another engine, its entry is empty again.
 */
#ifndef SLUICE_OBSERVE_VERDICT_BOARD_H
#define SLUICE_OBSERVE_VERDICT_BOARD_H

#include <stddef.h>

#include "message/drift_score.h"

struct verdict_board;
struct verdict_entry;

struct verdict_board *verdict_board_open(void); /* NULL: memory ran out */
void verdict_board_close(struct verdict_board *board); /* NULL is fine */

/* The entry of a step, which lives as long as the board. NULL: memory ran out, or `board` is NULL. */
struct verdict_entry *verdict_board_entry(struct verdict_board *board, const char *pipeline, const char *step);

struct last_verdict {
	enum drift_verdict verdict; /* DRIFT_LEARNING: no window has been judged */
	double score;
};

void verdict_entry_set(struct verdict_entry *entry, struct last_verdict last);
struct last_verdict verdict_entry_get(struct verdict_entry *entry);

#endif
