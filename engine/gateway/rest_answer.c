/* rest_answer.c: Answers of REST that the gateway writes itself; see rest.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "gateway/rest.h"
#include "gateway/calls/seldon_errors.h"
#include "gateway/access/seldon_path.h"
#include "message/records/reply.h"
#include "net/http/refusal.h"

#define REFUSAL_HEADERS_MAX 2 /* of an answer that the gateway writes itself */
#define JSON "application/json"

void rest_answer(const struct rest_request *request, int status)
{
	const struct text lost = TEXT("{\"error\":\"memory ran out\",\"kind\":\"SYSTEM\"}");
	const struct buffer *body = &request->rest->body;
	bool good = !buffer_failed(body);
	http_server_answer(request->incoming, good ? status : 500, JSON, good ? buffer_view(body) : lost, NULL, 0);
}

bool rest_has_seldon_errors(const struct rest *rest)
{
	return rest->config->compat == COMPAT_SELDON || rest->targets->has_seldon_errors;
}

static void refuse_as(const struct rest_request *request, int status, enum error_kind kind,
		      const struct http_answer_header *headers, size_t count, const char *words)
{
	struct error error = {0};
	struct rest *rest = request->rest;
	struct http_answer_header all[REFUSAL_HEADERS_MAX + 1];
	char id[REFUSAL_ID_SIZE];
	refusal_id_write(calls_ids(rest->calls), http_incoming_known(request->incoming, HEADER_REQUEST_ID), id);
	error_set(&error, kind, PLACE_NONE, "%s", words);
	const struct reply_failure failure = {.error = &error, .id = text_of(id), .where = request->path};
	assert(count <= REFUSAL_HEADERS_MAX);
	if (count > 0)
		memcpy(all, headers, count * sizeof *headers);
	all[count++] = (struct http_answer_header){REPLY_ID_HEADER, id};
	calls_count_refusal(rest->calls, COUNTED_REST, status);
	buffer_clear(&rest->body);
	if (rest_has_seldon_errors(rest) && seldon_path_is_v1(request->path))
		seldon_failure_write(&rest->body, status, error.kind, text_of(words));
	else
		reply_error_write(&rest->body, &failure);
	http_server_answer(request->incoming, status, JSON, buffer_view(&rest->body), all, count);
}

void rest_refuse_with(const struct rest_request *request, int status, const struct http_answer_header *headers, size_t count,
		      const char *words)
{
	const bool is_limit = status == 413 || status == 429 || status == 504;
	refuse_as(request, status, is_limit ? ERROR_LIMIT : status >= 500 ? ERROR_REMOTE : ERROR_INPUT, headers, count, words);
}

static const struct http_answer_header later = {"Retry-After", "1"};

void rest_refuse_by_limit(const struct rest_request *request, int status, const char *words)
{
	refuse_as(request, status, ERROR_LIMIT, &later, 1, words);
}

void rest_refuse(const struct rest_request *request, int status, const char *format, ...)
{
	char words[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	rest_refuse_with(request, status, &later, status == 503 || status == 429, words);
}
