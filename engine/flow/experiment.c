/* experiment.c: Choice of an experiment for a call: the candidate that its message gets, the mirror's copy, and the
 * default's answer where a candidate failed. */
#include <math.h>

#include "base/number/duration.h"
#include "experiments/rollouts/rollout_board.h"
#include "flow/policy_draw.h"
#include "flow/rollout_choices.h"
#include "flow/route.h"
#include "flow/run.h"
#include "message/records/assigned_record.h"
#include "message/unit_text.h"

struct choice {
	size_t index;
	double probability;
	enum assigned_reason reason;
	struct text unit;
	uint64_t table; /* version of the table, or of the policy, that chose */
	uint32_t stage; /* of the rollout that chose, from 1; 0: none did */
	int64_t slow_us;	       /* a call that takes longer is slow by every rule of that rollout; 0: there is none */
	struct rollout_choice counted; /* its `entry` is NULL unless that rollout counts it */
};

/* ---- unit ---- */

#define NO_KEY "it has no key"

/* The begin of a text that a caller sent. */
static struct text experiment_shown(struct text text)
{
	return (struct text){text.bytes, text.length < 40 ? text.length : 40};
}

/* A unit is one value: what several values or NaN would name is not known. Empty: `reason` says why. */
static struct text unit_of_value(const struct tensor *tensor, struct arena *arena, const char **reason)
{
	const bool is_number = tensor->count == 1 && datatype_rows[tensor->datatype].class == CLASS_FLOAT;
	if (tensor->count > 1) {
		*reason = arena_print(arena, "it has %zu values and must have one", tensor->count);
		return (struct text){0};
	}
	if (is_number && isnan(tensor_number(tensor, 0))) {
		*reason = "it is NaN";
		return (struct text){0};
	}
	return unit_of_tensor(tensor, arena);
}

/* The value of the experiment's expression. False: LIMIT, and the like. */
static bool unit_evaluate(const struct visit *visit, const struct expression *expression, struct text *unit, const char **reason,
			  struct error *error)
{
	struct error missing = {0};
	const struct scope scope = visit_scope(visit, NULL);
	const struct tensor *tensor = expression_evaluate(expression, &scope, visit->arena, &missing);
	*unit = (struct text){0};
	*reason = "it is empty";
	if (missing.kind != ERROR_NONE && missing.kind != ERROR_INPUT && missing.kind != ERROR_REMOTE) {
		*error = missing;
		return false;
	}
	if (missing.kind != ERROR_NONE)
		*reason = arena_print(visit->arena, "%s", missing.text);
	else if (tensor)
		*unit = unit_of_value(tensor, visit->arena, reason);
	return true;
}

/* A message without a unit is counted, and drawn by its origin unless the experiment needs one. */
static bool unit_miss(const struct visit *visit, const struct graph_experiment *experiment, const char *reason, struct error *error)
{
	if (visit->node->counts)
		count_add(&visit->node->counts->units_missing, 1);
	return experiment->spec->unit_missing == UNIT_ORIGIN ||
	       error_set(error, ERROR_INPUT, visit->node->step.place,
			 "experiment `%s` needs a unit, and this request has none: %s; send one value, or set "
			 "`unitMissing: origin`",
			 experiment->name, reason ? reason : "it cannot be computed");
}

/* The unit as assignments list it. */
static struct text unit_listed(struct text unit)
{
	return unit.length <= EXPERIMENT_UNIT_BYTES_MAX ? unit : (struct text){0};
}

/* The unit of a message; empty: it is drawn by its origin. */
static bool unit_find(const struct visit *visit, const struct graph_experiment *experiment, struct text *unit, struct error *error)
{
	const struct experiment_spec *spec = experiment->spec;
	const char *reason = NO_KEY;
	*unit = unit_of_text(visit->message->key);
	if (spec->unit && !unit_evaluate(visit, spec->unit, unit, &reason, error))
		return false;
	if (unit->length > EXPERIMENT_UNIT_BYTES_MAX)
		return error_set(error, ERROR_INPUT, visit->node->step.place,
				 "the unit of experiment `%s` has %zu bytes, and at most %d are allowed: \"" TEXT_FORMAT
				 "...\"; send a shorter unit, such as an identifier",
				 experiment->name, unit->length, EXPERIMENT_UNIT_BYTES_MAX,
				 TEXT_ARGUMENTS(experiment_shown(*unit)));
	return unit->length > 0 || unit_miss(visit, experiment, reason, error);
}

/* ---- choice ---- */

/* The choice of that name; `count`: there is none. */
static size_t share_find(const struct graph_experiment *experiment, struct text name)
{
	size_t i = 0;
	while (i < experiment->count && !text_is(name, experiment->shares[i].name))
		i++;
	return i;
}

static bool headers_match(const struct candidate *candidate, struct headers headers)
{
	const struct traffic_header *wanted = candidate->headers.items;
	for (size_t i = 0; i < candidate->headers.count; i++) {
		const struct header *header = headers_find(headers, text_of(wanted[i].name.text));
		if (!header || !text_is(header->value, wanted[i].value))
			return false;
	}
	return candidate->headers.count > 0;
}

/* What the experiment chose before the request failed, if it is replayed. False: that candidate is gone. */
static bool choose_by_record(const struct visit *visit, const struct graph_experiment *experiment, struct choice *choice,
			     bool *is_chosen, struct error *error)
{
	struct assigned recorded;
	*is_chosen = assigned_record_find(visit->message->headers, text_of(experiment->name), unit_listed(choice->unit), &recorded);
	if (!*is_chosen)
		return true;
	choice->index = share_find(experiment, recorded.variant);
	choice->probability = recorded.probability;
	choice->reason = ASSIGNED_REPLAY;
	choice->table = recorded.table;
	return choice->index < experiment->count ||
	       error_set(error, ERROR_INPUT, visit->node->step.place,
			 "experiment `%s` has no candidate `" TEXT_FORMAT "`, which this request had before it failed; deploy that "
			 "candidate again, or replay the request with --reassign",
			 experiment->name, TEXT_ARGUMENTS(experiment_shown(recorded.variant)));
}

/* A choice by the request's headers: those of a candidate come before the route that an answer has returned. */
static bool choose_by_headers(const struct graph_experiment *experiment, struct headers headers, struct choice *choice)
{
	const struct candidate *candidates = experiment->spec->candidates.items;
	choice->probability = 1;
	choice->reason = ASSIGNED_MATCH;
	for (size_t i = 0; i < experiment->spec->candidates.count; i++)
		if (headers_match(&candidates[i], headers)) {
			choice->index = i;
			return true;
		}
	choice->reason = ASSIGNED_ROUTE;
	return route_find(experiment, headers, &choice->index);
}

static bool choose_by_override(const struct graph_experiment *experiment, struct choice *choice)
{
	const struct experiment_override *overrides = experiment->spec->overrides.items;
	choice->probability = 1;
	choice->reason = ASSIGNED_OVERRIDE;
	for (size_t i = 0; choice->unit.length > 0 && i < experiment->spec->overrides.count; i++) {
		if (!text_equal(choice->unit, unit_of_text(text_of(overrides[i].unit.text))))
			continue;
		choice->index = share_find(experiment, text_of(overrides[i].candidate.text));
		if (choice->index < experiment->count)
			return true;
	}
	return false;
}

/* Units that are not the experiment's get the default, and are not exposed. */
static bool choose_by_audience(const struct graph_experiment *experiment, const struct message *message, struct choice *choice)
{
	const enum audience_verdict verdict = experiment->given < experiment->count
						      ? audience_has(&experiment->audience, choice->unit, &message->origin)
						      : AUDIENCE_IN;
	if (verdict == AUDIENCE_IN)
		return false;
	choice->index = experiment->given;
	choice->probability = 1;
	choice->reason = verdict == AUDIENCE_HELD ? ASSIGNED_HOLDOUT : ASSIGNED_LAYER;
	return true;
}

static void choose_by_table(const struct assignment *assignment, const double *probabilities, const struct message *message,
			    struct choice *choice)
{
	choice->index = choice->unit.length > 0 ? assignment_of(assignment, choice->unit)
						: assignment_of_origin(assignment, &message->origin);
	choice->probability = probabilities[choice->index];
	choice->table = assignment->version;
}

/* Whether the rollout counts a call of that choice. */
static bool rollout_counts(const struct graph_experiment *experiment, const struct rollout_force *force,
			   const struct message *message, const struct choice *choice)
{
	return choice->index != experiment->paired ||
	       baseline_has(&force->baselines[choice->index], choice->unit, &message->origin);
}

/* A choice by the table to which a rollout has moved the weights. False: there is none of these candidates. */
static bool choose_by_rollout(const struct visit *visit, const struct graph_experiment *experiment, struct choice *choice)
{
	const struct flow *flow = visit->flow;
	const struct flow_rollout *rollout = flow->rollouts ? &flow->rollouts[experiment->number] : NULL;
	if (!rollout || !rollout->entry)
		return false;
	const struct rollout_force *force = rollout_entry_hold(rollout->entry);
	const bool fits = force && force->names == rollout->names;
	if (fits) {
		choose_by_table(&force->assignment, force->probabilities, visit->message, choice);
		choice->stage = force->stage;
		choice->slow_us = force->slow_us;
		if (rollout_counts(experiment, force, visit->message, choice))
			choice->counted = (struct rollout_choice){.entry = rollout->entry,
								  .of = visit->run->message,
								  .table = force->version,
								  .index = choice->index,
								  .cell = unit_cell(force->assignment.seed, choice->unit),
								  .began_ms = flow->now_ms,
								  .took_us = ROLLOUT_CALL_OPEN};
	}
	rollout_entry_release(rollout->entry);
	return fits;
}

static void choose_by_weight(const struct visit *visit, const struct graph_experiment *experiment, struct choice *choice)
{
	if (!choose_by_rollout(visit, experiment, choice))
		choose_by_table(experiment->assignment, experiment->probabilities, visit->message, choice);
	choice->reason = experiment_is_staged(experiment->spec) ? ASSIGNED_STAGE : ASSIGNED_WEIGHT;
}

/* Whether the choice of the call is known to stay unreachable. */
static bool *given_up_of(const struct pending *pending)
{
	return &pending->visit->flow->given_up[pending->experiment->number][pending->choice];
}

void experiment_ended(struct pending *pending)
{
	struct rollout_choice *rollout = pending->rollout;
	if (pending->experiment && pending->call.error.kind == ERROR_NONE)
		*given_up_of(pending) = false;
	if (!rollout)
		return;
	rollout->waited_ms = call_wait_ms(pending);
	rollout->took_us = rollout_choice_took_us(rollout, pending->visit->flow->now_ms);
	rollout->call_failed |= pending->call.error.kind != ERROR_NONE;
}

/* A choice that the bandits draw. False: they have learnt nothing yet. */
static bool choose_by_policy(const struct visit *visit, const struct graph_experiment *experiment,
			     const struct policy_context *context, struct choice *choice)
{
	struct policy_draw draw;
	if (!experiment->learns || !policy_draw(visit, experiment, context, choice->unit, &draw))
		return false;
	choice->index = draw.choice.arm;
	choice->probability = draw.choice.probability;
	choice->table = draw.version;
	choice->reason = ASSIGNED_POLICY;
	return true;
}

/* ---- the mirror's copy ---- */

/* `copy`: of the call, or of the message. */
static void mirror_copy(struct visit *visit, const struct graph_experiment *experiment, const struct payload *request, void **copy,
			struct assigned *assigned)
{
	const struct experiment_spec *spec = experiment->spec;
	const char *mirror = spec->mirror_name.text;
	if (!mirror || visit->message->copied || !visit_is_drawn(visit, mirror, (double)spec->mirror_percent))
		return;
	assigned->mirrored = true;
	const struct mirrored_result of = {.copy = copy,
					   .of_answer = experiment->of_ways,
					   .experiment = experiment->name,
					   .tolerance = spec->mirror_tolerance,
					   .counts = visit->node->counts ? &visit->node->counts->mirror : NULL};
	visit_copy_to(visit, graph_callee(visit->flow->graph, experiment->target, mirror), mirror, request, &of);
}

/* A message has one copy that is compared with its answer: that of the first step whose mirror is drawn before the answer. */
static void mirror_copy_of_way(struct visit *visit, const struct graph_experiment *experiment, struct assigned *assigned)
{
	struct run *run = visit->run;
	if (run->has_had_copy || run->answered)
		return;
	mirror_copy(visit, experiment, visit_input(visit), &run->mirrored, assigned);
	run->has_had_copy = assigned->mirrored;
}

/* ---- ways and calls ---- */

bool experiment_choose_way(struct visit *visit, const struct graph_experiment *experiment, size_t *way, struct error *error)
{
	struct choice choice = {.unit = unit_of_text(visit->message->key), .table = experiment->assignment->version};
	bool is_chosen;
	if ((choice.unit.length == 0 && !unit_miss(visit, experiment, NO_KEY, error)) ||
	    !choose_by_record(visit, experiment, &choice, &is_chosen, error))
		return false;
	if (!is_chosen && !choose_by_headers(experiment, visit->message->headers, &choice)) {
		choose_by_table(experiment->assignment, experiment->probabilities, visit->message, &choice);
		choice.reason = ASSIGNED_WEIGHT;
	}
	const struct assigned one = {.experiment = text_of(experiment->name),
				     .variant = text_of(experiment->shares[choice.index].name),
				     .unit = unit_listed(choice.unit),
				     .probability = choice.probability,
				     .reason = choice.reason,
				     .table = choice.table,
				     .exposed = experiment->exposes && !is_chosen,
				     .carried = experiment->carried && !is_chosen};
	struct assigned *assigned = assigned_add(visit->run->message, &one);
	if (!assigned)
		return error_memory(error, ERROR_LIMIT, "choosing a candidate");
	mirror_copy_of_way(visit, experiment, assigned);
	*way = choice.index;
	return true;
}

/* When a candidate that has not replied has failed: it leaves the default half of the time of the request. */
static int64_t candidate_due_ms(const struct visit *visit)
{
	const int64_t left_ms = visit->message->deadline_ms - visit->flow->now_ms;
	return left_ms > 0 ? visit->flow->now_ms + (left_ms > 1 ? left_ms / 2 : 1) : 0;
}

#define SENT_GRACE_MS 5 /* a call that was sent ends by itself first: its model's breaker learns from that */

/* When the default is called instead of a candidate that has not replied; INT64_MAX: never. A called pipeline also ends by
 * itself first, and gives what its experiments chose. */
static int64_t fall_back_ms(const struct pending *pending)
{
	const struct call *call = &pending->call;
	if (!pending->open || !pending->fallback || call->due_ms == 0)
		return INT64_MAX;
	return call->due_ms + (call->where == CALL_SENT || call->target == CALL_PIPELINE ? SENT_GRACE_MS : 0);
}

#define KEPT_LOOK_MS 500  /* a model that starts again in less has kept nobody waiting */
#define PATIENCE_MS 30000 /* as long as an attempt takes that has no time-out of its own */

/* Whether an unreachable candidate may keep the call waiting for ever. */
static bool may_be_kept(const struct pending *pending)
{
	return !pending->fallback && pending->visit->message->deadline_ms == 0;
}

/* The next look at a call; 0: none. What may be kept waiting is looked at now and then, of a rollout from its beginning on, else
 * when its patience ends; and calls of a rollout when they are slow. */
static int64_t next_look_ms(const struct pending *pending)
{
	const int64_t now_ms = pending->visit->flow->now_ms, later_ms = now_ms + KEPT_LOOK_MS;
	int64_t next_ms = INT64_MAX;
	if (may_be_kept(pending) && pending->is_compared)
		next_ms = later_ms;
	else if (pending->patience_ms > 0)
		next_ms = pending->patience_ms > later_ms ? pending->patience_ms : later_ms;
	if (pending->slow_ms > now_ms && pending->slow_ms < next_ms)
		next_ms = pending->slow_ms;
	return next_ms == INT64_MAX ? 0 : next_ms;
}

/* Calls of a candidate are looked at while they go on, and those of the default are not. */
static void looks_begin(struct pending *pending, const struct choice *choice)
{
	const int64_t now_ms = pending->visit->flow->now_ms;
	const bool is_candidate = choice->index != pending->experiment->given;
	pending->choice = choice->index;
	pending->is_compared = is_candidate && choice->counted.entry;
	pending->began_ms = now_ms;
	pending->slow_after_ms = pending->is_compared && choice->slow_us > 0 ? choice->slow_us / US_PER_MS + 1 : 0;
	pending->slow_ms = pending->slow_after_ms > 0 ? now_ms + pending->slow_after_ms : 0;
	pending->patience_ms = is_candidate && may_be_kept(pending) ? now_ms + PATIENCE_MS : 0;
	pending->look_ms = next_look_ms(pending);
}

static int64_t pending_due_ms(const struct pending *pending)
{
	const int64_t due_ms = fall_back_ms(pending);
	return pending->open && pending->look_ms > 0 && pending->look_ms < due_ms ? pending->look_ms : due_ms;
}

static void fall_back_expect(struct run *run, int64_t due_ms)
{
	if (due_ms != INT64_MAX && (run->fall_back_ms == 0 || due_ms < run->fall_back_ms))
		run->fall_back_ms = due_ms;
}

/* Notes a choice for its rollout, once for each variant of a message. False: memory ran out. */
static bool choice_note(struct pending *pending, const struct choice *choice, const struct assigned *assigned,
			const struct assigned *before)
{
	const bool is_known = assigned->next != before;
	if (is_known || !choice->counted.entry)
		return true;
	pending->rollout = rollout_choice_add(&choice->counted);
	return pending->rollout;
}

bool experiment_choose(struct pending *pending, const struct graph_experiment *experiment, struct error *error)
{
	struct visit *visit = pending->visit;
	struct choice choice = {0};
	bool is_chosen;
	if (!unit_find(visit, experiment, &choice.unit, error))
		return false;
	struct policy_context context;
	choice.table = experiment->assignment->version;
	context.known_count = context.text_count = 0;
	context.known = NULL;
	context.texts = NULL;
	if (experiment->learns && !policy_context_find(&context, visit, experiment, pending->call.request))
		return error_memory(error, ERROR_LIMIT, "choosing a candidate");
	if (!choose_by_record(visit, experiment, &choice, &is_chosen, error))
		return false;
	if (!is_chosen && !choose_by_headers(experiment, visit->message->headers, &choice) &&
	    !choose_by_override(experiment, &choice) && !choose_by_audience(experiment, visit->message, &choice) &&
	    !choose_by_policy(visit, experiment, &context, &choice))
		choose_by_weight(visit, experiment, &choice);
	const bool is_kept_out = assigned_reason_keeps_out(choice.reason);
	const struct assigned one = {.experiment = text_of(experiment->name),
				     .variant = text_of(experiment->shares[choice.index].name),
				     .unit = choice.unit,
				     .probability = choice.probability,
				     .reason = choice.reason,
				     .table = choice.table,
				     .feature_count = context.known_count,
				     .features = context.known,
				     .text_count = context.text_count,
				     .texts = context.texts,
				     .layer = experiment->layer,
				     .is_pipeline = experiment->target == CALL_PIPELINE,
				     .stage = choice.stage,
				     .exposed = experiment->exposes && !is_kept_out,
				     .carried = experiment->carried && !is_kept_out};
	const struct assigned *const before = visit->run->message->assigned;
	struct assigned *assigned = assigned_add(visit->run->message, &one);
	if (!assigned || !choice_note(pending, &choice, assigned, before))
		return error_memory(error, ERROR_LIMIT, "choosing a candidate");
	mirror_copy(visit, experiment, pending->call.request, &pending->call.mirrored, assigned);
	pending->call.target = experiment->target;
	pending->call.name = experiment->shares[choice.index].name;
	pending->fallback = experiment->fallback < experiment->count && experiment->fallback != choice.index
				    ? experiment->shares[experiment->fallback].name
				    : NULL;
	pending->assigned = assigned;
	if (pending->fallback) {
		pending->call.outage_fails = true;
		pending->call.due_ms = candidate_due_ms(visit);
	}
	pending->experiment = experiment;
	looks_begin(pending, &choice);
	pending->call.outage_fails |= pending->patience_ms > 0 && *given_up_of(pending);
	fall_back_expect(visit->run, pending_due_ms(pending));
	return true;
}

/* Calls that choice in place of the one that was called. */
static void call_again(struct pending *pending, const char *name, bool outage_fails)
{
	struct call *call = &pending->call;
	const struct flow_environment *environment = &pending->visit->flow->environment;
	call->name = name;
	call->due_ms = 0;
	call->outage_fails = outage_fails || pending->visit->message->outage_fails;
	call->error.kind = ERROR_NONE;
	call->reply = NULL;
	call->under_way = call->asker = NULL;
	call->where = CALL_BEGUN;
	call->attempts = 0;
	call->waited_ms = 0;
	pending->fallback = NULL;
	pending->open = true;
	environment->call(environment->context, call);
}

bool experiment_fall_back(struct pending *pending)
{
	if (pending->call.error.kind == ERROR_NONE || !pending->fallback)
		return false;
	pending->assigned->reason = ASSIGNED_FALLBACK;
	if (pending->rollout)
		pending->rollout->failed = true;
	if (pending->visit->node->counts)
		count_add(&pending->visit->node->counts->fallbacks, 1);
	pending->look_ms = 0; /* the default is awaited as any model */
	call_again(pending, pending->fallback, false);
	return true;
}

static void call_withdraw(struct pending *pending)
{
	const struct flow_environment *environment = &pending->visit->flow->environment;
	struct call *call = &pending->call;
	if (environment->outage_ms) {
		call->outage_ms = environment->outage_ms(environment->context, call);
		outage_note_call(pending->visit, call);
	}
	call->waited_ms = call_wait_ms(pending);
	call->error.kind = ERROR_LIMIT;
	if (environment->forget)
		environment->forget(environment->context, call);
}

static void call_give_up(struct pending *pending)
{
	call_withdraw(pending);
	experiment_ended(pending);
	(void)experiment_fall_back(pending);
}

/* Whether the call waits because its model does not answer: it is not under way. */
static bool is_kept_waiting(const struct pending *pending)
{
	const struct flow *flow = pending->visit->flow;
	const struct flow_environment *environment = &flow->environment;
	return pending->call.where != CALL_SENT && environment->outage_ms &&
	       environment->outage_ms(environment->context, &pending->call) >= flow->now_ms;
}

/* Moves a call to the choice that the unit has by the table in force, if that is another one. */
static void call_move(struct pending *pending)
{
	const struct graph_experiment *experiment = pending->experiment;
	struct assigned *assigned = pending->assigned;
	struct choice choice = {.unit = assigned->unit};
	choose_by_weight(pending->visit, experiment, &choice); /* the rollout has counted the request */
	if (pending->call.name == experiment->shares[choice.index].name)
		return;
	call_withdraw(pending);
	assigned->variant = text_of(experiment->shares[choice.index].name);
	assigned->probability = choice.probability;
	assigned->table = choice.table;
	assigned->stage = choice.stage;
	looks_begin(pending, &choice);
	call_again(pending, experiment->shares[choice.index].name, pending->patience_ms > 0 && *given_up_of(pending));
}

/* Whether another choice of the experiment can be reached, as far as is known. */
static bool others_are_reachable(const struct pending *pending)
{
	const struct graph_experiment *experiment = pending->experiment;
	const struct flow *flow = pending->visit->flow;
	for (size_t i = 0; i < experiment->count; i++) {
		const struct call other = {.target = experiment->target, .name = experiment->shares[i].name};
		if (i != pending->choice && (experiment->probabilities[i] > 0 || i == experiment->given) &&
		    flow->environment.outage_ms(flow->environment.context, &other) < flow->now_ms)
			return true;
	}
	return false;
}

/* A candidate that stays unreachable fails, so that what waits for it does not keep the requests of the others waiting: only so
 * many are in flight. Until it replies again, its requests do not wait. */
static void call_lose_patience(struct pending *pending)
{
	call_withdraw(pending);
	*given_up_of(pending) = true;
	pending->look_ms = 0;
	call_again(pending, pending->call.name, true);
}

/* The rollout does not wait for the end of a call that a candidate keeps waiting, which may be never; nor of one that is slow by
 * every rule, which may be answered yet. An outage of a moment keeps nobody waiting who stood in line before. */
static void call_look(struct pending *pending)
{
	const int64_t now_ms = pending->visit->flow->now_ms, own_ms = now_ms - pending->began_ms - call_wait_ms(pending);
	const bool is_kept = may_be_kept(pending) && own_ms >= KEPT_LOOK_MS && is_kept_waiting(pending);
	if (pending->rollout && is_kept)
		rollout_choice_fail(pending->rollout, now_ms);
	else if (pending->slow_ms > 0 && own_ms < pending->slow_after_ms) /* it has stood in line so far */
		pending->slow_ms = now_ms + pending->slow_after_ms - own_ms;
	else if (pending->rollout && pending->slow_ms > 0)
		rollout_choice_slow(pending->rollout, now_ms);
	pending->look_ms = next_look_ms(pending);
	if (is_kept && pending->is_compared)
		call_move(pending);
	if (is_kept && pending->patience_ms > 0 && now_ms >= pending->patience_ms && others_are_reachable(pending))
		call_lose_patience(pending);
}

void experiment_due(struct run *run)
{
	run->fall_back_ms = 0;
	for (struct visit *visit = run->waiting; visit; visit = visit->next)
		for (struct pending *pending = visit->calls; pending; pending = pending->next) {
			if (fall_back_ms(pending) <= run->flow->now_ms)
				call_give_up(pending);
			else if (pending_due_ms(pending) <= run->flow->now_ms)
				call_look(pending);
			fall_back_expect(run, pending_due_ms(pending));
		}
}

const char *experiment_answered_by(const struct visit *visit, size_t step, const char *model)
{
	const struct graph_experiment *own = visit->flow->graph->steps[step].experiment;
	const struct graph_experiment *experiment =
		own ? own : graph_experiment_find(visit->flow->graph, step, CALL_MODEL, model);
	const struct assigned *assigned = experiment ? visit->message->assigned : NULL;
	while (assigned && !text_is(assigned->experiment, experiment->name))
		assigned = assigned->next;
	if (!assigned)
		return own ? own->shares[own->fallback < own->count ? own->fallback : 0].name : model;
	const bool fell_back = assigned->reason == ASSIGNED_FALLBACK && experiment->fallback < experiment->count;
	const size_t index = fell_back ? experiment->fallback : share_find(experiment, assigned->variant);
	return index < experiment->count ? experiment->shares[index].name : model;
}
