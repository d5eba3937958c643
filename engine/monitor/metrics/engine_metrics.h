/* engine_metrics.h: Metrics of an engine: `/metrics` and the probes of its listener (monitor/metrics/metrics_listener.h).
 *
 * Each scrape computes them in the engine's thread, from counts that the workers write. So a worker that is slow or
 * stuck is visible in the metrics and does not delay them. A pipeline has at most PIPELINE_SERIES_MAX series: the
 * first steps, in the order of the files, have their own, and the others are summed as `other`. The models of a
 * namespace have a part of that limit for each of its pipelines. Alerts and steps `drift` always have their own: only so many
 * of them that nothing is left for steps exceed the limit.
 */
#pragma once

#include "engine/run/engine.h"
#include "monitor/metrics/metrics_listener.h"

struct alert_watch;

#define PIPELINE_SERIES_MAX ((size_t)2000)
#define PIPELINE_MODEL_SERIES ((size_t)500) /* part of each pipeline's series that is for models */
#define PIPELINE_GATEWAY_SERIES ((size_t)36) /* part for the calls of a gateway in the process */
#define PIPELINE_SELDON_SERIES ((size_t)920) /* another part, for Seldon's names where the files ask for them */

/* How many steps of a pipeline have series of their own, `other` included, beside the series of its steps `drift`, of those that
 * keep the importance of features, of its alerts, and of the metrics that it declares; 1 at least. */
size_t pipeline_steps_most(size_t drifts, size_t weighers, size_t mirrors, size_t alerts, size_t metrics, bool has_seldon);

struct engine_metrics;

/* Listens on the engine's loop where it is asked to (`listening->asked`), and logs the address. Pushes the metrics to the
 * Pushgateway that the files name (monitor/metrics/metrics_push.h). Opened before engine_run(); borrows all. `alerts` NULL: there
  * are none (monitor/alerts/alert_watch.h). */
struct engine_metrics *engine_metrics_open(struct engine *engine, const struct engine_config *config,
					   const struct alert_watch *alerts, const struct metrics_config *listening,
					   struct error *error);
void engine_metrics_close(struct engine_metrics *metrics); /* called before the engine is closed; NULL is fine */
