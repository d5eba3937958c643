/* loop_reader.h: Reader of a topic in a loop: passes its records as they arrive, and is opened again after a failure.
 *
 * It waits for nothing in the loop. The reader of the topic (kafka/consume/reader.h) is opened, and closed after a failure, in a
  * thread (kafka/consume/reader_renewal.h). If it cannot be opened, or fails later, another one is opened after `retry_ms`, which
   * begins as the first one did. So the owner may get records more than once.
 *
 * Belongs to the thread of its loop, as do the owner's functions.
 */
#pragma once

#include "kafka/consume/reader.h"
#include "net/loop.h"

#define LOOP_READER_RECORDS_A_TURN 500 /* then the loop continues */

struct loop_reader;

struct loop_reader_config {
	struct reader_config reader; /* `stopping` and, with from_time, `time_ms` are set by the loop reader */
	int64_t kept_ms;	     /* with from_time: each reader begins with the records of so long ago */
	int64_t retry_ms;
	const char *purpose; /* for errors, as in "reads the feed" */
	void *context;
	/* A record, which is valid only during the call. `is_new`: it came after its reader was opened. */
	void (*take)(void *context, const struct record *record, bool is_new);
	void (*failed)(void *context, const struct error *error);
	void (*opened)(void *context); /* the topic can be read */
};

/* Starts to read. The configuration is copied; what it points to is borrowed. NULL: SYSTEM. */
struct loop_reader *loop_reader_open(const struct loop_reader_config *config, struct loop *loop, struct error *error);
void loop_reader_close(struct loop_reader *reader); /* NULL is fine; waits some seconds if no broker answers */
