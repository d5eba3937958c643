/* process_gateway.c: Gateway inside `sluice run`, on the engine's loop. */
#include "base/url.h"
#include "gateway/server_metrics.h"
#include "tools/process/process_parts.h"
#include "tools/process/service_ports.h"
#include "engine/setup/process_memory.h"

void process_gateway_choose(struct engine_process *running, const struct revision *revision)
{
	const struct run_asked *self = running->asked;
	const struct service_ports ports = service_ports_choose(self->http_port > 0 ? self->http_port : -1,
								self->grpc_port > 0 ? self->grpc_port : -1, revision->runtime);
	running->http_port = ports.http;
	running->grpc_port = ports.grpc;
}

bool process_gateway_is_wanted(const struct engine_process *running)
{
	return running->http_port > 0 || running->grpc_port > 0;
}

void process_gateway_share(struct engine_process *running)
{
	const size_t all = running->memory_bytes;
	running->engine.memory_bytes = process_gateway_is_wanted(running) ? all - memory_of_gateway(all) : all;
}

bool process_gateway_begin(struct engine_process *running, const struct revision *revision, struct error *error)
{
	const struct run_asked *self = running->asked;
	process_gateway_choose(running, revision);
	process_gateway_share(running);
	return !process_gateway_is_wanted(running) ||
	       (gateway_asked_check(&self->gateway, error) &&
		gateway_service_begin(&running->gateway, running->workspace, &self->gateway, revision, error));
}

bool process_gateway_check(const struct engine_process *running, const struct revision *revision, struct error *error)
{
	const struct gateway_service service = {.workspace = running->workspace,
						.asked = &running->asked->gateway};
	return !process_gateway_is_wanted(running) || gateway_service_check(&service, revision, error);
}

static void gateway_announce(const struct engine_process *running)
{
	const struct listening_asked *listening = &running->asked->gateway.listening;
	const struct log_sink *log = running->engine.log;
	if (running->http_port)
		log_say(log, LOG_LEVEL_INFO, NULL, "pipelines are served at http%s://" URL_HOST_FORMAT ":%d",
			listening->files.certificate ? "s" : "", URL_HOST_ARGUMENTS(listening->host),
			gateway_http_port(running->gateway.gateway));
	if (running->grpc_port)
		log_say(log, LOG_LEVEL_INFO, NULL, "pipelines are served by gRPC%s at " URL_HOST_FORMAT ":%d",
			listening->files.certificate ? " with TLS" : "", URL_HOST_ARGUMENTS(listening->host),
			gateway_grpc_port(running->gateway.gateway));
}

bool process_gateway_start(struct engine_process *running, struct engine *engine, struct error *error)
{
	const struct engine_config *config = &running->engine;
	const bool creates = running->asked->topics == TOPICS_CREATE && engine_revision(engine)->plan.count > 0;
	if (creates && process_gateway_is_wanted(running))
		gateway_own_topics(engine_revision(engine), running->topic_settings, running->own_topics);
	const struct gateway_config ports = {.serves_http = running->http_port > 0,
					     .http_port = running->http_port,
					     .serves_grpc = running->grpc_port > 0,
					     .grpc_port = running->grpc_port,
					     .brokers = config->brokers,
					     .consumer = config->consumer,
					     .producer = config->producer,
					     .direct = running->watchers.direct,
					     .own_topics = creates ? running->own_topics : NULL,
					     .memory_bytes = memory_of_gateway(running->memory_bytes),
					     .log = running->engine.log};
	if (!process_gateway_is_wanted(running))
		return true;
	if (!gateway_service_open(&running->gateway, engine_loop(engine), &ports, &engine_revision(engine)->plan, error))
		return false;
	gateway_announce(running);
	return true;
}

/* A plan that is gone cannot be served: without a gateway the engine still runs. */
void process_gateway_reread(struct engine_process *running, bool is_reloaded)
{
	struct error error = {0};
	if (!running->gateway.gateway)
		return;
	(void)gateway_service_reread(&running->gateway);
	if (!is_reloaded || gateway_service_follow(&running->gateway, engine_revision(running->live), &error))
		return;
	gateway_service_close(&running->gateway);
	workspace_failed(running->workspace, &error);
	log_say(running->engine.log, LOG_LEVEL_ERROR, NULL, "the gateway has stopped: it cannot serve the new files. Restart the "
							    "engine to have one again.");
}

void process_gateway_stop(void *context, struct engine *engine)
{
	struct engine_process *running = context;
	running->live = engine;
	drained_stop_begin(&running->stop, engine, &running->gateway.gateway,
			   running->gateway.config.lame_duck_ms + running->engine.drain_ms);
}

void process_gateway_metrics(void *context, struct exposition *exposition)
{
	const struct engine_process *running = context;
	gateway_metrics_write(running->gateway.gateway, exposition);
}
