/* fit_topic.h: Input data of `sluice fit` from a topic: all its records, as the messages that a step would get. */
#pragma once

#include "kafka/kafka_access.h"
#include "kafka/topics/schema_lookup.h"
#include "compiler/step/step.h"

#define ORIGIN_BYTES 300 /* a name of a topic has at most 249 */

struct fit_topic_config {
	const struct kafka *kafka;
	const char *topic;
	const struct mapping *mapping; /* for events; NULL: requests or answers, in formats without mapping */
	int64_t count;		       /* the greatest number of records; 0: all */
};

struct kept_record {
	int32_t partition;
	int64_t offset;
	int64_t time_ms; /* of its event, if the mapping has one */
	struct text key; /* bytes NULL: none */
	struct text value;
	struct headers headers;
	bool refused; /* rejected by the step */
};

struct fit_topic {
	const struct fit_topic_config *config;
	struct arena *arena;
	struct schema_lookup asker;
	struct kept_record *records;
	size_t count, room, at;
	uint64_t left_out;	   /* unreadable records and those that are no message; the pipeline rejects those too */
	struct error left_out_why; /* error of the first */
	struct text id;		   /* of the last message; empty: it has none */
	bool unnamed;		   /* it is an answer without the names of its tensors (message/records/answer_tensors.h) */
	char origin[ORIGIN_BYTES]; /* as text */
	struct message message;	   /* the last, for expressions */
	uint64_t refused;	   /* messages that the step would reject */
	struct kept_record first_refused;
	struct error refused_why;
};

/* Reads the topic up to its current end, waiting for Kafka. Records are then in the order of their times: those of the events,
 * if the mapping has one. Everything is borrowed. It must be closed, also when it fails. */
bool fit_topic_open(struct fit_topic *topic, const struct fit_topic_config *config, struct arena *arena, struct error *error);
void fit_topic_close(struct fit_topic *topic);

struct fit_source fit_topic_source(struct fit_topic *topic);
