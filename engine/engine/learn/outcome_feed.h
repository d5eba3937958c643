/* outcome_feed.h: Outcome feed: the exposures and the feedback of a pipeline, each in the order of its records' times, and feedback
 * after its exposure.
 *
 * Feedback waits `hold_ms`, OUTCOME_HOLD_MS but for tests, for its exposure, which is read from another topic. Each topic is read
 * in the order of its records' times, whatever their partitions. So one that is behind reads no feedback before its exposure, and
 * no exposure after its window.
 *
 * Where no exposure comes, nothing says by its time what is over. Then the feed passes the clock's time, less OUTCOME_QUIET_MS,
 * when both topics are read to their ends and Kafka has answered all that time: so records that wait there after an outage come
 * first.
 *
 * Times are those that clients gave. Feedback of the future has the time of its arrival; an exposure that is more than
 * OUTCOME_AHEAD_MS ahead is left out, and a warning is logged: by its time all others would be late.
 * So is a record that cannot be read: the first one of each topic is logged, and the feedback is given to `refuse`, which counts
 * it.
 *
 * Belongs to one thread. Opening waits for Kafka. Private to the learner service and the truth service.
 */
#ifndef SLUICE_ENGINE_LEARN_OUTCOME_FEED_H
#define SLUICE_ENGINE_LEARN_OUTCOME_FEED_H

#include "base/clock.h"
#include "experiments/outcomes/outcome_join.h"
#include "kafka/consume/reader.h"
#include "message/records/exposure.h"
#include "message/records/feedback.h"
#include "observe/log_sink.h"
#include "engine/learn/held_feedback.h"

#define OUTCOME_HOLD_MS 1000
#define OUTCOME_HELD_MAX 100000 /* records of feedback in memory */
#define OUTCOME_HELD_BYTES ((size_t)64 << 20) /* and their bytes; one record more may be held */
#define OUTCOME_AHEAD_MS 60000 /* exposures whose time is further ahead of the clock are left out */
#define OUTCOME_ANSWER_MS 3000 /* Kafka answers as often, which is counted every second */
#define OUTCOME_TURN_MS 50     /* a turn waits so long for a record, if its thread has no other feed */
#define OUTCOME_TURN_RECORDS 2000

struct outcome_feed_config {
	const char *brokers;
	struct properties consumer;
	const char *exposures, *feedback; /* topics */
	const char *without;		  /* what becomes of a record that is left out: "nothing is learnt from it" */
	int64_t from_ms; /* from records of that time; 0: from the offsets */
	int64_t hold_ms;
	int turn_ms;	     /* a turn waits so long for a record; OUTCOME_TURN_MS */
	struct arena *arena; /* of one record */
	const struct log_sink *log; /* NULL: nothing is logged */
	void *context;
	void (*expose)(void *context, const struct exposure *exposure, const struct record *record);
	void (*inform)(void *context, const struct feedback *feedback, const struct held_record *held);
	/* Feedback that cannot be read, and why. */
	void (*refuse)(void *context, const struct held_record *held, const struct error *wrong);
	/* All feedback up to that time was passed, and no exposure came lately. NULL: it is not called. */
	void (*quiet)(void *context, int64_t time_ms);
};

/* When Kafka answered a reader: since when without a gap, and last. By clock_ms(). */
struct feed_answers {
	int64_t since_ms, last_ms;
};

/* Starts as {.config = ...}; the configuration's texts are borrowed. */
struct outcome_feed {
	struct outcome_feed_config config;
	struct reader *exposures, *feedback;
	struct reader_config exposures_config, feedback_config;
	struct offsets exposures_next, feedback_next; /* of the next records */
	struct held_feedback *held;
	struct record next; /* the next exposure, which is ahead of the feedback; `held` NULL: none is */
	int64_t exposed_ms; /* time of the latest exposure */
	int64_t exposures_ms, feedback_ms; /* up to these times records were read; 0: none was */
	size_t taken;	    /* records in this turn */
	bool is_idle;	    /* the last turn passed nothing on, and found nothing more in either topic */
	int64_t came_ms;    /* when the last exposure came, or the feed was opened; by clock_ms() */
	struct feed_answers exposures_answers, feedback_answers;
	bool ahead_is_logged; /* that an exposure is left out */
	bool broken_exposure_is_logged, broken_feedback_is_logged; /* that one cannot be read */
};

/* Opens both topics, or opens them again, where the next records are. False: SYSTEM or CONFIG. */
bool outcome_feed_open(struct outcome_feed *feed, struct error *error);

/* Reads a share of both topics, which are open, and passes on what is in order. It waits at most `turn_ms`. False: SYSTEM. */
bool outcome_feed_turn(struct outcome_feed *feed, struct error *error);

/* Whether all that came before that time, by the clock, was passed on. */
bool outcome_feed_has_passed(const struct outcome_feed *feed, int64_t time_ms);

/* The time of records up to which all partitions of both topics were passed on: it stays where it is as long as one of them gives
 * neither records nor its end, or has no leader. Of records on their way, or of clocks that differ, it knows nothing. Where nothing
 * was read, it is the beginning of the configuration, which has `quiet`. */
int64_t outcome_feed_read_ms(const struct outcome_feed *feed);

/* The time of records up to which feedback was passed on: now, where all that came is. */
int64_t outcome_feed_feedback_ms(const struct outcome_feed *feed);

/* The `turn_ms` of each of so many feeds that a thread has: of very many 1, as turns without a wait would keep a processor busy. */
static inline int outcome_turn_share_ms(size_t feeds)
{
	return feeds == 0 ? OUTCOME_TURN_MS : feeds < OUTCOME_TURN_MS ? OUTCOME_TURN_MS / (int)feeds : 1;
}

/* It is then as it was before it was opened. */
void outcome_feed_close(struct outcome_feed *feed);

/* Decodes an exposure that was read elsewhere. False: it is none, or from the future, which is logged. */
bool outcome_feed_decode(struct outcome_feed *feed, const struct record *record, struct exposure *exposure);

/* Of clients' clocks no time is later than that of arrival. */
static inline int64_t time_arrived_ms(int64_t time_ms)
{
	const int64_t now_ms = time_of_day_ms();
	return time_ms < now_ms ? time_ms : now_ms;
}

#endif
