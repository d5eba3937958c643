/* feed_relay.h: Relay of a namespace's feed in an engine: reads what observers decided, in any engine, and puts it on the
 * boards by which workers read it.
 *
 * A verdict on a window, with its figures, becomes the fed verdict of its step (observe/verdict_board.h). It is on the board
 * within 100 ms of the commit of its record. A worker whose transaction stays open delays the feed, and nothing else: `control`
 * is another topic.
 *
 * It reads in a loop (kafka/consume/loop_reader.h). While the feed cannot be read, the boards keep what they have, and it tries
  * again every FEED_RETRY_MS. It begins at the start of the topic then, and what was taken before is left out

 */
#pragma once

#include "compiler/conditions/alert_record.h"
#include "kafka/record.h"
#include "net/loop.h"
#include "observe/log_sink.h"
#include "observe/metric.h"
#include "observe/verdict_board.h"

/* Order of a feed at one of its readers: puts the records of a namespace's feed on the verdict board, and never an
 * older one after a newer one.
 *
 * A reader that failed reads the topic from its beginning again (kafka/consume/loop_reader.h). What it took before is left out
  * then, so the board does not go back to verdicts that are over. A topic that was made anew begins at offset 0 again: its records
   * are known by their times, which are later than those of all records before. Pure.
 */

/* All zero but the board: nothing was read yet. */
struct feed_board {
	struct verdict_board *verdicts;
	int64_t next;	 /* offset behind the last record */
	int64_t last_ms; /* the latest time of a record */
};

/* Takes the next record that was read: a verdict, the figures of a window, what was learnt of outliers, or one of another kind,
 * which is left out. INPUT: it cannot be read, and what was known before stays. */
bool feed_board_take(struct feed_board *board, const struct record *record, struct error *error);

#define FEED_RETRY_MS 5000

struct feed_relay;

struct feed_relay_config {
	const char *brokers;
	const char *topic; /* which must exist */
	struct properties consumer;
	const struct log_sink *log;
	struct verdict_board *verdicts;
	/* Takes a record of a firing, and that by which a message began one if it came since the relay was opened
	 * (compiler/conditions/alert_feed.h). `is_former`: it was there before. NULL: nobody does. */
	void (*take_alert)(void *context, struct text key, struct text record, bool is_former);
	void *alerts; /* its context */
};

/* Starts to read in the loop. The configuration is copied; what it points to is borrowed. NULL: SYSTEM. */
struct feed_relay *feed_relay_open(const struct feed_relay_config *config, struct loop *loop, struct error *error);
void feed_relay_close(struct feed_relay *relay); /* NULL is fine; may wait for a request to Kafka */

/* Why the feed cannot be read; "": it can, or is not open yet. */
const char *feed_relay_failure(const struct feed_relay *relay);

/* Sets the figures of the feed, and when somebody watched. */
void feed_relay_note(const struct feed_relay *relay, struct control_state *state);
