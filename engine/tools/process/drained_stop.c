/* drained_stop.c: see drained_stop.h. */
#include "tools/process/drained_stop.h"

#define DRAIN_LOOK_MS 50

static void drained_stop_look(void *context)
{
	struct drained_stop *stop = context;
	struct loop *loop = engine_loop(stop->engine);
	struct error error = {0};
	const int64_t now_ms = loop_now_ms(loop);
	const bool is_over = !*stop->gateway || gateway_drain(*stop->gateway, stop->until_ms) || now_ms >= stop->until_ms;
	if (is_over || !loop_timer_set(loop, &stop->timer, now_ms + DRAIN_LOOK_MS, &error))
		engine_stop(stop->engine);
}

void drained_stop_begin(struct drained_stop *stop, struct engine *engine, struct gateway *const *gateway, int64_t most_ms)
{
	stop->engine = engine;
	stop->gateway = gateway;
	stop->until_ms = loop_now_ms(engine_loop(engine)) + most_ms;
	stop->timer = (struct loop_timer){.due = drained_stop_look, .context = stop};
	drained_stop_look(stop);
}
