/* outcome_reader.h: Reader of outcomes in the engine that leads a pipeline: its learners, tallies and series of metrics are one
 * each. The lead gives each reader what it reads, in the order of the topics, and lets it write into the open transaction.
 *
 * All calls come from the thread of the lead. */
#pragma once

#include "kafka/consume/offsets.h"
#include "kafka/produce/fenced_writer.h"
#include "message/records/outcome.h"

#define OUTCOME_READERS_MAX 64

struct outcome_reader {
	const char *name; /* for lines of the log */
	/* Of the outcomes topic: the next one that it is given. OFFSET_NONE: that which the group has committed. The lead advances
	 * it. */
	int64_t next;
	bool is_committed; /* the lead's: `next` is what the group commits */
	/* Above 0: outcomes of that time of the join and later are read, again if need be. The lead sets `next` then, and this to
	 * 0. */
	int64_t from_ms;
	/* Exposures of that time and later are read again by a lead that begins; where no lead was before, feedback too. 0: all,
	 * but only where no lead was before. INT64_MAX: none. */
	int64_t since_ms;
	/* The next exposures that it is given, of each partition of the topic of exposures; the lead advances them. NULL: all that
	 * are opened, those too that a lead opens again as it begins. */
	struct offsets *exposed;
	/* An exposure that was opened. Those of a lead that begins come before any outcome. NULL: the reader counts none. */
	void (*expose)(void *context, const struct exposure *exposure);
	/* A committed outcome. False: SYSTEM, the lead ends. */
	bool (*outcome)(void *context, const struct outcome *outcome, int64_t offset, struct error *error);
	/* Time of the join: feedback and exposures were read so far. NULL: the reader needs none. */
	void (*pass)(void *context, int64_t time_ms);
	/* Writes the records that are due. NULL: it writes none. False: likewise. */
	bool (*due)(void *context, struct fenced_writer *writer, int64_t now_ms, struct error *error);
	void (*close)(void *context);
	void *context;
};
