/* engine_watchers.h: Status, alerts and metrics of an engine's process, its hub of direct requests, and the cancellations of
 * requests. The same under `sluice run` and `sluice dev`.
 *
 * Prepared before the engine is opened, opened on its loop, stopped before it is closed, and closed after it.
 */
#pragma once

#include "monitor/alerts/alert_watch.h"
#include "engine/run/cancel_relay.h"
#include "engine/run/engine.h"
#include "monitor/metrics/engine_metrics.h"
#include "monitor/metrics/status_publisher.h"
#include "engine/worker/direct_hub.h"

struct engine_watchers { /* starts as {0} */
	struct direct_hub *direct; /* between the engine and a gateway */
	struct cancel_board *cancels;
	struct cancel_relay *cancel_relay;
	struct status_publisher *status;
	struct alert_watch *alerts;
	struct engine_metrics *metrics; /* NULL: nobody asked for them */
};

/* Opens the hub and the board, and sets them in the configuration. */
bool engine_watchers_prepare(struct engine_watchers *watchers, struct engine_config *config, struct error *error);

/* Publishes status, watches alerts, and serves metrics where that is asked for, or pushes them where the files name a Pushgateway.
 * The configurations and the settings of notices are borrowed until engine_watchers_stop(). */
bool engine_watchers_open(struct engine_watchers *watchers, struct engine *engine, const struct engine_config *config,
			  const struct notifier_settings *notices, const struct metrics_config *metrics, struct error *error);

/* Reads cancellations from the topic; NULL: there is none. */
bool engine_watchers_read_cancels(struct engine_watchers *watchers, struct engine *engine, const struct engine_config *config,
				  const char *topic, struct error *error);

void engine_watchers_stop(struct engine_watchers *watchers);
void engine_watchers_close(struct engine_watchers *watchers);
