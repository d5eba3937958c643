/* listening.c: see listening.h. */
#include "runtime/listening.h"

#include <assert.h>

#include "net/listen.h"

#define WAIT_MS 60000 /* the loop only waits */
#define DRAIN_LOOK_MS 50

/* ---- checks ---- */

bool listening_check_tls(const struct listening_asked *asked, const char *name, struct error *error)
{
	return asked->certificate || (!asked->key && !asked->authorities) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "`--%s` needs `--certificate`: name the %s's certificate, too",
			 asked->key ? "key" : "authorities", name);
}

bool listening_check_host(const struct listening_asked *asked, const char *reason, const char *advice, struct error *error)
{
	return asked->authorities || asked->insecure || listen_is_local(asked->host) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "`--host %s` would allow connections from other machines, and %s; remove it, %s, or add "
			 "--insecure-ignore-security",
			 asked->host, reason, advice);
}

struct tls_files listening_files(const struct listening_asked *asked)
{
	return (struct tls_files){asked->authorities, asked->certificate, asked->key};
}

/* ---- running ---- */

bool listening_open(struct listening *listening, const struct workspace *workspace, struct error *error)
{
	listening->workspace = workspace;
	listening->loop = loop_open(error);
	return listening->loop && stop_signal_open(&listening->stopping, listening->loop, error);
}

void listening_close(struct listening *listening)
{
	file_watch_close(&listening->certificates);
	stop_signal_close(&listening->stopping);
	loop_close(listening->loop);
}

static void on_certificate_changed(void *context)
{
	struct listening *listening = context;
	struct error error = {0};
	if (listening->server.reload_tls(listening->server.server, &error))
		workspace_note(listening->workspace, "the certificate was reloaded");
	else {
		workspace_failed(listening->workspace, &error);
		workspace_note(listening->workspace, "the former certificate stays in use");
	}
}

bool listening_attach(struct listening *listening, const struct listening_server *server, const struct listening_asked *asked,
		      struct error *error)
{
	assert(listening->loop && server->drain);
	const char *const paths[] = {asked->certificate, asked->key, asked->authorities};
	listening->server = *server;
	return !asked->certificate || file_watch_open(&listening->certificates, listening->loop, paths, asked->authorities ? 3 : 2,
						      on_certificate_changed, listening, error);
}

static bool listening_turn(struct listening *listening, int wait_ms, struct error *error)
{
	const struct listening_server *server = &listening->server;
	return loop_turn(listening->loop, wait_ms, error) && (!server->is_well || server->is_well(server->server, error));
}

bool listening_serve(struct listening *listening, int64_t drain_ms, struct error *error)
{
	const struct listening_server *server = &listening->server;
	bool good = true;
	while (good && !listening->stopping.asked)
		good = listening_turn(listening, WAIT_MS, error);
	for (int64_t until_ms = loop_now_ms(listening->loop) + drain_ms;
	     good && !server->drain(server->server) && loop_now_ms(listening->loop) < until_ms;)
		good = listening_turn(listening, DRAIN_LOOK_MS, error);
	return good;
}
