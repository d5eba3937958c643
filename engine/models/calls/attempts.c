/* attempts.c: see attempts.h. */
#include "models/calls/attempts.h"

#include <stdio.h>

#include "message/formats/oip_base64.h"
#include "message/formats/oip_json.h"

static const int64_t pauses_ms[ATTEMPTS_MAX] = {50, 200, 0}; /* after the first and the second attempt; a restart of a replica
							      * takes longer */

#define UNMET_PAUSE_MS 50 /* doubles up to the constant below */
#define UNMET_PAUSE_MAX_MS 3200
#define CLOCKS_APART_MS 5

void attempts_begin(struct attempts *attempts, struct call *call, int64_t model_timeout_ms)
{
	assert(call);
	int64_t timeout_ms = call->timeout_ms;
	if (model_timeout_ms > 0 && !(call->timeout_own && timeout_ms > 0))
		timeout_ms = model_timeout_ms;
	*attempts = (struct attempts){.call = call, .timeout_ms = timeout_ms > 0 ? timeout_ms : ATTEMPT_TIMEOUT_MS_DEFAULT};
}

/* ---- meaning of an attempt ---- */

static bool is_reply(const struct attempt *attempt)
{
	return attempt->end == ATTEMPT_REPLIED && attempt->status == 200;
}

static bool is_unmet(const struct attempt *attempt)
{
	return attempt->end == ATTEMPT_REFUSED || attempt->end == ATTEMPT_LOST;
}

/* Consequence of an attempt for the next one. */
enum attempt_meaning { MEANS_REPLY, MEANS_INPUT, MEANS_REMOTE, MEANS_AGAIN };

static enum attempt_meaning meaning_of(const struct attempt *attempt)
{
	if (is_reply(attempt))
		return MEANS_REPLY;
	if (attempt->end != ATTEMPT_REPLIED || attempt->loading)
		return MEANS_AGAIN;
	switch (attempt->status) {
	case 401: /* our credentials and address are not the message's fault, and do not change */
	case 403:
	case 405:
	case 501:
		return MEANS_REMOTE;
	case 408:
	case 429:
		return MEANS_AGAIN;
	default:
		return attempt->status >= 400 && attempt->status < 500 ? MEANS_INPUT : MEANS_AGAIN;
	}
}

bool attempt_is_failure(const struct attempt *attempt)
{
	return meaning_of(attempt) == MEANS_AGAIN;
}

static bool reply_read(struct attempts *attempts, const struct attempt *attempt)
{
	struct call *call = attempts->call;
	if (attempt->payload) {
		call->reply = attempt->payload;
		return true;
	}
	struct error error;
	error.kind = ERROR_NONE;
	struct oip_reply *reply = attempt->fault ? NULL : ARENA_NEW(call->message->arena, struct oip_reply);
	if (!reply && !attempt->fault)
		return error_memory(&call->error, ERROR_LIMIT, "reading a model's reply");
	if (attempt->fault) {
		error = *attempt->fault;
	} else if (oip_json_decode_reply(call->message->arena, attempt->body, 0, reply, &error) &&
		   oip_base64_decode_outputs(call->request, &reply->payload, call->message->arena, &error)) {
		call->reply = &reply->payload;
		return true;
	}
	return error_set(&call->error, error.kind == ERROR_LIMIT ? ERROR_LIMIT : ERROR_REMOTE, PLACE_NONE, "%s : %s%s%s%s",
			 call->name, error.text, attempt->where ? " (" : "", attempt->where ? attempt->where : "",
			 attempt->where ? ")" : "");
}

/* ---- text of an error ---- */

/* " (status 503, http://h:8080)": added to the server's own words, if the attempt has an address. */
static void print_circumstances(const struct attempt *attempt, char *out, size_t size)
{
	*out = '\0';
	if (attempt->where && attempt->end == ATTEMPT_REPLIED)
		(void)snprintf(out, size, " (status %d, %s)", attempt->status, attempt->where);
	else if (attempt->where)
		(void)snprintf(out, size, " (%s)", attempt->where);
}

static void failure_say(struct attempts *attempts, const struct attempt *attempt, enum error_kind kind, const char *why)
{
	struct call *call = attempts->call;
	struct text words = attempt->words;
	char tried[48] = "", status[32] = "", where[160];
	if (attempts->made > 1)
		(void)snprintf(tried, sizeof tried, "; it was tried %u times", attempts->made);
	print_circumstances(attempt, where, sizeof where);
	if (attempt->end == ATTEMPT_TIMED_OUT)
		(void)snprintf(status, sizeof status, "no answer within %lld ms", (long long)attempts->timeout_ms);
	else if (words.length == 0)
		(void)snprintf(status, sizeof status, "status %d", attempt->status);
	if (status[0])
		words = text_of(status);
	error_set(&call->error, kind, PLACE_NONE, "%s : " TEXT_FORMAT "%s%s%s%s", call->name, TEXT_ARGUMENTS(words), where, tried,
		  why ? "; " : "", why ? why : "");
}

void attempts_end(struct attempts *attempts, const struct attempt *last, const char *why)
{
	failure_say(attempts, last, ERROR_REMOTE, why);
}

/* ---- retries ---- */

/* Whether the server never received it, and the call waits for a server that does. */
static bool counts_no_try(struct attempts *attempts, const struct attempt *attempt)
{
	bool by_this_call = attempt->end == ATTEMPT_LOST && attempts->lost && attempt->others_answered;
	attempts->lost = attempt->end == ATTEMPT_LOST;
	return is_unmet(attempt) && !by_this_call && !attempts->outage_fails && !attempts->call->once;
}

static int64_t pause_ms(const struct attempts *attempts)
{
	if (attempts->unmet == 0)
		return pauses_ms[attempts->made - 1];
	int64_t pause = UNMET_PAUSE_MS << (attempts->unmet < 7 ? attempts->unmet - 1 : 6);
	return pause < UNMET_PAUSE_MAX_MS ? pause : UNMET_PAUSE_MAX_MS;
}

/* Whether the request's deadline ended it, here or at the model's server, whose clock may be slightly ahead. */
static bool is_cut_short(const struct attempt *attempt, int64_t deadline_ms, int64_t now_ms)
{
	bool timed_out = attempt->end == ATTEMPT_TIMED_OUT || (attempt->end == ATTEMPT_REPLIED && attempt->status == 504);
	return timed_out && deadline_ms > 0 && now_ms + CLOCKS_APART_MS >= deadline_ms;
}

/* Whether the deadline ended the first attempt before its request was sent: so little time was left that it does not show whether
 * the server can be reached. */
static bool is_never_sent(const struct attempts *attempts, const struct attempt *attempt, int64_t deadline_ms, int64_t now_ms)
{
	return attempt->end == ATTEMPT_REFUSED && attempts->unmet == 1 && deadline_ms > 0 &&
	       now_ms + CLOCKS_APART_MS >= deadline_ms;
}

/* ---- cause of a refusal ---- */

static bool is_name_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Whether the words contain the name by itself: not as part of another name, nor as a method of the server. */
static bool words_name(struct text words, struct text name)
{
	for (size_t at = 0; name.length && at + name.length <= words.length; at++) {
		const size_t end = at + name.length;
		if (memcmp(words.bytes + at, name.bytes, name.length) != 0)
			continue;
		if (at > 0 && (is_name_letter(words.bytes[at - 1]) || words.bytes[at - 1] == '.'))
			continue;
		if (end == words.length || !(is_name_letter(words.bytes[end]) || words.bytes[end] == '('))
			return true;
	}
	return false;
}

static bool words_have(struct text words, struct text small)
{
	for (size_t at = 0; at + small.length <= words.length; at++)
		if (text_equal_caseless((struct text){words.bytes + at, small.length}, small))
			return true;
	return false;
}

/* Whether the server refuses an output: its message then names it. If the message also names something that was sent,
 * or mentions only inputs, the request is the cause. */
static bool outputs_are_refused(const struct call *call, struct text words)
{
	bool named = false;
	for (size_t i = 0; i < call->outputs.count; i++)
		named = named || words_name(words, call->outputs.names[i]);
	for (size_t i = 0; named && i < call->request->tensors.count; i++)
		named = !words_name(words, call->request->tensors.items[i]->name);
	return named && (words_have(words, TEXT("output")) || !words_have(words, TEXT("input")));
}

static void refusal_say(struct attempts *attempts, const struct attempt *attempt)
{
	if (outputs_are_refused(attempts->call, attempt->words))
		failure_say(attempts, attempt, ERROR_REMOTE,
			    "the step asks for it by `model: {outputs: [...]}`: list what the model has");
	else
		failure_say(attempts, attempt, ERROR_INPUT, NULL);
}

bool attempts_take(struct attempts *attempts, const struct attempt *attempt, int64_t now_ms, int64_t *again_ms)
{
	assert(attempts->call && attempts->made < ATTEMPTS_MAX);
	struct call *call = attempts->call;
	int64_t deadline_ms = call_deadline_ms(call);
	enum attempt_meaning meaning = meaning_of(attempt);
	bool unmet = counts_no_try(attempts, attempt);
	attempts->unmet = unmet ? attempts->unmet + 1 : 0;
	if (!unmet)
		call->attempts = ++attempts->made;
	if (meaning == MEANS_REPLY) {
		(void)reply_read(attempts, attempt);
		return true;
	}
	unsigned most = call->once ? 1 : ATTEMPTS_MAX;
	if (meaning == MEANS_AGAIN && (unmet || attempts->made < most)) {
		*again_ms = now_ms + pause_ms(attempts);
		if (deadline_ms == 0 || *again_ms < deadline_ms)
			return false;
	}
	if (is_cut_short(attempt, deadline_ms, now_ms))
		error_set_limit(&call->error, LIMIT_OF_DEADLINE, "%s : the deadline passed before the model answered", call->name);
	else if (is_never_sent(attempts, attempt, deadline_ms, now_ms))
		error_set_limit(&call->error, LIMIT_OF_DEADLINE,
				"%s : the deadline passed before the request was sent to the model: " TEXT_FORMAT, call->name,
				TEXT_ARGUMENTS(attempt->words));
	else if (meaning == MEANS_INPUT)
		refusal_say(attempts, attempt);
	else
		failure_say(attempts, attempt, ERROR_REMOTE, NULL);
	return true;
}
