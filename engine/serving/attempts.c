/* attempts.c: see attempts.h. */
#include "serving/attempts.h"

#include <stdio.h>

#include "message/oip_json.h"

static const int64_t pauses_ms[ATTEMPTS_MAX] = {50, 200, 0}; /* behind the first, the second; a restart of a replica takes longer */

void attempts_begin(struct attempts *attempts, struct call *call, int64_t model_timeout_ms)
{
	int64_t timeout_ms = call->timeout_ms;
	if (model_timeout_ms > 0 && !(call->timeout_own && timeout_ms > 0))
		timeout_ms = model_timeout_ms;
	*attempts = (struct attempts){.call = call, .timeout_ms = timeout_ms > 0 ? timeout_ms : ATTEMPT_TIMEOUT_MS_DEFAULT};
}

static bool reply_read(struct attempts *attempts, const struct attempt *attempt)
{
	struct call *call = attempts->call;
	if (attempt->payload) {
		call->reply = attempt->payload;
		return true;
	}
	struct oip_reply *reply = ARENA_NEW(call->message->arena, struct oip_reply);
	struct error error = {0};
	if (!reply)
		return error_memory(&call->error, ERROR_LIMIT, "reading a model's reply");
	if (oip_json_decode_reply(call->message->arena, attempt->body, attempt->header_length, reply, &error)) {
		call->reply = &reply->payload;
		return true;
	}
	return error_set(&call->error, error.kind == ERROR_LIMIT ? ERROR_LIMIT : ERROR_REMOTE, PLACE_NONE, "%s : %s", call->name,
			 error.text);
}

static void failure_say(struct attempts *attempts, const struct attempt *attempt)
{
	struct call *call = attempts->call;
	struct text words = attempt->words;
	char tried[48] = "";
	if (attempts->made > 1)
		(void)snprintf(tried, sizeof tried, "; it was tried %u times", attempts->made);
	switch (attempt->end) {
	case ATTEMPT_TIMED_OUT:
		error_set(&call->error, ERROR_REMOTE, PLACE_NONE, "%s : no answer within %lld ms%s", call->name,
			  (long long)attempts->timeout_ms, tried);
		break;
	case ATTEMPT_BROKE:
		error_set(&call->error, ERROR_REMOTE, PLACE_NONE, "%s : " TEXT_FORMAT "%s", call->name, TEXT_ARGUMENTS(words),
			  tried);
		break;
	default:
		if (words.length == 0)
			error_set(&call->error, ERROR_REMOTE, PLACE_NONE, "%s : status %d%s", call->name, attempt->status, tried);
		else
			error_set(&call->error, ERROR_REMOTE, PLACE_NONE, "%s : " TEXT_FORMAT "%s", call->name,
				  TEXT_ARGUMENTS(words), tried);
	}
}

bool attempts_take(struct attempts *attempts, const struct attempt *attempt, int64_t now_ms, int64_t *again_ms)
{
	struct call *call = attempts->call;
	call->attempts = ++attempts->made;
	if (attempt->end == ATTEMPT_REPLIED && attempt->status == 200) {
		(void)reply_read(attempts, attempt);
		return true;
	}
	if (attempt->end == ATTEMPT_REPLIED && attempt->status >= 400 && attempt->status < 500) {
		error_set(&call->error, ERROR_INPUT, PLACE_NONE, "%s : " TEXT_FORMAT, call->name, TEXT_ARGUMENTS(attempt->words));
		return true;
	}
	*again_ms = now_ms + pauses_ms[attempts->made - 1];
	int64_t deadline_ms = call->message->deadline_ms;
	if (attempts->made < ATTEMPTS_MAX && (deadline_ms == 0 || *again_ms < deadline_ms))
		return false;
	failure_say(attempts, attempt);
	return true;
}
