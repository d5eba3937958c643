/* lag_watch.h: Watch of the lag of an engine's pipelines: a thread that asks Kafka every LAG_EVERY_MS what their groups
 * have not committed (log/backlog.h).
 *
 * Kafka may take long to answer, or not answer at all. So only the thread waits for it; readers get what it found
 * last. */
#ifndef SLUICE_RUNTIME_LAG_WATCH_H
#define SLUICE_RUNTIME_LAG_WATCH_H

#include "log/backlog.h"
#include "runtime/engine.h"

#define LAG_EVERY_MS 5000
#define LAG_FORGOTTEN_MS 30000 /* what is older is not known any more */

struct lag_watch;

/* Borrows the configuration. NULL: `error` has the reason (SYSTEM). */
struct lag_watch *lag_watch_open(const struct engine_config *config, struct error *error);
void lag_watch_close(struct lag_watch *watch); /* waits for an answer that is outstanding; NULL is fine */

/* Watches the pipelines of this plan from now on, which is copied. False: no memory; the former ones stay. */
bool lag_watch_follow(struct lag_watch *watch, const struct plan *plan);

/* False: not known yet, or not any more. */
bool lag_watch_read(struct lag_watch *watch, const char *pipeline, struct backlog_state *state);

/* Appends the topics from which the pipeline takes records that it commits, with a space between. */
void pipeline_reads(const struct pipeline_plan *plan, struct buffer *names);

#endif
