/* gateway.c: see gateway.h. */
#include "gateway/gateway.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "gateway/access/access_settings.h"
#include "gateway/calls/answer_watches.h"
#include "gateway/gateway_readiness.h"
#include "gateway/grpc_front.h"
#include "gateway/calls/idempotent_calls.h"
#include "gateway/calls/polls.h"
#include "gateway/calls/request_limits.h"
#include "gateway/rest.h"
#include "kafka/kafka_wait.h"
#include "net/host_names.h"
#include "engine/setup/process_memory.h"

#define CONNECTIONS 16384
#define CLAIMS_MS 3000			 /* then it starts, and is not ready until it has read them */
#define KAFKA_MS 3000			 /* for the answers of Kafka to all that it asks when it opens; then it is not ready yet */
/* Parts of the gateway's memory, in percent: bodies of requests in flight, with their answers; those of one peer, which may be a
 * proxy; records that wait for Kafka. The rest is for replies that wait, for what polls read, and for connections. */
#define BODIES_PERCENT 60
#define PEER_PERCENT 45
#define RECORDS_PERCENT 25
#define SETTINGS_BYTES ((size_t)64 << 10)
#define ANSWER_BYTES_MAX ((size_t)16 << 20) /* of answers that the gateway writes itself: metadata and errors */
#define REQUEST_ARENA_BYTES ((size_t)16 << 20)
#define TARGETS_ARENA_BYTES ((size_t)64 << 20)
#define PRODUCER_RECORD_BYTES ((size_t)1000000000) /* librdkafka's most: each topic has its own limit, which a reload may raise */

struct gateway {
	struct gateway_config config;
	struct arena *arena; /* of the targets */
	struct arena *settings; /* of its consumers */
	struct properties poll_consumer;
	struct gateway_targets targets;
	struct request_limits limits;
	struct body_budget bodies;
	size_t body_bytes; /* the largest that a topic takes; 0: none is known */
	struct host_names hosts;
	bool is_beyond_hosts; /* it needs no names, whatever the access settings are */
	struct rest rest;
	struct http_server *server; /* NULL: it does not serve HTTP */
	struct grpc_front *grpc; /* NULL: it does not serve gRPC */
	uint64_t tls_failures;	 /* certificates that could not be loaded again */
	struct access_counts former_access; /* failures under access settings that others have replaced */
	int64_t accepts_until_ms;	  /* while it leaves */
	bool has_stopped_calls;		  /* those that were open when its time was over */
	char unready[ERROR_TEXT_MAX]; /* gateway_unready() */
};

/* ---- opening and closing ---- */

/* One port may serve both protocols. Then the gRPC server listens, and passes to the HTTP server what is none of its calls. */
static bool is_shared(const struct gateway_config *config)
{
	return config->serves_http && config->serves_grpc && config->http_port > 0 && config->http_port == config->grpc_port;
}

static bool grpc_set_up(struct gateway *gateway, struct loop *loop, size_t body_bytes, struct error *error)
{
	const struct grpc_front_config config = {.gateway = &gateway->config,
						 .targets = &gateway->targets,
						 .calls = gateway->rest.calls,
						 .keyed = gateway->rest.keyed,
						 .access = &gateway->rest.access,
						 .bodies = &gateway->bodies,
						 .http = is_shared(&gateway->config) ? gateway->server : NULL,
						 .message_bytes = body_bytes,
						 .connections = CONNECTIONS,
						 .peer_connections = gateway->config.peer_connections};
	gateway->grpc = grpc_front_open(loop, &config, error);
	return gateway->grpc != NULL;
}

static bool search_begin(void *searcher, const struct poll_request *request)
{
	return polls_begin(searcher, request) == POLL_STARTED;
}

static void bodies_limit(void *context)
{
	struct gateway *gateway = context;
	const size_t most = request_limits_most(&gateway->limits), before = gateway->body_bytes;
	gateway->body_bytes = most;
	if (most == 0) /* no pipeline is left: who asks for one is told so */
		return;
	if (most > gateway->bodies.peer_limit_bytes && most != before)
		log_say(gateway->config.log, LOG_LEVEL_WARN, NULL,
			"a topic takes requests of %zu KiB, and the bodies of one peer may have %zu KiB in all: larger requests "
			"are answered with 503; raise --memory",
			most >> 10, gateway->bodies.peer_limit_bytes >> 10);
	if (gateway->server)
		http_server_limit_bodies(gateway->server, most);
	if (gateway->grpc)
		grpc_front_limit_messages(gateway->grpc, most);
}

static void gateway_on_limits(void *context)
{
	const struct gateway *gateway = context;
	bodies_limit(context);
	calls_limits_take(gateway->rest.calls);
}

static bool limits_ask(void *context)
{
	return request_limits_renew(&((struct gateway *)context)->limits);
}

/* Divides its memory. False: memory ran out. */
static bool gateway_divide(struct gateway *gateway)
{
	struct gateway_config *config = &gateway->config;
	config->memory_bytes = config->memory_bytes ? config->memory_bytes : MEMORY_USUAL_BYTES;
	if (config->peer_connections == 0)
		config->peer_connections = GATEWAY_PEER_CONNECTIONS;
	gateway->bodies.limit_bytes = config->memory_bytes / 100 * BODIES_PERCENT;
	gateway->bodies.peer_limit_bytes = config->memory_bytes / 100 * PEER_PERCENT;
	gateway->settings = arena_open(SETTINGS_BYTES);
	if (!gateway->settings)
		return false;
	gateway->poll_consumer =
		memory_gateway_consumer(config->memory_bytes, POLLS_AT_ONCE, config->consumer, gateway->settings);
	config->consumer = memory_gateway_consumer(config->memory_bytes, 1, config->consumer, gateway->settings);
	return gateway->poll_consumer.items && config->consumer.items;
}

static bool gateway_set_up(struct gateway *gateway, struct loop *loop, const struct plan *plan, struct error *error)
{
	const struct gateway_config *config = &gateway->config;
	struct rest *rest = &gateway->rest;
	gateway->arena = arena_open(TARGETS_ARENA_BYTES);
	rest->arena = arena_open(REQUEST_ARENA_BYTES);
	if (!gateway->arena || !rest->arena || !gateway_divide(gateway))
		return error_memory(error, ERROR_SYSTEM, "opening a gateway");
	gateway->limits = (struct request_limits){
		.loop = loop, .config = config, .targets = &gateway->targets, .changed = gateway_on_limits, .context = gateway};
	if (!gateway_targets_make(plan, NULL, gateway->arena, &gateway->targets, error))
		return false;
	const struct calls_config calls = {.brokers = config->brokers,
					   .consumer = config->consumer,
					   .producer = config->producer,
					   .message_bytes = PRODUCER_RECORD_BYTES,
					   .queue_bytes = config->memory_bytes / 100 * RECORDS_PERCENT,
					   .direct = config->direct,
					   .own_topics = config->own_topics,
					   .limits_ask = limits_ask,
					   .context = gateway};
	const struct http_server_config http = {.host = config->host,
						.port = config->http_port,
						.adopts = is_shared(config),
						.files = is_shared(config) ? NULL : config->files,
						.bodies = &gateway->bodies,
						.hosts = &gateway->hosts,
						.gzips = true,
						.connections = CONNECTIONS,
						.peer_connections = config->peer_connections,
						.log = config->log,
						.remedy = "send less at a time, or raise the topic's max.message.bytes",
						.admits = rest_admits,
						.refused = rest_server_refused,
						.called = rest_called_admitted,
						.context = rest};
	gateway->hosts = host_names_of(config->host, config->hosts);
	gateway->is_beyond_hosts = gateway->hosts.any || config->files;
	rest->config = config;
	rest->targets = &gateway->targets;
	rest->loop = loop;
	/* It listens before Kafka is asked: who connects meanwhile waits for the loop. */
	if (!gateway_protect(gateway, config->access, error) ||
	    (config->serves_http && !(gateway->server = http_server_open(loop, &http, error))) ||
	    !request_limits_open(&gateway->limits, error))
		return false;
	const size_t body_bytes = request_limits_most(&gateway->limits);
	bodies_limit(gateway);
	rest->calls = calls_open(loop, &calls, &gateway->targets, error);
	const struct polls_config polls = {.brokers = config->brokers, .consumer = gateway->poll_consumer};
	rest->polls = rest->calls ? polls_open(loop, &polls, error) : NULL;
	const struct keyed_config keyed = {.brokers = config->brokers,
					   .consumer = config->consumer,
					   .producer = config->producer,
					   .calls = rest->calls,
					   .polls = rest->polls};
	const struct answer_watches_config watches = {.search = search_begin, .searcher = rest->polls};
	rest->watches = rest->polls ? answer_watches_open(loop, &watches, error) : NULL;
	rest->keyed = rest->watches ? keyed_calls_open(loop, &keyed, &gateway->targets, error) : NULL;
	if (rest->keyed)
		keyed_calls_catch_up(rest->keyed, clock_ms() + CLAIMS_MS);
	return rest->keyed && (!config->serves_grpc || grpc_set_up(gateway, loop, body_bytes, error));
}

struct gateway *gateway_open(struct loop *loop, const struct gateway_config *config, const struct plan *plan, struct error *error)
{
	assert(loop && plan);
	struct gateway *gateway = memory_take(1, sizeof *gateway);
	if (!gateway)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gateway"));
	gateway->config = *config;
	buffer_open(&gateway->rest.body, ANSWER_BYTES_MAX);
	struct kafka_wait wait = {.until_ms = clock_ms() + KAFKA_MS};
	kafka_wait_bound(&wait);
	const bool good = gateway_set_up(gateway, loop, plan, error);
	kafka_wait_bound(NULL);
	if (good) {
		bodies_limit(gateway);
		return gateway;
	}
	gateway_close(gateway);
	return NULL;
}

void gateway_close(struct gateway *gateway)
{
	if (!gateway)
		return;
	request_limits_close(&gateway->limits);
	keyed_calls_close(gateway->rest.keyed);
	calls_close(gateway->rest.calls);
	answer_watches_close(gateway->rest.watches);
	polls_close(gateway->rest.polls);
	http_server_close(gateway->server);
	grpc_front_close(gateway->grpc);
	access_close(gateway->rest.access);
	buffer_close(&gateway->rest.body);
	arena_close(gateway->rest.arena);
	arena_close(gateway->arena);
	arena_close(gateway->settings);
	memory_give(gateway);
}

int gateway_http_port(const struct gateway *gateway)
{
	if (is_shared(&gateway->config))
		return gateway_grpc_port(gateway);
	return gateway->server ? http_server_port(gateway->server) : 0;
}

int gateway_grpc_port(const struct gateway *gateway)
{
	return gateway->grpc ? grpc_front_port(gateway->grpc) : 0;
}

bool gateway_follow(struct gateway *gateway, const struct plan *plan, struct error *error)
{
	struct gateway_targets targets;
	struct arena *arena = arena_open(TARGETS_ARENA_BYTES);
	if (!arena)
		return error_memory(error, ERROR_SYSTEM, "following the files");
	bool good = gateway_targets_make(plan, &gateway->targets, arena, &targets, error);
	if (good)
		request_limits_keep(&gateway->limits, &gateway->targets, &targets);
	good = good && calls_follow(gateway->rest.calls, &targets, error);
	if (good) {
		keyed_calls_follow(gateway->rest.keyed);
		gateway->targets = targets;
		gateway->rest.revision++;
		bodies_limit(gateway);
		(void)request_limits_renew(&gateway->limits);
	}
	arena_close(good ? gateway->arena : arena);
	if (good)
		gateway->arena = arena;
	return good;
}

bool gateway_reload_tls(struct gateway *gateway, struct error *error)
{
	const bool is_loaded = (!gateway->server || is_shared(&gateway->config) ||
				http_server_reload(gateway->server, gateway->config.files, error)) &&
			       (!gateway->grpc || grpc_front_reload(gateway->grpc, error));
	gateway->tls_failures += !is_loaded;
	return is_loaded;
}

static void access_failures_add(struct access_counts *sum, const struct access_counts *more)
{
	sum->key_fetches_failed += more->key_fetches_failed;
	sum->api_keys_failed += more->api_keys_failed;
	sum->policies_failed += more->policies_failed;
}

bool gateway_protect(struct gateway *gateway, const struct access_settings *settings, struct error *error)
{
	struct access *access = settings ? access_open(gateway->rest.loop, settings, error) : NULL;
	if (settings && !access)
		return false;
	const struct access_counts former = access_counts(gateway->rest.access);
	access_failures_add(&gateway->former_access, &former);
	access_close(gateway->rest.access);
	gateway->rest.access = access;
	gateway->hosts.any = gateway->is_beyond_hosts || (settings && access_settings_ask(settings));
	gateway->rest.revision++;
	return true;
}

bool gateway_reread_access(struct gateway *gateway, struct error *error)
{
	return !gateway->rest.access || access_reread(gateway->rest.access, error);
}

const struct access_policy *gateway_policies(const struct gateway *gateway)
{
	return gateway->rest.access ? access_policies(gateway->rest.access) : NULL;
}

static void gateway_leave(struct gateway *gateway)
{
	gateway->rest.leaving = true;
	gateway->accepts_until_ms = loop_now_ms(gateway->rest.loop) + gateway->config.lame_duck_ms;
	if (gateway->server)
		http_server_leave(gateway->server);
	if (gateway->grpc)
		grpc_front_leave(gateway->grpc);
}

/* Whether the time that is left is for the last answers alone. */
static bool last_time_has_begun(const struct gateway *gateway, int64_t until_ms)
{
	const int64_t quarter_ms = (until_ms - gateway->accepts_until_ms) / 4;
	return loop_now_ms(gateway->rest.loop) >= until_ms - (quarter_ms < GATEWAY_LAST_MS ? quarter_ms : GATEWAY_LAST_MS);
}

static void open_calls_stop(struct gateway *gateway)
{
	size_t count = calls_stop(gateway->rest.calls);
	count += keyed_calls_stop(gateway->rest.keyed);
	gateway->has_stopped_calls = true;
	if (count > 0 && gateway->config.log)
		log_say(gateway->config.log, LOG_LEVEL_WARN, NULL,
			"the gateway stops: %zu call%s without an answer in the time of --drain got 503", count,
			count == 1 ? "" : "s");
}

bool gateway_drain(struct gateway *gateway, int64_t until_ms)
{
	if (!gateway->rest.leaving)
		gateway_leave(gateway);
	if (loop_now_ms(gateway->rest.loop) < gateway->accepts_until_ms)
		return false;
	gateway->rest.draining = true;
	answer_watches_drain(gateway->rest.watches);
	polls_drain(gateway->rest.polls);
	if (!gateway->has_stopped_calls && last_time_has_begun(gateway, until_ms))
		open_calls_stop(gateway);
	bool without_http = !gateway->server || http_server_drain(gateway->server);
	bool without_grpc = !gateway->grpc || grpc_front_drain(gateway->grpc);
	return without_http && without_grpc;
}

bool gateway_is_well(const struct gateway *gateway, struct error *error)
{
	return calls_are_well(gateway->rest.calls, error) && keyed_calls_are_well(gateway->rest.keyed, error);
}

unsigned gateway_silent_s(const struct gateway *gateway)
{
	return calls_silent_s(gateway->rest.calls);
}

const char *gateway_unready(struct gateway *gateway)
{
	const struct rest *rest = &gateway->rest;
	const struct gateway_readiness readiness = {rest->config,  rest->targets, rest->calls,
						    rest->leaving, rest->access,  rest->keyed};
	struct error error = {0};
	if (gateway_is_well(gateway, &error) && gateway_readiness_find(&readiness, NULL, &error))
		return NULL;
	(void)snprintf(gateway->unready, sizeof gateway->unready, "%s", error.text);
	return gateway->unready;
}

struct calls_counts gateway_counts(const struct gateway *gateway)
{
	return calls_counts(gateway->rest.calls);
}

struct client_counts gateway_client_counts(const struct gateway *gateway, bool of_producer)
{
	return calls_client_counts(gateway->rest.calls, of_producer);
}

struct access_counts gateway_access_counts(const struct gateway *gateway)
{
	struct access_counts counts = access_counts(gateway->rest.access);
	access_failures_add(&counts, &gateway->former_access);
	return counts;
}

uint64_t gateway_tls_failures(const struct gateway *gateway)
{
	return gateway->tls_failures;
}

struct connection_counts gateway_connection_counts(const struct gateway *gateway)
{
	const struct connection_counts none = {0};
	const struct connection_counts http = gateway->server ? http_server_counts(gateway->server) : none;
	const struct connection_counts grpc = gateway->grpc ? grpc_front_counts(gateway->grpc) : none;
	return (struct connection_counts){.accepted = http.accepted + grpc.accepted,
					  .refused = http.refused + grpc.refused,
					  .peer_refused = http.peer_refused + grpc.peer_refused,
					  .rejected = http.rejected + grpc.rejected,
					  .flooded = grpc.flooded};
}

void gateway_write_pipelines(const struct gateway *gateway, struct exposition *exposition)
{
	const struct resource *runtime = spec_first(gateway->targets.spec, RESOURCE_RUNTIME);
	calls_write_metrics(gateway->rest.calls, runtime && runtime_has_seldon_metrics(runtime->spec), exposition);
}
