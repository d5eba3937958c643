/* rest_body.c: Body of a REST request, without its content coding; see rest.h. */
#include <stdio.h>

#include "gateway/rest.h"
#include "message/formats/format.h"
#include "net/http/gzip.h"

#define TYPE_SHOWN 80	/* characters of an unknown content type in a refusal; likewise: */
#define CODING_SHOWN 40 /* characters of an unknown content coding in a refusal */

static bool coding_refuse(const struct rest_request *request, struct text coding)
{
	static const struct http_answer_header accepted = {"Accept-Encoding", "gzip, deflate"};
	char words[ERROR_TEXT_MAX];
	int shown = (int)(coding.length < CODING_SHOWN ? coding.length : CODING_SHOWN);
	(void)snprintf(words, sizeof words,
		       "the body has the content coding \"%.*s\", which is not supported; send it with gzip or deflate, or as it "
		       "is",
		       shown, coding.bytes);
	rest_refuse_with(request, 415, &accepted, 1, words);
	return false;
}

static bool rest_body_unpack(const struct rest_request *request, enum gzip_form form, size_t bytes_max, struct text *body)
{
	const enum gzip_outcome outcome = http_incoming_unpack(request->incoming, form, bytes_max);
	*body = http_incoming_body(request->incoming);
	if (outcome == GZIP_TOO_LONG)
		rest_refuse(request, 413,
			    "the body has more than %zu bytes when it is decompressed, which is the most that the "
			    "topic takes; send less at a time, or raise the topic's max.message.bytes",
			    bytes_max);
	else if (outcome == GZIP_NO_MEMORY)
		rest_refuse(request, 503, "the gateway is short of memory; try again later");
	else if (outcome == GZIP_INVALID)
		rest_refuse(request, 400,
			    "the body is not whole in the coding that its content-encoding names; compress it again, "
			    "or leave the header out");
	return outcome == GZIP_WHOLE;
}

static bool body_decode(const struct rest_request *request, size_t bytes_max, struct text *body)
{
	struct text coding = http_incoming_known(request->incoming, HEADER_CONTENT_ENCODING);
	struct text second = http_incoming_known_at(request->incoming, HEADER_CONTENT_ENCODING, 1);
	*body = request->body;
	if (second.bytes)
		return coding_refuse(request, second);
	if (coding.length == 0 || text_equal_caseless(coding, TEXT("identity")))
		return true;
	if (text_equal_caseless(coding, TEXT("gzip")) || text_equal_caseless(coding, TEXT("x-gzip")))
		return rest_body_unpack(request, GZIP_FORM_GZIP, bytes_max, body);
	if (text_equal_caseless(coding, TEXT("deflate")))
		return rest_body_unpack(request, GZIP_FORM_ZLIB, bytes_max, body);
	return coding_refuse(request, coding);
}

static void rest_refuse_type(const struct rest_request *request, struct text value, struct text type)
{
	const int shown = (int)(value.length < TYPE_SHOWN ? value.length : TYPE_SHOWN);
	const char *advice = "send JSON as application/json";
	if (text_equal_caseless(type, TEXT("multipart/form-data")))
		advice = "send one document of JSON as application/json; on paths of Seldon Core 1, the parts `data`, `jsonData` "
			 "and `strData` become its members, and so does `binData`, encoded in base64";
	rest_refuse(request, 415, "the body has the content type \"%.*s\", which is not supported; %s", shown, value.bytes, advice);
}

bool rest_type_check(const struct rest_request *request)
{
	/* Of callers that name none: curl's for `-d`, and that of bodies with binary tensors. */
	static const char *const taken[] = {"application/x-www-form-urlencoded", "application/octet-stream"};
	const struct text value = http_incoming_known(request->incoming, HEADER_CONTENT_TYPE);
	if (text_equal_short(value, TEXT("application/json"))) /* as nearly all send it */
		return true;
	struct text rest = value, type = text_trimmed(text_take_until(&rest, ';'), " \t");
	if (type.length == 0 || text_ends_with(type, TEXT("+json")) || format_of_content_type(type))
		return true;
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (text_equal_caseless(type, text_of(taken[i])))
			return true;
	rest_refuse_type(request, value, type);
	return false;
}

bool rest_body_read(const struct rest_request *request, size_t bytes_max, struct text *body)
{
	bool good = request->body.length == 0 || body_decode(request, bytes_max, body);
	/* A record without a value deletes its key where a topic is compacted. */
	const bool is_empty = request->body.length == 0 || (good && body->length == 0);
	if (is_empty)
		rest_refuse(request, 400, "the request has no body; send the tensors in it, as JSON");
	return good && !is_empty;
}
