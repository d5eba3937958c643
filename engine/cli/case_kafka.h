/* case_kafka.h: Run of a case by a real engine on a real Kafka, or by its workers on a simulated one, with the same
 * expectations as in memory. */
#ifndef SLUICE_CLI_CASE_KAFKA_H
#define SLUICE_CLI_CASE_KAFKA_H

#include "cli/command.h"
#include "simulation/case_judge.h"

struct case_kafka {
	const char *brokers; /* NULL: a simulated Kafka (case_workers.h) */
	const char *namespace;
	struct session *session; /* faults of the files are printed on its `err` */
};

/* Sends the requests of the world `played`, and stores the results as the records of `world`. That one is only
 * filled, for comparison; nothing runs in it. `unfit` gets the reason if a real clock or Kafka cannot show the case, or (for
 * joins of results that leave together) no engine. Models of `played` that only the engine calls are added to it.
 * The worlds share an arena. */
bool case_kafka_run(const struct case_kafka *kafka, struct case_world *played, struct case_world *world, struct buffer *unfit,
		    struct error *error);

#endif
