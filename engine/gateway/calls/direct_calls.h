/* direct_calls.h: Calls and replies that pass between the gateway and the workers of its own process by memory
 * (engine/worker/direct_hub.h): calls of pipelines with direct ingress, and replies to all calls. Private to the calls, of whose
  * loop it is. */
#ifndef SLUICE_GATEWAY_CALLS_DIRECT_CALLS_H
#define SLUICE_GATEWAY_CALLS_DIRECT_CALLS_H

#include "gateway/calls/calls.h"
#include "net/loop.h"
#include "engine/worker/direct_hub.h"

/* Starts as {0}. */
struct direct_calls {
	struct direct_hub *hub; /* NULL: there are no workers in this process */
	struct loop *loop;
	struct watch watch;
	struct loop_timer wake; /* of workers that were given requests in this turn */
	void (*take)(void *context, const struct direct_message *message);
	void *context;
};

/* From now on `take` is called for each reply with that epoch, and each request that no worker took. A hub of NULL is fine. */
bool direct_calls_open(struct direct_calls *direct, struct loop *loop, struct direct_hub *hub, uint64_t epoch, struct error *error);
void direct_calls_close(struct direct_calls *direct);

/* DIRECT_ABSENT also if the call is not one for direct ingress. The worker is woken at the end of the turn of the loop, so that it
 * finds all requests of the turn. */
enum direct_verdict direct_call_send(struct direct_calls *direct, const struct call_request *request, const struct outgoing *record,
				     uint64_t number);

#endif
