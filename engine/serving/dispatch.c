/* dispatch.c: see dispatch.h. A call comes, stands in line, is sent, by itself or with others
 * (carrier.h), and has its outcome; what is over is answered in a turn. */
#include "serving/dispatch.h"

#include "base/duration.h"
#include "base/memory.h"
#include "serving/budget.h"
#include "serving/carrier.h"
#include "serving/health.h"
#include "serving/roster.h"
#include "serving/rush.h"

struct dispatch {
	const struct dispatch_config *config;
	const struct dispatch_outside *outside;
	struct roster roster;
	struct carriers carriers;
	struct health health;
	struct budget budget;
	bool answering;
	bool unanswered;   /* so was the last attempt that ended */
	int64_t outage_us; /* when that, or the breaker, last kept calls waiting, as far as it was noted */
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
	*dispatch = (struct dispatch){.config = config,
				      .outside = outside,
				      .roster = {.dispatch = dispatch},
				      .carriers = {.roster = &dispatch->roster,
						   .batching = &model->batching,
						   .window = {.most_us = model->batching.latency_ms * US_PER_MS}}};
	health_open(&dispatch->health, (struct replicas){model->addresses.count, replicas}, model->lanes_least, model->lanes_most,
		    config->seed, now_us);
	budget_open(&dispatch->budget, now_us);
	return dispatch;
}

void dispatch_close(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	for (struct errand *errand = dispatch->roster.sent.first; errand; errand = errand->next)
		dispatch->outside->withdraw(dispatch->outside->context, errand);
	roster_close(&dispatch->roster, dispatch->outside->discard, dispatch->outside->context);
	memory_give(dispatch->health.replicas.items);
	memory_give(dispatch);
}

/* ---- a model that is away ---- */

static void tell_away(struct dispatch *dispatch, struct errand *errand)
{
	struct call *call = errand->attempts.call;
	call->attempts = errand->attempts.made;
	error_set(&call->error, ERROR_REMOTE, PLACE_NONE,
		  "%s : the model is away and not asked until it is back; the last that came: %s", call->name,
		  dispatch->health.words);
	roster_end(&dispatch->roster, errand);
}

static bool can_wait(const struct dispatch *dispatch, const struct errand *errand)
{
	int64_t deadline_ms = errand->attempts.call->message->deadline_ms;
	return !dispatch->config->outage_fails && !errand->attempts.call->once &&
	       (deadline_ms == 0 || dispatch->health.breaker.again_us < deadline_ms * US_PER_MS);
}

/* Whoever cannot wait until the model is asked again hears so now. */
static void dismiss(struct dispatch *dispatch)
{
	for (struct errand *errand = dispatch->roster.line.first, *next; errand; errand = next) {
		next = errand->next;
		if (can_wait(dispatch, errand))
			continue;
		errands_remove(&dispatch->roster.line, errand);
		tell_away(dispatch, errand);
	}
}

/* In line, unless it cannot wait there. False: it hears so. */
static bool stand_in_line(struct dispatch *dispatch, struct errand *errand, bool first, int64_t now_us)
{
	if (health_is_away(&dispatch->health, now_us) && !can_wait(dispatch, errand)) {
		tell_away(dispatch, errand);
		return false;
	}
	roster_wait(&dispatch->roster, errand, first);
	return true;
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

static void cannot_go(struct dispatch *dispatch, struct errand *errand, const struct error *error)
{
	health_withdraw(&dispatch->health, errand->replica, errand->probe);
	if (errand->members) {
		carrier_unload(&dispatch->roster, errand);
		return;
	}
	errand->attempts.call->error = *error;
	roster_end(&dispatch->roster, errand);
}

static void send_out(struct dispatch *dispatch, struct errand *errand, int64_t now_us)
{
	struct error error;
	error.kind = ERROR_NONE;
	bool first = errand->attempts.made + errand->attempts.unmet + errand->recalls == 0;
	errand->replica = health_choose(&dispatch->health, first ? REPLICA_NONE : errand->replica, &errand->probe, now_us);
	int64_t time_ms = errand_timeout_ms(errand, now_us);
	if (!dispatch->outside->send(dispatch->outside->context, errand, time_ms, &error)) {
		cannot_go(dispatch, errand, &error);
		return;
	}
	errand->state = ERRAND_SENT;
	errand->attempts.call->where = CALL_SENT;
	errand->at_us = now_us;
	errand->paused_us = 0;
	errand->hasty = rush_is_hasty(errand, dispatch->health.replicas.items[errand->replica].latency_us, now_us);
	errands_add(&dispatch->roster.sent, errand);
	dispatch->counts.sent++;
	if (first)
		budget_pay(&dispatch->budget);
	else
		dispatch->counts.repeated++;
}

/* ---- the line ---- */

/* With nobody under way it is asked all the same, or what a call takes would never be known anew. */
static bool is_late(const struct dispatch *dispatch, const struct errand *errand, int64_t now_us)
{
	return rush_is_late(errand, dispatch->roster.sent.count > 0 ? pace_work_us(&dispatch->health.pace) : 0, now_us);
}

static void end_late(struct dispatch *dispatch, struct errand *errand)
{
	struct call *call = errand->attempts.call;
	errands_remove(&dispatch->roster.line, errand);
	error_set_limit(&call->error, LIMIT_OF_ADMISSION, "%s : there was no time left to ask the model before the deadline",
		  call->name);
	roster_end(&dispatch->roster, errand);
}

static void move(struct dispatch *dispatch, int64_t now_us)
{
	struct roster *roster = &dispatch->roster;
	roster->moved = false;
	while (roster->line.first) {
		if (dispatch->health.breaker.state != BREAKER_CLOSED)
			errands_prefer_untried(&roster->line);
		struct errand *first = roster->line.first;
		if (is_late(dispatch, first, now_us)) {
			end_late(dispatch, first);
			continue;
		}
		if (roster->sent.count >= dispatch->health.pace.limit || carriers_due_us(&dispatch->carriers, now_us) > 0 ||
		    !may_go(dispatch, now_us))
			return;
		send_out(dispatch, carriers_take(&dispatch->carriers), now_us);
	}
}

/* Pauses that have ended; a counted try has to be paid for. */
static void end_pauses(struct dispatch *dispatch, int64_t now_us)
{
	struct roster *roster = &dispatch->roster;
	while (roster->paused.first && roster->paused.first->at_us <= now_us) {
		struct errand *errand = errands_take(&roster->paused);
		int64_t again_us;
		if (errand->attempts.made > 0 && !budget_take(&dispatch->budget, now_us, &again_us))
			roster_pause(roster, errand, again_us);
		else
			(void)stand_in_line(dispatch, errand, true, now_us);
	}
}

static void ask_replicas(struct dispatch *dispatch, int64_t now_us)
{
	size_t index;
	while (dispatch->health.replicas.count > 1 && replicas_to_ask(&dispatch->health.replicas, now_us, &index))
		if (!dispatch->outside->ask_ready(dispatch->outside->context, dispatch, index))
			(void)health_said(&dispatch->health, index, true, now_us);
}

/* Out of what the transport does: what it still brings is dropped. */
static void withdraw(struct dispatch *dispatch, struct errand *errand)
{
	dispatch->outside->withdraw(dispatch->outside->context, errand);
	errands_remove(&dispatch->roster.sent, errand);
}

static void recall(struct dispatch *dispatch, struct errand *errand, int64_t now_us)
{
	withdraw(dispatch, errand);
	bool away = health_recalled(&dispatch->health, errand->replica, errand->probe, now_us);
	if (errand->members) {
		carrier_recalled(&dispatch->roster, errand);
	} else {
		errand_recalled(errand);
		roster_wait(&dispatch->roster, errand, true);
	}
	if (away)
		dismiss(dispatch);
}

/* The last first, so that they stand in line as they were sent. */
static void recall_all(struct dispatch *dispatch, int64_t now_us)
{
	const struct replicas *replicas = &dispatch->health.replicas;
	if (!replicas_hold(replicas))
		return;
	for (struct errand *errand = dispatch->roster.sent.last, *previous; errand; errand = previous) {
		previous = errand->previous;
		if (!errand->attempts.call->once && errand->recalls < RECALLS_MOST &&
		    replicas_give_up(replicas, errand->replica, errand->at_us, now_us))
			recall(dispatch, errand, now_us);
	}
}

/* Entered again from `answered`, it leaves the rest to the one that is at it. */
static void answer_all(struct dispatch *dispatch)
{
	if (dispatch->answering)
		return;
	dispatch->answering = true;
	for (struct errand *errand; (errand = errands_take(&dispatch->roster.over));) {
		struct call *call = errand->attempts.call;
		roster_give(&dispatch->roster, errand);
		dispatch->outside->answered(dispatch->outside->context, call);
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
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

int64_t dispatch_due_us(const struct dispatch *dispatch, int64_t now_us)
{
	const struct roster *roster = &dispatch->roster;
	if (roster->moved || roster->over.first)
		return 0;
	int64_t due_us = roster->paused.first ? roster->paused.first->at_us : INT64_MAX;
	if (dispatch->health.replicas.count > 1)
		due_us = earlier(due_us, replicas_due_us(&dispatch->health.replicas, now_us));
	if (!roster->line.first || roster->sent.count >= dispatch->health.pace.limit)
		return due_us;
	int64_t gathered_us = carriers_due_us(&dispatch->carriers, now_us);
	if (dispatch->health.breaker.state == BREAKER_OPEN) {
		int64_t open_us = dispatch->health.doubt ? 0 : dispatch->health.breaker.again_us;
		return dispatch->health.asking ? due_us : earlier(due_us, open_us > gathered_us ? open_us : gathered_us);
	}
	return gathered_us > 0 ? earlier(due_us, gathered_us) : due_us;
}

/* ---- a call comes, or goes ---- */

/* How long one that comes now will be in line: as many as are under way leave it each time
 * that a call takes (Little's law). 0: nobody knows. */
static int64_t line_us(const struct dispatch *dispatch)
{
	const struct roster *roster = &dispatch->roster;
	size_t abreast = roster->sent.count * carriers_rows_most(&dispatch->carriers);
	if (dispatch->health.breaker.state != BREAKER_CLOSED || roster->sent.count < dispatch->health.pace.limit)
		return 0;
	return (int64_t)(roster->line.count / abreast) * replicas_latency_us(&dispatch->health.replicas);
}

static bool is_refused(struct dispatch *dispatch, struct errand *errand, int64_t now_us)
{
	int64_t wait_us = line_us(dispatch);
	if (!rush_is_too_long(errand, wait_us, now_us))
		return false;
	error_set_limit(&errand->attempts.call->error, LIMIT_OF_ADMISSION,
		  "%s : more is asked of the model than it can do: %zu calls are in line, which takes %lld ms, too long for the "
		  "request's deadline; ask for less at a time, allow more time, or give the model more servers",
		  errand->attempts.call->name, dispatch->roster.line.count, (long long)(wait_us / US_PER_MS));
	roster_end(&dispatch->roster, errand);
	return true;
}

bool dispatch_call(struct dispatch *dispatch, struct call *call, int64_t now_us, struct error *error)
{
	struct errand *errand = roster_take(&dispatch->roster);
	if (!errand)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	attempts_begin(&errand->attempts, call, dispatch->config->model->timeout_ms);
	errand->attempts.outage_fails = dispatch->config->outage_fails;
	errand->at_us = now_us;
	call->under_way = errand;
	if (is_refused(dispatch, errand, now_us))
		return true;
	/* Those that come in one turn of the loop are merged: the line moves at its end. */
	bool waits = dispatch->roster.line.first || carriers_rows_most(&dispatch->carriers) > 1;
	if (!stand_in_line(dispatch, errand, false, now_us))
		return true;
	if (!waits)
		move(dispatch, now_us);
	else if (dispatch->roster.sent.count >= dispatch->health.pace.limit)
		dispatch->roster.moved = false;
	return true;
}

/* Nobody waits for it any more. */
static void call_off(struct dispatch *dispatch, struct errand *errand)
{
	withdraw(dispatch, errand);
	health_withdraw(&dispatch->health, errand->replica, errand->probe);
	dispatch->roster.moved = dispatch->roster.line.first != NULL;
}

void dispatch_forget(struct dispatch *dispatch, struct call *call)
{
	struct errand *errand = call->under_way;
	if (!errand)
		return;
	call->under_way = NULL;
	switch (errand->state) {
	case ERRAND_WAITS:
		errands_remove(&dispatch->roster.line, errand);
		break;
	case ERRAND_PAUSED:
		errands_remove(&dispatch->roster.paused, errand);
		break;
	case ERRAND_OVER:
		errands_remove(&dispatch->roster.over, errand);
		break;
	case ERRAND_SENT:
		call_off(dispatch, errand);
		break;
	case ERRAND_MERGED:
		if (carrier_forgets(errand)) {
			call_off(dispatch, errand->carrier);
			carrier_unload(&dispatch->roster, errand->carrier);
		}
		return;
	case ERRAND_FREE:
		return;
	}
	roster_give(&dispatch->roster, errand);
}

/* ---- what came of it ---- */

void dispatch_paused(struct dispatch *dispatch, int64_t pause_us, int64_t now_us)
{
	for (struct errand *errand = dispatch->roster.sent.first; errand; errand = errand->next)
		errand_paused(errand, pause_us, now_us);
	replicas_paused(&dispatch->health.replicas, pause_us, now_us);
}

/* Where we stood still meanwhile it may have taken anything between its time without the pause and all of it: as long
 * as usual, if that can be. Below 0: nobody knows. */
static int64_t likely_us(const struct dispatch *dispatch, const struct errand *errand, int64_t least_us)
{
	int64_t usual_us = dispatch->health.replicas.items[errand->replica].latency_us, most_us = least_us + errand->paused_us;
	if (usual_us == 0)
		return -1;
	return usual_us < least_us ? least_us : usual_us > most_us ? most_us : usual_us;
}

/* Whether it was not given the time in which it could have been answered. */
static bool had_no_time(const struct errand *errand, const struct attempt *attempt, int64_t now_us)
{
	return rush_cut_short(errand, now_us) || (attempt->end == ATTEMPT_TIMED_OUT && errand_lay_still(errand, now_us));
}

static bool is_kept_waiting(const struct dispatch *dispatch)
{
	return dispatch->unanswered || dispatch_away(dispatch);
}

/* Before what is known of the model changes. */
static void note_outage(struct dispatch *dispatch, int64_t now_us)
{
	if (is_kept_waiting(dispatch))
		dispatch->outage_us = now_us;
}

int64_t dispatch_outage_us(const struct dispatch *dispatch, int64_t now_us)
{
	if (dispatch->config->outage_fails)
		return 0;
	return is_kept_waiting(dispatch) ? now_us : dispatch->outage_us;
}

/* What it says of the model. */
static void learn(struct dispatch *dispatch, struct errand *errand, struct attempt *attempt, int64_t now_us)
{
	int64_t took_us = now_us - errand->at_us;
	attempt->others_answered = dispatch->health.answers != errand->answers_seen;
	if (attempt_is_failure(attempt) && had_no_time(errand, attempt, now_us)) {
		health_withdraw(&dispatch->health, errand->replica, errand->probe);
		return;
	}
	if (errand->paused_us > 0)
		took_us = likely_us(dispatch, errand, took_us);
	if (health_learn(&dispatch->health, attempt, errand->replica, errand->probe, took_us,
			 dispatch->roster.line.first != NULL, now_us))
		dismiss(dispatch);
	errand->answers_seen = dispatch->health.answers;
}

static void conclude(struct dispatch *dispatch, struct errand *errand, const struct attempt *attempt, bool probe, int64_t now_us)
{
	int64_t again_ms, now_ms = now_us / US_PER_MS;
	bool away = dispatch->health.breaker.state == BREAKER_OPEN && !dispatch->health.doubt;
	if (attempts_take(&errand->attempts, attempt, now_ms, &again_ms)) {
		roster_end(&dispatch->roster, errand);
	} else if (again_ms <= now_ms || away) {
		/* Another is the next probe, so that none is spent on all of them. */
		roster_wait(&dispatch->roster, errand, !probe);
		if (away && !can_wait(dispatch, errand)) {
			errands_remove(&dispatch->roster.line, errand);
			errand->attempts.call->attempts = errand->attempts.made;
			attempts_end(&errand->attempts, attempt, "the model is not asked until it is back");
			roster_end(&dispatch->roster, errand);
		}
	} else {
		int64_t pause_us = (again_ms - now_ms) * US_PER_MS;
		int64_t drawn_us = pause_us / 2 + (int64_t)(health_draw(&dispatch->health) % (uint64_t)pause_us);
		roster_pause(&dispatch->roster, errand, now_us + drawn_us);
	}
}

static void conclude_merged(struct dispatch *dispatch, struct errand *carrier, const struct attempt *attempt, int64_t now_us)
{
	struct outcome outcome;
	bool probe = carrier->probe;
	if (outcome_split(&outcome, &dispatch->carriers, carrier, attempt))
		for (struct errand *member; (member = outcome_next(&outcome));)
			conclude(dispatch, member, &outcome.attempt, probe, now_us);
}

void dispatch_outcome(struct dispatch *dispatch, struct errand *errand, struct attempt *attempt, int64_t now_us)
{
	errands_remove(&dispatch->roster.sent, errand);
	note_outage(dispatch, now_us);
	if (!had_no_time(errand, attempt, now_us))
		dispatch->unanswered = attempt->end != ATTEMPT_REPLIED;
	learn(dispatch, errand, attempt, now_us);
	if (errand->members)
		conclude_merged(dispatch, errand, attempt, now_us);
	else
		conclude(dispatch, errand, attempt, errand->probe, now_us);
	dispatch_turn(dispatch, now_us);
}

void dispatch_ready(struct dispatch *dispatch, size_t replica, bool ready, int64_t now_us)
{
	note_outage(dispatch, now_us);
	if (health_said(&dispatch->health, replica, ready, now_us))
		dismiss(dispatch);
	dispatch_turn(dispatch, now_us);
}

struct dispatch_counts dispatch_counts(const struct dispatch *dispatch)
{
	struct dispatch_counts counts = dispatch->counts;
	counts.waiting = dispatch->roster.line.count + dispatch->roster.paused.count;
	counts.under_way = dispatch->roster.sent.count;
	counts.limit = dispatch->health.pace.limit;
	counts.merged = dispatch->carriers.merged;
	return counts;
}

const char *dispatch_away(const struct dispatch *dispatch)
{
	bool away = dispatch->health.breaker.state != BREAKER_CLOSED && !dispatch->health.doubt;
	return away ? dispatch->health.words : NULL;
}
