/* slices.h: Open slices of a worker (message/records/slice.h): rows that go to observers together, one slice for each topic.
 * Private to worker.
 *
 * A slice leaves when it is full, when a message comes that does not fit, and always before the output ends: so a row is in the
 * transaction, or the batch, of the offset that it comes from. What is void with a transaction is dropped, since its messages
 * come again.
 *
 * A slice is of several messages. One that the producer refuses leaves in smaller parts. One that Kafka refuses later cannot be
 * blamed on a message, and is not lost silently: the worker stops.
 */
#pragma once

#include "kafka/produce/output.h"
#include "message/records/slice.h"

struct slices_topic;

struct slices {
	struct slices_topic *first;
	/* What the stage from which rows come reads, when they leave (message/records/stage_link.h). NULL: nothing is said of
	 * that. */
	struct text (*reads)(void *context, const void *stage);
	void *context;
};

/* A row, and where it is to go. Borrowed. */
struct slices_row {
	uint32_t topic;
	struct text key; /* of the record */
	const char *const *observers; /* their names, one for each result of the row */
	const struct message *message;
	const struct slice_row *row;
	struct stage_link link;
	const void *stage; /* for slices.reads */
};

void slices_close(struct slices *slices); /* what waits is lost */

/* Adds a row. PRODUCED: it waits. PRODUCE_FULL: call again; nothing was added. PRODUCE_REFUSED: this message cannot be a row; or,
 * if `failed` is set, rows that wait can never leave, and the worker must stop. `encoded` is scratch. */
enum produce_verdict slices_add(struct slices *slices, const struct slices_row *row, struct output *output, struct buffer *encoded,
				bool *failed, struct error *error);

/* Produces what waits for the topic, or for all. PRODUCE_REFUSED: rows can never leave; the worker must stop. */
enum produce_verdict slices_leave(struct slices *slices, uint32_t topic, struct output *output, struct buffer *encoded,
				  struct error *error);
enum produce_verdict slices_leave_all(struct slices *slices, struct output *output, struct buffer *encoded, struct error *error);

void slices_drop(struct slices *slices);

/* Whether what Kafka refused was a slice. */
bool slices_wrote(const struct slices *slices, const struct refusal *refusal);
