/* dispatch.c: see dispatch.h. A call's way is told from top to bottom: it comes, stands
 * in line, is sent, and has its outcome; what is over is answered in a turn. */
#include "serving/dispatch.h"

#include "base/memory.h"
#include "serving/budget.h"
#include "serving/health.h"
#include "serving/merge.h"
#include "serving/rush.h"
#include "serving/window.h"

#define MS_US 1000

struct dispatch {
	const struct dispatch_config *config;
	const struct dispatch_outside *outside;
	struct errands line, paused, sent, over;
	struct errand *pool;
	struct health health;
	struct budget budget;
	struct window window;
	bool moved; /* the line may go on: in a turn */
	bool whole; /* a reply had not the rows of its call: nothing is merged any more */
	bool answering;
	struct dispatch_counts counts;
};

/* ---- opening and closing ---- */

struct dispatch *dispatch_open(const struct dispatch_config *config, const struct dispatch_outside *outside, int64_t now_us,
			       struct error *error)
{
	const struct model_config *model = config->model;
	struct dispatch *dispatch = memory_take(1, sizeof *dispatch);
	struct replica *replicas = memory_take(model->addresses.count, sizeof *replicas);
	if (!dispatch || !replicas) {
		memory_give(dispatch);
		memory_give(replicas);
		error_memory(error, ERROR_SYSTEM, "opening a model's line");
		return NULL;
	}
	*dispatch =
		(struct dispatch){.config = config, .outside = outside, .window = {.most_us = model->batching.latency_ms * MS_US}};
	health_open(&dispatch->health, (struct replicas){model->addresses.count, replicas}, model->lanes_least, model->lanes_most,
		    config->seed, now_us);
	budget_open(&dispatch->budget, now_us);
	return dispatch;
}

static void errand_close(struct dispatch *dispatch, struct errand *errand)
{
	dispatch->outside->discard(dispatch->outside->context, errand);
	if (errand->carriage)
		arena_close(errand->carriage->arena);
	memory_give(errand->carriage);
	memory_give(errand);
}

static void errands_close(struct dispatch *dispatch, struct errands *list)
{
	for (struct errand *errand; (errand = errands_take(list));)
		errand_close(dispatch, errand);
}

void dispatch_close(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	for (struct errand *errand = dispatch->sent.first; errand; errand = errand->next) {
		for (struct errand *member = errand->members, *next; member; member = next) {
			next = member->next_member;
			errand_close(dispatch, member);
		}
		dispatch->outside->withdraw(dispatch->outside->context, errand);
	}
	errands_close(dispatch, &dispatch->line);
	errands_close(dispatch, &dispatch->paused);
	errands_close(dispatch, &dispatch->sent);
	errands_close(dispatch, &dispatch->over);
	for (struct errand *errand = dispatch->pool, *next; errand; errand = next) {
		next = errand->next;
		errand_close(dispatch, errand);
	}
	memory_give(dispatch->health.replicas.items);
	memory_give(dispatch);
}

/* ---- errands ---- */

static struct errand *errand_make(struct dispatch *dispatch)
{
	struct errand *errand = dispatch->pool;
	if (errand)
		dispatch->pool = errand->next;
	else if (!(errand = memory_take(1, sizeof *errand)))
		return NULL;
	*errand = (struct errand){.dispatch = dispatch, .sending = errand->sending, .carriage = errand->carriage};
	return errand;
}

static void errand_free(struct dispatch *dispatch, struct errand *errand)
{
	if (errand->attempts.call)
		errand->attempts.call->under_way = NULL;
	errand->state = ERRAND_FREE;
	errand->attempts.call = NULL;
	errand->next = dispatch->pool;
	dispatch->pool = errand;
}

static void stand_in_line(struct dispatch *dispatch, struct errand *errand, bool first)
{
	errand->state = ERRAND_WAITS;
	errand->probe = false;
	(first ? errands_add_first : errands_add)(&dispatch->line, errand);
	dispatch->moved = true;
}

static void be_over(struct dispatch *dispatch, struct errand *errand)
{
	errand->state = ERRAND_OVER;
	errands_add(&dispatch->over, errand);
}

/* ---- a model that is away ---- */

static void tell_away(struct dispatch *dispatch, struct errand *errand)
{
	struct call *call = errand->attempts.call;
	call->attempts = errand->attempts.made;
	error_set(&call->error, ERROR_REMOTE, PLACE_NONE,
		  "%s : the model is away and not asked until it is back; the last that came: %s", call->name,
		  dispatch->health.words);
	be_over(dispatch, errand);
}

static bool can_wait(const struct dispatch *dispatch, const struct errand *errand)
{
	int64_t deadline_ms = errand->attempts.call->message->deadline_ms;
	return !dispatch->config->outage_fails && !errand->attempts.call->once &&
	       (deadline_ms == 0 || dispatch->health.breaker.again_us < deadline_ms * MS_US);
}

/* Whoever cannot wait until the model is asked again hears so now. */
static void dismiss(struct dispatch *dispatch)
{
	for (struct errand *errand = dispatch->line.first, *next; errand; errand = next) {
		next = errand->next;
		if (can_wait(dispatch, errand))
			continue;
		errands_remove(&dispatch->line, errand);
		tell_away(dispatch, errand);
	}
}

/* Whether the next in line may go out; a replica may have to say first that it is ready. */
static bool may_go(struct dispatch *dispatch, int64_t now_us)
{
	struct health *health = &dispatch->health;
	enum health_verdict verdict = health_admits(health, now_us);
	if (verdict == HEALTH_ASK) {
		if (dispatch->outside->ask_ready(dispatch->outside->context, dispatch, health->asked))
			return false;
		health_cannot_say(health);
		verdict = health_admits(health, now_us);
	}
	return verdict == HEALTH_GO;
}

/* ---- sending ---- */

/* A carrier that cannot go is taken apart: its members go alone. */
static void unload(struct dispatch *dispatch, struct errand *carrier)
{
	struct errand *members[LOOKED_THROUGH_MAX + 1];
	size_t count = 0;
	for (struct errand *member = carrier->members; member; member = member->next_member)
		members[count++] = member;
	while (count > 0) {
		struct errand *member = members[--count];
		member->alone = true;
		if (member->attempts.call)
			stand_in_line(dispatch, member, true);
		else
			errand_free(dispatch, member);
	}
	carrier->attempts.call = NULL;
	errand_free(dispatch, carrier);
}

static void cannot_go(struct dispatch *dispatch, struct errand *errand, const struct error *error)
{
	health_withdraw(&dispatch->health, errand->replica, errand->probe);
	if (errand->members) {
		unload(dispatch, errand);
		return;
	}
	errand->attempts.call->error = *error;
	be_over(dispatch, errand);
}

static void send_out(struct dispatch *dispatch, struct errand *errand, int64_t now_us)
{
	struct error error = {0};
	errand->replica = health_choose(&dispatch->health, &errand->probe, now_us);
	int64_t time_ms = errand_timeout_ms(errand, now_us);
	if (!dispatch->outside->send(dispatch->outside->context, errand, time_ms, &error)) {
		cannot_go(dispatch, errand, &error);
		return;
	}
	errand->state = ERRAND_SENT;
	errand->at_us = now_us;
	errand->hasty = rush_is_hasty(errand, dispatch->health.replicas.items[errand->replica].latency_us, now_us);
	errands_add(&dispatch->sent, errand);
	dispatch->counts.sent++;
	if (errand->attempts.made + errand->attempts.unmet == 0)
		budget_pay(&dispatch->budget);
	else
		dispatch->counts.repeated++;
}

/* ---- merging ---- */

static bool merges(const struct dispatch *dispatch)
{
	return dispatch->config->model->batching.rows_most > 1 && !dispatch->whole;
}

/* The rows that could go with the first in line, at most as many as go into a call. */
static size_t rows_at_hand(const struct dispatch *dispatch)
{
	const struct errand *first = dispatch->line.first;
	size_t rows = merge_rows(first), most = dispatch->config->model->batching.rows_most, looked = 0;
	for (const struct errand *other = first->next; other && rows < most && looked < LOOKED_THROUGH_MAX; other = other->next) {
		looked++;
		if (merge_rows(other) > 0 && merge_fits(first, other))
			rows += merge_rows(other);
	}
	return rows < most ? rows : most;
}

/* Whether the first in line still waits for others; with nobody under way it does not. */
static bool gathers(const struct dispatch *dispatch, int64_t now_us)
{
	const struct errand *first = dispatch->line.first;
	if (!merges(dispatch) || merge_rows(first) == 0)
		return false;
	return now_us < window_due_us(&dispatch->window, first->at_us, dispatch->sent.count) &&
	       rows_at_hand(dispatch) < dispatch->config->model->batching.rows_most;
}

static void carrier_begin(const struct dispatch *dispatch, struct errand *carrier)
{
	int64_t batch_ms = dispatch->config->model->batching.timeout_ms;
	attempts_begin(&carrier->attempts, &carrier->carriage->call, 0);
	carrier->attempts.timeout_ms = batch_ms ? batch_ms : carrier->members->attempts.timeout_ms;
}

/* Takes those that fit out of the line, the first of which is out already. */
static void take_members(struct dispatch *dispatch, struct errand *carrier, struct errand *first)
{
	size_t most = dispatch->config->model->batching.rows_most, looked = 0;
	struct errand **link = &first->next_member;
	carrier->members = first;
	carrier->rows = first->rows = merge_rows(first);
	for (struct errand *other = dispatch->line.first, *next; other && looked < LOOKED_THROUGH_MAX; other = next, looked++) {
		next = other->next;
		size_t rows = merge_rows(other);
		if (rows == 0 || carrier->rows + rows > most || !merge_fits(first, other))
			continue;
		errands_remove(&dispatch->line, other);
		*link = other;
		link = &other->next_member;
		other->rows = rows;
		carrier->rows += rows;
	}
	*link = NULL;
	for (struct errand *member = first; member; member = member->next_member) {
		member->state = ERRAND_MERGED;
		member->carrier = carrier;
	}
}

/* The first in line, with those that go along. */
static struct errand *gather(struct dispatch *dispatch)
{
	struct errand *first = errands_take(&dispatch->line);
	first->next_member = NULL;
	if (!merges(dispatch) || merge_rows(first) == 0)
		return first;
	struct errand *carrier = dispatch->line.first ? errand_make(dispatch) : NULL;
	if (!carrier) {
		window_left(&dispatch->window, 1, false);
		return first;
	}
	take_members(dispatch, carrier, first);
	size_t count = 0;
	for (const struct errand *member = first; member; member = member->next_member)
		count++;
	window_left(&dispatch->window, count, dispatch->line.first != NULL);
	if (count == 1) {
		errand_free(dispatch, carrier);
		return first;
	}
	dispatch->counts.merged += count;
	if (merge_load(carrier)) {
		carrier_begin(dispatch, carrier);
		return carrier;
	}
	unload(dispatch, carrier);
	return gather(dispatch);
}

/* ---- the line ---- */

/* With nobody under way it is asked all the same, or what a call takes would never be known anew. */
static bool is_late(const struct dispatch *dispatch, const struct errand *errand, int64_t now_us)
{
	return rush_is_late(errand, dispatch->sent.count > 0 ? pace_work_us(&dispatch->health.pace) : 0, now_us);
}

static void end_late(struct dispatch *dispatch, struct errand *errand)
{
	struct call *call = errand->attempts.call;
	errands_remove(&dispatch->line, errand);
	error_set(&call->error, ERROR_LIMIT, PLACE_NONE, "%s : there was no time left to ask the model before the deadline",
		  call->name);
	be_over(dispatch, errand);
}

static void move(struct dispatch *dispatch, int64_t now_us)
{
	dispatch->moved = false;
	while (dispatch->line.first) {
		if (dispatch->health.breaker.state != BREAKER_CLOSED)
			errands_prefer_untried(&dispatch->line);
		struct errand *first = dispatch->line.first;
		if (is_late(dispatch, first, now_us)) {
			end_late(dispatch, first);
			continue;
		}
		if (dispatch->sent.count >= dispatch->health.pace.limit || gathers(dispatch, now_us) || !may_go(dispatch, now_us))
			return;
		send_out(dispatch, gather(dispatch), now_us);
	}
}

/* Pauses that have ended; a counted try has to be paid for. */
static void end_pauses(struct dispatch *dispatch, int64_t now_us)
{
	while (dispatch->paused.first && dispatch->paused.first->at_us <= now_us) {
		struct errand *errand = errands_take(&dispatch->paused);
		int64_t again_us;
		if (errand->attempts.made > 0 && !budget_take(&dispatch->budget, now_us, &again_us)) {
			errand->at_us = again_us;
			errands_add_by_time(&dispatch->paused, errand);
		} else {
			stand_in_line(dispatch, errand, true);
		}
	}
}

static void ask_replicas(struct dispatch *dispatch, int64_t now_us)
{
	size_t index;
	while (dispatch->health.replicas.count > 1 && replicas_to_ask(&dispatch->health.replicas, now_us, &index))
		if (!dispatch->outside->ask_ready(dispatch->outside->context, dispatch, index))
			(void)health_said(&dispatch->health, index, true, now_us);
}

/* Entered again from `answered`, it leaves the rest to the one that is at it. */
static void answer_all(struct dispatch *dispatch)
{
	if (dispatch->answering)
		return;
	dispatch->answering = true;
	for (struct errand *errand; (errand = errands_take(&dispatch->over));) {
		struct call *call = errand->attempts.call;
		errand_free(dispatch, errand);
		dispatch->outside->answered(dispatch->outside->context, call);
	}
	dispatch->answering = false;
}

void dispatch_turn(struct dispatch *dispatch, int64_t now_us)
{
	end_pauses(dispatch, now_us);
	ask_replicas(dispatch, now_us);
	move(dispatch, now_us);
	answer_all(dispatch);
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

int64_t dispatch_due_us(const struct dispatch *dispatch, int64_t now_us)
{
	if (dispatch->moved || dispatch->over.first)
		return 0;
	int64_t due_us = dispatch->paused.first ? dispatch->paused.first->at_us : INT64_MAX;
	if (dispatch->health.replicas.count > 1)
		due_us = earlier(due_us, replicas_due_us(&dispatch->health.replicas));
	if (!dispatch->line.first || dispatch->sent.count >= dispatch->health.pace.limit)
		return due_us;
	if (dispatch->health.breaker.state == BREAKER_OPEN)
		return dispatch->health.asking	? due_us
		       : dispatch->health.doubt ? 0
						: earlier(due_us, dispatch->health.breaker.again_us);
	return gathers(dispatch, now_us)
		       ? earlier(due_us, window_due_us(&dispatch->window, dispatch->line.first->at_us, dispatch->sent.count))
		       : due_us;
}

/* ---- a call comes, or goes ---- */

/* How long one that comes now will be in line: as many as are under way leave it each time
 * that a call takes (Little's law). 0: nobody knows. */
static int64_t line_us(const struct dispatch *dispatch)
{
	size_t abreast = dispatch->sent.count * (merges(dispatch) ? dispatch->config->model->batching.rows_most : 1);
	if (dispatch->health.breaker.state != BREAKER_CLOSED || dispatch->sent.count < dispatch->health.pace.limit)
		return 0;
	return (int64_t)(dispatch->line.count / abreast) * replicas_latency_us(&dispatch->health.replicas);
}

static bool is_refused(struct dispatch *dispatch, struct errand *errand, int64_t now_us)
{
	int64_t wait_us = line_us(dispatch);
	if (!rush_is_too_long(errand, wait_us, now_us))
		return false;
	error_set(&errand->attempts.call->error, ERROR_LIMIT, PLACE_NONE,
		  "%s : more is asked of the model than it can do: %zu calls are in line, which takes %lld ms, too long for the "
		  "request's deadline; ask for less at a time, allow more time, or give the model more servers",
		  errand->attempts.call->name, dispatch->line.count, (long long)(wait_us / MS_US));
	be_over(dispatch, errand);
	return true;
}

bool dispatch_call(struct dispatch *dispatch, struct call *call, int64_t now_us, struct error *error)
{
	struct errand *errand = errand_make(dispatch);
	if (!errand)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	attempts_begin(&errand->attempts, call, dispatch->config->model->timeout_ms);
	errand->attempts.outage_fails = dispatch->config->outage_fails;
	errand->at_us = now_us;
	call->under_way = errand;
	if (is_refused(dispatch, errand, now_us))
		return true;
	/* Those that come in one turn of the loop are merged: the line moves at its end. */
	bool waits = dispatch->line.first || merges(dispatch);
	stand_in_line(dispatch, errand, false);
	if (health_is_away(&dispatch->health, now_us) && !can_wait(dispatch, errand)) {
		errands_remove(&dispatch->line, errand);
		tell_away(dispatch, errand);
	} else if (!waits) {
		move(dispatch, now_us);
	} else if (dispatch->sent.count >= dispatch->health.pace.limit) {
		dispatch->moved = false;
	}
	return true;
}

/* Out of what the transport does; the replica is not waited for. */
static void recall(struct dispatch *dispatch, struct errand *errand)
{
	dispatch->outside->withdraw(dispatch->outside->context, errand);
	errands_remove(&dispatch->sent, errand);
	health_withdraw(&dispatch->health, errand->replica, errand->probe);
	dispatch->moved = dispatch->line.first != NULL;
}

static void forget_member(struct dispatch *dispatch, struct errand *member)
{
	struct errand *carrier = member->carrier;
	member->attempts.call = NULL;
	for (const struct errand *other = carrier->members; other; other = other->next_member)
		if (other->attempts.call)
			return;
	recall(dispatch, carrier);
	unload(dispatch, carrier);
}

void dispatch_forget(struct dispatch *dispatch, struct call *call)
{
	struct errand *errand = call->under_way;
	if (!errand)
		return;
	call->under_way = NULL;
	switch (errand->state) {
	case ERRAND_WAITS:
		errands_remove(&dispatch->line, errand);
		break;
	case ERRAND_PAUSED:
		errands_remove(&dispatch->paused, errand);
		break;
	case ERRAND_OVER:
		errands_remove(&dispatch->over, errand);
		break;
	case ERRAND_SENT:
		recall(dispatch, errand);
		break;
	case ERRAND_MERGED:
		forget_member(dispatch, errand);
		return;
	case ERRAND_FREE:
		return;
	}
	errand_free(dispatch, errand);
}

/* ---- what came of it ---- */

/* What it says of the model. */
static void learn(struct dispatch *dispatch, struct errand *errand, struct attempt *attempt, int64_t now_us)
{
	attempt->others_answered = dispatch->health.answers != errand->answers_seen;
	if (attempt_is_failure(attempt) && rush_cut_short(errand, now_us)) {
		health_withdraw(&dispatch->health, errand->replica, errand->probe);
		return;
	}
	if (health_learn(&dispatch->health, attempt, errand->replica, errand->probe, now_us - errand->at_us,
			 dispatch->line.first != NULL, now_us))
		dismiss(dispatch);
	errand->answers_seen = dispatch->health.answers;
}

static void conclude(struct dispatch *dispatch, struct errand *errand, const struct attempt *attempt, bool probe, int64_t now_us)
{
	int64_t again_ms, now_ms = now_us / MS_US;
	bool away = dispatch->health.breaker.state == BREAKER_OPEN && !dispatch->health.doubt;
	if (attempts_take(&errand->attempts, attempt, now_ms, &again_ms)) {
		be_over(dispatch, errand);
	} else if (again_ms <= now_ms || away) {
		/* Another is the next probe, so that none is spent on all of them. */
		stand_in_line(dispatch, errand, !probe);
		if (away && !can_wait(dispatch, errand)) {
			errands_remove(&dispatch->line, errand);
			errand->attempts.call->attempts = errand->attempts.made;
			attempts_end(&errand->attempts, attempt, "the model is not asked until it is back");
			be_over(dispatch, errand);
		}
	} else {
		int64_t pause_us = (again_ms - now_ms) * MS_US;
		errand->state = ERRAND_PAUSED;
		errand->at_us = now_us + pause_us / 2 + (int64_t)(health_draw(&dispatch->health) % (uint64_t)pause_us);
		errands_add_by_time(&dispatch->paused, errand);
	}
}

/* Each member has its part; false: the reply cannot be told apart. */
static bool share_out(struct dispatch *dispatch, struct errand *carrier, const struct attempt *attempt, int64_t now_us)
{
	struct attempt part = *attempt;
	size_t first = 0;
	if (!merge_is_by_rows(attempt->payload, carrier->rows))
		return false;
	for (struct errand *member = carrier->members, *next; member; member = next) {
		next = member->next_member;
		size_t row = first;
		first += member->rows;
		if (!member->attempts.call) {
			errand_free(dispatch, member);
			continue;
		}
		struct error error = {0};
		part.payload = merge_part(member, attempt->payload, row);
		if (!part.payload)
			error_memory(&error, ERROR_LIMIT, "taking a model's reply");
		part.fault = part.payload ? NULL : &error;
		conclude(dispatch, member, &part, false, now_us);
	}
	carrier->attempts.call = NULL;
	errand_free(dispatch, carrier);
	return true;
}

/* A merged call's failure is each member's: but what one of them may have caused is told
 * by each going alone. */
static void share_failure(struct dispatch *dispatch, struct errand *carrier, const struct attempt *attempt, int64_t now_us)
{
	bool failure = attempt_is_failure(attempt), probe = carrier->probe;
	if (!failure) {
		unload(dispatch, carrier);
		return;
	}
	for (struct errand *member = carrier->members, *next; member; member = next) {
		next = member->next_member;
		member->alone = attempt->end != ATTEMPT_REFUSED;
		member->answers_seen = carrier->answers_seen;
		if (member->attempts.call)
			conclude(dispatch, member, attempt, probe, now_us);
		else
			errand_free(dispatch, member);
	}
	carrier->attempts.call = NULL;
	errand_free(dispatch, carrier);
}

static void conclude_merged(struct dispatch *dispatch, struct errand *carrier, const struct attempt *attempt, int64_t now_us)
{
	if (attempt->status != 200 || !attempt->payload) {
		share_failure(dispatch, carrier, attempt, now_us);
	} else if (!share_out(dispatch, carrier, attempt, now_us)) {
		dispatch->whole = true;
		unload(dispatch, carrier);
	}
}

void dispatch_outcome(struct dispatch *dispatch, struct errand *errand, struct attempt *attempt, int64_t now_us)
{
	errands_remove(&dispatch->sent, errand);
	learn(dispatch, errand, attempt, now_us);
	if (errand->members)
		conclude_merged(dispatch, errand, attempt, now_us);
	else
		conclude(dispatch, errand, attempt, errand->probe, now_us);
	dispatch_turn(dispatch, now_us);
}

void dispatch_ready(struct dispatch *dispatch, size_t replica, bool ready, int64_t now_us)
{
	if (health_said(&dispatch->health, replica, ready, now_us))
		dismiss(dispatch);
	dispatch_turn(dispatch, now_us);
}

struct dispatch_counts dispatch_counts(const struct dispatch *dispatch)
{
	struct dispatch_counts counts = dispatch->counts;
	counts.waiting = dispatch->line.count + dispatch->paused.count;
	counts.under_way = dispatch->sent.count;
	counts.limit = dispatch->health.pace.limit;
	return counts;
}

const char *dispatch_away(const struct dispatch *dispatch)
{
	bool away = dispatch->health.breaker.state != BREAKER_CLOSED && !dispatch->health.doubt;
	return away ? dispatch->health.words : NULL;
}
