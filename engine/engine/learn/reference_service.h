/* reference_service.h: Reference service: a thread for a pipeline with steps whose reference is a topic's
 * (step_facts.learns_from). It learns what `fit` would write, and puts it on the board, where the step's observer finds it. It
 * also learns the background of a step that explains (learning_rules.background), of the newest requests of the pipeline.
 *
 * It reads the topic once, from its oldest record to its present end, in the order of the records' times, and learns from
 * REFERENCE_ROWS_MAX rows at most. So engines that start with the same records learn the same. Records that cannot be read, or that
 * the step refuses, are left out, and their number is logged. A topic that is not there or has too few rows is read again every
 * REFERENCE_RETRY_MS; each new reason is logged, and noted on the board while it lasts. The thread ends when all is learnt. Of
 * requests it learns once, however few there are; more come to the step itself.
 */
#pragma once

#include "kafka/topics/registry.h"
#include "kafka/record.h"
#include "observe/log_sink.h"
#include "observe/verdict_board.h"
#include "compiler/graph/graph.h"

#define REFERENCE_ROWS_MAX 20000 /* five times what a reference keeps: 41 MB at most, of 256 features */
#define REFERENCE_RETRY_MS 10000

struct reference_service;

struct reference_service_config {
	const char *brokers;
	struct properties consumer;
	struct registry_config registry; /* of schemas; url NULL: there is none */
	const struct graph *graph;
	const char *requests; /* the topic of its requests; NULL: it has none */
	bool has_observers;   /* they run here; else only backgrounds are learnt */
	struct verdict_board *board;
	const struct log_sink *log; /* NULL: nothing is logged */
	int64_t retry_ms;	    /* 0: REFERENCE_RETRY_MS */
};

/* Whether a step of the pipeline has such a reference or background that the board does not have yet. */
bool reference_service_is_needed(const struct reference_service_config *config);

/* Starts the thread. The configuration is copied; what it points to is borrowed. NULL: SYSTEM. */
struct reference_service *reference_service_open(const struct reference_service_config *config, struct error *error);

/* Asks the thread to stop, and does not wait: so that several stop at the same time. */
void reference_service_stop(struct reference_service *service);

/* Whether the thread has ended: then a close does not wait. */
bool reference_service_has_ended(const struct reference_service *service);

/* Stops the thread, and waits for it. NULL is fine. */
void reference_service_close(struct reference_service *service);
