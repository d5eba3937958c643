/* exposure_feed.h: Exposure feed of a lead: exposures and feedback of a pipeline in the order of their records' times, and feedback
 * `hold_ms` after its time, so that its exposure was read before, which comes from another topic.
 *
 * Feedback is passed on when all exposures of its time and `hold_ms` more are, or when their topics are read to their ends and it
 * has waited so long. Exposures are not read further ahead of feedback than that. So whoever is behind reads both as they came.
 *
 * A feed that begins behind places up to which exposures were read before restores: it reads exposures alone until it is there.
 *
 * Times are those that clients gave; none is later than its arrival. Belongs to one thread. Opening waits for Kafka. Private to
 * engine/learn.
 */
#pragma once

#include <stdatomic.h>

#include "kafka/consume/offsets.h"
#include "kafka/consume/stream_reader.h"

#define FEED_SOURCES_MAX 3
#define FEED_OPEN_MS 10000 /* for Kafka to say where a topic begins and ends */
#define FEED_HOLD_MS 1000
#define FEED_QUIET_MS 5000		  /* by which the time is behind the clock where nothing comes: records on their way */
#define FEED_WAITING_MAX ((size_t)16384) /* records of feedback that wait for exposures */
#define FEED_WAITING_BYTES ((size_t)2 << 20)

struct feed_source {
	const char *topic;
	struct offsets next;  /* of the next records that are not passed on */
	struct offsets until; /* of exposures: so far they are restored */
	struct reader_config config;
	struct stream *stream;
	struct record head; /* `held` NULL: none has come */
};

struct waiting_record {
	struct record record;
	int64_t since_ms; /* by clock_ms() */
};

struct exposure_feed {
	struct stream_reader *reader;
	const atomic_bool *stopping; /* of opening; NULL: it does not stop */
	int64_t hold_ms;
	void *context;
	/* Passes on a record of exposures, or of feedback. `time_ms`: its own, or the clock's if that is earlier. */
	void (*expose)(void *context, size_t source, struct record *record);
	void (*inform)(void *context, const struct record *record, int64_t time_ms);
	size_t count;
	struct feed_source sources[FEED_SOURCES_MAX]; /* the last one is that of feedback */

	/* Of the feed: */
	struct waiting_record *waiting;
	size_t first, waiting_count, room; /* of a ring */
	size_t waiting_bytes;
};

/* Opens the topics where `next` is. REMOTE, CONFIG or SYSTEM; it is to be closed then, too. */
bool exposure_feed_open(struct exposure_feed *feed, struct error *error);
void exposure_feed_pause(struct exposure_feed *feed); /* closes the topics; it may be opened again */
void exposure_feed_close(struct exposure_feed *feed); /* forgets where it was, too */

/* Whether all exposures before `until` were passed on. */
bool exposure_feed_is_restored(const struct exposure_feed *feed);

/* Passes on at most so many records, or less once `taken` is so many. Never waits. False: SYSTEM. */
bool exposure_feed_turn(struct exposure_feed *feed, size_t most, size_t *taken, struct error *error);

/* The time up to which exposures and feedback were passed on. `is_answered`: Kafka has answered for FEED_QUIET_MS, so what is read
 * to its end now was so FEED_QUIET_MS ago. */
int64_t exposure_feed_time_ms(const struct exposure_feed *feed, bool is_answered);
