/* status_publisher.h: Publisher of the status records of an engine's pipelines, one per second, in the engine's
 * thread. It writes best effort, so that nothing waits for it. */
#ifndef SLUICE_MONITOR_METRICS_STATUS_PUBLISHER_H
#define SLUICE_MONITOR_METRICS_STATUS_PUBLISHER_H

#include "engine/run/engine.h"

struct model_watch;
struct status_publisher;

/* Opened before engine_run(), in whose loop it works. Borrows both. */
struct status_publisher *status_publisher_open(struct engine *engine, const struct engine_config *config, struct error *error);
void status_publisher_close(struct status_publisher *status_publisher); /* called before the engine is closed; NULL is fine */

/* Writes a record of another form to the status topic of the pipeline's namespace, best effort. False: it is lost. From that
 * thread. */
struct pipeline_plan;
bool status_publisher_post(struct status_publisher *status_publisher, const struct pipeline_plan *plan, struct text key,
			   struct text value);

/* The watch whose receivers of alerts it reports from now on; NULL: none, as before that is closed. From that thread. */
struct alert_watch;
void status_publisher_set_alerts(struct status_publisher *status_publisher, struct alert_watch *alerts);

/* Whether the last reload was rejected, since which the files are others than those that run; also in that thread. */
void status_publisher_note_reload(struct status_publisher *status_publisher, bool rejected);

/* Its watch of models, which looks once a second, for others in that thread. Until the publisher is closed. */
const struct model_watch *status_publisher_models(const struct status_publisher *status_publisher);

#endif
