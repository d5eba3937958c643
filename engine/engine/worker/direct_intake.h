/* direct_intake.h: Intake of direct requests in a worker, from its port (engine/worker/direct_hub.h). A request is answered as soon
 * as its flow has finished (inflight_reply_first() of parts.h). Then it leaves as others do: the request is written to the inputs
 * (engine/outputs/direct_log.h), the answer to the outputs. A request whose caller leaves before it enters is dropped; one in
  * flight is cancelled (engine/worker/cancellation.h).
 *
 * They have a queue of their own, ordered by key, which belongs to no partition: nothing of it is committed. Private to the
 * worker.
 */
#pragma once

#include "net/loop.h"
#include "engine/worker/direct_hub.h"
#include "engine/worker/partition_queues.h"

struct worker;
struct worker_stage;

struct direct_intake {
	struct direct_port *port; /* NULL: none */
	struct watch watch;
	struct partition_queue *queue;
	int64_t serial;	  /* of the next request */
	bool serves;	  /* the port lists the pipelines: answers to the outputs can be written */
	uint64_t lost_callers; /* that were seen */
	size_t in_flight; /* requests that have entered and not left */
	bool is_full;	  /* the producer's queue was full when something was to leave last */
};

/* Opens the port and the queue, if the configuration has a hub. */
bool direct_intake_open(struct worker *worker, struct error *error);

/* Returns what the port still has. To be called after the stages are closed, and right before the queues are, which frees what has
 * entered. */
void direct_intake_close(struct worker *worker);

/* Lists the pipelines of the worker's active stages; none while a registry has not announced the schema of answers. Requests that
 * wait for another stage wait for the active one of their pipeline then, or are returned. To be called when the stages have
 * changed. */
void direct_intake_follow(struct worker *worker);

/* The active stage that takes direct requests of that pipeline; NULL: the worker does not have it any more. */
struct worker_stage *direct_stage_of(const struct worker *worker, struct text pipeline);

/* Enters requests, as far as their stages and the log have room. The others wait with their stages; if the log stands still, they
 * are refused (DIRECT_LOG_WAIT_MS). While the worker drains, or waits for a registry, all are returned. */
void direct_intake_take(struct worker *worker);

/* Whether requests wait that could enter now. */
bool direct_intake_owes(const struct worker *worker);

/* When requests are to be refused that wait for the log; INT64_MAX: none wait. */
int64_t direct_intake_due_ms(const struct worker *worker);
