/* worker.c: the way of a message, top to bottom:
 *
 *   poll -> decode -> enter the flow -> steps -> release in order -> encode -> produce -> commit
 *
 * Everything that can happen is noted by a small function while the loop turns, and
 * acted upon in turn() below it; see worker.h for what is promised.
 */
#include "worker/worker.h"

#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"
#include "net/loop.h"
#include "worker/lanes.h"
#include "worker/outbox.h"

#define TAKE_AT_ONCE 500     /* records; then HTTP and timers get their turn */
#define IDLE_TURN_MS 1000    /* so often the group hears from a worker without work */
#define FULL_PAUSE_MS 1      /* until a full producer queue is tried again */
#define COMMIT_LEAST_MS 10   /* more often costs more than it gives (librdkafka before 2.12: 20 ms a retry) */
#define COMMIT_MOST_MS 100
#define COMMIT_SHARE 5       /* of the time, at most one part goes to committing */

const struct worker_limits worker_limits_usual = {
	.in_flight = 8192,
	.held_bytes = (size_t)64 << 20,
	.message_bytes = (size_t)64 << 20,
	.answer_bytes = (size_t)64 << 20,
	.drain_ms = 10000,
};

struct worker {
	const struct worker_config *config;
	struct loop *loop;
	struct consumer *consumer;
	struct flow *flow;
	struct caller *caller;
	struct watch consumer_watch, output_watch, stop_watch;
	struct loop_timer commit_timer, retry_timer;
	int stop_bell;
	atomic_bool stopping;
	int64_t drain_until_ms; /* 0: not stopping yet */

	struct lanes lanes;
	struct position *positions; /* room for one a lane */
	struct record records[TAKE_AT_ONCE];
	struct outbox outbox;
	bool more;       /* the last take was not the queue's end */
	bool dirty;      /* something was released since the commit */
	bool commit_due;
	bool spoilt;     /* the open transaction cannot be committed */

	struct call **refused; /* calls that could not be begun: answered in the next turn */
	size_t refused_count;
	size_t refused_capacity;
	struct worker_counts counts;
	struct error failure; /* SYSTEM: the worker stops */
};

/* ---- decode, enter ---- */

/* What headers say goes before what the payload says. */
static bool read_headers(struct message *message, struct error *error)
{
	const struct header *id = headers_find(message->headers, TEXT("x-request-id"));
	if (id)
		message->id = id->value;
	const struct header *deadline = headers_find(message->headers, TEXT("x-deadline-ms"));
	if (deadline && !number_read_int64(deadline->value, &message->deadline_ms))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the header x-deadline-ms is \"" TEXT_FORMAT "\"; it must be milliseconds since 1970",
				 TEXT_ARGUMENTS(deadline->value));
	return true;
}

/* Without an id of its own a message is named by where it stood. */
static void message_identify(struct message *message)
{
	if (message->id.length == 0)
		message->id = message->payload_id;
	if (message->id.length == 0)
		message->id = text_of(arena_print(message->arena, TEXT_FORMAT "-%d-%lld", TEXT_ARGUMENTS(message->origin.topic),
						  (int)message->origin.partition, (long long)message->origin.offset));
}

/* Callers name a time of day; here time is the loop's, which never goes back. */
static void message_set_clock(struct message *message, int64_t loop_ms, int64_t day_ms)
{
	if (message->deadline_ms == 0)
		return;
	int64_t boot_ms = day_ms - loop_ms; /* when the loop's clock began */
	message->deadline_ms = message->deadline_ms > boot_ms ? message->deadline_ms - boot_ms : 1;
}

static bool value_decode(const struct worker *worker, struct message *message, struct text value, struct error *error)
{
	const struct mapping *mapping = worker->config->graph->mapping;
	if (mapping)
		return mapped_decode(message, mapping, value, worker->config->schemas, error);
	return message_decode(message, value, worker->config->schemas, error);
}

static bool flight_decode(const struct worker *worker, struct flight *flight, struct error *error)
{
	struct message *message = &flight->message;
	const struct record *record = &flight->record;
	message->origin = (struct origin){.topic = text_of(worker->config->consumer.topics[record->topic]),
					  .partition = record->partition,
					  .offset = record->offset};
	message->time_ms = record->time_ms;
	message->key = record->key;
	bool decoded = record_headers(record, message->arena, &message->headers, error) && read_headers(message, error) &&
		       value_decode(worker, message, record->value, error);
	if (!message->format)
		message->format = &format_oip_json; /* its headers could not be read: an error that anybody can read */
	message_identify(message);
	message_set_clock(message, loop_now_ms(worker->loop), loop_time_of_day_ms(worker->loop));
	return decoded;
}

static void record_enter(struct worker *worker, struct lane *lane, struct record *record)
{
	struct flight *flight = lane ? lane_enter(&worker->lanes, lane, record, &worker->failure) : NULL;
	if (!flight) {
		record_release(record); /* of a partition that is gone, or the worker stops */
		return;
	}
	worker->counts.taken++;
	struct error error = {0};
	if (flight_decode(worker, flight, &error) &&
	    flow_enter(worker->flow, &flight->message, loop_now_ms(worker->loop), &error))
		return;
	struct answer answer = {.error = &error};
	flight_finish(&worker->lanes, &flight->message, FLOW_ANSWER, &answer);
}

/* ---- release in order ---- */

static void on_retry(void *context)
{
	(void)context; /* being awake is all: the turn releases again */
}

static void retry_soon(struct worker *worker)
{
	int64_t due_ms = loop_now_ms(worker->loop) + FULL_PAUSE_MS;
	loop_timer_set(worker->loop, &worker->retry_timer, due_ms, &worker->failure);
}

static void begin_interval(struct worker *worker)
{
	int64_t interval_ms = worker->config->limits.commit_ms;
	if (interval_ms == 0) {
		interval_ms = output_commit_us(worker->outbox.output) * COMMIT_SHARE / 1000;
		interval_ms = interval_ms < COMMIT_LEAST_MS ? COMMIT_LEAST_MS : interval_ms;
		interval_ms = interval_ms > COMMIT_MOST_MS ? COMMIT_MOST_MS : interval_ms;
	}
	worker->dirty = true;
	loop_timer_set(worker->loop, &worker->commit_timer, loop_now_ms(worker->loop) + interval_ms, &worker->failure);
}

/* False: nothing more can leave now. */
static bool lane_release(struct worker *worker, struct lane *lane)
{
	struct flight *flight;
	while ((flight = lane_front(lane))) {
		if (worker->spoilt || !output_is_open(worker->outbox.output))
			return false;
		enum produce_verdict verdict = outbox_put(&worker->outbox, flight);
		if (verdict == PRODUCE_FULL)
			retry_soon(worker);
		worker->spoilt = verdict == PRODUCE_SPOILT;
		if (verdict != PRODUCED)
			return false;
		lane_leave(&worker->lanes, lane);
		worker->counts.released++;
		if (!worker->dirty)
			begin_interval(worker);
	}
	return true;
}

static void release(struct worker *worker)
{
	for (size_t i = 0; i < worker->lanes.count; i++)
		if (!lane_release(worker, worker->lanes.items[i]))
			return;
}

/* ---- poll ---- */

static bool has_room(const struct worker *worker)
{
	const struct worker_limits *limits = &worker->config->limits;
	return worker->lanes.in_flight < limits->in_flight && worker->lanes.held_bytes < limits->held_bytes;
}

static bool may_take(const struct worker *worker)
{
	struct positions changed;
	return worker->drain_until_ms == 0 && has_room(worker) &&
	       consumer_change(worker->consumer, &changed) == ASSIGNMENT_SAME;
}

/* Each message goes as far as it can at once, while it is warm. */
static bool take(struct worker *worker, struct error *error)
{
	if (!may_take(worker)) {
		consumer_stay(worker->consumer);
		return true;
	}
	size_t room = worker->config->limits.in_flight - worker->lanes.in_flight, count;
	if (!consumer_take(worker->consumer, worker->records, room < TAKE_AT_ONCE ? room : TAKE_AT_ONCE, &count, error))
		return false;
	worker->more = count > 0;
	struct lane *lane = NULL;
	for (size_t i = 0; i < count; i++) {
		struct record *record = &worker->records[i];
		if (!lane || lane->partition != record->partition || lane->topic != record->topic)
			lane = lanes_find(&worker->lanes, record->topic, record->partition);
		record_enter(worker, lane, record);
		if (lane)
			lane_release(worker, lane);
	}
	return true;
}

/* ---- calls, from and to the flow ---- */

static void refuse(struct worker *worker, struct call *call)
{
	if (worker->refused_count == worker->refused_capacity) {
		size_t capacity = worker->refused_capacity ? worker->refused_capacity * 2 : 16;
		struct call **refused = memory_resize(worker->refused, capacity, sizeof(struct call *));
		if (!refused) {
			error_memory(&worker->failure, ERROR_SYSTEM, "refusing a call");
			return;
		}
		worker->refused = refused;
		worker->refused_capacity = capacity;
	}
	worker->refused[worker->refused_count++] = call;
}

static void flow_calls(void *context, struct call *call)
{
	struct worker *worker = context;
	if (!caller_call(worker->caller, call, &call->error))
		refuse(worker, call);
}

static void flow_forgets(void *context, struct call *call)
{
	struct worker *worker = context;
	for (size_t i = 0; i < worker->refused_count; i++)
		if (worker->refused[i] == call)
			worker->refused[i--] = worker->refused[--worker->refused_count];
	caller_forget(worker->caller, call);
}

static void flow_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct worker *worker = context;
	flight_finish(&worker->lanes, message, outcome, answer);
}

static void on_answered(void *context, struct call *call)
{
	struct worker *worker = context;
	flow_answered(worker->flow, call, loop_now_ms(worker->loop));
}

static void answer_refused(struct worker *worker)
{
	while (worker->refused_count > 0)
		on_answered(worker, worker->refused[--worker->refused_count]);
}

static void advance(struct worker *worker)
{
	int64_t now_ms = loop_now_ms(worker->loop);
	if (flow_due_ms(worker->flow) <= now_ms)
		flow_advance(worker->flow, now_ms);
}

/* ---- commit ---- */

static bool end_output(struct worker *worker, struct error *error)
{
	struct positions positions = lanes_released(&worker->lanes, worker->positions);
	loop_timer_stop(worker->loop, &worker->commit_timer);
	worker->commit_due = false;
	return output_end(worker->outbox.output, positions, error);
}

static bool commit_when_due(struct worker *worker, struct error *error)
{
	if (!output_may_end(worker->outbox.output))
		return true;
	bool drained = worker->drain_until_ms > 0 && worker->lanes.in_flight == 0;
	bool due = worker->dirty && worker->outbox.half_left == 0 && (worker->commit_due || drained);
	return (!due && !worker->spoilt) || end_output(worker, error);
}

static void on_commit_due(void *context)
{
	struct worker *worker = context;
	worker->commit_due = true;
}

static bool start_anew(struct worker *worker, struct positions committed, struct error *error)
{
	worker->counts.dropped_in_flight += worker->lanes.in_flight;
	worker->counts.resets = output_resets(worker->outbox.output, &worker->counts.reset_reason);
	worker->outbox.half_left = 0;
	lanes_reset(&worker->lanes, committed);
	struct positions changed;
	enum assignment_change change = consumer_change(worker->consumer, &changed);
	bool leaving = change == ASSIGNMENT_TAKEN || change == ASSIGNMENT_LOST; /* then nobody here reads on */
	return leaving || consumer_seek(worker->consumer, committed, error);
}

static void on_transaction(void *context, uint32_t events)
{
	(void)events;
	struct worker *worker = context;
	struct positions committed;
	struct error error = {0};
	bool fine = true;
	switch (output_news(worker->outbox.output, &committed, &error)) {
	case NEWS_NONE:
		return;
	case NEWS_STARTED:
		break;
	case NEWS_COMMITTED:
		worker->counts.commits++;
		lanes_committed(&worker->lanes, committed);
		break;
	case NEWS_RESET:
		fine = start_anew(worker, committed, &error);
		break;
	case NEWS_BROKEN:
		fine = false;
		break;
	}
	worker->spoilt = false;
	worker->dirty = lanes_have_released(&worker->lanes);
	if (worker->dirty)
		begin_interval(worker); /* at least once: what left while the commit was under way */
	if (!fine)
		worker->failure = error;
}

/* ---- partitions come and go ---- */

/* Partitions given are read once the producer stands, for only then is what a
 * predecessor left open decided. Partitions taken away are let go when what left them
 * is committed; what is still in flight there is another's to do again. */
static bool follow_assignment(struct worker *worker, struct error *error)
{
	struct positions changed;
	enum assignment_change change = consumer_change(worker->consumer, &changed);
	if (change == ASSIGNMENT_SAME || !output_may_end(worker->outbox.output))
		return true;
	if (worker->outbox.half_left > 0 && !worker->spoilt)
		return true;
	if (change != ASSIGNMENT_GIVEN) {
		if (worker->dirty || worker->spoilt)
			return end_output(worker, error);
		lanes_remove(&worker->lanes, changed);
		return consumer_accept(worker->consumer, error);
	}
	if (!lanes_add(&worker->lanes, changed, error))
		return false;
	struct position *positions = memory_resize(worker->positions, worker->lanes.count + 1, sizeof(struct position));
	if (!positions)
		return error_memory(error, ERROR_SYSTEM, "taking over partitions");
	worker->positions = positions;
	return consumer_accept(worker->consumer, error);
}

/* ---- the loop ---- */

static void on_consumer(void *context, uint32_t events)
{
	(void)events;
	struct worker *worker = context;
	bell_quiet(consumer_bell(worker->consumer));
	worker->more = true;
}

static void on_stop(void *context, uint32_t events)
{
	(void)events;
	struct worker *worker = context;
	bell_quiet(worker->stop_bell);
}

static bool is_over(const struct worker *worker)
{
	if (worker->drain_until_ms == 0)
		return false;
	bool drained = worker->lanes.in_flight == 0 && !worker->dirty;
	return drained || loop_now_ms(worker->loop) >= worker->drain_until_ms;
}

static int turn_timeout_ms(const struct worker *worker)
{
	struct positions changed;
	bool change_waits = consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME;
	if (change_waits && output_may_end(worker->outbox.output))
		return 0;
	if ((worker->more && may_take(worker)) || worker->refused_count > 0)
		return 0;
	int64_t left_ms = flow_due_ms(worker->flow) - loop_now_ms(worker->loop);
	if (left_ms < 0)
		return 0;
	return left_ms < IDLE_TURN_MS ? (int)left_ms : IDLE_TURN_MS;
}

static void stop_when_told(struct worker *worker)
{
	if (worker->drain_until_ms == 0 && atomic_load(&worker->stopping))
		worker->drain_until_ms = loop_now_ms(worker->loop) + worker->config->limits.drain_ms;
}

bool worker_turn(struct worker *worker, bool *over, struct error *error)
{
	stop_when_told(worker);
	*over = is_over(worker);
	if (*over)
		return true;
	if (!follow_assignment(worker, error) || !take(worker, error))
		return false;
	answer_refused(worker);
	advance(worker);
	release(worker);
	if (!commit_when_due(worker, error) || !loop_turn(worker->loop, turn_timeout_ms(worker), error))
		return false;
	const struct error *failure = worker->failure.kind != ERROR_NONE ? &worker->failure : &worker->outbox.failure;
	if (failure->kind == ERROR_NONE)
		return true;
	*error = *failure;
	return false;
}

bool worker_run(struct worker *worker, struct error *error)
{
	for (bool over = false; !over;)
		if (!worker_turn(worker, &over, error))
			return false;
	return true;
}

void worker_stop(struct worker *worker)
{
	atomic_store(&worker->stopping, true);
	bell_ring(worker->stop_bell);
}

struct worker_counts worker_counts(const struct worker *worker)
{
	struct worker_counts counts = worker->counts;
	counts.answered = worker->outbox.answered;
	counts.failed = worker->outbox.failed;
	counts.dead_letters = worker->outbox.dead_letters;
	return counts;
}

/* ---- opening and closing ---- */

static bool watch(struct worker *worker, struct watch *watch, void (*ready)(void *, uint32_t), int bell, struct error *error)
{
	*watch = (struct watch){.ready = ready, .context = worker};
	return loop_watch(worker->loop, watch, bell, EPOLLIN, error);
}

static struct loop *usual_loop(void *context, struct error *error)
{
	(void)context;
	return loop_open(error);
}

static struct consumer *usual_consumer(void *context, struct loop *loop, const struct consumer_config *config, struct error *error)
{
	(void)context;
	(void)loop;
	return consumer_open(config, error);
}

static struct output *usual_output(void *context, struct loop *loop, const struct transaction_config *config,
				   const struct consumer *consumer, struct error *error)
{
	(void)context;
	(void)loop;
	return output_open(config, consumer, error);
}

const struct worker_ground worker_ground_usual = {
	.loop_open = usual_loop, .consumer_open = usual_consumer, .output_open = usual_output};

static bool worker_set_up(struct worker *worker, struct error *error)
{
	const struct worker_config *config = worker->config;
	const struct flow_outside outside = {
		.context = worker, .call = flow_calls, .forget = flow_forgets, .finished = flow_finished};
	const struct worker_ground *ground = config->ground ? config->ground : &worker_ground_usual;
	worker->stop_bell = bell_open(error);
	return worker->stop_bell >= 0 && (worker->loop = ground->loop_open(ground->context, error)) &&
	       (worker->caller = caller_open(worker->loop, &config->caller, on_answered, worker, error)) &&
	       (worker->flow = flow_open(config->graph, &outside, error)) &&
	       (worker->consumer = ground->consumer_open(ground->context, worker->loop, &config->consumer, error)) &&
	       (worker->outbox.output = ground->output_open(ground->context, worker->loop, &config->transaction,
							    worker->consumer, error)) &&
	       watch(worker, &worker->stop_watch, on_stop, worker->stop_bell, error) &&
	       watch(worker, &worker->consumer_watch, on_consumer, consumer_bell(worker->consumer), error) &&
	       watch(worker, &worker->output_watch, on_transaction, output_bell(worker->outbox.output), error);
}

struct worker *worker_open(const struct worker_config *config, struct error *error)
{
	struct worker *worker = memory_take(1, sizeof *worker);
	if (!worker) {
		error_memory(error, ERROR_SYSTEM, "opening a worker");
		return NULL;
	}
	worker->config = config;
	worker->commit_timer = (struct loop_timer){.due = on_commit_due, .context = worker};
	worker->retry_timer = (struct loop_timer){.due = on_retry, .context = worker};
	lanes_open(&worker->lanes, config->limits.message_bytes);
	outbox_open(&worker->outbox, config);
	if (worker_set_up(worker, error))
		return worker;
	worker_close(worker);
	return NULL;
}

void worker_close(struct worker *worker)
{
	if (!worker)
		return;
	flow_close(worker->flow);
	lanes_close(&worker->lanes);
	outbox_close(&worker->outbox);
	consumer_close(worker->consumer);
	caller_close(worker->caller);
	loop_close(worker->loop);
	if (worker->stop_bell >= 0)
		close(worker->stop_bell);
	memory_give(worker->refused);
	memory_give(worker->positions);
	memory_give(worker);
}
