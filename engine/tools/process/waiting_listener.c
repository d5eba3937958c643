/* waiting_listener.c: see waiting_listener.h. */
#include "tools/process/waiting_listener.h"

#include "base/memory.h"
#include "message/json/json_write.h"
#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"
#include "net/host_names.h"
#include "net/http/http_server.h"
#include "engine/run/certificate_watch.h"

#define CONNECTIONS ((size_t)256)
#define PEER_CONNECTIONS ((size_t)64)
#define ANSWER_BYTES_MOST ((size_t)4096)
#define MESSAGE_BYTES_MOST ((size_t)64 << 10) /* of the question whether it lives */
#define METADATA_BYTES ((size_t)16 << 10)
#define STREAMS ((size_t)16)

struct waiting_listener {
	struct waiting_listener_config config;
	struct tls_files files;
	struct host_names hosts;
	struct certificate_watch certificates;
	struct http_server *http; /* NULL: it has no port */
	struct grpc_server *grpc; /* likewise */
};

/* One port serves both as that of a gateway does: the gRPC server listens. */
static bool is_shared(const struct waiting_listener_config *config)
{
	return config->http_port == config->grpc_port;
}

static void waiting_refuse(const struct waiting_listener *listener, struct http_incoming *incoming, struct text path)
{
	static const struct http_answer_header later = {"Retry-After", "1"};
	const bool is_probe = text_ends_with(path, TEXT("/health/ready"));
	struct buffer body;
	buffer_open(&body, ANSWER_BYTES_MOST);
	json_write_string_after(&body, is_probe ? TEXT("{\"ready\":false,\"reason\":") : TEXT("{\"error\":"),
				text_of(listener->config.unready(listener->config.context)));
	buffer_string(&body, is_probe ? "}" : ",\"kind\":\"REMOTE\"}");
	http_server_answer(incoming, 503, "application/json", buffer_view(&body), &later, 1);
	buffer_close(&body);
}

/* Answers each request by its head: its body is dropped. */
static bool waiting_listener_admits(void *context, struct http_incoming *incoming, struct text method, struct text path)
{
	if ((text_is(method, "GET") || text_is(method, "HEAD")) &&
	    (text_is(path, "/v1/health/live") || text_is(path, "/v2/health/live")))
		http_server_answer(incoming, 200, "application/json", TEXT("{\"live\":true}"), NULL, 0);
	else
		waiting_refuse(context, incoming, path);
	return false;
}

/* Refuses each call by its head, however large its message is, or however long it goes on. */
static bool waiting_listener_converses(void *context, struct grpc_request *request, struct text path, int *status,
				       const char **words)
{
	const struct waiting_listener *listener = context;
	(void)request;
	if (text_ends_with(path, TEXT("/ServerLive")))
		return false;
	*status = GRPC_UNAVAILABLE;
	*words = listener->config.unready(listener->config.context);
	return false;
}

static void waiting_listener_on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	struct buffer live;
	(void)context;
	(void)path;
	(void)body;
	buffer_open(&live, ANSWER_BYTES_MOST);
	protobuf_write_flag(&live, 1, true);
	grpc_server_answer(request, GRPC_OK, (struct text){0}, buffer_view(&live));
	buffer_close(&live);
}

static bool waiting_listener_reload(void *context, struct error *error)
{
	const struct waiting_listener *listener = context;
	return (!listener->http || is_shared(&listener->config) ||
		http_server_reload(listener->http, &listener->files, error)) &&
	       (!listener->grpc || grpc_server_reload(listener->grpc, &listener->files, error));
}

static bool waiting_grpc_open(struct waiting_listener *listener, struct loop *loop, const struct tls_files *files,
			      struct error *error)
{
	const struct waiting_listener_config *config = &listener->config;
	const struct grpc_server_config grpc = {.host = config->listening->host,
						.port = config->grpc_port,
						.files = files,
						.message_bytes = MESSAGE_BYTES_MOST,
						.metadata_bytes = METADATA_BYTES,
						.streams = STREAMS,
						.connections = CONNECTIONS,
						.peer_connections = PEER_CONNECTIONS,
						.http = is_shared(config) ? listener->http : NULL,
						.converses = waiting_listener_converses,
						.called = waiting_listener_on_called,
						.context = listener};
	return (listener->grpc = grpc_server_open(loop, &grpc, error)) != NULL;
}

static bool waiting_listener_set_up(struct waiting_listener *listener, struct loop *loop, struct error *error)
{
	const struct waiting_listener_config *config = &listener->config;
	const struct tls_files *files = listener->files.certificate ? &listener->files : NULL;
	const struct http_server_config http = {.host = config->listening->host,
						.port = config->http_port,
						.adopts = is_shared(config),
						.files = is_shared(config) ? NULL : files,
						.hosts = &listener->hosts,
						.connections = CONNECTIONS,
						.peer_connections = PEER_CONNECTIONS,
						.admits = waiting_listener_admits,
						.context = listener};
	listener->hosts = host_names_of(config->listening->host, config->hosts);
	listener->hosts.any |= files != NULL;
	if (!certificate_watch_open(&listener->certificates, config->workspace, loop, files, waiting_listener_reload, listener,
				    error))
		return false;
	if (config->http_port > 0 && !(listener->http = http_server_open(loop, &http, error)))
		return false;
	if (listener->http)
		http_server_leave(listener->http); /* whoever asks again connects again, to the gateway */
	return config->grpc_port <= 0 || waiting_grpc_open(listener, loop, files, error);
}

struct waiting_listener *waiting_listener_open(struct loop *loop, const struct waiting_listener_config *config,
					       struct error *error)
{
	struct waiting_listener *listener = memory_take(1, sizeof *listener);
	if (!listener)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gateway"));
	*listener = (struct waiting_listener){.config = *config, .files = config->listening->files};
	if (waiting_listener_set_up(listener, loop, error))
		return listener;
	waiting_listener_close(listener);
	return NULL;
}

void waiting_listener_close(struct waiting_listener *listener)
{
	if (!listener)
		return;
	certificate_watch_close(&listener->certificates);
	http_server_close(listener->http);
	grpc_server_close(listener->grpc);
	memory_give(listener);
}
