/* drained_stop.h: Stop of an engine whose process has a gateway: the gateway is drained first, because the engine answers its open
 * calls. Belongs to the thread of the engine's loop.
 */
#pragma once

#include "gateway/gateway.h"
#include "engine/run/engine.h"

struct drained_stop { /* starts as `{0}` */
	struct engine *engine;
	struct gateway *const *gateway;
	int64_t until_ms;
	struct loop_timer timer;
};

/* Stops the engine when no connection to the gateway is left, at the latest after that time. Borrows both until then: `gateway` is
 * where the owner has it, NULL if there is none, as it may be replaced meanwhile. */
void drained_stop_begin(struct drained_stop *stop, struct engine *engine, struct gateway *const *gateway, int64_t most_ms);
