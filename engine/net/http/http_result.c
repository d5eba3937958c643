/* http_result.c: Results of the HTTP client's requests: replies and errors; see http_client.h. */
#include <stdio.h>

#include "net/http/http_client.h"

#define NAME_BYTES 256 /* of an address as text */

void http_wake(struct http *http)
{
	if (!http->awake)
		loop_timer_set(http->loop, &http->now, loop_now_ms(http->loop), &(struct error){0}); /* a move needs no memory */
	http->awake = true;
}

void http_exchange_finish(struct exchange *exchange)
{
	loop_timer_stop(exchange->http->loop, &exchange->deadline);
	exchange->connection = NULL;
	list_add(&exchange->http->finished, &exchange->node);
	http_wake(exchange->http);
}

void http_exchange_succeed(struct exchange *exchange)
{
	struct http_intake *intake = &exchange->intake;
	exchange->reply.status = intake->status;
	exchange->reply.body = buffer_view(&intake->body);
	exchange->reply.header = http_intake_value(intake);
	http_exchange_finish(exchange);
}

const char *http_url_shown(const char *url)
{
	const char *at = strrchr(url, '@');
	return at ? at + 1 : url;
}

/* The address as text, without a login. */
static const char *name_of(const struct exchange *exchange, char *name)
{
	const struct url *url = &exchange->url;
	if (!exchange->origin)
		return http_url_shown(exchange->request->url);
	snprintf(name, NAME_BYTES, "http%s://" TEXT_FORMAT TEXT_FORMAT, url->tls ? "s" : "", TEXT_ARGUMENTS(url->authority),
		 TEXT_ARGUMENTS(url->target));
	return name;
}

static enum http_stage stage_of(const struct exchange *exchange)
{
	if (!exchange->connection || !exchange->connection->link.established)
		return HTTP_UNMET;
	return exchange->intake.status > 0 ? HTTP_BEGUN : HTTP_SENT;
}

static void say_remote(struct exchange *exchange, const char *why)
{
	char name[NAME_BYTES];
	struct http_reply *reply = &exchange->reply;
	const char *who = name_of(exchange, name);
	if (reply->stage == HTTP_UNMET)
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s could not be reached: %s", who, why);
	else if (exchange->intake.heard && reply->stage == HTTP_SENT)
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s answers with what is no HTTP; is the port the one of REST?",
			  who);
	else
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s gave no %sanswer: %s; see its log", who,
			  reply->stage == HTTP_BEGUN ? "whole " : "", why);
}

void http_exchange_fail(struct exchange *exchange, const struct error *why)
{
	char name[NAME_BYTES];
	struct http_reply *reply = &exchange->reply;
	reply->stage = stage_of(exchange);
	if (why->kind == ERROR_LIMIT)
		error_set(&reply->error, ERROR_LIMIT, PLACE_NONE, "%s answered with more than %zu bytes, which is the limit",
			  name_of(exchange, name), exchange->http->limits.reply_bytes);
	else if (why->kind == ERROR_SYSTEM)
		reply->error = *why;
	else
		say_remote(exchange, why->text[0] ? why->text : "the server closed the connection");
	http_exchange_finish(exchange);
}

void http_exchange_time_out(struct exchange *exchange)
{
	struct http_reply *reply = &exchange->reply;
	char name[NAME_BYTES];
	long long ms = exchange->request->timeout_ms;
	const char *who = name_of(exchange, name);
	reply->stage = stage_of(exchange);
	reply->timed_out = reply->stage != HTTP_UNMET;
	if (reply->timed_out)
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s did not answer within %lld ms", who, ms);
	else if (exchange->connection)
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE, "%s could not be reached: connecting took longer than %lld ms",
			  who, ms);
	else
		error_set(&reply->error, ERROR_REMOTE, PLACE_NONE,
			  "%s could not be reached: the %zu connections that a host may have were taken for %lld ms", who,
			  exchange->http->limits.connections_a_host, ms);
}
