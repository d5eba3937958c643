/* gateway_reply.h: Reply to a gateway that waits for a request: its answer, its error, or its explanation, in a form that the
 * gateway passes on. Private to the worker. */
#pragma once

struct inflight;
struct outbox;

/* Replies to the gateway that waits for this in-flight message, if there is one. To be called when all results of the request
 * have left. */
void gateway_reply_put(struct outbox *outbox, struct inflight *inflight);
