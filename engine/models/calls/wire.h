/* wire.h: Transport of model calls over HTTP and gRPC.
 *
 * It carries out what dispatch.h decides: writes a queued call in the protocol of its address, sends it, and
 * reports the outcome as an attempt. A wire may serve several models, which share its pool of connections.
 *
 * A wire belongs to its loop's thread.
 */
#pragma once

#include "net/loop.h"
#include "models/calls/caller.h"
#include "models/calls/queued_call.h"

struct wire;

struct wire_config {
	struct model_pool pool;
	const struct tls_files *tls;
	size_t request_bytes, reply_bytes;
	void *context;
	/* Reports the outcome of a queued call. What the attempt points to lives until this returns, or in the
	 * arena of the queued call's message. */
	void (*arrived)(void *context, struct queued_call *queued_call, struct attempt *attempt);
};

struct wire *wire_open(struct loop *loop, const struct wire_config *config, struct error *error);
void wire_close(struct wire *wire); /* forgets calls in flight; NULL is fine */

struct wire_call {
	const struct model_address *address;
	struct parameters parameters; /* of the model */
	bool binary;		      /* OIP REST: tensors are binary data */
	int64_t timeout_ms;
};

/* False: the call cannot be sent (LIMIT, SYSTEM). */
bool wire_send(struct wire *wire, struct queued_call *queued_call, const struct wire_call *call, struct error *error);
void wire_withdraw(struct wire *wire, struct queued_call *queued_call);
void wire_discard(struct queued_call *queued_call); /* frees the data that it keeps for the next call */

/* A question about the server or the model, separate from the calls. */
enum wire_question {
	ASK_MODEL_READY,
	ASK_SERVER_METADATA,
	ASK_MODEL_METADATA,
};

/* Whether that protocol has such a question. */
bool wire_can_ask(enum model_protocol protocol, enum wire_question question);

/* Asks a question that wire_can_ask() allows. `answered` is called once, later, with status 200 and the answer's body,
 * or with the failure. False: it cannot be asked (memory, too long a name). */
bool wire_ask(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
	      void (*answered)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth);

/* ---- for caller.h: replaceable transports ---- */

struct wire_operations {
	struct wire *(*open)(void *context, struct loop *loop, const struct wire_config *config, struct error *error);
	void (*close)(struct wire *wire);
	bool (*send)(struct wire *wire, struct queued_call *queued_call, const struct wire_call *call, struct error *error);
	void (*withdraw)(struct wire *wire, struct queued_call *queued_call);
	void (*discard)(struct queued_call *queued_call);
	bool (*ask)(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
		    void (*answered)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth);
};

extern const struct wire_operations wire_usual; /* the functions above */
