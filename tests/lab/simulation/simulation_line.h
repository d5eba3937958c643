/* simulation_line.h: One pipeline of a simulation run with its variants, topics, models and requests, and the judge of its
 * answers. Private to `sluice sim`. */
#pragma once

#include "simulation/simulation_judge.h"

#define SIMULATION_LINES_MAX 3
#define SIMULATION_DEPLOYMENTS_MAX 3 /* in sequence */
#define SIMULATION_ABSENT SIZE_MAX   /* it is not deployed */

struct simulation_line {
	size_t number;
	const char *name;
	const char *requests_topic, *answers_topic;
	int32_t partitions;
	int32_t stage_partitions; /* partitions of the topics between its stages */
	size_t variant_count;
	struct simulation_pipeline variants[SIMULATION_VARIANTS];
	struct simulated_models models[SIMULATION_VARIANTS];
	size_t deployed[SIMULATION_DEPLOYMENTS_MAX]; /* index of the variant in each deployment; or SIMULATION_ABSENT */
	struct simulation_judge judge;
	bool brief; /* its requests have their ids in their bodies alone, so their answers have no headers */
	size_t count, sent;
	struct simulation_request *requests;
	struct simulated_topic *found; /* topic of the requests; NULL: none was sent yet */
	struct buffer value;	       /* bytes of the request that is being sent */
};

struct simulation_line_config {
	size_t number;
	size_t requests;
	unsigned mishaps; /* faults of its models: of each kind at most so many in a thousand attempts */
	bool exactly_once;
	bool may_count; /* its pipeline may have state */
	char *why;	/* SIMULATION_WHY_MAX bytes, for the judge */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* Opens the line in its first state. False: SYSTEM. */
bool simulation_line_open(struct simulation_line *line, const struct simulation_line_config *config, struct random *random,
			  struct arena *arena, struct error *error);
void simulation_line_close(struct simulation_line *line);

/* Gives some of its requests short deadlines. */
void simulation_line_hurry(struct simulation_line *line, struct random *random);

/* Adds another variant: it gives other answers, or the same. Its models are others. */
bool simulation_line_vary(struct simulation_line *line, bool differs, struct random *random, struct arena *arena,
			  struct error *error);

/* To be called after all other settings: computes the expected answers. `mixes_up`: its models mix up rows, for tests. */
void simulation_line_ready(struct simulation_line *line, bool mixes_up);

/* The number of its model calls that began after the deadline of their request. */
uint64_t simulation_line_overdue(const struct simulation_line *line);

/* Time of its next request; INT64_MAX: there is none. */
static inline int64_t simulation_line_due_us(const struct simulation_line *line)
{
	return line->sent < line->count ? line->requests[line->sent].due_us : INT64_MAX;
}
bool simulation_line_send(struct simulation_line *line, struct simulated_kafka *kafka, int64_t now_us, struct error *error);
