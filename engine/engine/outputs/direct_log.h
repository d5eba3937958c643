/* direct_log.h: Log of direct requests: the record in the inputs that a request gets after its answer, with the mark by which
 * engines skip it. Private to the worker.
 */
#pragma once

#include "engine/outputs/outbox.h"

/* Produces the request of a direct in-flight message, unless it was produced. A record that Kafka's limits refuse is counted: its
 * caller has the answer. Other in-flight messages have nothing to log. */
enum produce_verdict direct_log(struct outbox *outbox, struct inflight *inflight);

/* In place of a position, which a direct request has not. */
struct position direct_origin(const struct inflight *inflight);
