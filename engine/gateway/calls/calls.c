/* calls.c: see calls.h. The outcomes that callers get are written in call_outcome.c. */
#include "gateway/calls/calls.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "base/number/random_seed.h"
#include "gateway/calls/call_outcome.h"
#include "gateway/calls/call_record.h"
#include "gateway/calls/call_reports.h"
#include "gateway/calls/open_calls.h"
#include "kafka/kafka_log.h"
#include "net/http/refusal.h"
#include "engine/worker/direct_hub.h"

#define REPLIES_AT_ONCE 1000 /* then the loop serves connections and timers */
#define LOOK_MS 100	     /* between two checks for callers that have disconnected */
#define HEARTBEAT_MS 1000    /* between two checks whether Kafka has answered */
#define RENEWAL_MS 1000	     /* before replies that could not be read are read again */
#define REPLY_ARENA_BYTES ((size_t)2 << 20) /* of a reply's headers, and a front end's copy of them */

static_assert(CALLS_OPEN_MAX <= DIRECT_CALLS_MAX, "each slot has a place there");

#define LOST_WORDS "the gateway cannot read replies now; try again later, or another gateway"

struct random *calls_ids(struct calls *calls)
{
	return &calls->ids;
}

/* ---- counts of pipelines ---- */

static struct target_counts *counts_of(const struct calls *calls, const struct gateway_target *target)
{
	return target && calls->target_counts ? calls->target_counts[target - calls->targets.items] : NULL;
}

void calls_count_refused(struct calls *calls, const struct call_request *request, int status)
{
	if (!request->cancels)
		call_counts_refuse(counts_of(calls, request->target), request->protocol, request->service, status);
}

void calls_count_refusal(struct calls *calls, enum counted_protocol protocol, int status)
{
	call_counts_refusal(calls->call_counts, protocol, status);
}

static bool target_counts_follow(struct calls *calls, const struct gateway_targets *targets)
{
	struct target_counts **counts = memory_take(targets->count + 1, sizeof *counts);
	if (!counts)
		return false;
	for (size_t i = 0; i < targets->count; i++)
		counts[i] = call_counts_of(calls->call_counts, &targets->items[i]);
	memory_give(calls->target_counts);
	calls->target_counts = counts;
	calls->targets = *targets;
	return true;
}

void calls_write_metrics(const struct calls *calls, bool has_seldon, struct exposition *exposition)
{
	call_counts_write(calls->call_counts, exposition);
	if (has_seldon)
		call_counts_write_seldon(calls->call_counts, exposition);
}

/* ---- callers that leave ---- */

/* Cancels the request of a caller that has disconnected, as far as it can be. One that may be searched for later goes on. The
 * report of the cancellation finds no call: it is not waited for. */
static void call_cancel(struct open_call *call, size_t *cancelled)
{
	struct calls *calls = call->calls;
	char address[REPLY_ADDRESS_BYTES_MAX];
	struct error error = {0};
	if (call->is_direct) {
		direct_hub_leave(calls->config.direct, call->number);
	} else if (call->answers && call->target && !call->placed && *cancelled < CALLS_CANCELLED_A_LOOK) {
		const struct outgoing record =
			call_record_of_cancellation(&calls->targets, call->target, open_call_address_write(call, address));
		*cancelled += request_producer_send(calls->producer, &record, call->number, &error) == PRODUCED;
	}
}

/* Ends the calls of callers that have disconnected. A reply to a request that is processed yet is dropped. */
static void calls_on_check(void *context)
{
	struct calls *calls = context;
	struct error error = {0};
	size_t cancelled = 0;
	for (size_t i = 0; i < calls->slot_count; i++) {
		struct open_call *call = calls->slots[i];
		if (call->number == 0 || !call->is_over(call->context))
			continue;
		calls->counts.left += !open_call_was_late(call); /* an overdue one has answered its caller */
		call_cancel(call, &cancelled);
		open_call_fail(call, 499, ERROR_LIMIT, "the caller is gone");
	}
	calls->counts.cancelled += cancelled;
	if (calls->open > 0)
		(void)loop_timer_set(calls->loop, &calls->look, loop_now_ms(calls->loop) + LOOK_MS, &error);
}

/* ---- silence of Kafka ---- */

/* Checks are counted, not time: while this process is stopped itself, Kafka is not silent. */
static void calls_on_heartbeat(void *context)
{
	struct calls *calls = context;
	struct error error = {0};
	if (calls->reader)
		calls->silent_s = reader_was_answered(calls->reader) ? 0 : calls->silent_s + HEARTBEAT_MS / MS_PER_S;
	(void)loop_timer_set(calls->loop, &calls->heartbeat, loop_now_ms(calls->loop) + HEARTBEAT_MS, &error);
}

struct client_counts calls_client_counts(const struct calls *calls, bool of_producer)
{
	if (of_producer)
		return calls->producer_counts;
	return calls->reader ? reader_client_counts(calls->reader) : (struct client_counts){0};
}

unsigned calls_silent_s(const struct calls *calls)
{
	return calls->silent_s;
}

/* ---- replies ---- */

/* A reply may come before Kafka's report of its request, or without one. It then says where the request is. False: it does not, as
 * those of earlier engines; a caller who repeats the call gets the answer. */
static bool reply_places(struct open_call *call, struct headers headers)
{
	if (!call->placed || call->taken)
		return true;
	const struct header *origin = headers_find(headers, TEXT(REPLY_ORIGIN_HEADER));
	if (!origin || !submission_read_origin(&call->submission, origin->value))
		return false;
	call_placed(call);
	return true;
}

/* Reads which call a reply is for: 0 if it does not say so. False: it is for another gateway. */
static bool reply_is_own(const struct calls *calls, const struct header *address, uint64_t *number)
{
	struct reply_address read;
	*number = 0;
	if (!address || reply_address_has(address->value, (struct text){calls->address, calls->address_length}, number) ||
	    !reply_address_read(address->value, &read))
		return true;
	*number = read.call;
	return read.epoch == calls->epoch || read.epoch == calls->kafka_epoch;
}

static void reply_take(struct calls *calls, const struct record *record)
{
	struct error error;
	struct headers headers;
	struct call_outcome outcome;
	error.kind = ERROR_NONE;
	arena_reset(calls->arena);
	const struct header *header = record_headers(record, calls->arena, &headers, &error)
					      ? headers_find(headers, TEXT(REPLY_HEADER))
					      : NULL;
	uint64_t number;
	if (!reply_is_own(calls, header, &number)) {
		calls->counts.foreign++;
		return;
	}
	struct open_call *call = open_call_find(calls, number);
	if (!call || !call_outcome_read(&outcome, record->value, headers, calls->arena) || !reply_places(call, headers)) {
		calls->counts.strayed++;
		return;
	}
	open_call_end(call, &outcome);
}

static void fail_all(struct calls *calls)
{
	for (size_t i = 0; i < calls->slot_count; i++)
		if (calls->slots[i]->number != 0)
			open_call_fail(calls->slots[i], 503, ERROR_REMOTE, LOST_WORDS);
}

static bool calls_on_reply(void *context, const struct record *record, struct error *error)
{
	(void)error;
	reply_take(context, record);
	return true;
}

static void calls_on_bell(void *context, uint32_t events)
{
	struct calls *calls = context;
	(void)events;
	request_producer_tell(calls->producer);
	if (!calls->reader || reader_give_arrived(calls->reader, REPLIES_AT_ONCE, 0, calls_on_reply, calls, &calls->failure))
		return;
	reader_renewal_log("calls fail, and the gateway is not ready, until replies can be read again", &calls->failure);
	reader_renewal_begin(&calls->renewal, calls->reader);
	calls->reader = NULL;
	fail_all(calls);
}

static void replies_ring(const struct calls *calls)
{
	reader_ring(calls->reader, calls->bell);
	bell_ring(calls->bell); /* for replies that arrived before the bell was set */
}

static void replies_on_opened(void *context, struct reader *reader)
{
	struct calls *calls = context;
	calls->reader = reader;
	calls->failure = (struct error){0};
	replies_ring(calls);
	kafka_log_say(LOG_LEVEL_INFO, "replies are read again");
}

static void replies_on_failed(void *context, const struct error *error)
{
	struct calls *calls = context;
	calls->failure = *error;
}

/* ---- direct ingress ---- */

static_assert(DIRECT_LOG_WAIT_MS == 2000, "the words say so");
static const char log_stands_still[] = "Kafka has not acknowledged the answers that were given in the last 2 s; try again later";

/* The call of a request that comes back from a worker. NULL: it has ended. */
static struct open_call *returned_call(struct calls *calls, const struct record *record, struct reply_address *address)
{
	const struct header *header = headers_find(record->headers, TEXT(REPLY_HEADER));
	const bool is_own = header && reply_address_read(header->value, address) && address->epoch == calls->epoch;
	return is_own ? open_call_find(calls, address->call) : NULL;
}

/* Sends a request that no worker took through Kafka. Most are returned when the files have changed, so its target is looked for
 * by its name: the targets of a gateway have one namespace. */
static void returned_send(struct calls *calls, const struct record *record)
{
	struct error error = {0};
	struct reply_address address;
	struct open_call *call = returned_call(calls, record, &address);
	if (!call)
		return;
	call->taken = call->is_direct = false;
	if (!call->target)
		call->target = gateway_target_find(&calls->targets, (struct text){0}, address.pipeline);
	const struct outgoing outgoing = {.topic = call->target ? call->target->topic : 0,
					  .key = record->key,
					  .value = record->value,
					  .headers = record->headers};
	if (!call->target || request_producer_send(calls->producer, &outgoing, call->number, &error) != PRODUCED)
		open_call_fail(call, 503, ERROR_REMOTE, "the pipeline was removed, or Kafka takes no request now; try again");
}

static void refused_fail(struct calls *calls, const struct record *record)
{
	struct reply_address address;
	struct open_call *call = returned_call(calls, record, &address);
	if (call)
		open_call_fail(call, 503, ERROR_REMOTE, log_stands_still);
}

static void calls_on_message(void *context, const struct direct_message *message)
{
	struct calls *calls = context;
	if (message->is_returned)
		returned_send(calls, &message->record);
	else if (message->is_refused)
		refused_fail(calls, &message->record);
	else
		reply_take(calls, &message->record);
}

/* False: it goes through Kafka. */
static bool direct_send(struct calls *calls, struct open_call *call, const struct call_request *request,
			const struct outgoing *record, struct error *error, enum produce_verdict *verdict)
{
	const enum direct_verdict sent = direct_call_send(&calls->direct, request, record, call->number);
	call->taken = call->is_direct = sent == DIRECT_SENT;
	*verdict = call->taken ? PRODUCED : PRODUCE_FULL;
	if (sent == DIRECT_STALLED) {
		error_set(error, ERROR_REMOTE, PLACE_NONE, "%s", log_stands_still);
		*verdict = PRODUCE_SPOILT;
	}
	return sent != DIRECT_ABSENT;
}

/* ---- the beginning of a call ---- */

static void call_refuse(struct calls *calls, const struct call_request *request, int status, enum error_kind kind,
			const char *words)
{
	char id[REFUSAL_ID_SIZE];
	struct call_outcome outcome;
	struct buffer body;
	buffer_open(&body, CALL_ERROR_BYTES_MAX);
	arena_reset(calls->arena);
	refusal_id_write(calls_ids(calls), request->id, id);
	call_outcome_refused(&outcome, status, kind, words, request->place, text_of(id), &body);
	outcome.id = text_of(id);
	outcome.arena = calls->arena;
	calls_count_refused(calls, request, call_counted_status(request->protocol, request->has_seldon_errors, &outcome));
	calls->counts.failed++;
	calls->counts.timed_out += status == 504;
	request->ended(request->context, &outcome);
	buffer_close(&body);
}

static bool record_send(struct calls *calls, struct open_call *call, const struct call_request *request, struct error *error,
			enum produce_verdict *verdict)
{
	char address[REPLY_ADDRESS_BYTES_MAX];
	struct outgoing record;
	struct call_record_names names = {.id = {call->id, call->id_length}, .address = open_call_address_write(call, address)};
	if (call_record_is_bare(request)) {
		record = call_record_bare(request, &calls->targets);
		call->topic = record.topic;
		*verdict = request_producer_send(calls->producer, &record, call->number, error);
		return true;
	}
	if (request->submits || request->placed)
		names.nonce = submission_nonce(&call->submission);
	if (!call_record_of_request(request, &names, calls->arena, &record, error))
		return false;
	call->topic = record.topic;
	call->record_bytes = call_record_bytes(&record);
	if (!call_record_fits(call->record_bytes, request->target))
		*verdict = PRODUCE_REFUSED;
	else if (!direct_send(calls, call, request, &record, error, verdict))
		*verdict = request_producer_send(calls->producer, &record, call->number, error);
	return true;
}

static size_t id_write(const struct calls *calls, uint64_t number, char id[CALL_ID_BYTES_MAX])
{
	size_t length = number_write_hex(id, calls->names, REPLY_EPOCH_DIGITS);
	id[length++] = '-';
	return length + number_write_hex(id + length, number, 1);
}

static void call_name(struct open_call *call, const struct call_request *request)
{
	call->id_length = request->id.length;
	if (call->id_length > 0)
		memcpy(call->id, request->id.bytes, call->id_length);
	else
		call->id_length = id_write(call->calls, call->number, call->id);
}

static bool submission_begin(struct open_call *call)
{
	call->submission.time_ms = loop_time_of_day_ms(call->calls->loop);
	return submission_draw(&call->submission);
}

/* Whether its caller waits for an answer. */
static bool call_is_answered(const struct call_request *request)
{
	return request->target->answers && !call_record_is_bare(request) && !request->submits;
}

/* NULL: it is refused. */
static struct open_call *call_open(struct calls *calls, const struct call_request *request, int64_t left_ms)
{
	struct error error;
	const int64_t now_ms = loop_now_ms(calls->loop);
	const struct gateway_target *target = request->target;
	assert(target);
	error.kind = ERROR_NONE;
	struct open_call *call = open_call_take(calls);
	if (!call) {
		call_refuse(calls, request, 503, ERROR_LIMIT, "the gateway has its maximum of open calls; try again later");
		return NULL;
	}
	call->target = target;
	call->counts = request->cancels ? NULL : counts_of(calls, target);
	call->protocol = request->protocol;
	call->service = request->service;
	call->has_seldon_errors = request->has_seldon_errors;
	call->began_ms = now_ms;
	call->allowed_ms = request->deadline_ms - request->arrived_ms;
	call->answers = call_is_answered(request);
	call->submits = request->submits;
	call->is_unhurried = request->is_unhurried;
	call->submission.answers =
		request->key.bytes ? request_producer_answers(calls->producer, request->key, 0) : ANSWERS_UNKEYED;
	bool named = (!request->submits && !request->placed) || submission_begin(call);
	call->placed = request->placed;
	call->taken = call->is_direct = call->is_overdue = call->is_too_large = false;
	call->place = request->place;
	call->poll = (struct text){0};
	call->ended = request->ended;
	call->is_over = request->is_over;
	call->is_late = request->is_late;
	call->context = request->context;
	call->deadline = (struct loop_timer){.due = open_call_on_deadline, .context = call};
	call_name(call, request);
	bool timed = named && loop_timer_set(calls->loop, &call->deadline, now_ms + left_ms, &error);
	if (timed && calls->open == 1)
		timed = loop_timer_set(calls->loop, &calls->look, now_ms + LOOK_MS, &error);
	if (timed)
		return call;
	open_call_give_back(call);
	call_refuse(calls, request, 503, ERROR_LIMIT, "the gateway is short of memory; try again later");
	return NULL;
}

void calls_begin(struct calls *calls, const struct call_request *request)
{
	struct error error;
	enum produce_verdict verdict = PRODUCE_SPOILT;
	int64_t left_ms = request->deadline_ms - loop_now_of_day_ms(calls->loop);
	error.kind = ERROR_NONE;
	calls->counts.begun++;
	arena_reset(calls->arena);
	if (calls->failure.kind != ERROR_NONE) {
		call_refuse(calls, request, 503, ERROR_REMOTE, LOST_WORDS);
		return;
	}
	if (left_ms <= 0) {
		call_refuse(calls, request, 504, ERROR_LIMIT, "the request's deadline has passed already; allow more time");
		return;
	}
	if (call_is_answered(request) && !calls_have_topics_of(calls, request->target, &error)) {
		call_refuse(calls, request, 503, ERROR_REMOTE, error.text);
		return;
	}
	struct open_call *call = call_open(calls, request, left_ms);
	if (!call)
		return;
	(void)record_send(calls, call, request, &error, &verdict);
	if (verdict == PRODUCED)
		return;
	if (verdict == PRODUCE_REFUSED)
		open_call_fail_large(call);
	else if (verdict == PRODUCE_FULL)
		open_call_fail(call, 503, ERROR_LIMIT, "too many requests are in flight; try again later");
	else
		open_call_fail(call, 503, ERROR_REMOTE, error.text);
}

/* ---- opening and closing ---- */

static bool clients_open(struct calls *calls, const struct gateway_targets *targets, struct error *error)
{
	struct calls_config *config = &calls->config;
	calls->reader_config = (struct reader_config){.brokers = config->brokers,
						      .topic = calls->own[GATEWAY_REPLIES],
						      .one_partition = true,
						      .pick = calls->epoch,
						      .is_watched = true,
						      .was_there = true,
						      .stopping = &calls->renewal.stopping,
						      .properties = config->consumer};
	calls->renewal = (struct reader_renewal){.config = &calls->reader_config,
						 .loop = calls->loop,
						 .purpose = "reads replies",
						 .pause_ms = RENEWAL_MS,
						 .opened = replies_on_opened,
						 .failed = replies_on_failed,
						 .context = calls};
	calls->producer_config = (struct request_producer_config){.brokers = config->brokers,
								  .timeout_ms = CALLS_REPORT_MS,
								  .message_bytes = config->message_bytes,
								  .queue_bytes = config->queue_bytes,
								  .properties = config->producer,
								  .bell = calls->bell,
								  .loop = calls->loop,
								  .statistics = &calls->producer_counts,
								  .reported = call_reports_take,
								  .narrowed = call_reports_narrow,
								  .context = calls};
	calls->producer = request_producer_open(&calls->producer_config, error);
	if (!calls->producer || !reader_renewal_try(&calls->renewal, &calls->reader, error))
		return false;
	if (calls->reader)
		replies_ring(calls);
	if (!calls_follow(calls, targets, error))
		return false;
	calls_limits_take(calls);
	return true;
}

static bool own_topics_are_named(const struct calls *calls)
{
	return calls->own[GATEWAY_REPLIES] && calls->own[GATEWAY_CLAIMS] && calls->own[GATEWAY_CANCELS];
}

static bool calls_set_up(struct calls *calls, const struct gateway_targets *targets, struct error *error)
{
	calls->own[GATEWAY_REPLIES] = gateway_topic_name(topic_replies_name, targets);
	calls->own[GATEWAY_CLAIMS] = gateway_topic_name(topic_claims_name, targets);
	calls->own[GATEWAY_CANCELS] = gateway_topic_name(topic_cancels_name, targets);
	calls->slots = memory_take(CALLS_OPEN_MAX, sizeof *calls->slots);
	calls->arena = arena_open(REPLY_ARENA_BYTES);
	calls->call_counts = call_counts_open();
	if (!calls->call_counts || !own_topics_are_named(calls) || !calls->slots || !calls->arena)
		return error_memory(error, ERROR_SYSTEM, "opening a gateway");
	uint64_t secret;
	if (getrandom(&secret, sizeof secret, 0) != (ssize_t)sizeof secret ||
	    getrandom(&calls->epoch, sizeof calls->epoch, 0) != (ssize_t)sizeof calls->epoch ||
	    getrandom(&calls->kafka_epoch, sizeof calls->kafka_epoch, 0) != (ssize_t)sizeof calls->kafka_epoch ||
	    getrandom(&calls->names, sizeof calls->names, 0) != (ssize_t)sizeof calls->names)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the system gives no random number for the gateway's replies");
	(void)number_write_hex(calls->secret, secret, sizeof calls->secret);
	calls->bell = bell_open(error);
	calls->watch = (struct watch){.ready = calls_on_bell, .context = calls};
	calls->look = (struct loop_timer){.due = calls_on_check, .context = calls};
	calls->heartbeat = (struct loop_timer){.due = calls_on_heartbeat, .context = calls};
	calls->direct.take = calls_on_message;
	calls->direct.context = calls;
	calls->presence_config = (struct topic_presence_config){.brokers = calls->config.brokers,
								.properties = calls->config.producer,
								.creates = calls->config.own_topics,
								.has_engine = calls->config.direct != NULL};
	memcpy(calls->presence_config.own, calls->own, sizeof calls->own);
	return calls->bell >= 0 && clients_open(calls, targets, error) &&
	       (calls->presence = topic_presence_open(calls->loop, &calls->presence_config, targets, error)) &&
	       loop_watch(calls->loop, &calls->watch, calls->bell, LOOP_RINGS, error) &&
	       loop_timer_set(calls->loop, &calls->heartbeat, loop_now_ms(calls->loop) + HEARTBEAT_MS, error) &&
	       direct_calls_open(&calls->direct, calls->loop, calls->config.direct, calls->epoch, error);
}

struct calls *calls_open(struct loop *loop, const struct calls_config *config, const struct gateway_targets *targets,
			 struct error *error)
{
	struct calls *calls = memory_take(1, sizeof *calls);
	if (!calls)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gateway"));
	calls->loop = loop;
	calls->config = *config;
	calls->ids = random_seeded();
	calls->bell = -1;
	calls->first_free = CALL_NO_SLOT;
	buffer_open(&calls->body, CALL_ERROR_BYTES_MAX);
	if (calls_set_up(calls, targets, error))
		return calls;
	calls_close(calls);
	return NULL;
}

void calls_close(struct calls *calls)
{
	if (!calls)
		return;
	loop_timer_stop(calls->loop, &calls->look);
	loop_timer_stop(calls->loop, &calls->heartbeat);
	topic_presence_close(calls->presence);
	direct_calls_close(&calls->direct);
	for (size_t i = 0; i < calls->slot_count; i++) {
		loop_timer_stop(calls->loop, &calls->slots[i]->deadline);
		memory_give(calls->slots[i]);
	}
	if (calls->watch.ready && calls->watch.descriptor > 0)
		loop_unwatch(calls->loop, &calls->watch);
	request_producer_close(calls->producer);
	reader_renewal_end(&calls->renewal);
	reader_close(calls->reader);
	if (calls->bell >= 0)
		close(calls->bell);
	buffer_close(&calls->body);
	arena_close(calls->arena);
	call_counts_close(calls->call_counts);
	memory_give(calls->target_counts);
	memory_give(calls->slots);
	for (size_t i = 0; i < GATEWAY_TOPICS; i++)
		memory_give(calls->own[i]);
	memory_give(calls);
}

bool calls_follow(struct calls *calls, const struct gateway_targets *targets, struct error *error)
{
	for (size_t i = 0; i < calls->slot_count; i++)
		calls->slots[i]->target = NULL;
	return request_producer_topics(calls->producer, targets->topics, targets->topic_count, error) &&
	       (!calls->presence || topic_presence_follow(calls->presence, targets) ||
		error_memory(error, ERROR_SYSTEM, "following the files")) &&
	       (target_counts_follow(calls, targets) || error_memory(error, ERROR_SYSTEM, "following the files"));
}

size_t calls_open_count(const struct calls *calls)
{
	return calls->open;
}

bool calls_are_well(const struct calls *calls, struct error *error)
{
	if (calls->failure.kind != ERROR_NONE)
		*error = calls->failure;
	return calls->failure.kind == ERROR_NONE;
}

bool calls_have_topics(const struct calls *calls, const struct gateway_target *target, struct error *error)
{
	if (calls_lack_topic(calls, GATEWAY_REPLIES))
		return error_set(error, ERROR_REMOTE, PLACE_NONE, REPLIES_GONE_WORDS, calls->own[GATEWAY_REPLIES]);
	return calls_have_topics_of(calls, target, error);
}

bool calls_have_topics_of(const struct calls *calls, const struct gateway_target *target, struct error *error)
{
	const char *const needed[] = {target ? calls->targets.topics[target->topic] : NULL, target ? target->outputs : NULL};
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		const char *absence = topic_presence_absence(calls->presence, needed[i]);
		if (absence)
			return error_set(error, ERROR_REMOTE, PLACE_NONE, "topic %s %s; " TOPIC_GONE_STEP, needed[i], absence);
	}
	return true;
}

const char *calls_lack_topic(const struct calls *calls, enum gateway_topic topic)
{
	return own_topic_gone(calls, topic);
}

struct calls_counts calls_counts(const struct calls *calls)
{
	struct calls_counts counts = calls->counts;
	counts.open = calls->open;
	return counts;
}

uint64_t *calls_dropped_traces(struct calls *calls)
{
	return &calls->counts.dropped_traces;
}
