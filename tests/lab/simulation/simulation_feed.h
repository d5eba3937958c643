/* simulation_feed.h: Pipeline of a simulation run that reads other pipelines: their requests, their answers, or a step's
 * output. It reads one of them, joins several by request, or is triggered by one. Also the properties that its
 * answers must have. Private to `sluice sim`. */
#pragma once

#include "simulation/simulation_line.h"

#define SIMULATION_POINTS_MAX 2
#define SIMULATION_VALUES_MAX 16 /* for one request at a point: with at-least-once there may be several */

enum simulation_point_kind { SIMULATION_REQUESTS, SIMULATION_FIRST_BLOCK, SIMULATION_ANSWERS, SIMULATION_POINT_KINDS };

struct simulation_point {
	const struct simulation_line *line;
	enum simulation_point_kind kind;
	const char *reference; /* "line0.outputs" */
	struct simulation_reading reading;
};

/* The records of a request at a point. */
struct simulation_given {
	unsigned records, count; /* count: different values */
	int64_t values[SIMULATION_VALUES_MAX];
	bool failed; /* an error, which passes no value on */
};

struct simulation_fed {
	struct simulation_given given[SIMULATION_POINTS_MAX];
	unsigned answers;
};

struct simulation_feed {
	const char *name;
	struct simulation_reading answers;
	bool exactly_once;
	bool triggered; /* the second point is only a trigger */
	size_t point_count;
	struct simulation_point points[SIMULATION_POINTS_MAX];
	size_t count; /* the greatest number of requests of a line */
	struct simulation_fed *fed;
	uint64_t answered;
	bool unwanted;	     /* simulated Kafka rejected some answers */
	bool bereft;	     /* state was lost, and workers have stopped because of it */
	struct arena *arena; /* memory of one answer */
	char *why;
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* Opens a feed that reads some of these lines, in the arena. `why` is as for judges. False: memory. */
bool simulation_feed_open(struct simulation_feed *feed, const struct simulation_line *lines, size_t line_count, char *why,
			  struct random *random, struct arena *arena);
void simulation_feed_close(struct simulation_feed *feed); /* an unopened one is fine */

bool simulation_feed_reads(const struct simulation_feed *feed, const struct simulation_line *line);
void simulation_feed_write(const struct simulation_feed *feed, struct buffer *yaml);

/* Reads the new records up to now: first at its points, then its answers. */
void simulation_feed_read(struct simulation_feed *feed, const struct simulated_kafka *kafka, int64_t now_us);

/* Whether every request that came at all of its points is answered. */
bool simulation_feed_settled(const struct simulation_feed *feed);
void simulation_feed_end(struct simulation_feed *feed);
