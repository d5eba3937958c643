/* mirror_reply.c: see mirror_reply.h. */
#include "message/records/mirror_reply.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/number/number.h"

#define LATENCY "; latency_ms="
#define REQUEST "; request_ms="
#define OF_ANSWER "; of-answer"
#define LEFT_OUT "; left-out"
#define AGREES "agrees"
#define DIFFERS "differs="

struct text mirror_header_write(const struct mirror_reply *reply, char out[MIRROR_HEADER_BYTES_MAX])
{
	const int length =
		snprintf(out, MIRROR_HEADER_BYTES_MAX, TEXT_FORMAT "=" TEXT_FORMAT LATENCY "%" PRId64 REQUEST "%" PRId64 "%s%s",
			 TEXT_ARGUMENTS(reply->experiment), TEXT_ARGUMENTS(reply->mirror), reply->latency_ms, reply->request_ms,
			 reply->of_answer ? OF_ANSWER : "", reply->left_out ? LEFT_OUT : "");
	return length > 0 && length < MIRROR_HEADER_BYTES_MAX ? (struct text){out, (size_t)length} : (struct text){0};
}

struct text mirror_verdict_write(const struct mirror_reply *reply, char out[MIRROR_VERDICT_BYTES_MAX])
{
	static const char *const words[] = {[MIRROR_UNJUDGED] = "", [MIRROR_AGREES] = AGREES, [MIRROR_DIFFERS] = DIFFERS};
	const int length =
		snprintf(out, MIRROR_VERDICT_BYTES_MAX, "%s" TEXT_FORMAT, words[reply->verdict], TEXT_ARGUMENTS(reply->difference));
	return length > 0 && length < MIRROR_VERDICT_BYTES_MAX ? (struct text){out, (size_t)length} : (struct text){0};
}

/* Splits off what is before the mark, and the mark. False: the mark is not there. */
static bool text_cut(struct text *rest, const char *mark, struct text *before)
{
	const size_t length = strlen(mark);
	for (size_t i = 0; i + length <= rest->length; i++)
		if (memcmp(rest->bytes + i, mark, length) == 0) {
			*before = (struct text){rest->bytes, i};
			*rest = (struct text){rest->bytes + i + length, rest->length - i - length};
			return true;
		}
	return false;
}

bool mirror_header_read(struct text value, struct mirror_reply *reply)
{
	struct text rest = value, latency, request;
	*reply = (struct mirror_reply){0};
	if (!text_cut(&rest, "=", &reply->experiment) || !text_cut(&rest, LATENCY, &reply->mirror) ||
	    !text_cut(&rest, REQUEST, &latency))
		return false;
	reply->left_out = text_ends_with(rest, TEXT(LEFT_OUT));
	if (reply->left_out)
		rest.length -= sizeof LEFT_OUT - 1;
	reply->of_answer = text_cut(&rest, OF_ANSWER, &request) && rest.length == 0;
	return number_read_int64(reply->of_answer ? request : rest, &reply->request_ms) &&
	       number_read_int64(latency, &reply->latency_ms);
}

void mirror_verdict_read(struct text value, struct mirror_reply *reply)
{
	reply->verdict = text_is(value, AGREES) ? MIRROR_AGREES : MIRROR_UNJUDGED;
	reply->difference = (struct text){0};
	if (!text_starts_with(value, TEXT(DIFFERS)))
		return;
	reply->verdict = MIRROR_DIFFERS;
	reply->difference = text_from(value, sizeof DIFFERS - 1);
}
