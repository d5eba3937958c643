/* direct_calls.h: Calls that an engine of the gateway's process answers without Kafka on the way (worker/direct_hub.h): those to
 * pipelines with `ingress: direct` whose callers wait for the answer. What is searched later needs its place in Kafka, and
 * explanations may come from another stage. Pure apart from the hub.
 */
#ifndef SLUICE_GATEWAY_DIRECT_CALLS_H
#define SLUICE_GATEWAY_DIRECT_CALLS_H

#include "gateway/calls.h"
#include "worker/direct_hub.h"

/* Sends the record of the call of that number to a worker. DIRECT_ABSENT: it goes through Kafka. `hub` NULL: so do all. */
enum direct_verdict direct_call_send(struct direct_hub *hub, const struct call_request *request, const struct outgoing *record,
				     uint64_t number);

#endif
