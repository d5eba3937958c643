/* admission.h: Admission of requests by their deadlines: refuses a request that cannot be answered in time.
 * Private to worker.
 *
 * A stage with more work than it can do falls behind until it takes each request just before its deadline and
 * answers just after it, so that all work is wasted. Admission compares the time that a request has left with the
 * time that requests have recently taken, plus a margin, and refuses the request before it costs anything. The
 * next ones are then in time. The margin is at most a quarter of the request's whole time, so a fast stage that
 * was stopped for a while still answers what it can.
 */
#pragma once

#include "net/loop.h"
#include "engine/worker/partition_queues.h"

/* Whether the request of a message with a deadline is refused; the error is then a LIMIT. A first stage also refuses a request
 * whose deadline has passed: no step was run for it. */
bool admission_refuses(const struct inflight *inflight, const struct loop *loop, struct error *error);

/* Learns from a message that leaves, at a time of loop_clock_us(), how long it took, if it had a deadline and was answered without
 * an error. */
void admission_observe(const struct inflight *inflight, int64_t now_us);
