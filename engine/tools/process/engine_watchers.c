/* engine_watchers.c: see engine_watchers.h. */
#include "tools/process/engine_watchers.h"

bool engine_watchers_prepare(struct engine_watchers *watchers, struct engine_config *config, struct error *error)
{
	config->cancels = watchers->cancels = cancel_board_open();
	if (!watchers->cancels)
		return error_memory(error, ERROR_SYSTEM, "preparing an engine");
	config->direct = watchers->direct = direct_hub_open(error);
	return watchers->direct;
}

bool engine_watchers_open(struct engine_watchers *watchers, struct engine *engine, const struct engine_config *config,
			  const struct notifier_settings *notices, const struct metrics_config *metrics, struct error *error)
{
	watchers->status = status_publisher_open(engine, config, error);
	if (watchers->status)
		watchers->alerts =
			alert_watch_open(engine, config, notices, status_publisher_models(watchers->status), error);
	if (!watchers->alerts)
		return false;
	status_publisher_set_alerts(watchers->status, watchers->alerts);
	if (!metrics->asked->address && !runtime_pushgateway(engine_revision(engine)->runtime))
		return true;
	watchers->metrics = engine_metrics_open(engine, config, watchers->alerts, metrics, error);
	return watchers->metrics;
}

bool engine_watchers_read_cancels(struct engine_watchers *watchers, struct engine *engine, const struct engine_config *config,
				  const char *topic, struct error *error)
{
	const struct cancel_relay_config cancels = {.brokers = config->brokers,
						    .topic = topic,
						    .consumer = config->consumer,
						    .log = config->log,
						    .board = watchers->cancels};
	if (topic)
		watchers->cancel_relay = cancel_relay_open(&cancels, engine_loop(engine), error);
	return watchers->cancel_relay || !topic;
}

void engine_watchers_stop(struct engine_watchers *watchers)
{
	cancel_relay_close(watchers->cancel_relay);
	engine_metrics_close(watchers->metrics);
	if (watchers->status)
		status_publisher_set_alerts(watchers->status, NULL);
	alert_watch_close(watchers->alerts);
	status_publisher_close(watchers->status);
	watchers->cancel_relay = NULL;
	watchers->metrics = NULL;
	watchers->alerts = NULL;
	watchers->status = NULL;
}

void engine_watchers_close(struct engine_watchers *watchers)
{
	engine_watchers_stop(watchers);
	direct_hub_close(watchers->direct);
	cancel_board_close(watchers->cancels);
	*watchers = (struct engine_watchers){0};
}
