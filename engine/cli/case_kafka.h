/* case_kafka.h: a case through a real engine on a real Kafka, held against the same
 * expectations as in memory. */
#ifndef SLUICE_CLI_CASE_KAFKA_H
#define SLUICE_CLI_CASE_KAFKA_H

#include "cli/case_world.h"
#include "cli/command.h"

struct case_kafka {
	const char *brokers;
	const char *namespace;
	struct session *session; /* on its `err` it is said what is wrong with the files */
};

/* Sends what a world was sent, and keeps what comes as the records of another, which is
 * filled and only to be judged: nothing runs in it. `unfit` is said in words where a real
 * clock or Kafka cannot show the case. The worlds share an arena. */
bool case_kafka_run(const struct case_kafka *kafka, const struct case_world *played, struct case_world *world, struct buffer *unfit,
		    struct error *error);

#endif
