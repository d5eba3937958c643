/* day_line.h: one pipeline of a simulated day, with its topics, its models, the requests
 * that come for it, and who judges the answers. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_LINE_H
#define SLUICE_CLI_DAY_LINE_H

#include "cli/day_judge.h"

/* Its topics, as numbers of the setup. */
enum day_written { DAY_ANSWERS, DAY_LETTERS, DAY_CHANGELOG, DAY_WRITTEN };

struct day_line {
	size_t number;
	char name[16];
	char requests_topic[32], answers_topic[32], letters_topic[32], changelog_topic[32];
	uint32_t reads; /* the number of the requests' topic */
	int32_t partitions;
	struct day_pipeline pipeline;
	struct model_twins models;
	struct day_judge judge;
	size_t count, sent;
	struct day_request *requests;
};

struct day_line_config {
	size_t number;
	size_t requests;
	unsigned mishaps; /* of its models, of each kind in a thousand attempts, at most */
	bool exactly_once;
	bool may_count; /* its pipeline may remember */
	const struct step_kind *const *kinds;
	char *why; /* DAY_WHY_MAX bytes, for the judge */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* Makes its topics too. False: SYSTEM. */
bool day_line_open(struct day_line *line, const struct day_line_config *config, struct random *random, struct twin *twin,
		   struct arena *arena, struct error *error);
void day_line_close(struct day_line *line);

/* When its next request comes; INT64_MAX: there is none. */
int64_t day_line_due_us(const struct day_line *line);
bool day_line_send(struct day_line *line, struct twin *twin, struct error *error);

#endif
