/* day_feed.h: a pipeline of a simulated day that reads others: their requests, answers or
 * what a step of theirs gave; alone, joined by request, or started by one of them. And
 * what must hold of its answers. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_FEED_H
#define SLUICE_CLI_DAY_FEED_H

#include "cli/day_line.h"

#define DAY_POINTS_MAX 2
#define DAY_VALUES_MAX 16 /* that came of one request at a point: at least once, there may be several */

enum day_point_kind { DAY_REQUESTS, DAY_FIRST_BLOCK, DAY_ANSWERS, DAY_POINT_KINDS };

struct day_point {
	const struct day_line *line;
	enum day_point_kind kind;
	const char *reference; /* "line0.outputs" */
	struct day_reading reading;
};

/* What came of a request at a point. */
struct day_given {
	unsigned records, count; /* of different values */
	int64_t values[DAY_VALUES_MAX];
	bool failed; /* an error, which gives nothing */
};

struct day_fed {
	struct day_given given[DAY_POINTS_MAX];
	unsigned answers;
};

struct day_feed {
	const char *name;
	struct day_reading answers;
	bool exactly_once;
	bool triggered; /* the second point only starts it */
	size_t point_count;
	struct day_point points[DAY_POINTS_MAX];
	size_t count; /* of the requests of a line, at most */
	struct day_fed *fed;
	uint64_t answered;
	bool unwanted; /* some answers were, by the twin of Kafka */
	struct arena *arena; /* of one answer */
	char *why;
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* In the arena, of some of these lines. `why` is as for judges. False: memory. */
bool day_feed_open(struct day_feed *feed, const struct day_line *lines, size_t line_count, char *why, struct random *random,
		   struct arena *arena);
void day_feed_close(struct day_feed *feed); /* one that was never opened is fine */

bool day_feed_reads(const struct day_feed *feed, const struct day_line *line);
void day_feed_write(const struct day_feed *feed, struct buffer *yaml);

/* Reads what came since, up to now: at its points first, then what it answered. */
void day_feed_read(struct day_feed *feed, const struct twin *twin, int64_t now_us);

/* Whether all is answered that came at all of its points. */
bool day_feed_settled(const struct day_feed *feed);
void day_feed_end(struct day_feed *feed);

#endif
