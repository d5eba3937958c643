/* open_calls.c: see open_calls.h. */
#include "gateway/calls/open_calls.h"

#include <stdio.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "gateway/calls/call_outcome.h"
#include "gateway/calls/call_record.h"

/* ---- from workers ---- */

static void on_messages(void *context, uint32_t events)
{
	const struct direct_calls *direct = context;
	struct direct_message *message = direct_hub_take(direct->hub);
	(void)events;
	for (struct direct_message *next; message; message = next) {
		next = message->next;
		direct->take(direct->context, message);
		direct_message_close(message);
	}
}

/* ---- to workers ---- */

static void on_wake(void *context)
{
	const struct direct_calls *direct = context;
	direct_hub_wake(direct->hub);
}

static void workers_wake_soon(struct direct_calls *direct)
{
	struct error error = {0};
	if (direct->wake.place == 0 && !loop_timer_set(direct->loop, &direct->wake, loop_now_ms(direct->loop), &error))
		direct_hub_wake(direct->hub);
}

static bool call_is_direct(const struct call_request *request)
{
	return request->target->direct && request->service == SERVICE_PREDICTIONS && !request->submits && !request->placed &&
	       !request->is_feedback;
}

enum direct_verdict direct_call_send(struct direct_calls *direct, const struct call_request *request, const struct outgoing *record,
				     uint64_t number)
{
	const struct direct_request sent = {.pipeline = text_of(request->target->name),
					    .place = request->place,
					    .key = record->key,
					    .value = record->value,
					    .headers = record->headers,
					    .time_ms = request->arrived_ms,
					    .call = number};
	if (!direct->hub || !call_is_direct(request))
		return DIRECT_ABSENT;
	const enum direct_verdict verdict = direct_hub_send(direct->hub, &sent);
	if (verdict == DIRECT_SENT)
		workers_wake_soon(direct);
	return verdict;
}

/* ---- opening and closing ---- */

bool direct_calls_open(struct direct_calls *direct, struct loop *loop, struct direct_hub *hub, uint64_t epoch, struct error *error)
{
	direct->watch = (struct watch){.ready = on_messages, .context = direct};
	direct->wake = (struct loop_timer){.due = on_wake, .context = direct};
	if (!hub)
		return true;
	if (!loop_watch(loop, &direct->watch, direct_hub_bell(hub), LOOP_RINGS, error))
		return false;
	direct->loop = loop;
	direct->hub = hub;
	direct_hub_expect(hub, epoch);
	return true;
}

void direct_calls_close(struct direct_calls *direct)
{
	if (!direct->hub)
		return;
	direct_hub_expect(direct->hub, 0);
	direct_hub_wake(direct->hub);
	loop_timer_stop(direct->loop, &direct->wake);
	loop_unwatch(direct->loop, &direct->watch);
	*direct = (struct direct_calls){0};
}

#define SLOT_BITS 16

static_assert(CALLS_OPEN_MAX == (size_t)1 << SLOT_BITS, "a call's number ends with its slot");

/* ---- slots ---- */

struct open_call *open_call_find(const struct calls *calls, uint64_t number)
{
	size_t slot = number & (CALLS_OPEN_MAX - 1);
	struct open_call *call = slot < calls->slot_count ? calls->slots[slot] : NULL;
	return call && number != 0 && call->number == number ? call : NULL;
}

static struct open_call *slot_make(struct calls *calls)
{
	struct open_call *call = calls->slot_count < CALLS_OPEN_MAX ? memory_take(1, sizeof *call) : NULL;
	if (!call)
		return NULL;
	call->calls = calls;
	call->next_free = calls->first_free;
	calls->first_free = calls->slot_count;
	calls->slots[calls->slot_count++] = call;
	return call;
}

struct open_call *open_call_take(struct calls *calls)
{
	if (calls->first_free == CALL_NO_SLOT && !slot_make(calls))
		return NULL;
	size_t slot = calls->first_free;
	struct open_call *call = calls->slots[slot];
	calls->first_free = call->next_free;
	call->number = ++calls->serial << SLOT_BITS | slot;
	calls->open++;
	return call;
}

void open_call_give_back(struct open_call *call)
{
	struct calls *calls = call->calls;
	loop_timer_stop(calls->loop, &call->deadline);
	call->next_free = calls->first_free;
	calls->first_free = call->number & (CALLS_OPEN_MAX - 1);
	call->number = 0;
	calls->open--;
}

/* ---- the end of a call ---- */

/* The caller of one that is overdue has the error of its deadline, whatever came later. */
bool open_call_was_late(struct open_call *call)
{
	if (!call->is_overdue && call->is_late && call->is_late(call->context)) {
		call->is_overdue = true;
		call->counts = NULL; /* the caller had another outcome */
	}
	return call->is_overdue;
}

static void end_count(struct open_call *call, const struct call_outcome *outcome)
{
	struct calls_counts *counts = &call->calls->counts;
	const enum call_end end = open_call_was_late(call) ? CALL_FAILED : outcome->end;
	counts->answered += end == CALL_ANSWERED;
	counts->accepted += end == CALL_ACCEPTED;
	counts->filtered += end == CALL_FILTERED;
	counts->failed += end == CALL_FAILED;
	counts->timed_out +=
		call->is_overdue || (end == CALL_FAILED && outcome->status == 504); /* by the engine, at the same time */
}

void open_call_end(struct open_call *call, struct call_outcome *outcome)
{
	char id[CALL_ID_BYTES_MAX];
	memcpy(id, call->id, call->id_length);
	if (outcome->id.length == 0)
		outcome->id = (struct text){id, call->id_length};
	outcome->arena = call->calls->arena;
	outcome->target = text_of(call->target ? call->target->name : NULL);
	end_count(call, outcome);
	call_counts_add(call->counts, call->protocol, call->service,
			call_counted_status(call->protocol, call->has_seldon_errors, outcome),
			(uint64_t)(loop_now_ms(call->calls->loop) - call->began_ms) * US_PER_MS);
	open_call_give_back(call);
	call->ended(call->context, outcome);
}

void open_call_fail(struct open_call *call, int status, enum error_kind kind, const char *words)
{
	struct calls *calls = call->calls;
	struct call_outcome outcome;
	arena_reset(calls->arena);
	call_outcome_refused(&outcome, status, kind, words, call->place, (struct text){call->id, call->id_length}, &calls->body);
	outcome.submission = call->poll;
	outcome.is_unsent = call->is_too_large;
	open_call_end(call, &outcome);
}

/* ---- what a topic does not take ---- */

#define LARGE_STEP "send less at a time, or raise the topic's max.message.bytes"

void open_call_fail_large(struct open_call *call)
{
	char words[ERROR_TEXT_MAX];
	(void)snprintf(words, sizeof words,
		       "the request with its key and headers is larger than the topic %s takes, which is %zu bytes; " LARGE_STEP,
		       call->calls->targets.topics[call->topic], call->target->request_bytes + CALL_RECORD_OVERHEAD_BYTES);
	open_call_fail(call, 413, ERROR_LIMIT, words);
}

/* A limit that has changed since Kafka refused the request may take it now. */
void open_call_refused_large(struct open_call *call)
{
	const struct gateway_target *target = call->target && call->target->topic == call->topic ? call->target : NULL;
	const char *topic = call->calls->targets.topics[call->topic];
	char words[ERROR_TEXT_MAX];
	if (target && !call_record_fits(call->record_bytes, target)) {
		open_call_fail_large(call);
	} else if (target && target->limit_is_known) {
		(void)snprintf(
			words, sizeof words,
			"Kafka refused the request as larger than the topic %s took then, and it takes more now; send it again",
			topic);
		open_call_fail(call, 503, ERROR_REMOTE, words);
	} else {
		(void)snprintf(words, sizeof words, "Kafka refused the request as larger than the topic %s takes; " LARGE_STEP,
			       topic);
		open_call_fail(call, 413, ERROR_LIMIT, words);
	}
}

/* The smallest limit that is known of the topics of requests; 0: none. */
static size_t records_least(const struct gateway_targets *targets)
{
	size_t least = 0;
	for (size_t i = 0; i < targets->count; i++) {
		const size_t bytes = targets->items[i].request_bytes + CALL_RECORD_OVERHEAD_BYTES;
		if (targets->items[i].limit_is_known && (least == 0 || bytes < least))
			least = bytes;
	}
	return least;
}

void calls_limits_take(struct calls *calls)
{
	const size_t slot_count = calls->slot_count;
	const size_t least = records_least(&calls->targets);
	if (least > 0)
		request_producer_limit(calls->producer, least);
	for (size_t i = 0; i < slot_count; i++)
		if (calls->slots[i]->number != 0 && calls->slots[i]->is_too_large)
			open_call_refused_large(calls->slots[i]);
}

/* A caller that wants to know the place of its request is answered through Kafka. A reply by memory could come so early that the
 * answer cannot be read there yet. */
struct text open_call_address_write(const struct open_call *call, char out[REPLY_ADDRESS_BYTES_MAX])
{
	struct calls *calls = call->calls;
	const struct text pipeline = text_of(call->target->name);
	struct reply_address address = {.partition = reader_partition(calls->reader),
					.epoch = call->placed ? calls->kafka_epoch : calls->epoch,
					.secret = {calls->secret, sizeof calls->secret},
					.call = call->number};
	if (call->placed) {
		address.pipeline = pipeline;
		return (struct text){out, reply_address_write(&address, out)};
	}
	if (calls->address_length == 0 || calls->address_partition != address.partition) {
		calls->address_length = reply_address_write(&address, calls->address);
		calls->address_partition = address.partition;
	}
	memcpy(out, calls->address, calls->address_length);
	return (struct text){out, reply_address_extend(out, calls->address_length, call->number, pipeline)};
}

void open_call_answers_find(struct open_call *call)
{
	const int32_t near = call->target && !call->target->answers_roam ? call->submission.partition : -1;
	if (call->submission.answers == ANSWERS_UNKEYED)
		call->submission.answers = request_producer_answers(call->calls->producer, (struct text){0}, near);
}

/* Names a request that Kafka has, as if it had been submitted. */
static struct text poll_write(struct open_call *call, char out[SUBMISSION_ID_BYTES_MAX])
{
	const struct loop *loop = call->calls->loop;
	char address[REPLY_ADDRESS_BYTES_MAX];
	if (!call->placed) {
		call->submission.time_ms = loop_time_of_day_ms(loop) - (loop_now_ms(loop) - call->began_ms);
		open_call_answers_find(call);
		submission_derive(&call->submission, open_call_address_write(call, address));
	}
	return (struct text){out, submission_write(&call->submission, out)};
}

/* False: nothing has to know where the request is, or the time for that is over. */
static bool report_is_awaited(struct open_call *call)
{
	struct loop *loop = call->calls->loop;
	struct error error = {0};
	if (!call->placed || call->taken || call->is_overdue)
		return false;
	call->is_overdue = true;
	call->counts = NULL; /* the caller gets another outcome */
	return loop_timer_set(loop, &call->deadline, loop_now_ms(loop) + CALLS_REPORT_MS, &error);
}

/* Answers a caller before its reply has come, and where that can be found later. */
static void open_call_give_up(struct open_call *call, bool is_stopping)
{
	const struct gateway_target *target = call->target;
	const bool is_logged = call->taken && !call->is_direct && target;
	const char *lacks_replies = call->is_direct ? NULL : own_topic_gone(call->calls, GATEWAY_REPLIES);
	const char *absence = target ? topic_presence_absence(call->calls->presence, target->outputs) : NULL;
	char words[ERROR_TEXT_MAX], place[REPLY_ORIGIN_BYTES_MAX], poll[SUBMISSION_ID_BYTES_MAX];
	if (is_logged && target->outputs)
		call->poll = poll_write(call, poll);
	const struct call_late late = {.allowed_ms = call->allowed_ms,
				       .pipeline = target ? target->name : NULL,
				       .outputs = is_logged ? target->outputs : NULL,
				       .replies = lacks_replies,
				       .answers = absence ? target->outputs : NULL,
				       .absence = absence,
				       .poll = call->poll,
				       .taken = call->taken,
				       .is_keyed = call->placed != NULL,
				       .is_unhurried = call->is_unhurried,
				       .is_stopping = is_stopping};
	const bool is_timeout = call->taken && !is_stopping;
	call_late_write(&late, words);
	if (is_logged)
		call->place = submission_origin(&call->submission, call->calls->targets.topics[target->topic], place);
	open_call_fail(call, is_timeout ? 504 : 503, is_timeout ? ERROR_LIMIT : ERROR_REMOTE, words);
}

void open_call_on_deadline(void *context)
{
	struct open_call *call = context;
	if (call->is_too_large) {
		open_call_refused_large(call);
		return;
	}
	if (report_is_awaited(call))
		return;
	call->is_overdue = true;
	open_call_give_up(call, false);
}

size_t calls_stop(struct calls *calls)
{
	const size_t slot_count = calls->slot_count;
	size_t ended = 0;
	for (size_t i = 0; i < slot_count; i++) {
		struct open_call *call = calls->slots[i];
		if (call->number == 0 || open_call_was_late(call))
			continue;
		ended++;
		if (call->is_too_large)
			open_call_refused_large(call);
		else
			open_call_give_up(call, true);
	}
	return ended;
}
