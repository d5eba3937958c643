/* server_metrics.c: see server_metrics.h. */
#include "gateway/server_metrics.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/number/duration.h"

static void gateway_clients_write(const struct gateway *gateway, struct exposition *exposition)
{
	static const struct text names[] = {{"consumer", 8}, {"producer", 8}};
	struct metric_subject counted[2], states[2];
	struct client_counts counts[2];
	struct client_state state[2];
	for (size_t i = 0; i < 2; i++) {
		counts[i] = gateway_client_counts(gateway, i == 1);
		state[i] = client_state_of(&counts[i]);
		counted[i] = (struct metric_subject){{names[i]}, &counts[i]};
		states[i] = (struct metric_subject){{names[i]}, &state[i]};
	}
	exposition_write(exposition, SCOPE_GATEWAY_CLIENT, counted, 2);
	exposition_write(exposition, SCOPE_GATEWAY_CLIENT_NOW, states, 2);
}

static void gateway_access_write(const struct gateway *gateway, struct exposition *exposition)
{
	const struct access_counts seen = gateway_access_counts(gateway);
	const struct gateway_keys keys = {.age_seconds = seen.key_set_age_ms < 0 ? NAN : (double)seen.key_set_age_ms / MS_PER_S,
					  .failed = seen.key_fetches_failed};
	const struct gateway_reloads certificate = {gateway_tls_failures(gateway)}, policies = {seen.policies_failed},
				     api_keys = {seen.api_keys_failed};
	const struct metric_subject reloads[] = {
		{{TEXT("certificate")}, &certificate}, {{TEXT("policies")}, &policies}, {{TEXT("api-keys")}, &api_keys}};
	exposition_write(exposition, SCOPE_GATEWAY_KEYS, &(struct metric_subject){.values = &keys}, seen.has_key_set);
	exposition_write(exposition, SCOPE_GATEWAY_RELOAD, reloads, sizeof reloads / sizeof *reloads);
}

void gateway_metrics_write(struct gateway *gateway, struct exposition *exposition)
{
	if (!gateway)
		return;
	const struct calls_counts seen = gateway_counts(gateway);
	const struct connection_counts connections = gateway_connection_counts(gateway);
	const struct gateway_calls counts = {.begun = seen.begun,
					     .answered = seen.answered,
					     .failed = seen.failed,
					     .filtered = seen.filtered,
					     .accepted = seen.accepted,
					     .timed_out = seen.timed_out,
					     .left = seen.left,
					     .open = seen.open,
					     .strayed = seen.foreign + seen.strayed,
					     .dropped_traces = seen.dropped_traces,
					     .connections = connections.accepted,
					     .refused = connections.refused,
					     .peer_refused = connections.peer_refused,
					     .rejected = connections.rejected,
					     .flooded = connections.flooded};
	exposition_write(exposition, SCOPE_GATEWAY, &(struct metric_subject){.values = &counts}, 1);
	gateway_access_write(gateway, exposition);
	gateway_write_pipelines(gateway, exposition);
	gateway_clients_write(gateway, exposition);
}

static void gateway_write(void *context, struct exposition *exposition)
{
	gateway_metrics_write(context, exposition);
}

static const char *gateway_why_unready(void *context)
{
	return gateway_unready(context);
}

void served_metrics_write(const struct model_server *server, struct exposition *exposition)
{
	struct arena *arena = arena_open(METRICS_BYTES_MAX);
	size_t count = 0;
	for (const struct catalog_model *model = model_server_first(server); model; model = model->next)
		count++;
	struct metric_subject *subjects = arena ? ARENA_ARRAY(arena, struct metric_subject, count + 1) : NULL;
	count = 0;
	for (const struct catalog_model *model = model_server_first(server); subjects && model; model = model->next)
		subjects[count++] = (struct metric_subject){{text_of(model->name)}, &model->counts};
	if (subjects)
		count = metric_subjects_fold(subjects, count, SERVED_SERIES_MAX / metric_series_count(SCOPE_SERVED), SCOPE_SERVED,
					     COUNT_WORDS(struct served_counts), arena);
	exposition_write(exposition, SCOPE_SERVED, subjects, count);
	exposition->out->failed = exposition->out->failed || !arena || arena_failed(arena);
	arena_close(arena);
}

static void models_write(void *context, struct exposition *exposition)
{
	served_metrics_write(context, exposition);
}

static struct metrics_listener *listener_open(const struct metrics_config *config, struct loop *loop,
					      const struct metrics_owner *owner, struct error *error)
{
	char url[METRICS_URL_BYTES_MAX];
	struct metrics_listener *listener = metrics_listener_open(loop, config, owner, error);
	if (listener)
		workspace_note(config->workspace, "metrics are at %s", metrics_listener_url(listener, url));
	return listener;
}

struct metrics_listener *gateway_metrics_open(const struct metrics_config *config, struct loop *loop, struct gateway *gateway,
					      struct error *error)
{
	const struct metrics_owner owner = {gateway_write, gateway_why_unready, gateway, NULL};
	return listener_open(config, loop, &owner, error);
}

struct metrics_listener *model_metrics_open(const struct metrics_config *config, struct loop *loop, struct model_server *server,
					    struct error *error)
{
	const struct metrics_owner owner = {models_write, NULL, server, NULL};
	return listener_open(config, loop, &owner, error);
}

static void on_push_reported(void *context, const char *reason)
{
	if (reason)
		workspace_warn(context, "metrics cannot be pushed to %s", reason);
	else
		workspace_note(context, "metrics are pushed again");
}

struct metrics_push *gateway_push_open(const struct workspace *workspace, struct loop *loop, struct gateway *gateway,
				       const char *address, struct error *error)
{
	const int port = gateway_http_port(gateway);
	char host[HOST_NAME_MAX + 1] = "gateway", instance[HOST_NAME_MAX + sizeof ":65535"];
	(void)gethostname(host, sizeof host);
	host[HOST_NAME_MAX] = '\0';
	(void)snprintf(instance, sizeof instance, "%s:%d", host, port > 0 ? port : gateway_grpc_port(gateway));
	const struct metrics_push_config config = {.address = address,
						   .instance = instance,
						   .owner = {gateway_write, NULL, gateway, NULL},
						   .reported = on_push_reported,
						   .context = (void *)workspace};
	return metrics_push_open(loop, &config, error);
}
