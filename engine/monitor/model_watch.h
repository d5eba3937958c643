/* model_watch.h: Watch of an engine's models: which of them are slow, by the counts of its workers (slow_model.h). Logs
 * when a model becomes slow, and when it no longer is. */
#pragma once

#include "compiler/plan/plan.h"
#include "engine/run/engine.h"

#define SLOW_WORDS_BYTES 256

struct model_watch;

/* In the arena, which also gets an entry for each model. NULL: memory. */
struct model_watch *model_watch_open(const struct engine *engine, const struct log_sink *log, struct arena *arena);

/* To be called about once a second, from the thread of engine_run(). */
void model_watch_look(struct model_watch *watch, int64_t now_ms);

/* Whether a model that the pipeline calls is slow. Then `words` has the one with most calls that wait, as in
 * "model score: 512 ms a call (19 ms before), 8 at a time, 120 wait". */
bool model_watch_slow(const struct model_watch *watch, const struct pipeline_plan *plan, char *words, size_t size);

/* Whether that model is slow, with the same words without its name. */
bool model_watch_is_slow(const struct model_watch *watch, const char *model, char *words, size_t size);
