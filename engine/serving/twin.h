/* twin.h: model servers as the engine meets them, in memory, under one seed: their models
 * are stubs, and they are slow, silent, away, and wrong.
 *
 * It stands where wire.h does, so that all that decides about calls (dispatch.h) runs for
 * real. For the simulator and tests; one thread, with the loop's time.
 */
#ifndef SLUICE_SERVING_TWIN_H
#define SLUICE_SERVING_TWIN_H

#include "base/random.h"
#include "serving/stub.h"
#include "serving/wire.h"

/* What befalls an attempt. */
enum model_mishap {
	MODEL_SLOW,   /* it takes up to seconds */
	MODEL_SILENT, /* no answer comes */
	MODEL_LOST,   /* the connection closes before an answer, which may have been computed */
	MODEL_CUT,    /* in the middle of it */
	MODEL_FAILS,  /* 503 */
	MODEL_LIES,   /* 200, and no reply in it */
	MODEL_AWAY,   /* no connection: counted by attempts, ordered by model_twin.away_until_ms */
	MODEL_MISHAPS
};

extern const char *const model_mishap_names[MODEL_MISHAPS];

struct model_twin {
	const char *name;
	const struct stub *stub;
	int64_t away_until_ms; /* of the loops' time */
};

/* The owner's, borrowed by all wires. */
struct model_twins {
	struct random random;
	unsigned mishaps[MODEL_MISHAPS]; /* of each, in a thousand attempts */
	bool calm;			 /* no more of them */
	size_t count;
	struct model_twin *items;
	uint64_t attempts;
	uint64_t overdue; /* of them begun behind the deadline of their request */
	bool mixes_up;	  /* the rows of a reply change places: for tests */
	uint64_t counts[MODEL_MISHAPS];
};

/* For caller_config: `wire_context` is a struct model_twins. */
extern const struct wire_operations wire_twin;

#endif
