/* dispatch.c: see dispatch.h. A call is queued, sent, alone or in a batch (call_batch.h), and has an outcome
 * (dispatch_outcome.c). A finished call is answered in a turn. */
#include "models/calls/dispatch_parts.h"

#include <assert.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "models/calls/overload.h"

#define DEMAND_LOOK_US 2000 /* between two looks whether other queues still have calls that go first */

/* ---- opening and closing ---- */

struct dispatch *dispatch_open(const struct dispatch_config *config, const struct dispatch_environment *environment, int64_t now_us,
			       struct error *error)
{
	assert(config->model);
	const struct model_config *model = config->model;
	struct dispatch *dispatch = memory_take(1, sizeof *dispatch);
	struct replica *replicas = memory_take(model->addresses.count, sizeof *replicas);
	if (!dispatch || !replicas) {
		memory_give(dispatch);
		memory_give(replicas);
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a model's line"));
	}
	*dispatch = (struct dispatch){.config = config,
				      .environment = environment,
				      .call_queue = {.dispatch = dispatch},
				      .call_batching = {.call_queue = &dispatch->call_queue,
							.batching = &model->batching,
							.window = {.most_us = model->batching.latency_ms * US_PER_MS}}};
	health_open(&dispatch->health, (struct replicas){model->addresses.count, replicas}, model->concurrency_least,
		    model->concurrency_most, config->seed, now_us);
	retry_budget_open(&dispatch->budget, now_us);
	return dispatch;
}

/* Declares the queued calls that perturbations of all queues wait for. */
static void demand_declare(struct dispatch *dispatch, size_t waiting)
{
	if (dispatch->config->demand)
		model_demand_declare(dispatch->config->demand, &dispatch->declared, waiting);
}

static void demand_update(struct dispatch *dispatch)
{
	const struct queued_calls *line = &dispatch->call_queue.line;
	demand_declare(dispatch, line->first && !queued_call_perturbs(line->first) ? queued_calls_ahead(line) : 0);
}

void dispatch_close(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	demand_declare(dispatch, 0);
	for (struct queued_call *queued_call = dispatch->call_queue.sent.first; queued_call; queued_call = queued_call->next)
		dispatch->environment->withdraw(dispatch->environment->context, queued_call);
	call_queue_close(&dispatch->call_queue, dispatch->environment->discard, dispatch->environment->context);
	memory_give(dispatch->health.replicas.items);
	memory_give(dispatch);
}

/* Queues a call, unless it cannot wait. False: it was failed. */
static bool stand_in_line(struct dispatch *dispatch, struct queued_call *queued_call, bool first, int64_t now_us)
{
	if (dispatch_ends_away(dispatch, queued_call, now_us)) {
		call_end_away(dispatch, queued_call);
		return false;
	}
	call_queue_wait(&dispatch->call_queue, queued_call, first);
	return true;
}

/* Whether the next queued call may be sent; a replica may have to pass a readiness check first. */
static bool may_go(struct dispatch *dispatch, int64_t now_us)
{
	struct health *health = &dispatch->health;
	enum health_verdict verdict = health_admits(health, now_us);
	if (verdict == HEALTH_ASK) {
		if (dispatch->environment->ask_ready(dispatch->environment->context, dispatch, health->asked))
			return false;
		health_cannot_say(health);
		verdict = health_admits(health, now_us);
	}
	return verdict == HEALTH_GO;
}

/* ---- waiting in the queue ---- */

int64_t dispatch_waited_us(const struct dispatch *dispatch, const struct call *call, int64_t now_us)
{
	const struct queued_call *queued_call = call->under_way;
	return queued_call && queued_call->state == QUEUED_CALL_WAITS && queued_call_is_untried(queued_call)
		       ? queued_call_waited_us(queued_call, &dispatch->full_line, dispatch_unreachable_us(dispatch, now_us), now_us)
		       : call->waited_ms * US_PER_MS;
}

enum standing dispatch_standing(const struct dispatch *dispatch, const struct call *call)
{
	const struct queued_call *queued_call = call->under_way;
	if (!queued_call || (queued_call->state != QUEUED_CALL_WAITS && queued_call->state != QUEUED_CALL_PAUSED))
		return STANDING_ON_ITS_WAY;
	return queued_call_is_untried(queued_call) && !dispatch_is_held_up(dispatch) ? STANDING_UNSENT : STANDING_HELD_UP;
}

/* ---- sending ---- */

static void cannot_go(struct dispatch *dispatch, struct queued_call *queued_call, const struct error *error)
{
	health_withdraw(&dispatch->health, queued_call->replica, queued_call->probe);
	if (queued_call->members) {
		call_batch_unload(&dispatch->call_queue, queued_call);
		return;
	}
	queued_call->attempts.call->error = *error;
	call_queue_end(&dispatch->call_queue, queued_call);
}

static void count_sent(const struct dispatch *dispatch, const struct queued_call *queued_call, bool first)
{
	struct model_counts *counts = dispatch->config->counts;
	if (!counts || queued_call_perturbs(queued_call))
		return;
	count_add(&counts->attempts, 1);
	count_add(&counts->retries, !first);
	const size_t rows = call_batching_rows(&dispatch->call_batching, queued_call);
	if (rows > 0)
		size_count(&counts->batch_rows, rows);
}

static void send_out(struct dispatch *dispatch, struct queued_call *queued_call, int64_t now_us)
{
	struct error error;
	error.kind = ERROR_NONE;
	bool first = queued_call_is_untried(queued_call);
	queued_call->replica =
		health_choose(&dispatch->health, first ? REPLICA_NONE : queued_call->replica, &queued_call->probe, now_us);
	int64_t time_ms = queued_call_timeout_ms(queued_call, now_us);
	if (!dispatch->environment->send(dispatch->environment->context, queued_call, time_ms, &error)) {
		cannot_go(dispatch, queued_call, &error);
		return;
	}
	queued_call_note_wait(queued_call, &dispatch->full_line, dispatch_unreachable_us(dispatch, now_us), now_us);
	queued_call->state = QUEUED_CALL_SENT;
	queued_call->attempts.call->where = CALL_SENT;
	queued_call->at_us = now_us;
	queued_call->paused_us = 0;
	queued_call->hurried =
		overload_is_hurried(queued_call, dispatch->health.replicas.items[queued_call->replica].latency_us, now_us);
	queued_calls_add(&dispatch->call_queue.sent, queued_call);
	queued_call->abreast = dispatch->call_queue.sent.count;
	dispatch->counts.sent++;
	count_sent(dispatch, queued_call, first);
	if (first)
		retry_budget_pay(&dispatch->budget);
	else
		dispatch->counts.repeated++;
}

/* ---- queue ---- */

/* Whether a call is too late. With no call in flight it is sent nevertheless, or the duration of a call would never
 * be measured again. */
static bool is_late(const struct dispatch *dispatch, const struct queued_call *queued_call, int64_t now_us)
{
	return overload_is_late(
		queued_call,
		dispatch->call_queue.sent.count > 0 ? concurrency_limit_work_us(&dispatch->health.concurrency_limit) : 0, now_us);
}

static void end_late(struct dispatch *dispatch, struct queued_call *queued_call, int64_t now_us)
{
	struct call *call = queued_call->attempts.call;
	queued_call_note_wait(queued_call, &dispatch->full_line, dispatch_unreachable_us(dispatch, now_us), now_us);
	queued_calls_remove(&dispatch->call_queue.line, queued_call);
	error_set_limit(&call->error, LIMIT_OF_ADMISSION, "%s: there was no time left to ask the model before the deadline",
			call->name);
	call_queue_end(&dispatch->call_queue, queued_call);
}

/* Whether the next call is a perturbation, and other queues of the model have calls that go before it. */
static bool others_go_first(const struct dispatch *dispatch)
{
	const struct queued_call *first = dispatch->call_queue.line.first;
	return dispatch->config->demand && first && queued_call_perturbs(first) &&
	       model_demand_of_others(dispatch->config->demand, dispatch->declared) > 0;
}

/* Whether as many perturbations are sent as may be at once: half of the calls, so that the others do not wait for them. */
static bool perturbations_suffice(const struct dispatch *dispatch)
{
	size_t sent = 0, limit = dispatch->health.concurrency_limit.limit;
	for (const struct queued_call *one = dispatch->call_queue.sent.first; one; one = one->next)
		sent += queued_call_perturbs(one);
	if (dispatch->config->demand)
		limit = model_demand_least_limit(dispatch->config->demand, limit);
	return sent > 0 && sent >= limit / 2;
}

static bool is_at_its_limit(const struct dispatch *dispatch)
{
	return dispatch->call_queue.sent.count >= dispatch->health.concurrency_limit.limit;
}

static void send_due(struct dispatch *dispatch, int64_t now_us)
{
	struct call_queue *call_queue = &dispatch->call_queue;
	call_queue->moved = dispatch->holds = false;
	while (call_queue->line.first) {
		if (dispatch->health.breaker.state != BREAKER_CLOSED)
			queued_calls_prefer_untried(&call_queue->line);
		struct queued_call *first = call_queue->line.first;
		if (is_late(dispatch, first, now_us)) {
			end_late(dispatch, first, now_us);
			continue;
		}
		dispatch->holds = others_go_first(dispatch);
		if (dispatch->holds || is_at_its_limit(dispatch) ||
		    (queued_call_perturbs(first) && perturbations_suffice(dispatch)) ||
		    call_batching_due_us(&dispatch->call_batching, now_us) > 0 || !may_go(dispatch, now_us))
			return;
		send_out(dispatch, call_batching_take(&dispatch->call_batching), now_us);
	}
}

static void move(struct dispatch *dispatch, int64_t now_us)
{
	send_due(dispatch, now_us);
	const struct queued_call *first = dispatch->call_queue.line.first;
	full_line_note(&dispatch->full_line, first && !queued_call_perturbs(first) && is_at_its_limit(dispatch), now_us);
}

/* Ends pauses whose time has come. A retry that counts must be paid for. */
static void end_pauses(struct dispatch *dispatch, int64_t now_us)
{
	struct call_queue *call_queue = &dispatch->call_queue;
	while (call_queue->paused.first && call_queue->paused.first->at_us <= now_us) {
		struct queued_call *queued_call = queued_calls_take(&call_queue->paused);
		int64_t again_us;
		if (queued_call->attempts.made > 0 && !retry_budget_take(&dispatch->budget, now_us, &again_us))
			call_queue_pause(call_queue, queued_call, again_us);
		else
			(void)stand_in_line(dispatch, queued_call, true, now_us);
	}
}

static void ask_replicas(struct dispatch *dispatch, int64_t now_us)
{
	size_t index;
	while (dispatch->health.replicas.count > 1 && replicas_to_ask(&dispatch->health.replicas, now_us, &index))
		if (!dispatch->environment->ask_ready(dispatch->environment->context, dispatch, index))
			(void)health_reported(&dispatch->health, index, true, now_us);
}

/* Withdraws a call from the transport; a later reply is dropped. */
static void withdraw(struct dispatch *dispatch, struct queued_call *queued_call)
{
	dispatch->environment->withdraw(dispatch->environment->context, queued_call);
	queued_calls_remove(&dispatch->call_queue.sent, queued_call);
}

static void dispatch_recall(struct dispatch *dispatch, struct queued_call *queued_call, int64_t now_us)
{
	withdraw(dispatch, queued_call);
	bool away = health_recalled(&dispatch->health, queued_call->replica, queued_call->probe, now_us);
	if (queued_call->members) {
		call_batch_recalled(&dispatch->call_queue, queued_call);
	} else {
		queued_call_recalled(queued_call);
		call_queue_wait(&dispatch->call_queue, queued_call, true);
	}
	if (away)
		dispatch_dismiss(dispatch);
}

/* Withdraws the last call first, so that the queue has the order in which they were sent. */
static void recall_all(struct dispatch *dispatch, int64_t now_us)
{
	const struct replicas *replicas = &dispatch->health.replicas;
	if (!replicas_hold(replicas))
		return;
	for (struct queued_call *queued_call = dispatch->call_queue.sent.last, *previous; queued_call; queued_call = previous) {
		previous = queued_call->previous;
		if (!queued_call->attempts.call->once && queued_call->recalls < RECALLS_MOST &&
		    replicas_give_up(replicas, queued_call->replica, queued_call->at_us, now_us))
			dispatch_recall(dispatch, queued_call, now_us);
	}
}

/* Answers finished calls. When `answered` calls it again, the outer call does the rest. */
static void answer_all(struct dispatch *dispatch)
{
	if (dispatch->answering)
		return;
	dispatch->answering = true;
	for (struct queued_call *queued_call; (queued_call = queued_calls_take(&dispatch->call_queue.over));) {
		struct call *call = queued_call->attempts.call;
		call_queue_give(&dispatch->call_queue, queued_call);
		dispatch->environment->answered(dispatch->environment->context, call);
	}
	dispatch->answering = false;
}

void dispatch_turn(struct dispatch *dispatch, int64_t now_us)
{
	end_pauses(dispatch, now_us);
	ask_replicas(dispatch, now_us);
	recall_all(dispatch, now_us);
	move(dispatch, now_us);
	answer_all(dispatch);
	demand_update(dispatch);
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

int64_t dispatch_due_us(const struct dispatch *dispatch, int64_t now_us)
{
	const struct call_queue *call_queue = &dispatch->call_queue;
	if (call_queue->moved || call_queue->over.first)
		return 0;
	int64_t due_us = call_queue->paused.first ? call_queue->paused.first->at_us : INT64_MAX;
	if (dispatch->health.replicas.count > 1)
		due_us = earlier(due_us, replicas_due_us(&dispatch->health.replicas, now_us));
	if (!call_queue->line.first || call_queue->sent.count >= dispatch->health.concurrency_limit.limit)
		return due_us;
	if (dispatch->holds) /* who sends the others rings no bell here */
		return earlier(due_us, now_us + DEMAND_LOOK_US);
	int64_t gathered_us = call_batching_due_us(&dispatch->call_batching, now_us);
	if (dispatch->health.breaker.state == BREAKER_OPEN) {
		int64_t open_us = dispatch->health.doubt ? 0 : dispatch->health.breaker.again_us;
		return dispatch->health.asking ? due_us : earlier(due_us, open_us > gathered_us ? open_us : gathered_us);
	}
	return gathered_us > 0 ? earlier(due_us, gathered_us) : due_us;
}

/* ---- begin and end of a call ---- */

/* Expected time in the queue of a new call: as many calls as are in flight leave the queue in the time of one call
 * (Little's law). So it is by the last few calls, and by as many as a part of the queue. The shorter one is taken, so
 * that neither a moment counts nor what is over. 0: not known. */
static int64_t line_us(const struct dispatch *dispatch)
{
	const struct call_queue *call_queue = &dispatch->call_queue;
	size_t rows = call_batching_rows_most(&dispatch->call_batching), abreast = call_queue->sent.count * rows;
	if (dispatch->health.breaker.state != BREAKER_CLOSED || call_queue->sent.count < dispatch->health.concurrency_limit.limit)
		return 0;
	size_t ahead = queued_calls_ahead(&call_queue->line);
	int64_t last_us = (int64_t)(ahead / abreast) * replicas_latency_us(&dispatch->health.replicas),
		mean_us = queue_drain_wait_us(&dispatch->health.queue_drain, ahead / rows);
	return mean_us < last_us ? mean_us : last_us;
}

static bool is_refused(struct dispatch *dispatch, struct queued_call *queued_call, int64_t now_us)
{
	int64_t wait_us = line_us(dispatch);
	if (!overload_is_too_long(queued_call, wait_us, now_us))
		return false;
	error_set_limit(
		&queued_call->attempts.call->error, LIMIT_OF_ADMISSION,
		"%s : the model is overloaded: %zu calls are queued, which takes %lld ms, too long for the request's deadline; "
		"send less at a time, allow more time, or give the model more servers",
		queued_call->attempts.call->name, dispatch->call_queue.line.count, (long long)(wait_us / US_PER_MS));
	call_queue_end(&dispatch->call_queue, queued_call);
	return true;
}

bool dispatch_call(struct dispatch *dispatch, struct call *call, int64_t now_us, struct error *error)
{
	assert(!call->under_way);
	struct queued_call *queued_call = call_queue_take(&dispatch->call_queue);
	if (!queued_call)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	attempts_begin(&queued_call->attempts, call, dispatch->config->model->timeout_ms);
	queued_call->attempts.outage_fails = dispatch->config->outage_fails || call->outage_fails;
	queued_call->at_us = now_us;
	queued_call->outage_before_us = dispatch_unreachable_us(dispatch, now_us);
	queued_call->alone = call->uncached;
	call->under_way = queued_call;
	call->waited_ms = 0;
	full_line_join(&dispatch->full_line, dispatch->environment->age_us(dispatch->environment->context, call->message), now_us);
	if (is_refused(dispatch, queued_call, now_us))
		return true;
	/* Calls of one turn of the loop are merged: the queue is processed at its end. */
	bool waits = queued_calls_ahead(&dispatch->call_queue.line) > 0 || call_batching_rows_most(&dispatch->call_batching) > 1;
	if (!stand_in_line(dispatch, queued_call, false, now_us))
		return true;
	if (!waits)
		move(dispatch, now_us);
	else if (is_at_its_limit(dispatch))
		dispatch->call_queue.moved = false;
	demand_update(dispatch);
	return true;
}

/* Cancels a call for which nothing waits any more. */
static void call_off(struct dispatch *dispatch, struct queued_call *queued_call)
{
	withdraw(dispatch, queued_call);
	health_withdraw(&dispatch->health, queued_call->replica, queued_call->probe);
	dispatch->call_queue.moved = dispatch->call_queue.line.first != NULL;
}

void dispatch_forget(struct dispatch *dispatch, struct call *call)
{
	struct queued_call *queued_call = call->under_way;
	if (!queued_call)
		return;
	call->under_way = NULL;
	switch (queued_call->state) {
	case QUEUED_CALL_WAITS:
		queued_calls_remove(&dispatch->call_queue.line, queued_call);
		demand_update(dispatch);
		break;
	case QUEUED_CALL_PAUSED:
		queued_calls_remove(&dispatch->call_queue.paused, queued_call);
		break;
	case QUEUED_CALL_OVER:
		queued_calls_remove(&dispatch->call_queue.over, queued_call);
		break;
	case QUEUED_CALL_SENT:
		call_off(dispatch, queued_call);
		break;
	case QUEUED_CALL_MERGED:
		if (call_batch_forgets(queued_call)) {
			call_off(dispatch, queued_call->call_batch);
			call_batch_unload(&dispatch->call_queue, queued_call->call_batch);
		}
		return;
	case QUEUED_CALL_FREE:
		return;
	}
	call_queue_give(&dispatch->call_queue, queued_call);
}

struct dispatch_counts dispatch_counts(const struct dispatch *dispatch)
{
	struct dispatch_counts counts = dispatch->counts;
	counts.waiting = dispatch->call_queue.line.count + dispatch->call_queue.paused.count;
	const struct queued_call *oldest = dispatch->call_queue.sent.first; /* in the order in which they were sent */
	counts.under_way = dispatch->call_queue.sent.count;
	counts.oldest_us = oldest ? oldest->at_us + oldest->paused_us : 0;
	counts.breaker = dispatch->health.breaker.state;
	counts.limit = dispatch->health.concurrency_limit.limit;
	counts.merged = dispatch->call_batching.merged;
	return counts;
}
