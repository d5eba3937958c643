/* simulated_models.h: Simulated model servers, in memory, from one seed: their models are stubs, and calls are slow,
 * unanswered, refused, or answered wrongly.
 *
 * It replaces wire.h, so that the code that decides about calls (dispatch.h) is the real one. For the simulator
 * and tests. Belongs to one thread, and uses the loop's time.
 */
#pragma once

#include "base/number/random.h"
#include "models/server/stub.h"
#include "models/calls/wire.h"

/* Faults of an attempt. */
enum model_mishap {
	MODEL_SLOW,   /* the reply takes up to seconds */
	MODEL_SILENT, /* no reply comes */
	MODEL_LOST,   /* the connection closes before a reply, which may have been computed */
	MODEL_CUT,    /* the connection closes in the middle of the reply */
	MODEL_FAILS,  /* 503 */
	MODEL_LIES,   /* status 200, with an invalid reply */
	MODEL_AWAY,   /* no connection: counted by attempts, caused by the model's times */
	MODEL_MISHAPS
};

extern const char *const model_mishap_names[MODEL_MISHAPS];

struct simulated_model {
	const char *name;
	const struct stub *stub;
	int64_t away_until_ms; /* in the loops' time */
	int64_t gone_ms;       /* likewise: from then on its address is dead; 0: never */
};

/* Owned by the caller, borrowed by all wires. */
struct simulated_models {
	struct random random;
	unsigned mishaps[MODEL_MISHAPS]; /* of each kind, per thousand attempts */
	bool calm;			 /* no more faults */
	size_t count;
	struct simulated_model *items;
	uint64_t attempts;
	uint64_t overdue; /* attempts begun after the deadline of their request */
	bool mixes_up;	  /* rows of a reply are swapped: for tests */
	uint64_t counts[MODEL_MISHAPS];
};

/* For caller_config: `wire_context` is a struct simulated_models. */
extern const struct wire_operations simulated_wire;
