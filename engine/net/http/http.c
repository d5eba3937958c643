/* http.c: Requests of the HTTP client: their start and cancellation, and the hosts they go to. See http_client.h for
 * the other parts. */
#include "net/http/http.h"

#include "base/memory.h"
#include "base/number/random_seed.h"
#include "net/http/http_client.h"

#define FAR_MS INT64_MAX
#define RENEWAL_APART_MS 1000
#define KEPT_BYTES ((size_t)1 << 20) /* of a reply's buffer, in the pool */

static void line_remove(struct exchange *exchange)
{
	list_remove(&exchange->node);
	exchange->http->waiting--;
}

/* ---- results ---- */

static void exchange_to_pool(struct exchange *exchange)
{
	struct http_intake *intake = &exchange->intake;
	if (intake->body.capacity > KEPT_BYTES)
		buffer_close(&intake->body);
	list_add(&exchange->http->pool, &exchange->node);
}

static void tell_finished(struct http *http)
{
	struct list_node *last = http->finished.last; /* requests that `done` adds come later */
	for (bool more = last; more;) {
		struct exchange *exchange = exchange_of(http->finished.first);
		struct http_request *request = exchange->request;
		more = &exchange->node != last;
		if (request) {
			request->exchange = NULL;
			exchange->request = NULL;
			request->done(request, &exchange->reply);
		}
		list_remove(&exchange->node);
		exchange_to_pool(exchange);
	}
}

/* ---- queues ---- */

static bool has_room(const struct http_origin *origin)
{
	return origin->idle.first || origin->connection_count < origin->http->limits.connections_a_host;
}

static void go(struct http_origin *origin, struct exchange *exchange)
{
	if (origin->idle.first && http_connection_wants_successor(http_connection_of(origin->idle.first))) {
		origin->renew_from_ms = loop_now_ms(origin->http->loop) + RENEWAL_APART_MS;
		http_connection_open(origin, exchange);
		return;
	}
	while (origin->idle.first)
		if (http_connection_use(http_connection_of(origin->idle.first), exchange))
			return;
	http_connection_open(origin, exchange);
}

static void move_line(struct http_origin *origin)
{
	while (origin->line.first && has_room(origin)) {
		struct exchange *exchange = exchange_of(origin->line.first);
		line_remove(exchange);
		go(origin, exchange);
	}
}

static void http_on_now(void *context)
{
	struct http *http = context;
	/* The timer stays set, in the slot that it has just left, so waking never needs memory. */
	loop_timer_set(http->loop, &http->now, FAR_MS, &(struct error){0});
	http->awake = false;
	tell_finished(http);
	for (struct http_origin *origin = http->origins; origin && http->waiting > 0; origin = origin->next)
		move_line(origin);
}

/* ---- hosts ---- */

static struct http_origin *origin_of(struct http *http, const struct url *url)
{
	for (struct http_origin *origin = http->origins; origin; origin = origin->next)
		if (origin->tls == url->tls && text_equal(origin->host, url->host) && text_equal(origin->port, url->port))
			return origin;
	struct http_origin *origin = memory_take(1, sizeof *origin + url->host.length + url->port.length + 2);
	if (!origin)
		return NULL;
	char *port = origin->names + url->host.length + 1;
	memcpy(origin->names, url->host.bytes, url->host.length);
	memcpy(port, url->port.bytes, url->port.length);
	origin->http = http;
	origin->tls = url->tls;
	origin->host = (struct text){origin->names, url->host.length};
	origin->port = (struct text){port, url->port.length};
	origin->dial_host = (struct dial_host){
		.loop = http->loop, .host = origin->host.bytes, .port = origin->port.bytes, .any_protocol = true};
	origin->next = http->origins;
	http->origins = origin;
	return origin;
}

/* ---- requests ---- */

static void http_leave_connection(struct exchange *exchange)
{
	struct http_connection *connection = exchange->connection;
	if (connection) {
		connection->exchange = NULL;
		http_connection_end(connection);
	} else if (exchange->node.list) {
		line_remove(exchange);
	}
}

static void http_on_deadline(void *context)
{
	struct exchange *exchange = context;
	http_exchange_time_out(exchange);
	if (exchange->reply.stage == HTTP_UNMET && exchange->connection)
		dial_host_forget(&exchange->origin->dial_host);
	http_leave_connection(exchange);
	http_exchange_finish(exchange);
}

static struct exchange *exchange_take(struct http *http)
{
	if (http->pool.last) {
		struct exchange *pooled = exchange_of(http->pool.last);
		list_remove(&pooled->node);
		return pooled;
	}
	struct exchange *exchange = memory_take(1, sizeof *exchange);
	if (!exchange)
		return NULL;
	exchange->http = http;
	exchange->deadline = (struct loop_timer){.due = http_on_deadline, .context = exchange};
	buffer_open(&exchange->head, SIZE_MAX); /* its texts were limited before */
	http_intake_open(&exchange->intake, http->limits.reply_bytes);
	return exchange;
}

static void exchange_set_up(struct exchange *exchange, struct http_request *request)
{
	struct http_reply *reply = &exchange->reply;
	exchange->request = request;
	exchange->origin = NULL;
	exchange->connection = NULL;
	exchange->sent = 0;
	buffer_clear(&exchange->head);
	http_intake_begin(&exchange->intake, request->wanted_header);
	reply->status = 0;
	reply->body = reply->header = (struct text){0};
	reply->timed_out = false;
	reply->stage = HTTP_UNMET;
	error_clear(&reply->error);
}

/* Finds or makes the origin of a request. False: memory ran out, or TLS cannot be set up. */
static bool find_origin(struct exchange *exchange, struct error *error)
{
	struct http *http = exchange->http;
	const struct url *url = &exchange->url;
	if (url->tls && !http->tls && !(http->tls = tls_open_client(NULL, TLS_HTTP1, error)))
		return false;
	exchange->origin = origin_of(http, url);
	http_head_write(&exchange->head, url, exchange->request);
	return (exchange->origin && !buffer_failed(&exchange->head)) ||
	       error_memory(error, ERROR_SYSTEM, "starting an HTTP request");
}

static void set_out(struct exchange *exchange)
{
	struct http_origin *origin = exchange->origin;
	exchange->request->exchange = exchange;
	if (!origin->line.first && has_room(origin)) {
		go(origin, exchange);
		return;
	}
	list_add(&origin->line, &exchange->node);
	exchange->http->waiting++;
	http_wake(exchange->http);
}

bool http_start(struct http *http, struct http_request *request, struct error *error)
{
	assert(request->url && request->done && !request->exchange);
	struct error why;
	error_clear(&why);
	if (!http_request_is_clean(request))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a header for %s holds the end of a line; write it in one",
				 http_url_shown(request->url));
	struct exchange *exchange = exchange_take(http);
	if (!exchange)
		return error_memory(error, ERROR_SYSTEM, "starting an HTTP request");
	exchange_set_up(exchange, request);
	bool read = url_read(request->url, &exchange->url, &why);
	if ((read && !find_origin(exchange, error)) ||
	    !loop_timer_set(http->loop, &exchange->deadline, loop_now_ms(http->loop) + request->timeout_ms, error)) {
		exchange->request = NULL;
		exchange_to_pool(exchange);
		return false;
	}
	request->exchange = exchange;
	if (read)
		set_out(exchange);
	else
		http_exchange_fail(exchange, &why);
	return true;
}

void http_forget(struct http *http, struct http_request *request)
{
	struct exchange *exchange = request->exchange;
	if (!exchange)
		return;
	request->exchange = NULL;
	exchange->request = NULL;
	if (exchange->node.list == &http->finished)
		return;
	loop_timer_stop(http->loop, &exchange->deadline);
	http_leave_connection(exchange);
	exchange_to_pool(exchange);
}

/* ---- the client ---- */

static bool names_files(const struct tls_files *files)
{
	return files && (files->authorities || files->certificate || files->key);
}

struct http *http_open(struct loop *loop, const struct http_limits *limits, struct error *error)
{
	struct http *http = memory_take(1, sizeof *http);
	if (!http)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening an HTTP client"));
	http->loop = loop;
	http->limits = *limits;
	http->ages = random_seeded();
	http->now = (struct loop_timer){.due = http_on_now, .context = http};
	if (loop_timer_set(loop, &http->now, FAR_MS, error) &&
	    (!names_files(limits->tls) || (http->tls = tls_open_client(limits->tls, TLS_HTTP1, error))))
		return http;
	http_close(http);
	return NULL;
}

static void give_exchange(struct exchange *exchange)
{
	if (exchange->request)
		exchange->request->exchange = NULL;
	loop_timer_stop(exchange->http->loop, &exchange->deadline);
	buffer_close(&exchange->head);
	http_intake_close(&exchange->intake);
	memory_give(exchange);
}

static void give_list(struct list *list)
{
	while (list->first) {
		struct exchange *exchange = exchange_of(list->first);
		list_remove(&exchange->node);
		give_exchange(exchange);
	}
}

static void give_origin(struct http_origin *origin)
{
	give_list(&origin->line);
	while (origin->idle.first)
		http_connection_end(http_connection_of(origin->idle.first));
	while (origin->busy.first) {
		struct http_connection *connection = http_connection_of(origin->busy.first);
		give_exchange(connection->exchange);
		connection->exchange = NULL;
		http_connection_end(connection);
	}
	dial_host_close(&origin->dial_host);
	memory_give(origin);
}

void http_close(struct http *http)
{
	if (!http)
		return;
	while (http->origins) {
		struct http_origin *next = http->origins->next;
		give_origin(http->origins);
		http->origins = next;
	}
	give_list(&http->finished);
	give_list(&http->pool);
	loop_timer_stop(http->loop, &http->now);
	tls_close(http->tls);
	memory_give(http);
}

bool http_ask(const struct http_limits *limits, struct http_request *request, const bool *answered, struct error *error)
{
	struct loop *loop = loop_open(error);
	struct http *http = loop ? http_open(loop, limits, error) : NULL;
	bool good = http && http_start(http, request, error);
	while (good && !*answered)
		good = loop_turn(loop, -1, error);
	http_close(http);
	loop_close(loop);
	return good;
}
