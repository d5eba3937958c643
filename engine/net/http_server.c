/* http_server.c: libmicrohttpd on the loop; see http_server.h.
 *
 * libmicrohttpd has an epoll descriptor of its own, which the loop watches; what it wants
 * to be woken for beside it is a timer. A request whose answer comes later is suspended.
 *
 * libmicrohttpd sees connections on which nothing happens. Those on which something
 * happens, but too slowly ever to become a request, are found by a round every few
 * seconds, and shut down.
 */
#include "net/http_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "net/listen.h"

#define CONNECTION_MEMORY_BYTES ((size_t)32 << 10) /* of a request's head, and of what is read at once */
#define SILENCE_S 75u				   /* nothing moves on a connection: it is closed */
#define HEAD_MS 75000				   /* from the last answer to the next whole head */
#define BODY_MS 30000				   /* and then as long as it comes at that many bytes a ms */
#define BODY_BYTES_A_MS 64
#define ROUND_MS 5000
#define REFUSED_BYTES_MAX ((size_t)64 << 20) /* read and thrown away, so that a caller who only sends hears of its 413 */
#define KEPT_BYTES_MAX ((size_t)1 << 20)     /* a body's memory that stays for the next request */
#define PEM_BYTES_MAX ((size_t)1 << 20)

/* A connection, and of its request only whether it is on its way. */
struct guest {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct guest *next, *previous;
	struct http_asked *asked; /* from a whole head to the end of the answer */
	int64_t since_ms;	  /* it came, or was answered last */
};

struct http_asked {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct http_asked *next, *previous; /* of those that wait for their answer; in the pool: `next` */
	struct guest *guest;
	struct text method, path;
	struct buffer body;
	size_t charged_bytes; /* of the budget of bodies */
	bool crowded;	      /* its body found no room there: what comes is thrown away */
	uint64_t came_bytes;
	int64_t began_ms;
	bool whole;	/* handed on */
	bool suspended; /* while it waits */
	bool answered;
	bool queued; /* false of an answer: memory ran out, and the connection is closed */
};

struct http_server {
	struct loop *loop;
	struct http_server_config config;
	int port;
	struct MHD_Daemon *daemon;
	struct watch watch;
	struct loop_timer timer; /* libmicrohttpd's */
	struct loop_timer round_timer;
	struct guest *guests;
	struct http_asked *waiting;
	struct http_asked *pool;
	struct arena *files; /* what the TLS files hold, as long as the server lives */
};

/* ---- requests ---- */

static struct http_asked *asked_open(struct http_server *server, struct MHD_Connection *connection)
{
	struct http_asked *asked = server->pool;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct guest *guest = info ? info->socket_context : NULL;
	if (!guest)
		return NULL; /* memory ran out when it came */
	if (asked) {
		server->pool = asked->next;
		buffer_clear(&asked->body);
	} else {
		asked = memory_take(1, sizeof *asked);
		if (!asked)
			return NULL;
		buffer_open(&asked->body, server->config.body_bytes);
	}
	*asked = (struct http_asked){.server = server,
				     .connection = connection,
				     .guest = guest,
				     .body = asked->body,
				     .began_ms = loop_now_ms(server->loop)};
	guest->asked = asked;
	return asked;
}

static void asked_free(struct http_asked *asked)
{
	buffer_close(&asked->body);
	memory_give(asked);
}

static void waiting_add(struct http_asked *asked)
{
	struct http_server *server = asked->server;
	asked->previous = NULL;
	asked->next = server->waiting;
	if (asked->next)
		asked->next->previous = asked;
	server->waiting = asked;
}

static void waiting_remove(struct http_asked *asked)
{
	if (asked->next)
		asked->next->previous = asked->previous;
	*(asked->previous ? &asked->previous->next : &asked->server->waiting) = asked->next;
}

/* libmicrohttpd is done with a request, however it ended. A waiting one is suspended, so
 * it does not come here before it was answered or the server closes. */
static void on_completed(void *context, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode code)
{
	struct http_server *server = context;
	struct http_asked *asked = *request;
	(void)connection;
	(void)code;
	if (!asked)
		return;
	*request = NULL;
	body_budget_charge(server->config.bodies, &asked->charged_bytes, 0);
	asked->guest->asked = NULL;
	asked->guest->since_ms = loop_now_ms(server->loop);
	if (asked->body.capacity > KEPT_BYTES_MAX) {
		asked_free(asked);
		return;
	}
	asked->next = server->pool;
	server->pool = asked;
}

/* ---- answers ---- */

static bool queue(struct http_asked *asked, int status, struct MHD_Response *response)
{
	if (!response)
		return false;
	bool queued = MHD_queue_response(asked->connection, (unsigned)status, response) == MHD_YES;
	MHD_destroy_response(response);
	return queued;
}

/* Its own descriptor does not ring for a connection that is resumed. Without memory for a
 * timer the next round wakes it. */
static void wake_daemon(struct http_server *server)
{
	struct error error = {0};
	(void)loop_timer_set(server->loop, &server->timer, loop_now_ms(server->loop), &error);
}

static void answer_with(struct http_asked *asked, int status, struct MHD_Response *response)
{
	asked->queued = queue(asked, status, response);
	asked->answered = true;
	if (!asked->suspended)
		return;
	waiting_remove(asked);
	asked->suspended = false;
	MHD_resume_connection(asked->connection);
	wake_daemon(asked->server);
}

static struct MHD_Response *with_type(struct MHD_Response *response, const char *content_type)
{
	if (!response || !content_type || MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) == MHD_YES)
		return response;
	MHD_destroy_response(response);
	return NULL;
}

/* libmicrohttpd copies what it is told to copy, and does not write it. */
static struct MHD_Response *response_of(struct text body)
{
	return MHD_create_response_from_buffer(body.length, (void *)(uintptr_t)body.bytes, MHD_RESPMEM_MUST_COPY);
}

void http_server_answer(struct http_asked *asked, int status, const char *content_type, struct text body,
			const struct http_answer_header *headers, size_t header_count)
{
	struct MHD_Response *response = with_type(response_of(body), content_type);
	for (size_t i = 0; response && i < header_count; i++) {
		if (MHD_add_response_header(response, headers[i].name, headers[i].value) == MHD_YES)
			continue;
		MHD_destroy_response(response);
		response = NULL;
	}
	answer_with(asked, status, response);
}

struct cut {
	size_t sent;
	char bytes[];
};

static ssize_t read_cut(void *context, uint64_t position, char *room, size_t size)
{
	const struct cut *cut = context;
	if (position >= cut->sent)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t left = cut->sent - (size_t)position, taken = left < size ? left : size;
	memcpy(room, cut->bytes + position, taken);
	return (ssize_t)taken;
}

void http_server_cut(struct http_asked *asked, int status, const char *content_type, struct text body, size_t sent)
{
	struct cut *cut = memory_take_raw(sizeof *cut + sent);
	struct MHD_Response *response = NULL;
	if (cut) {
		cut->sent = sent;
		memcpy(cut->bytes, body.bytes, sent);
		response = MHD_create_response_from_callback(body.length, CONNECTION_MEMORY_BYTES / 2, read_cut, cut, memory_give);
		if (!response)
			memory_give(cut);
	}
	answer_with(asked, status, with_type(response, content_type));
}

struct text http_asked_header(const struct http_asked *asked, const char *name)
{
	return text_of(MHD_lookup_connection_value(asked->connection, MHD_HEADER_KIND, name));
}

/* A suspended connection is not watched, so its socket is asked. */
bool http_asked_is_over(const struct http_asked *asked)
{
	char byte;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(asked->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	ssize_t got = recv(info->connect_fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* ---- what libmicrohttpd tells ---- */

static enum MHD_Result refuse_length(struct http_asked *asked)
{
	struct MHD_Response *response = response_of(TEXT("{\"error\":\"the request is longer than this server takes\"}"));
	return queue(asked, MHD_HTTP_CONTENT_TOO_LARGE, with_type(response, "application/json")) ? MHD_YES : MHD_NO;
}

static enum MHD_Result refuse_crowded(struct http_asked *asked)
{
	struct MHD_Response *response =
		with_type(response_of(TEXT("{\"error\":\"the server holds as many request bodies as it may; call again later\"}")),
			  "application/json");
	if (response)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	return queue(asked, MHD_HTTP_SERVICE_UNAVAILABLE, response) ? MHD_YES : MHD_NO;
}

static enum MHD_Result hand_on(struct http_asked *asked)
{
	struct http_server *server = asked->server;
	asked->whole = true;
	server->config.called(server->config.context, asked, asked->method, asked->path, buffer_view(&asked->body));
	if (asked->answered)
		return asked->queued ? MHD_YES : MHD_NO;
	asked->suspended = true;
	waiting_add(asked);
	MHD_suspend_connection(asked->connection);
	return MHD_YES;
}

/* Whether the head says already that the body is too long, and nothing would be gained by
 * hearing it out. */
static bool refused_at_its_head(const struct http_asked *asked)
{
	uint64_t length;
	size_t limit = asked->server->config.body_bytes;
	if (!number_read_uint64(http_asked_header(asked, MHD_HTTP_HEADER_CONTENT_LENGTH), &length) || length <= limit)
		return false;
	return length > limit + REFUSED_BYTES_MAX || http_asked_header(asked, MHD_HTTP_HEADER_EXPECT).length > 0;
}

/* What comes beyond the limit is read for a while: a caller that sends first and listens
 * then would not hear of an answer given in between. */
static enum MHD_Result take(struct http_asked *asked, const char *bytes, size_t *size)
{
	struct body_budget *bodies = asked->server->config.bodies;
	asked->came_bytes += *size;
	if (!asked->crowded && !body_budget_allows(bodies, &asked->body, asked->charged_bytes, *size)) {
		asked->crowded = true;
		buffer_close(&asked->body);
		buffer_open(&asked->body, asked->server->config.body_bytes);
	}
	if (!asked->crowded)
		buffer_append(&asked->body, bytes, *size);
	body_budget_charge(bodies, &asked->charged_bytes, asked->body.capacity);
	*size = 0;
	return asked->came_bytes > asked->server->config.body_bytes + REFUSED_BYTES_MAX ? MHD_NO : MHD_YES;
}

/* Entered with a request's head, with each piece of its body, and behind the last. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method,
				  const char *version, const char *bytes, size_t *size, void **request)
{
	struct http_asked *asked = *request;
	(void)version;
	if (!asked) {
		*request = asked = asked_open(context, connection);
		if (!asked)
			return MHD_NO;
		asked->method = text_of(method);
		asked->path = text_of(path);
		return refused_at_its_head(asked) ? refuse_length(asked) : MHD_YES;
	}
	if (*size > 0)
		return take(asked, bytes, size);
	if (asked->whole)
		return MHD_NO; /* resumed, and nothing was queued */
	if (asked->crowded)
		return refuse_crowded(asked);
	return buffer_failed(&asked->body) ? refuse_length(asked) : hand_on(asked);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = context;
	struct guest *guest = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = guest = memory_take(1, sizeof *guest);
		if (!guest)
			return;
		*guest = (struct guest){server, connection, server->guests, NULL, NULL, loop_now_ms(server->loop)};
		if (guest->next)
			guest->next->previous = guest;
		server->guests = guest;
	} else if (guest) {
		if (guest->next)
			guest->next->previous = guest->previous;
		*(guest->previous ? &guest->previous->next : &server->guests) = guest->next;
		memory_give(guest);
	}
}

/* ---- the loop ---- */

static void run_daemon(struct http_server *server)
{
	struct error error = {0};
	MHD_UNSIGNED_LONG_LONG wait_ms;
	/* It fails only when its epoll descriptor is bad, and nothing closes that. */
	(void)MHD_run(server->daemon);
	if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
		/* Without memory for a timer the next round wakes it. */
		(void)loop_timer_set(server->loop, &server->timer, loop_now_ms(server->loop) + (int64_t)wait_ms, &error);
	else
		loop_timer_stop(server->loop, &server->timer);
}

static void on_ready(void *context, uint32_t events)
{
	(void)events;
	run_daemon(context);
}

static void on_due(void *context)
{
	run_daemon(context);
}

static bool guest_dawdles(const struct guest *guest, int64_t now_ms)
{
	const struct http_asked *asked = guest->asked;
	if (!asked)
		return now_ms - guest->since_ms > HEAD_MS;
	return !asked->whole && now_ms - asked->began_ms > BODY_MS + (int64_t)(asked->came_bytes / BODY_BYTES_A_MS);
}

static void on_round(void *context)
{
	struct http_server *server = context;
	struct error error = {0};
	int64_t now_ms = loop_now_ms(server->loop);
	for (const struct guest *guest = server->guests; guest; guest = guest->next) {
		if (!guest_dawdles(guest, now_ms))
			continue;
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(guest->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		shutdown(info->connect_fd, SHUT_RDWR); /* libmicrohttpd sees that, and closes it */
	}
	run_daemon(server);
	/* Its place in the heap was just given back. */
	(void)loop_timer_set(server->loop, &server->round_timer, now_ms + ROUND_MS, &error);
}

/* ---- opening and closing ---- */

static bool read_pem(struct http_server *server, const char *path, const char **pem, struct error *error)
{
	struct text text;
	if (!path)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "TLS wants a certificate and its key; name both files");
	if (!file_read(path, PEM_BYTES_MAX, server->files, &text, error))
		return false;
	*pem = text.bytes;
	return true;
}

static bool read_files(struct http_server *server, const char **certificate, const char **key, struct error *error)
{
	const struct tls_files *files = server->config.files;
	if (files->authorities)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "this door does not ask its callers for certificates; leave the authorities out");
	server->files = arena_open(PEM_BYTES_MAX * 4);
	if (!server->files)
		return error_memory(error, ERROR_SYSTEM, "reading the files of TLS");
	return read_pem(server, files->certificate, certificate, error) && read_pem(server, files->key, key, error);
}

static bool start(struct http_server *server, struct error *error)
{
	const struct http_server_config *config = &server->config;
	const char *certificate = NULL, *key = NULL;
	if (config->files && !read_files(server, &certificate, &key, error))
		return false;
	int listener = listen_open(config->host, &server->port, error);
	if (listener < 0)
		return false;
	/* Without TLS the list of options ends before those of its files. */
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (config->files ? MHD_USE_TLS : 0), 0, NULL,
					  NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
					  config->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->peer_connections,
					  MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES,
					  MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
					  server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
					  config->files ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, certificate,
					  MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_END);
	if (server->daemon)
		return true;
	if (config->files)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "%s and %s are not taken for TLS; are they a PEM certificate and its key?",
				 config->files->certificate, config->files->key);
	return error_memory(error, ERROR_SYSTEM, "opening an HTTP server");
}

struct http_server *http_server_open(struct loop *loop, const struct http_server_config *config, struct error *error)
{
	struct http_server *server = memory_take(1, sizeof *server);
	if (!server) {
		error_memory(error, ERROR_SYSTEM, "opening an HTTP server");
		return NULL;
	}
	server->loop = loop;
	server->config = *config;
	server->port = config->port;
	server->watch = (struct watch){.ready = on_ready, .context = server, .descriptor = -1};
	server->timer = (struct loop_timer){.due = on_due, .context = server};
	server->round_timer = (struct loop_timer){.due = on_round, .context = server};
	if (start(server, error)) {
		const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
		if (loop_watch(loop, &server->watch, info->epoll_fd, EPOLLIN, error) &&
		    loop_timer_set(loop, &server->round_timer, loop_now_ms(loop) + ROUND_MS, error))
			return server;
	}
	http_server_close(server);
	return NULL;
}

void http_server_close(struct http_server *server)
{
	if (!server)
		return;
	loop_timer_stop(server->loop, &server->timer);
	loop_timer_stop(server->loop, &server->round_timer);
	if (server->watch.descriptor >= 0)
		loop_unwatch(server->loop, &server->watch);
	/* A daemon with suspended connections cannot be stopped. */
	for (struct http_asked *asked = server->waiting; asked; asked = asked->next)
		MHD_resume_connection(asked->connection);
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	while (server->pool) {
		struct http_asked *next = server->pool->next;
		asked_free(server->pool);
		server->pool = next;
	}
	arena_close(server->files);
	memory_give(server);
}

int http_server_port(const struct http_server *server)
{
	return server->port;
}
