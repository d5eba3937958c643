/* day_feed.h: Pipeline of a simulation run that reads other pipelines: their requests, their answers, or a step's
 * output. It reads one of them, joins several by request, or is triggered by one. Also the properties that its
 * answers must have. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_FEED_H
#define SLUICE_CLI_DAY_FEED_H

#include "cli/day_line.h"

#define DAY_POINTS_MAX 2
#define DAY_VALUES_MAX 16 /* for one request at a point: with at-least-once there may be several */

enum day_point_kind { DAY_REQUESTS, DAY_FIRST_BLOCK, DAY_ANSWERS, DAY_POINT_KINDS };

struct day_point {
	const struct day_line *line;
	enum day_point_kind kind;
	const char *reference; /* "line0.outputs" */
	struct day_reading reading;
};

/* The records of a request at a point. */
struct day_given {
	unsigned records, count; /* count: different values */
	int64_t values[DAY_VALUES_MAX];
	bool failed; /* an error, which passes no value on */
};

struct day_fed {
	struct day_given given[DAY_POINTS_MAX];
	unsigned answers;
};

struct day_feed {
	const char *name;
	struct day_reading answers;
	bool exactly_once;
	bool triggered; /* the second point is only a trigger */
	size_t point_count;
	struct day_point points[DAY_POINTS_MAX];
	size_t count; /* the greatest number of requests of a line */
	struct day_fed *fed;
	uint64_t answered;
	bool unwanted; /* the twin of Kafka rejected some answers */
	bool bereft; /* state was lost, and workers have stopped because of it */
	struct arena *arena; /* memory of one answer */
	char *why;
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* Opens a feed that reads some of these lines, in the arena. `why` is as for judges. False: memory. */
bool day_feed_open(struct day_feed *feed, const struct day_line *lines, size_t line_count, char *why, struct random *random,
		   struct arena *arena);
void day_feed_close(struct day_feed *feed); /* an unopened one is fine */

bool day_feed_reads(const struct day_feed *feed, const struct day_line *line);
void day_feed_write(const struct day_feed *feed, struct buffer *yaml);

/* Reads the new records up to now: first at its points, then its answers. */
void day_feed_read(struct day_feed *feed, const struct twin *twin, int64_t now_us);

/* Whether every request that came at all of its points is answered. */
bool day_feed_settled(const struct day_feed *feed);
void day_feed_end(struct day_feed *feed);

#endif
