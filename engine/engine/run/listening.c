/* listening.c: see listening.h. */
#include "engine/run/listening.h"

#include "net/listen.h"

#define WAIT_MS 60000 /* the loop only waits */
#define DRAIN_LOOK_MS 50

/* ---- checks ---- */

bool listening_check_tls(const struct tls_files *files, const char *prefix, const char *name, struct error *error)
{
	if (files->revocations && !files->authorities)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "`--%srevocations` needs `--%sauthorities`: name the authorities that revoke, too", prefix,
				 prefix);
	return files->certificate || (!files->key && !files->authorities) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "`--%s%s` needs `--%scertificate`: name the %s's certificate, too",
			 prefix, files->key ? "key" : "authorities", prefix, name);
}

bool listening_check_host(const struct listening_asked *asked, const char *reason, const char *advice, struct error *error)
{
	return asked->files.authorities || asked->insecure || listen_is_local(asked->host) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "`--host %s` would allow connections from other machines, and %s; remove it, %s, or add "
			 "--insecure-ignore-security",
			 asked->host, reason, advice);
}

/* ---- running ---- */

bool listening_open(struct listening *listening, struct error *error)
{
	listening->loop = loop_open(error);
	return listening->loop && heap_trim_start(&listening->trim, listening->loop, error) &&
	       stop_signal_open(&listening->stopping, listening->loop, error);
}

void listening_close(struct listening *listening)
{
	heap_trim_stop(&listening->trim);
	stop_signal_close(&listening->stopping);
	loop_close(listening->loop);
}

bool listening_serve(struct listening *listening, const struct listening_server *server, int64_t drain_ms, struct error *error)
{
	bool good = true;
	while (good && !listening->stopping.asked)
		good = loop_turn(listening->loop, WAIT_MS, error);
	for (int64_t until_ms = loop_now_ms(listening->loop) + drain_ms;
	     good && !server->drain(server->server, until_ms) && loop_now_ms(listening->loop) < until_ms;)
		good = loop_turn(listening->loop, DRAIN_LOOK_MS, error);
	return good && loop_turn(listening->loop, 0, error); /* for the last answers */
}
