/* idempotent_calls.c: see idempotent_calls.h. */
#include "gateway/calls/idempotent_calls.h"

#include <openssl/sha.h>
#include <stdio.h>

#include "base/memory.h"
#include "gateway/calls/call_outcome.h"
#include "gateway/calls/claim_log.h"
#include "message/rows.h"
#include "net/http/refusal.h"

#define KEYED_ARENA_BYTES ((size_t)64 << 20) /* of a request, and of its outcome */
#define REFUSAL_ARENA_BYTES ((size_t)1 << 20)
#define SLOT_BITS 12
#define RETRY_AFTER_S 1
#define PENDING_STATUS 202
#define READING_WORDS "the claims of idempotency keys are being read; ask again"
#define LOST_WORDS "the gateway cannot read the claims of idempotency keys now; try again later, or another gateway"

static_assert(KEYED_OPEN_MAX == (size_t)1 << SLOT_BITS, "a call's number ends with its slot");

enum keyed_phase {
	KEYED_CLAIMS,  /* its claim is not read yet */
	KEYED_RUNS,    /* its request was begun */
	KEYED_SEARCHES /* an earlier request answers it */
};

struct keyed_call {
	struct keyed_calls *keyed;
	uint64_t number; /* 0: the slot is free */
	enum keyed_phase phase;
	struct call_request call; /* in the arena */
	struct claim_record claim;
	struct submission origin; /* of its request, or of the earlier one */
	const char *inputs;
	struct text target; /* name, of an earlier request; in the arena */
	bool begins;	    /* calls_begin() has not returned */
	bool placed;	    /* Kafka has the request */
	bool settled;	    /* its origin is in the log */
	bool has_outcome, is_expired;
	bool has_answer;	     /* the earlier request; else Kafka has accepted it, and that is all */
	struct poll_found found;     /* by the search for the earlier answer */
	bool is_answered;	     /* while its earlier answer is still searched, or Kafka's report of its request is awaited */
	struct keyed_place place;    /* in the room */
	struct call_outcome outcome; /* held until it is settled */
	struct loop_timer deadline;
	struct arena *arena;
	size_t next_free;
};

struct keyed_calls {
	struct loop *loop;
	struct keyed_config config;
	struct claim_log *log;
	uint64_t serial;
	char *topic;
	struct keyed_call **slots;
	size_t slot_count, first_free;
	struct arena *arena; /* of a refusal */
	struct buffer body;
	struct keyed_room room;
};

#define NO_SLOT SIZE_MAX

/* ---- slots ---- */

static struct keyed_call *keyed_find(const struct keyed_calls *keyed, uint64_t number)
{
	size_t slot = number & (KEYED_OPEN_MAX - 1);
	struct keyed_call *call = slot < keyed->slot_count ? keyed->slots[slot] : NULL;
	return call && number != 0 && call->number == number ? call : NULL;
}

static bool slot_make(struct keyed_calls *keyed)
{
	struct keyed_call *call = keyed->slot_count < KEYED_OPEN_MAX ? memory_take(1, sizeof *call) : NULL;
	if (!call)
		return false;
	call->next_free = keyed->first_free;
	keyed->first_free = keyed->slot_count;
	keyed->slots[keyed->slot_count++] = call;
	return true;
}

static struct keyed_call *slot_take(struct keyed_calls *keyed)
{
	struct arena *arena = keyed->first_free != NO_SLOT || slot_make(keyed) ? arena_open(KEYED_ARENA_BYTES) : NULL;
	if (!arena)
		return NULL;
	size_t slot = keyed->first_free;
	struct keyed_call *call = keyed->slots[slot];
	keyed->first_free = call->next_free;
	*call = (struct keyed_call){.keyed = keyed, .number = ++keyed->serial << SLOT_BITS | slot, .arena = arena};
	return call;
}

static void slot_give_back(struct keyed_call *call)
{
	struct keyed_calls *keyed = call->keyed;
	keyed_room_give(&keyed->room, &call->place);
	loop_timer_stop(keyed->loop, &call->deadline);
	arena_close(call->arena);
	call->arena = NULL;
	call->next_free = keyed->first_free;
	keyed->first_free = call->number & (KEYED_OPEN_MAX - 1);
	call->number = 0;
}

/* ---- the end of a call ---- */

static void request_refuse(struct keyed_calls *keyed, const struct call_request *request, int status, const char *words)
{
	char id[REFUSAL_ID_SIZE];
	struct call_outcome outcome;
	enum error_kind kind = status == 429 || status == 504 ? ERROR_LIMIT : status >= 500 ? ERROR_REMOTE : ERROR_INPUT;
	arena_reset(keyed->arena);
	refusal_id_write(calls_ids(keyed->config.calls), request->id, id);
	call_outcome_refused(&outcome, status, kind, words, request->place, text_of(id), &keyed->body);
	outcome.id = text_of(id);
	outcome.arena = keyed->arena;
	outcome.retry_after_s = status == 409 || status == 429 || status == 503 ? RETRY_AFTER_S : 0;
	calls_count_refused(keyed->config.calls, request,
			    call_counted_status(request->protocol, request->has_seldon_errors, &outcome));
	request->ended(request->context, &outcome);
}

static void keyed_refuse(struct keyed_call *call, int status, const char *words)
{
	request_refuse(call->keyed, &call->call, status, words);
	slot_give_back(call);
}

static void keyed_end(struct keyed_call *call, const struct call_outcome *outcome)
{
	call->call.ended(call->call.context, outcome);
	slot_give_back(call);
}

/* Words for a key that another request holds; NULL: it is free. */
static const char *look_words(const struct claim_look *look, int *status)
{
	static const int statuses[] = {[CLAIM_FREE] = 409,  [CLAIM_OPEN] = 409,	 [CLAIM_SETTLED] = 409,
				       [CLAIM_OTHER] = 422, [CLAIM_SPENT] = 429, [CLAIM_FULL] = 503};
	*status = statuses[look->state];
	switch (look->state) {
	case CLAIM_OTHER:
		return "this idempotency key was used for another request; take a new key for a new request";
	case CLAIM_OPEN:
	case CLAIM_SETTLED:
		return "the first request with this idempotency key is not answered yet; ask again";
	case CLAIM_SPENT:
		return "this caller has used as many idempotency keys in the last 24 hours as one caller may; send the request "
		       "without one, or later";
	case CLAIM_FULL:
		return "the gateway has its maximum of idempotency keys of the last 24 hours; send the request without one, or "
		       "later";
	case CLAIM_FREE:
		break;
	}
	return NULL;
}

static void look_refuse(struct keyed_call *call, enum claim_state state)
{
	int status;
	const char *words = look_words(&(struct claim_look){.state = state}, &status);
	keyed_refuse(call, status, words);
}

/* ---- records ---- */

static bool record_send(struct keyed_call *call, enum claim_event event)
{
	struct claim_record record = call->claim;
	record.event = event;
	record.origin = call->origin;
	return claim_log_write(call->keyed->log, &record, call->number);
}

/* Claims the key; `generation` is what claim_log_look() says. */
static void claim_write(struct keyed_call *call, uint32_t generation)
{
	struct claim_record *claim = &call->claim;
	claim->generation = generation;
	claim->time_ms = loop_time_of_day_ms(call->keyed->loop);
	claim->deadline_ms = claim->time_ms + CLAIM_MS;
	if (!record_send(call, CLAIM_TAKES))
		keyed_refuse(call, 503,
			     "Kafka takes no claim of an idempotency key now, as many are in flight or their topic is gone; try "
			     "again later");
}

/* Ends a call whose request is not sent. The release follows the claim in the log, whether or not that is there yet. */
static void claim_give_up(struct keyed_call *call, const char *words)
{
	(void)record_send(call, CLAIM_RELEASES);
	keyed_refuse(call, 503, words);
}

/* ---- answers of earlier requests ---- */

static void outcome_mark_replayed(struct call_outcome *outcome, struct arena *arena)
{
	(void)headers_put(&outcome->headers, (struct header){TEXT(IDEMPOTENCY_REPLAYED_HEADER), TEXT("true")}, arena);
}

/* Of the request that holds the key. If it was declined, the key is free for the next call. */
static void outcome_give(struct keyed_call *call, const struct call_outcome *outcome)
{
	if (outcome->declined)
		(void)record_send(call, CLAIM_RELEASES);
	keyed_end(call, outcome);
}

static void keyed_calls_on_searched(void *context, const struct call_outcome *outcome)
{
	struct keyed_call *call = context;
	struct call_outcome passed = *outcome;
	if (call->is_answered) {
		slot_give_back(call);
		return;
	}
	if (outcome->end == CALL_ACCEPTED && outcome->status == PENDING_STATUS) {
		look_refuse(call, CLAIM_OPEN);
		return;
	}
	if (call->found.outcome == ANSWER_FOUND) /* else the gateway says why there is none */
		outcome_mark_replayed(&passed, outcome->arena);
	outcome_give(call, &passed);
}

/* Tells that Kafka has the request, as its claim says. `request_id` empty: the request was not read. */
static void accepted_tell(struct keyed_call *call, struct text request_id)
{
	struct call_outcome outcome;
	char id[SUBMISSION_ID_BYTES_MAX];
	const struct text poll = {id, submission_write(&call->origin, id)};
	const struct text named = request_id.length > 0 ? request_id : poll;
	call_outcome_accepted(&outcome, call->call.submits ? poll : named, &call->keyed->body);
	outcome.id = named;
	outcome.arena = call->arena;
	outcome.target = call->target;
	if (call->call.submits)
		outcome.submission = poll;
	outcome_mark_replayed(&outcome, call->arena);
	call->call.ended(call->call.context, &outcome);
}

/* The search was for the id alone: without an answer, a request has ended when Kafka has it. */
static void keyed_calls_on_request_found(void *context, const struct call_outcome *found)
{
	struct keyed_call *call = context;
	if (!call->is_answered)
		accepted_tell(call, found->id);
	slot_give_back(call);
}

static bool replay_is_over(void *context)
{
	const struct keyed_call *call = context;
	return call->is_answered || call->call.is_over(call->call.context);
}

static void call_replay(struct keyed_call *call, const struct claim_record *holder)
{
	const struct gateway_target *target = call->call.target;
	call->has_answer = !call->call.submits && target->answers && target->outputs;
	call->claim = *holder;
	call->origin = holder->origin;
	call->target = text_copied(call->arena, text_of(target->name));
	call->found = POLL_FOUND_NOTHING;
	const struct poll_request poll = {.inputs = call->inputs,
					  .outputs = call->has_answer ? target->outputs : NULL,
					  .target = call->target,
					  .submission = call->origin,
					  .share = call->place.caller,
					  .ended = call->has_answer ? keyed_calls_on_searched : keyed_calls_on_request_found,
					  .is_over = replay_is_over,
					  .found = &call->found,
					  .context = call};
	call->phase = KEYED_SEARCHES;
	const enum poll_start start = polls_begin(call->keyed->config.polls, &poll);
	if (start == POLL_STARTED)
		return;
	if (call->has_answer) {
		keyed_refuse(call, poll_refusal_status(start), poll_replay_refusal_words(start));
	} else {
		accepted_tell(call, (struct text){0});
		slot_give_back(call);
	}
}

/* ---- the request ---- */

static void outcome_pass(struct keyed_call *call)
{
	if (!call->settled) /* another gateway has taken over */
		look_refuse(call, CLAIM_OPEN);
	else
		outcome_give(call, &call->outcome);
}

/* A request that was never sent to Kafka gives its key back. One that may yet be there keeps it until the deadline of the
 * claim. */
static void on_call_ended(void *context, const struct call_outcome *outcome)
{
	struct keyed_call *call = context;
	if (call->is_answered) {
		if ((call->placed && outcome->declined) || outcome->is_unsent)
			(void)record_send(call, CLAIM_RELEASES);
		slot_give_back(call);
	} else if (!call->placed) {
		if (call->begins || outcome->is_unsent)
			(void)record_send(call, CLAIM_RELEASES);
		keyed_end(call, outcome);
	} else if (call->settled) {
		outcome_give(call, outcome);
	} else if (call->is_expired) {
		keyed_refuse(call, 503, "Kafka did not take the origin of the request in time; ask again with the same key");
	} else {
		call->has_outcome = true;
		call_outcome_keep(&call->outcome, outcome, call->arena);
		if (arena_failed(call->arena))
			keyed_refuse(call, 503, "the gateway is short of memory; ask again with the same key");
	}
}

static void on_placed(void *context, const struct submission *origin)
{
	struct keyed_call *call = context;
	call->placed = true;
	call->origin = *origin;
	(void)record_send(call, CLAIM_PLACES);
}

/* A caller that disconnects, or has been answered, ends the call when the origin is in the log: it may ask again, and the outputs
 * have the answer. */
static bool is_settled_and_over(void *context)
{
	const struct keyed_call *call = context;
	return call->settled && (call->is_answered || call->call.is_over(call->call.context));
}

static bool is_answered(void *context)
{
	return ((const struct keyed_call *)context)->is_answered;
}

/* The claim was the first in the log. */
static void request_begin(struct keyed_call *call)
{
	struct keyed_calls *keyed = call->keyed;
	struct call_request request = call->call;
	if (loop_time_of_day_ms(keyed->loop) > call->claim.time_ms + CLAIM_START_MS) {
		claim_give_up(call, "Kafka took too long for the claim of the idempotency key; ask again with the same key");
		return;
	}
	const uint64_t number = call->number;
	request.placed = on_placed;
	request.ended = on_call_ended;
	request.is_over = is_settled_and_over;
	request.is_late = is_answered;
	request.context = call;
	call->phase = KEYED_RUNS;
	call->begins = true;
	calls_begin(keyed->config.calls, &request);
	if (!keyed_find(keyed, number))
		return;
	call->begins = false;
	keyed_room_give_body(&keyed->room, &call->place); /* Kafka's producer has it */
}

/* ---- the log ---- */

/* The claim of another request was first. If the key is free again since, this call claims it once more. */
static void claim_lost(struct keyed_call *call)
{
	const struct claim_record *claim = &call->claim;
	struct claim_look look = claim_log_look(call->keyed->log, &claim->id, &claim->body, claim->caller);
	if (look.state == CLAIM_SETTLED)
		call_replay(call, look.claim);
	else if (look.state == CLAIM_FREE)
		claim_write(call, look.generation);
	else
		look_refuse(call, look.state);
}

static void keyed_calls_on_taken(void *context, const struct claim_record *record, enum claim_effect effect)
{
	struct keyed_call *call = keyed_find(context, record->nonce.number);
	const bool first = effect == CLAIM_APPLIED;
	if (!call)
		return;
	if (record->event == CLAIM_TAKES && call->phase == KEYED_CLAIMS && first) {
		request_begin(call);
	} else if (record->event == CLAIM_TAKES && call->phase == KEYED_CLAIMS) {
		claim_lost(call);
	} else if (record->event == CLAIM_PLACES && call->phase == KEYED_RUNS) {
		call->settled = first;
		if (call->has_outcome)
			outcome_pass(call);
		else if (!first)
			call->is_expired = true;
	}
}

static void keyed_calls_on_refused(void *context, uint64_t number)
{
	struct keyed_call *call = keyed_find(context, number);
	if (call && call->phase == KEYED_CLAIMS) /* Kafka may have it after all */
		claim_give_up(call, "Kafka did not take the claim of the idempotency key; try again later");
}

static void keyed_calls_on_lost(void *context)
{
	struct keyed_calls *keyed = context;
	for (size_t i = 0; i < keyed->slot_count; i++) {
		struct keyed_call *call = keyed->slots[i];
		if (call->number != 0 && (call->phase == KEYED_CLAIMS || call->has_outcome))
			keyed_refuse(call, 503, LOST_WORDS);
	}
}

/* ---- the beginning of a call ---- */

/* Its slot stays until the search has ended. */
static void replay_end_in_time(struct keyed_call *call)
{
	call->is_answered = true;
	if (call->has_answer)
		request_refuse(call->keyed, &call->call, 504,
			       "the answer to the first request with this key was not found in time; ask again with the same key");
	else
		accepted_tell(call, (struct text){0});
}

/* Its slot stays until Kafka has said where the request is, so that the claim gets its origin. */
static void request_end_in_time(struct keyed_call *call)
{
	call->is_answered = true;
	request_refuse(call->keyed, &call->call, 503, "Kafka did not report the request in time; ask again with the same key");
}

static void keyed_calls_on_deadline(void *context)
{
	struct keyed_call *call = context;
	call->is_expired = true;
	if (call->phase == KEYED_CLAIMS)
		claim_give_up(call, "Kafka did not take the claim of the idempotency key in time; ask again with the same key");
	else if (call->has_outcome)
		keyed_refuse(call, 503, "Kafka did not take the origin of the request in time; ask again with the same key");
	else if (call->phase == KEYED_SEARCHES && !call->is_answered)
		replay_end_in_time(call);
	else if (call->phase == KEYED_RUNS && !call->placed)
		request_end_in_time(call);
}

size_t keyed_calls_stop(struct keyed_calls *keyed)
{
	size_t ended = 0;
	for (size_t i = 0; i < keyed->slot_count; i++) {
		struct keyed_call *call = keyed->slots[i];
		if (call->number == 0 || call->is_answered || (call->phase == KEYED_RUNS && !call->has_outcome))
			continue;
		ended += !call->has_outcome;
		keyed_calls_on_deadline(call);
	}
	return ended;
}

/* A digest of the parts' digests, so that no bytes can move from one part to another. */
static struct claim_digest digest_of(struct text first, struct text second, struct text third)
{
	static_assert(CLAIM_DIGEST_BYTES == SHA256_DIGEST_LENGTH, "a claim has digests of SHA-256");
	const struct text parts[] = {first, second, third};
	unsigned char digests[3][SHA256_DIGEST_LENGTH];
	struct claim_digest whole;
	for (size_t i = 0; i < 3; i++)
		SHA256((const unsigned char *)(parts[i].bytes ? parts[i].bytes : ""), parts[i].length, digests[i]);
	SHA256(digests[0], sizeof digests, whole.bytes);
	return whole;
}

static struct keyed_call *call_open(struct keyed_calls *keyed, const struct keyed_request *request)
{
	struct keyed_place place = {keyed_caller(&request->caller, request->has_share), request->call->body.length};
	struct error error = {0};
	const bool has_room = keyed_room_take(&keyed->room, &place);
	struct keyed_call *call = has_room ? slot_take(keyed) : NULL;
	if (!call && has_room)
		keyed_room_give(&keyed->room, &place);
	if (!call)
		return NULL;
	struct arena *arena = call->arena;
	call->place = place;
	call->call = *request->call;
	call->call.body = text_copied(arena, request->call->body);
	if (request->call->key.length > 0) /* an empty one is a key too */
		call->call.key = text_copied(arena, request->call->key);
	else if (request->call->key.bytes)
		call->call.key = TEXT("");
	call->call.id = text_copied(arena, request->call->id);
	call->call.headers = headers_copied(arena, request->call->headers);
	call->call.place = text_copied(arena, request->call->place); /* the request may outlive its caller */
	call->inputs = arena_copy(arena, request->inputs, strlen(request->inputs));
	call->deadline = (struct loop_timer){.due = keyed_calls_on_deadline, .context = call};
	int64_t left_ms = request->call->deadline_ms - loop_time_of_day_ms(keyed->loop);
	if (!arena_failed(arena) &&
	    loop_timer_set(keyed->loop, &call->deadline, loop_due_ms(keyed->loop, left_ms > 0 ? left_ms : 0), &error))
		return call;
	slot_give_back(call);
	return NULL;
}

static void claim_begin(struct keyed_call *call, const struct claim_digest *id, const struct claim_digest *body,
			const struct claim_look *look)
{
	call->claim = (struct claim_record){
		.id = *id, .body = *body, .caller = call->place.caller, .nonce = claim_log_nonce(call->keyed->log, call->number)};
	claim_write(call, look->generation);
}

void keyed_calls_catch_up(struct keyed_calls *keyed, int64_t until_ms)
{
	claim_log_catch_up(keyed->log, until_ms);
}

bool keyed_calls_are_ready(const struct keyed_calls *keyed, struct error *error)
{
	return keyed_calls_are_well(keyed, error) &&
	       (claim_log_has_caught_up(keyed->log) || error_set(error, ERROR_REMOTE, PLACE_NONE, READING_WORDS));
}

bool keyed_calls_are_well(const struct keyed_calls *keyed, struct error *error)
{
	return claim_log_is_well(keyed->log, error);
}

void keyed_calls_begin(struct keyed_calls *keyed, const struct keyed_request *request)
{
	const struct call_request *call = request->call;
	const struct text caller = {(const char *)request->caller.bytes, sizeof request->caller.bytes};
	const struct claim_digest id = digest_of(caller, request->key, (struct text){0});
	const struct claim_digest body = digest_of(text_of(request->inputs), call->body, call->key);
	struct claim_look look = claim_log_look(keyed->log, &id, &body, keyed_caller(&request->caller, request->has_share));
	struct error failure = {0};
	const bool is_well = claim_log_is_well(keyed->log, &failure);
	int status;
	if (!request->is_recognised) {
		request_refuse(keyed, call, 400,
			       "an idempotency key belongs to its caller, and the credentials do not say who that is: send a valid "
			       "token that has a `sub`");
		return;
	}
	if (!is_well || !claim_log_has_caught_up(keyed->log)) {
		request_refuse(keyed, call, 503, is_well ? READING_WORDS : LOST_WORDS);
		return;
	}
	if (look.state != CLAIM_FREE && look.state != CLAIM_SETTLED) {
		const char *words = look_words(&look, &status);
		request_refuse(keyed, call, status, words);
		return;
	}
	const char *gone = look.state == CLAIM_FREE ? calls_lack_topic(keyed->config.calls, GATEWAY_CLAIMS) : NULL;
	if (gone) {
		char words[ERROR_TEXT_MAX];
		(void)snprintf(words, sizeof words, CLAIMS_GONE_WORDS, gone);
		request_refuse(keyed, call, 503, words);
		return;
	}
	struct keyed_call *opened = call_open(keyed, request);
	if (!opened) {
		request_refuse(keyed, call, 503,
			       "the gateway has its maximum of open calls with idempotency keys; try again later");
		return;
	}
	if (look.state == CLAIM_SETTLED)
		call_replay(opened, look.claim);
	else
		claim_begin(opened, &id, &body, &look);
}

void keyed_calls_follow(struct keyed_calls *keyed)
{
	for (size_t i = 0; i < keyed->slot_count; i++) {
		struct keyed_call *call = keyed->slots[i];
		call->call.target = NULL;
		if (call->number != 0 && call->phase == KEYED_CLAIMS)
			claim_give_up(call, "the pipelines of the gateway have just changed; ask again");
	}
}

/* ---- opening and closing ---- */

static bool keyed_set_up(struct keyed_calls *keyed, const struct gateway_targets *targets, struct error *error)
{
	keyed->topic = gateway_topic_name(topic_claims_name, targets);
	keyed->slots = memory_take(KEYED_OPEN_MAX, sizeof *keyed->slots);
	keyed->arena = arena_open(REFUSAL_ARENA_BYTES);
	if (!keyed->topic || !keyed->slots || !keyed->arena)
		return error_memory(error, ERROR_SYSTEM, "opening a gateway");
	const struct claim_log_config log = {.brokers = keyed->config.brokers,
					     .topic = keyed->topic,
					     .consumer = keyed->config.consumer,
					     .producer = keyed->config.producer,
					     .taken = keyed_calls_on_taken,
					     .refused = keyed_calls_on_refused,
					     .lost = keyed_calls_on_lost,
					     .context = keyed};
	keyed->log = claim_log_open(keyed->loop, &log, error);
	return keyed->log;
}

struct keyed_calls *keyed_calls_open(struct loop *loop, const struct keyed_config *config, const struct gateway_targets *targets,
				     struct error *error)
{
	struct keyed_calls *keyed = memory_take(1, sizeof *keyed);
	if (!keyed)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gateway"));
	keyed->loop = loop;
	keyed->config = *config;
	keyed->first_free = NO_SLOT;
	buffer_open(&keyed->body, CALL_ERROR_BYTES_MAX);
	if (keyed_set_up(keyed, targets, error))
		return keyed;
	keyed_calls_close(keyed);
	return NULL;
}

void keyed_calls_close(struct keyed_calls *keyed)
{
	if (!keyed)
		return;
	for (size_t i = 0; i < keyed->slot_count; i++) {
		loop_timer_stop(keyed->loop, &keyed->slots[i]->deadline);
		arena_close(keyed->slots[i]->arena);
		memory_give(keyed->slots[i]);
	}
	claim_log_close(keyed->log);
	buffer_close(&keyed->body);
	arena_close(keyed->arena);
	memory_give(keyed->slots);
	memory_give(keyed->topic);
	memory_give(keyed);
}
