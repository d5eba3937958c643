/* lag_watch.h: Watch of the lag of an engine's pipelines: reads from Kafka, every LAG_EVERY_MS, how many records their groups have
 * not committed (kafka/consume/group_lag.h).
 *
 * It works in the engine's loop. Kafka may take long to answer, or not answer at all, so it is asked in a task (net/loop_task.h).
 * Readers get the last result.
 */
#pragma once

#include "kafka/consume/group_lag.h"
#include "engine/run/engine.h"

#define LAG_EVERY_MS 5000
#define LAG_FORGOTTEN_MS 30000 /* an older result counts as not known */

struct lag_watch;

/* Borrows the configuration. NULL: `error` has the reason (SYSTEM). */
struct lag_watch *lag_watch_open(const struct engine_config *config, struct loop *loop, struct error *error);
void lag_watch_close(struct lag_watch *watch); /* waits for an outstanding answer of Kafka; NULL is fine */

/* Watches the pipelines of this plan from now on; copies what it needs. False: no memory, and the previous pipelines
 * are still watched. */
bool lag_watch_follow(struct lag_watch *watch, const struct plan *plan);

/* Stages of a pipeline whose lag is read: those that answer, those that do not, and of these the ones that explain. */
enum lag_of { LAG_ANSWERS, LAG_OBSERVES, LAG_EXPLAINS };

/* Reads the last result. False: there is none yet, it is too old, or the pipeline has no such stages. */
bool lag_watch_read(const struct lag_watch *watch, const char *pipeline, enum lag_of of, struct group_lag_state *state);

/* Appends the names of the topics whose records the group takes for the pipeline and commits, separated by spaces. */
void pipeline_reads(const struct pipeline_plan *plan, const char *group, struct buffer *names);
