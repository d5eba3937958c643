/* day_line.h: one pipeline of a simulated day, as it is and as it becomes, with its
 * topics, its models, the requests that come for it, and who judges the answers. Private
 * to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_LINE_H
#define SLUICE_CLI_DAY_LINE_H

#include "cli/day_judge.h"

#define DAY_LINES_MAX 3
#define DAY_DEPLOYMENTS_MAX 3 /* one after the other */
#define DAY_ABSENT SIZE_MAX   /* it is not deployed */

struct day_line {
	size_t number;
	const char *name;
	const char *requests_topic, *answers_topic;
	int32_t partitions;
	int32_t stage_partitions; /* of the topics between its stages */
	size_t variant_count;
	struct day_pipeline variants[DAY_VARIANTS];
	struct model_twins models[DAY_VARIANTS];
	size_t deployed[DAY_DEPLOYMENTS_MAX]; /* which variant, in each deployment; DAY_ABSENT */
	struct day_judge judge;
	size_t count, sent;
	struct day_request *requests;
	struct twin_topic *found; /* where they go; NULL: none was sent yet */
	struct buffer value;	  /* of the one that is being sent */
};

struct day_line_config {
	size_t number;
	size_t requests;
	unsigned mishaps; /* of its models, of each kind in a thousand attempts, at most */
	bool exactly_once;
	bool may_count; /* its pipeline may remember */
	char *why;	/* DAY_WHY_MAX bytes, for the judge */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* As it is at first. False: SYSTEM. */
bool day_line_open(struct day_line *line, const struct day_line_config *config, struct random *random, struct arena *arena,
		   struct error *error);
void day_line_close(struct day_line *line);

/* Some of its requests have little time. */
void day_line_hurry(struct day_line *line, struct random *random);

/* It gets another variant. */
bool day_line_vary(struct day_line *line, struct random *random, struct arena *arena, struct error *error);

/* When all that is said of it is said: what its requests are answered. `mixes_up`: its
 * models mix up rows, for tests. */
void day_line_ready(struct day_line *line, bool mixes_up);

/* How many calls of its models began behind the deadline of their request. */
uint64_t day_line_overdue(const struct day_line *line);

/* When its next request comes; INT64_MAX: there is none. */
static inline int64_t day_line_due_us(const struct day_line *line)
{
	return line->sent < line->count ? line->requests[line->sent].due_us : INT64_MAX;
}
bool day_line_send(struct day_line *line, struct twin *twin, int64_t now_us, struct error *error);

#endif
