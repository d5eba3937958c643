/* http.c: libcurl's multi interface on the loop; see http.h.
 *
 * curl says which sockets it wants watched and when it wants to be woken; the loop
 * tells it what happened. The function curl calls for its timer must not call back
 * into curl, so a wish for "now" is a timer due at once.
 */
#include "net/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "base/memory.h"

/* One request on its way, with an easy handle that outlives it in the pool. */
struct exchange {
	CURL *easy;
	struct http *http;
	struct http_request *request;
	struct buffer body;
	struct curl_slist *headers;
	const char *headers_for; /* the content type that `headers` say */
	struct exchange *next;	 /* in the pool, or in the list of those under way */
	struct exchange *previous;
	char words[CURL_ERROR_SIZE];
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
	struct http_limits limits;
	struct exchange *pool;
	struct exchange *under_way;
};

static void exchange_close(struct exchange *exchange)
{
	curl_easy_cleanup(exchange->easy);
	curl_slist_free_all(exchange->headers);
	buffer_close(&exchange->body);
	memory_give(exchange);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	buffer_append(&exchange->body, bytes, size * count);
	return buffer_failed(&exchange->body) ? 0 : size * count; /* 0 makes curl end it */
}

/* NULL says: as usual. */
static bool say_files(CURL *easy, const struct tls_files *files)
{
	return (!files->authorities || curl_easy_setopt(easy, CURLOPT_CAINFO, files->authorities) == CURLE_OK) &&
	       curl_easy_setopt(easy, CURLOPT_SSLCERT, files->certificate) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLKEY, files->key) == CURLE_OK;
}

static bool exchange_set_up(struct exchange *exchange, const struct http_limits *limits)
{
	CURL *easy = exchange->easy;
	return curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->words) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, limits->connection_idle_s) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)limits->connect_ms) == CURLE_OK &&
	       (!limits->tls || say_files(easy, limits->tls));
}

static struct exchange *exchange_open(struct http *http)
{
	struct exchange *exchange = memory_take(1, sizeof *exchange);
	if (!exchange)
		return NULL;
	exchange->http = http;
	buffer_open(&exchange->body, http->limits.reply_bytes);
	exchange->easy = curl_easy_init();
	if (!exchange->easy || !exchange_set_up(exchange, &http->limits)) {
		exchange_close(exchange);
		return NULL;
	}
	return exchange;
}

static struct exchange *exchange_take(struct http *http)
{
	struct exchange *exchange = http->pool;
	if (!exchange)
		return exchange_open(http);
	http->pool = exchange->next;
	return exchange;
}

static void list_add(struct http *http, struct exchange *exchange)
{
	exchange->previous = NULL;
	exchange->next = http->under_way;
	if (exchange->next)
		exchange->next->previous = exchange;
	http->under_way = exchange;
}

/* Out of curl and of the list of those under way; the request is the caller's again. */
static void exchange_detach(struct exchange *exchange)
{
	struct http *http = exchange->http;
	curl_multi_remove_handle(http->multi, exchange->easy);
	if (exchange->next)
		exchange->next->previous = exchange->previous;
	*(exchange->previous ? &exchange->previous->next : &http->under_way) = exchange->next;
	exchange->request->exchange = NULL;
	exchange->request = NULL;
}

static void exchange_to_pool(struct exchange *exchange)
{
	exchange->next = exchange->http->pool;
	exchange->http->pool = exchange;
}

static void exchange_end(struct exchange *exchange)
{
	exchange_detach(exchange);
	exchange_to_pool(exchange);
}

/* ---- what came back ---- */

/* The port of another protocol, as a rule. */
static bool is_no_http(CURLcode code)
{
	return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY;
}

static void tell_failure(struct exchange *exchange, CURLcode code, struct http_reply *reply)
{
	const struct http_request *request = exchange->request;
	curl_off_t connected_us = 0;
	(void)curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	reply->stage = reply->status > 0 ? HTTP_BEGUN : connected_us > 0 ? HTTP_SENT : HTTP_UNMET;
	reply->status = 0;
	reply->timed_out = code == CURLE_OPERATION_TIMEDOUT && connected_us > 0;
	reply->body = (struct text){0};
	if (buffer_failed(&exchange->body))
		error_set(&reply->error, ERROR_LIMIT, PLACE_NONE, "%s answered with more than %zu bytes, which is the limit",
			  request->url, exchange->http->limits.reply_bytes);
	else if (code == CURLE_OUT_OF_MEMORY)
		error_memory(&reply->error, ERROR_SYSTEM, "calling over HTTP");
	else if (is_no_http(code) && reply->stage == HTTP_SENT)
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s answers with what is no HTTP; is the port the one of REST?",
			  request->url);
	else if (reply->timed_out)
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s did not answer within %lld ms", request->url,
			  (long long)request->timeout_ms);
	else
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s could not be reached: %s%s", request->url,
			  exchange->words[0] ? exchange->words : curl_easy_strerror(code),
			  code == CURLE_PEER_FAILED_VERIFICATION ? TLS_ADVICE : "");
}

static void finish(struct exchange *exchange, CURLcode code)
{
	struct http_request *request = exchange->request;
	struct http_reply reply = {.body = buffer_view(&exchange->body)};
	struct curl_header *header;
	if (request->wanted_header &&
	    curl_easy_header(exchange->easy, request->wanted_header, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		reply.header = text_of(header->value);
	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &reply.status);
	if (code != CURLE_OK)
		tell_failure(exchange, code, &reply);
	/* The caller may start the request anew from `done`, but not with this exchange: it
	 * holds the body. */
	exchange_detach(exchange);
	request->done(request, &reply);
	exchange_to_pool(exchange);
}

static void finish_all(struct http *http)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct exchange *exchange = NULL;
		CURLcode code = message->data.result;
		if (message->msg != CURLMSG_DONE)
			continue;
		if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange) == CURLE_OK)
			finish(exchange, code);
	}
}

/* ---- curl's sockets and timer ---- */

static void on_ready(void *context, uint32_t events);

struct socket_watch {
	struct watch watch;
	struct http *http;
};

static uint32_t wanted(int what)
{
	return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *socket_context)
{
	(void)easy;
	struct http *http = context;
	struct socket_watch *socket_watch = socket_context;
	struct error error = {0};
	if (what == CURL_POLL_REMOVE) {
		if (socket_watch)
			loop_unwatch(http->loop, &socket_watch->watch);
		memory_give(socket_watch);
		return 0;
	}
	if (socket_watch)
		return loop_watch_for(http->loop, &socket_watch->watch, wanted(what), &error) ? 0 : -1;
	socket_watch = memory_take(1, sizeof *socket_watch);
	if (!socket_watch)
		return -1;
	*socket_watch = (struct socket_watch){.watch = {.ready = on_ready, .context = socket_watch}, .http = http};
	if (!loop_watch(http->loop, &socket_watch->watch, socket, wanted(what), &error)) {
		memory_give(socket_watch);
		return -1;
	}
	curl_multi_assign(http->multi, socket, socket_watch);
	return 0;
}

static void on_ready(void *context, uint32_t events)
{
	struct socket_watch *socket_watch = context;
	struct http *http = socket_watch->http;
	int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	int running;
	curl_multi_socket_action(http->multi, socket_watch->watch.descriptor, what, &running); /* may give the watch back */
	finish_all(http);
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
	(void)multi;
	struct http *http = context;
	struct error error = {0};
	if (timeout_ms >= 0)
		return loop_timer_set(http->loop, &http->timer, loop_now_ms(http->loop) + timeout_ms, &error) ? 0 : -1;
	loop_timer_stop(http->loop, &http->timer);
	return 0;
}

static void on_due(void *context)
{
	struct http *http = context;
	int running;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_all(http);
}

/* ---- the client ---- */

static bool http_set_up(struct http *http)
{
	CURLM *multi = http->multi;
	return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, http->limits.connections_a_host) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, http->limits.connections_a_host) == CURLM_OK;
}

struct http *http_open(struct loop *loop, const struct http_limits *limits, struct error *error)
{
	struct http *http = memory_take(1, sizeof *http);
	if (!http) {
		error_memory(error, ERROR_SYSTEM, "opening an HTTP client");
		return NULL;
	}
	http->loop = loop;
	http->limits = *limits;
	http->timer = (struct loop_timer){.due = on_due, .context = http};
	http->multi = curl_multi_init();
	if (!http->multi || !http_set_up(http)) {
		error_memory(error, ERROR_SYSTEM, "setting up libcurl");
		http_close(http);
		return NULL;
	}
	return http;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	while (http->under_way)
		exchange_end(http->under_way);
	while (http->pool) {
		struct exchange *next = http->pool->next;
		exchange_close(http->pool);
		http->pool = next;
	}
	curl_multi_cleanup(http->multi);
	loop_timer_stop(http->loop, &http->timer);
	memory_give(http);
}

static bool add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);
	*list = more ? more : *list;
	return more != NULL;
}

/* Kept from request to request, as long as they say the same. Without an empty Expect, curl
 * waits for a leave to send longer bodies. */
static bool say_headers(struct exchange *exchange, const struct http_request *request)
{
	bool usual = !request->headers[0] && !request->headers[1];
	if (usual && exchange->headers_for == request->content_type)
		return true;
	char line[256]; /* a content type is a name of ours, never a user's text */
	snprintf(line, sizeof line, "Content-Type: %s", request->content_type);
	curl_slist_free_all(exchange->headers);
	exchange->headers = NULL;
	exchange->headers_for = usual ? request->content_type : NULL;
	bool said = add_header(&exchange->headers, "Expect:") && add_header(&exchange->headers, line);
	for (size_t i = 0; said && i < HTTP_HEADERS_MAX; i++)
		said = !request->headers[i] || add_header(&exchange->headers, request->headers[i]);
	if (!said)
		exchange->headers_for = NULL;
	return said;
}

static bool say_request(struct exchange *exchange, const struct http_request *request)
{
	CURL *easy = exchange->easy;
	bool said = say_headers(exchange, request) && curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
		    curl_easy_setopt(easy, CURLOPT_USERPWD, request->login) == CURLE_OK &&
		    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms) == CURLE_OK &&
		    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK;
	if (!request->body.bytes)
		return said && curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	return said && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.bytes) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length) == CURLE_OK;
}

bool http_start(struct http *http, struct http_request *request, struct error *error)
{
	struct exchange *exchange = exchange_take(http);
	if (!exchange)
		return error_memory(error, ERROR_SYSTEM, "starting an HTTP request");
	buffer_clear(&exchange->body);
	exchange->words[0] = '\0';
	exchange->request = request;
	request->exchange = exchange;
	list_add(http, exchange);
	if (say_request(exchange, request) && curl_multi_add_handle(http->multi, exchange->easy) == CURLM_OK)
		return true;
	exchange_end(exchange);
	return error_memory(error, ERROR_SYSTEM, "starting an HTTP request");
}

void http_forget(struct http *http, struct http_request *request)
{
	(void)http;
	if (request->exchange)
		exchange_end(request->exchange);
}
