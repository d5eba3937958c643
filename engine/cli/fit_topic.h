/* fit_topic.h: the data of `sluice fit` out of a topic: all that it holds, as messages that a
 * step would get. */
#ifndef SLUICE_CLI_FIT_TOPIC_H
#define SLUICE_CLI_FIT_TOPIC_H

#include "cli/schema_asker.h"
#include "step/step.h"

struct fit_topic_config {
	const struct kafka *kafka;
	const char *topic;
	const struct mapping *mapping; /* of events; NULL: requests or answers, in formats of their own */
	int64_t count;		       /* no more than the first so many; 0: all */
};

struct kept_record {
	int32_t partition;
	int64_t offset;
	struct text value;
	struct headers headers;
	bool refused; /* by the step */
};

struct fit_topic {
	const struct fit_topic_config *config;
	struct arena *arena;
	struct schema_asker asker;
	struct kept_record *records;
	size_t count, room, at;
	uint64_t left_out;	   /* what cannot be read, or is no message; the pipeline refuses those too */
	struct error left_out_why; /* of the first */
	uint64_t refused;	   /* what is a message, and the step would refuse */
	struct kept_record first_refused;
	struct error refused_why;
};

/* Waits for Kafka until the topic's end, as it is now, has come. Everything is borrowed; to be
 * closed, also when it fails. */
bool fit_topic_open(struct fit_topic *topic, const struct fit_topic_config *config, struct arena *arena, struct error *error);
void fit_topic_close(struct fit_topic *topic);

struct fit_source fit_topic_source(struct fit_topic *topic);

#endif
