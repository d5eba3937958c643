/* wire.h: calls of models on their way over HTTP and gRPC.
 *
 * What dispatch.h decides is carried out here: a queued call's call is written in the
 * protocol of its address, sent, and what comes of it is told as an attempt. A wire may
 * serve several models: what they have in common is its pool of connections.
 *
 * A wire belongs to its loop's thread.
 */
#ifndef SLUICE_SERVING_WIRE_H
#define SLUICE_SERVING_WIRE_H

#include "net/loop.h"
#include "serving/caller.h"
#include "serving/queued_call.h"

struct wire;

struct wire_config {
	struct model_pool pool;
	const struct tls_files *tls;
	size_t request_bytes, reply_bytes;
	void *context;
	/* A queued call that was sent has its end; what the attempt points to lives until this
	 * returns, or in the arena of the queued call's message. */
	void (*arrived)(void *context, struct queued_call *queued_call, struct attempt *attempt);
};

struct wire *wire_open(struct loop *loop, const struct wire_config *config, struct error *error);
void wire_close(struct wire *wire); /* forgets what is under way; NULL is fine */

struct wire_call {
	const struct model_address *address;
	struct parameters parameters; /* of the model */
	bool binary;		      /* OIP REST: tensors go as binary data */
	int64_t timeout_ms;
};

/* False: it cannot be sent (LIMIT, SYSTEM). */
bool wire_send(struct wire *wire, struct queued_call *queued_call, const struct wire_call *call, struct error *error);
void wire_withdraw(struct wire *wire, struct queued_call *queued_call);
void wire_discard(struct queued_call *queued_call); /* what it keeps for the next call */

/* A question about the server or the model, beside the calls. */
enum wire_question {
	ASK_MODEL_READY,
	ASK_SERVER_METADATA,
	ASK_MODEL_METADATA,
};

/* Whether that protocol knows such questions. */
bool wire_can_ask(enum model_protocol protocol, enum wire_question question);

/* `told` comes once, later: with status 200 and the answer's body, or with what went
 * wrong. False: it cannot be asked (memory, too long a name). */
bool wire_ask(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
	      void (*told)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth);

/* ---- for caller.h: what stands for connections ---- */

struct wire_operations {
	struct wire *(*open)(void *context, struct loop *loop, const struct wire_config *config, struct error *error);
	void (*close)(struct wire *wire);
	bool (*send)(struct wire *wire, struct queued_call *queued_call, const struct wire_call *call, struct error *error);
	void (*withdraw)(struct wire *wire, struct queued_call *queued_call);
	void (*discard)(struct queued_call *queued_call);
	bool (*ask)(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
		    void (*told)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth);
};

extern const struct wire_operations wire_usual; /* the functions above */

#endif
