/* status_watch.h: Says in the feed of a namespace that somebody watches its pipelines: its engines then report on all of them each
 * second (runtime/status_turns.h). For `sluice top`.
 *
 * Engines without a control plane do so anyway, and have no feed. Without the right to write to the feed, what is shown of a
 * pipeline is up to STATUS_QUIET_MS old.
 */
#ifndef SLUICE_CLIENT_STATUS_WATCH_H
#define SLUICE_CLIENT_STATUS_WATCH_H

#include "base/arena.h"
#include "log/kafka_access.h"

struct status_watch;

/* NULL: there is no feed, or it cannot be written to. Borrows `kafka`. */
struct status_watch *status_watch_open(const struct kafka *kafka, const char *prefix, const char *namespace, struct arena *arena);
void status_watch_close(struct status_watch *watch); /* NULL is fine */

/* Says it, if it is time to say it again. NULL is fine. */
void status_watch_say(struct status_watch *watch);

#endif
