/* case_kafka.h: Run of a case by a real engine on a real Kafka, with the same expectations as in memory. */
#ifndef SLUICE_TOOLS_TEST_CASE_KAFKA_H
#define SLUICE_TOOLS_TEST_CASE_KAFKA_H

#include "tools/test/case_play.h"
#include "observe/log_sink.h"
#include "compiler/yaml/workspace.h"

struct case_kafka {
	const char *brokers;
	const char *namespace;
	const struct workspace *workspace; /* gets the faults of the files */
	const struct log_sink *log;	   /* gets the log of the engine */
};

/* Sends the requests of a case that was played, and keeps what comes in `results`, in the same arena. `unfit` gets the reason
 * if a real clock or Kafka cannot show the case. */
bool case_kafka_run(const struct case_kafka *kafka, const struct case_play *played, struct case_results *results,
		    struct buffer *unfit, struct error *error);

#endif
