/* simulation_observer.h: Observer of a simulation run: a step `drift` at the end of the first pipeline, whose observer closes
 * windows in workers of their own, exactly once. Its verdicts go to the drift topic of the pipeline, and to the feed of the
 * namespace. Some engines read the feed, late and in pieces; they fail and read it from its beginning again, and start with
 * nothing known.
 *
 * In some runs the steps have an `outcomeWindow`, for which no feedback comes: each window has a later record. That is so of the
 * last windows, too, though the stream stops.
 *
 * In some runs there are several such steps, one behind the other, with windows of other sizes: their observers share a stage. In
 * some the steps have `groupBy`: their segments have windows of their own. In some, Kafka loses the state of the observer while
 * nothing runs (simulation_loss.h).
 *
 * Properties, of each segment of each step: each window has one verdict, in order, and one later record, if it is to have that;
 * each record of time alone that its stage sends to itself settles one; the feed has the verdict of each window, in the
 * same order; what an engine knows by the feed is never older than what it knew before; at the end, each row that was to be
 * observed is in a window, or in the open one. An observer without its state stops: none of these changes, but no window is closed
 * any more.
 *
 * Private to `sluice sim`.
 */
#pragma once

#include "control/engine/feed_relay.h"
#include "simulation/simulation_line.h"

#define SIMULATION_FEED_TOPIC "sluice.default.feed"
#define SIMULATION_FEED_READERS 2
#define SIMULATION_SEGMENTS_MAX 2
#define SIMULATION_WATCHES_MAX 3
#define SIMULATION_SERIES_MAX (SIMULATION_SEGMENTS_MAX * SIMULATION_WATCHES_MAX)

struct simulation;

/* An engine's reader of the feed. */
struct simulation_feed_reader {
	char name[16];
	struct feed_board board;
	int64_t read;	 /* offset of the next record */
	int64_t turn_us; /* it reads then */
	size_t known[SIMULATION_SERIES_MAX]; /* number of the verdict that it knows; 0: none yet, 1: of the first window */
};

/* What is known of the windows of a segment of a step. */
struct simulation_windows {
	size_t closed;
	size_t settled;		     /* windows with a later record */
	size_t fed;		     /* verdicts on the feed */
	double *scores, *fed_scores; /* of each window, in order */
};

struct simulation_observers {
	bool is_there;
	struct simulation *simulation;
	const struct simulation_line *line;
	struct random *random;
	size_t window;		  /* rows, of the first step; of each other one more */
	struct file_source files; /* with the reference */
	struct simulation_reading verdicts, feed;
	struct simulated_topic *feed_topic;
	struct simulation_reading observed; /* which the observers read */
	size_t times;			    /* records of time alone that it sent to itself */
	unsigned outcome_ms;		    /* 0: windows have no later record */
	size_t segment_count, watch_count;
	struct simulation_windows series[SIMULATION_SERIES_MAX]; /* of the segments of the first step, and then of the others */
	size_t most;	   /* windows of one of them */
	uint64_t identity[SIMULATION_WATCHES_MAX]; /* of the verdicts on the feed */
	uint64_t changes; /* of the feed when the readers were last looked at */
	int64_t due_us;	  /* of the next of them; 0: it is to be found */
	struct simulation_feed_reader readers[SIMULATION_FEED_READERS];
};

/* Lets the first line have the step, if it can; called before its deployments are written. */
void simulation_observers_draw(struct simulation *simulation);

/* Makes the feed and its readers. False: SYSTEM. */
bool simulation_observers_open(struct simulation *simulation, struct error *error);
void simulation_observers_close(struct simulation_observers *observers); /* unopened ones are fine */

int64_t simulation_observers_due_us(struct simulation_observers *observers);
void simulation_observers_live(struct simulation_observers *observers); /* its readers of the feed that are due */

/* Reads the new verdicts, and those on the feed. */
void simulation_observers_read(struct simulation_observers *observers);

/* Whether each row that was to be observed is in a closed window, or in the open one, and each reader has read all. */
bool simulation_observers_settled(const struct simulation_observers *observers);
void simulation_observers_end(struct simulation_observers *observers);
