/* day_line.h: One pipeline of a simulation run with its variants, topics, models and requests, and the judge of its
 * answers. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_LINE_H
#define SLUICE_CLI_DAY_LINE_H

#include "cli/day_judge.h"

#define DAY_LINES_MAX 3
#define DAY_DEPLOYMENTS_MAX 3 /* in sequence */
#define DAY_ABSENT SIZE_MAX   /* it is not deployed */

struct day_line {
	size_t number;
	const char *name;
	const char *requests_topic, *answers_topic;
	int32_t partitions;
	int32_t stage_partitions; /* partitions of the topics between its stages */
	size_t variant_count;
	struct day_pipeline variants[DAY_VARIANTS];
	struct model_twins models[DAY_VARIANTS];
	size_t deployed[DAY_DEPLOYMENTS_MAX]; /* index of the variant in each deployment; or DAY_ABSENT */
	struct day_judge judge;
	size_t count, sent;
	struct day_request *requests;
	struct twin_topic *found; /* topic of the requests; NULL: none was sent yet */
	struct buffer value;	  /* bytes of the request that is being sent */
};

struct day_line_config {
	size_t number;
	size_t requests;
	unsigned mishaps; /* faults of its models: of each kind at most so many in a thousand attempts */
	bool exactly_once;
	bool may_count; /* its pipeline may have state */
	char *why;	/* DAY_WHY_MAX bytes, for the judge */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* Opens the line in its first state. False: SYSTEM. */
bool day_line_open(struct day_line *line, const struct day_line_config *config, struct random *random, struct arena *arena,
		   struct error *error);
void day_line_close(struct day_line *line);

/* Gives some of its requests short deadlines. */
void day_line_hurry(struct day_line *line, struct random *random);

/* Adds another variant. */
bool day_line_vary(struct day_line *line, struct random *random, struct arena *arena, struct error *error);

/* To be called after all other settings: computes the expected answers. `mixes_up`: its models mix up rows, for tests. */
void day_line_ready(struct day_line *line, bool mixes_up);

/* The number of its model calls that began after the deadline of their request. */
uint64_t day_line_overdue(const struct day_line *line);

/* Time of its next request; INT64_MAX: there is none. */
static inline int64_t day_line_due_us(const struct day_line *line)
{
	return line->sent < line->count ? line->requests[line->sent].due_us : INT64_MAX;
}
bool day_line_send(struct day_line *line, struct twin *twin, int64_t now_us, struct error *error);

#endif
