/* feedback_truths.h: Feedback on the messages of a source, matched by the messages' names, for `sluice drift report --feedback`.
 *
 * It is read whole before the messages, so it does not matter when it came. Of several records on one request, the first with
 * an accuracy or a truth counts. Feedback on a unit alone is of no request, and is left out.
 */
#pragma once

#include "kafka/kafka_access.h"
#include "compiler/step/step.h"

struct feedback_truths {
	struct arena *arena;
	struct named_truth *items; /* after feedback_truths_sort() by name, each once */
	size_t count, room;
	uint64_t unreadable;	     /* records of a topic that were left out */
	struct error unreadable_why; /* of the first */
};

/* Starts as {.arena = ...}; it must be closed, also when reading fails. */
void feedback_truths_close(struct feedback_truths *truths);

/* Reads a file: JSON lines or Avro records. INPUT, with the line: one of them is no feedback. */
bool feedback_truths_read_file(struct feedback_truths *truths, const char *path, struct error *error);

/* Reads a topic up to its current end, waiting for Kafka. Records that are no feedback are counted. */
bool feedback_truths_read_topic(struct feedback_truths *truths, const struct kafka *kafka, const char *topic, struct error *error);

/* To be called when all is read. */
void feedback_truths_sort(struct feedback_truths *truths);

/* What became of the message: by its id, else by its origin. NULL: there is no feedback on it. The `truth` of a source. */
const struct fit_truth *feedback_truths_find(void *truths, const struct fit_name *name);
