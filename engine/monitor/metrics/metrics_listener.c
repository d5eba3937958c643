/* metrics_listener.c: see metrics_listener.h. */
#include "monitor/metrics/metrics_listener.h"

#include <stdio.h>

#include "base/memory.h"
#include "base/network.h"
#include "base/number/number.h"
#include "base/url.h"
#include "base/version.h"
#include "net/host_names.h"
#include "net/http/http_server.h"
#include "net/listen.h"
#include "engine/run/process_usage.h"

#define BODY_BYTES_MOST 1024 /* a GET has no body; a short one is read and ignored */

struct metrics_listener {
	struct metrics_address address;
	struct metrics_owner owner;
	struct tls_files files;
	struct host_names hosts;
	struct certificate_watch certificates;
	struct http_server *server;
	struct buffer text;
};

/* ---- answers ---- */

static void answer_text(struct http_incoming *incoming, int status, const char *text)
{
	http_server_answer(incoming, status, "text/plain; charset=utf-8", text_of(text), NULL, 0);
}

void metrics_write(const struct metrics_owner *owner, enum exposition_form form, struct buffer *out)
{
	const struct process_state process = process_usage();
	const struct build_state build = {1};
	struct exposition exposition = {.out = out, .form = form};
	exposition_write(&exposition, SCOPE_PROCESS, &(struct metric_subject){.values = &process}, 1);
	exposition_write(&exposition, SCOPE_BUILD, &(struct metric_subject){{TEXT(SLUICE_VERSION)}, &build}, 1);
	if (owner->write)
		owner->write(owner->context, &exposition);
	exposition_end(&exposition);
}

static void answer_metrics(struct metrics_listener *listener, struct http_incoming *incoming)
{
	static const struct http_answer_header varies = {"Vary", "Accept"};
	const enum exposition_form form = exposition_negotiate(http_incoming_header(incoming, "Accept"));
	buffer_clear(&listener->text);
	metrics_write(&listener->owner, form, &listener->text);
	if (buffer_failed(&listener->text))
		answer_text(incoming, 500, "The metrics are longer than 64 MiB, or there is no memory for them.\n");
	else
		http_server_answer(incoming, 200, exposition_content_type(form), buffer_view(&listener->text), &varies, 1);
}

static void answer_ready(struct metrics_listener *listener, struct http_incoming *incoming)
{
	const struct metrics_owner *owner = &listener->owner;
	const char *reason = owner->unready ? owner->unready(owner->context) : NULL;
	const char *remark = !reason && owner->remark ? owner->remark(owner->context) : NULL;
	buffer_clear(&listener->text);
	buffer_print(&listener->text, "%s\n", reason ? reason : "ready");
	if (remark)
		buffer_print(&listener->text, "%s\n", remark);
	http_server_answer(incoming, reason ? 503 : 200, "text/plain; charset=utf-8", buffer_view(&listener->text), NULL, 0);
}

static void metrics_listener_on_called(void *context, struct http_incoming *incoming, struct text method, struct text path,
				       struct text body)
{
	struct metrics_listener *listener = context;
	static const struct http_answer_header allowed = {"Allow", "GET, HEAD, OPTIONS"};
	const bool is_options = text_is(method, "OPTIONS");
	bool is_known = text_is(path, "/metrics") || text_is(path, "/live") || text_is(path, "/ready");
	(void)body;
	if (!is_known && !(is_options && text_is(path, "*")))
		answer_text(incoming, 404, "This port has /metrics, /live and /ready.\n");
	else if (is_options)
		http_server_answer(incoming, 204, NULL, (struct text){0}, &allowed, 1);
	else if (!text_is(method, "GET") && !text_is(method, "HEAD"))
		http_server_answer(incoming, 405, "text/plain; charset=utf-8", TEXT("Nothing can be changed here: ask by GET.\n"),
				   &allowed, 1);
	else if (text_is(path, "/metrics"))
		answer_metrics(listener, incoming);
	else if (text_is(path, "/ready"))
		answer_ready(listener, incoming);
	else
		answer_text(incoming, 200, "live\n");
}

/* ---- opening and closing ---- */

static bool metrics_listener_reload(void *context, struct error *error)
{
	const struct metrics_listener *listener = context;
	return http_server_reload(listener->server, &listener->files, error);
}

static bool metrics_listener_set_up(struct metrics_listener *listener, struct loop *loop, const struct metrics_config *config,
				    struct error *error)
{
	if (!metrics_address_read(config->asked->address, &listener->address, error))
		return false;
	const struct tls_files *files = listener->files.certificate ? &listener->files : NULL;
	const char *host = listener->address.host[0] ? listener->address.host : NULL;
	listener->hosts = host_names_of(host, config->hosts);
	listener->hosts.any |= files != NULL;
	const struct http_server_config http = {.host = host,
						.port = listener->address.port,
						.files = files,
						.hosts = &listener->hosts,
						.body_bytes = BODY_BYTES_MOST,
						.gzips = true,
						.connections = METRICS_CONNECTIONS,
						.peer_connections = METRICS_PEER_CONNECTIONS,
						.head_ms = METRICS_HEAD_MS,
						.body_ms = METRICS_HEAD_MS,
						.idle_ms = METRICS_IDLE_MS,
						.called = metrics_listener_on_called,
						.context = listener};
	if (!certificate_watch_open(&listener->certificates, config->workspace, loop, files, metrics_listener_reload, listener,
				    error))
		return false;
	listener->server = http_server_open(loop, &http, error);
	return listener->server != NULL;
}

struct metrics_listener *metrics_listener_open(struct loop *loop, const struct metrics_config *config,
					       const struct metrics_owner *owner, struct error *error)
{
	struct metrics_listener *listener = memory_take(1, sizeof *listener);
	if (!listener) {
		error_memory(error, ERROR_SYSTEM, "opening a listener for metrics");
		return NULL;
	}
	*listener = (struct metrics_listener){.owner = *owner, .files = config->asked->files};
	buffer_open(&listener->text, METRICS_BYTES_MAX);
	if (metrics_listener_set_up(listener, loop, config, error))
		return listener;
	metrics_listener_close(listener);
	return NULL;
}

void metrics_listener_close(struct metrics_listener *listener)
{
	if (!listener)
		return;
	certificate_watch_close(&listener->certificates);
	http_server_close(listener->server);
	buffer_close(&listener->text);
	memory_give(listener);
}

int metrics_listener_port(const struct metrics_listener *listener)
{
	return http_server_port(listener->server);
}

const char *metrics_listener_url(const struct metrics_listener *listener, char url[METRICS_URL_BYTES_MAX])
{
	const char *host = listener->address.host[0] ? listener->address.host : "127.0.0.1";
	(void)snprintf(url, METRICS_URL_BYTES_MAX, "http%s://" URL_HOST_FORMAT ":%d/metrics",
		       listener->files.certificate ? "s" : "", URL_HOST_ARGUMENTS(host), metrics_listener_port(listener));
	return url;
}
