/* status_publisher.h: tells the status topic each second how an engine's pipelines are, in the
 * engine's own thread; beside the way, so that nothing waits for it.
 */
#ifndef SLUICE_RUNTIME_STATUS_PUBLISHER_H
#define SLUICE_RUNTIME_STATUS_PUBLISHER_H

#include "runtime/engine.h"

struct status_publisher;

/* Before engine_run(), which it lives in. Both are borrowed. */
struct status_publisher *status_publisher_open(struct engine *engine, const struct engine_config *config, struct error *error);
void status_publisher_close(struct status_publisher *status_publisher); /* before the engine; NULL is fine */

#endif
