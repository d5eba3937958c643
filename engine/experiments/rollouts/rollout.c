/* rollout.c: Moves of a rollout; see rollout.h. */
#include <math.h>
#include <stdio.h>

#include "experiments/rollouts/rollout_parts.h"

/* Counts with which the open rules of a rollout would hold: larger ones, and otherwise as they are. */
#define ROLLOUT_NEEDS_DOUBLINGS 10 /* of what has come; a rule that needs more is as good as not to be shown */

#define DOUBLING_STEPS 8 /* in which counts grow to twice as many */

static uint64_t count_grown(uint64_t count, double times)
{
	return (uint64_t)((double)count * times + 0.5);
}

static struct moments moments_grown(struct moments moments, double times)
{
	const uint64_t count = count_grown(moments.count, times);
	const double squares = moments.count > 0 ? moments.squares * (double)count / (double)moments.count : 0;
	return (struct moments){count, moments.mean, squares};
}

static struct cluster_mean clusters_grown(struct cluster_mean mean, double times)
{
	return (struct cluster_mean){.count = count_grown(mean.count, times),
				     .clusters = count_grown(mean.clusters, times),
				     .sum = mean.sum * times,
				     .squares = mean.squares * times,
				     .products = mean.products * times,
				     .sizes = mean.sizes * times};
}

static struct truth_arrivals arrivals_grown(struct truth_arrivals arrivals, double times)
{
	return (struct truth_arrivals){count_grown(arrivals.in_time, times), count_grown(arrivals.late, times)};
}

static void counts_grow(struct rollout_counts *counts, double times)
{
	counts->requests = count_grown(counts->requests, times);
	counts->errors = count_grown(counts->errors, times);
	counts->alone = count_grown(counts->alone, times);
	counts->errors_spread = clusters_grown(counts->errors_spread, times);
	for (size_t i = 0; i < ROLLOUT_RULES_MAX; i++) {
		counts->above[i] = count_grown(counts->above[i], times);
		counts->above_spread[i] = clusters_grown(counts->above_spread[i], times);
	}
	counts->accuracy = moments_grown(counts->accuracy, times);
	counts->accuracy_arrivals = arrivals_grown(counts->accuracy_arrivals, times);
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++) {
		counts->metrics[i] = moments_grown(counts->metrics[i], times);
		counts->arrivals[i] = arrivals_grown(counts->arrivals[i], times);
	}
}

/* Whether more of the same could show the rule. */
static bool judgement_may_grow(const struct planned_stage *stage, const struct rollout_judgement *judgement)
{
	const struct rollout_rule *rule = &stage->rules[judgement->rule];
	const bool has_control = !rollout_rule_is_beside(stage, rule) || !judgement->is_of_truth || judgement->control_units > 0;
	const bool is_kept = rollout_rule_compares(rule) && planned_stage_is_whole(stage);
	const bool is_reached = judgement->unreached_requests == 0 && judgement->unreached_ms == 0;
	const bool is_counted = !judgement->is_of_truth || !(judgement->is_uncounted || judgement->is_beyond ||
							     rollout_truths_are_late(stage, rule, judgement));
	return rollout_judgement_is_open(stage, judgement) && judgement->trials > 0 && has_control && !is_kept && is_reached &&
	       is_counted;
}

/* Judges the state with counts that are so many times as large. */
static void grown_judge(const struct rollout_plan *plan, const struct rollout_state *state, double times,
			struct rollout_evidence *evidence)
{
	struct rollout_state grown = *state;
	counts_grow(&grown.control, times);
	for (size_t i = 0; i < plan->candidates; i++)
		counts_grow(&grown.candidates[i], times);
	struct rollout_look look = {.time_ms = grown.looked_ms,
				    .epoch = grown.epoch,
				    .truths_uncounted = grown.truths_uncounted,
				    .control = grown.control};
	memcpy(look.candidates, grown.candidates, sizeof look.candidates);
	rollout_follow(plan, &grown, &look);
	rollout_judge(plan, &grown, evidence);
}

/* Sets `needed` of each open rule of the evidence, which is of the state's counts: the requests, or units, with which it would hold
 * if all counts of all variants grew alike; INFINITY: it would not. 0 where more does not help: nothing has come, the candidate is
 * not reached, truths are late or not counted, or a stage at 100% keeps a comparison. */
static void rollout_needs_find(const struct rollout_plan *plan, const struct rollout_state *state,
			       struct rollout_evidence *evidence)
{
	const struct planned_stage *stage = &plan->stages[evidence->stage];
	struct rollout_evidence grown;
	size_t left = 0;
	for (size_t i = 0; i < evidence->count; i++) {
		const bool may_grow = judgement_may_grow(stage, &evidence->items[i]);
		evidence->items[i].needed = may_grow ? INFINITY : 0;
		left += may_grow;
	}
	const unsigned last = DOUBLING_STEPS * ROLLOUT_NEEDS_DOUBLINGS;
	for (unsigned step = 1; left > 0 && step <= last; step++) {
		grown_judge(plan, state, exp2((double)step / DOUBLING_STEPS), &grown);
		for (size_t i = 0; i < evidence->count; i++) {
			struct rollout_judgement *judgement = &evidence->items[i];
			if (isfinite(judgement->needed) || grown.items[i].verdict != VERDICT_HOLDS)
				continue;
			judgement->needed = (double)grown.items[i].trials;
			left--;
		}
	}
}

const char *const rollout_phase_names[ROLLOUT_PHASES] = {"pending",  "running",	 "paused",
							  "inconclusive", "promoted", "rolledBack"};
const char *const rollout_reason_names[ROLLOUT_REASONS] = {"started", "held", "broken", "changed", "open", "approval", "command"};
const char *const rollout_command_names[ROLLOUT_COMMANDS] = {"promote", "rollback", "pause", "resume", "approve",
							    "confirm", "decline"};

struct rollout_state rollout_begin(const struct rollout_plan *plan)
{
	return (struct rollout_state){.plan = rollout_plan_hash(plan), .phase = ROLLOUT_PENDING};
}

double rollout_percent(const struct rollout_plan *plan, const struct rollout_state *state)
{
	if (state->phase == ROLLOUT_PENDING || state->phase == ROLLOUT_ROLLED_BACK)
		return 0;
	return state->phase == ROLLOUT_PROMOTED ? 100 : plan->stages[state->stage].percent;
}

void rollout_shift(struct rollout_state *state, int64_t by_ms)
{
	if (state->phase == ROLLOUT_PENDING)
		return;
	state->began_ms += by_ms;
	state->looked_ms += by_ms;
	state->paused_ms += by_ms;
}

/* ---- moves ---- */

/* Where the rules are judged, and so may roll back. */
static bool phase_is_judged(enum rollout_phase phase)
{
	return phase == ROLLOUT_RUNNING || phase == ROLLOUT_PAUSED || phase == ROLLOUT_INCONCLUSIVE;
}

static void move_begin(const struct rollout_state *state, struct rollout_move *move, int64_t time_ms, enum rollout_reason reason)
{
	move->number = state->moves + 1;
	move->time_ms = time_ms;
	move->from = state->phase;
	move->from_stage = state->stage;
	move->reason = reason;
	move->skipped_ms = state->skipped_ms;
}

static void move_end(const struct rollout_plan *plan, struct rollout_state *state, struct rollout_move *move)
{
	state->moves = move->number;
	move->to = state->phase;
	move->to_stage = state->stage;
	move->epoch = state->epoch;
	move->percent = rollout_percent(plan, state);
}

/* New weights: counts begin anew. */
static void epoch_begin(struct rollout_state *state)
{
	state->epoch++;
	state->waiting = state->declined = false;
	state->control = (struct rollout_counts){0};
	memset(state->candidates, 0, sizeof state->candidates);
	memset(state->unreached, 0, sizeof state->unreached);
}

/* The comparison of the same rule in the stage before, which a stage at 100% keeps. */
static struct rollout_tracker comparison_kept(const struct planned_stage *from, const struct rollout_tracker *trackers,
					      const struct rollout_rule *rule)
{
	for (size_t i = 0; i < from->rule_count; i++)
		if (from->rules[i].kind == rule->kind && from->rules[i].limit == rule->limit &&
		    from->rules[i].metric == rule->metric && from->rules[i].below == rule->below)
			return trackers[i];
	return (struct rollout_tracker){0};
}

/* Trackers of the stage that begins, from those of the one before. */
static void trackers_turn(const struct rollout_plan *plan, struct rollout_state *state, const struct planned_stage *from,
			  const struct planned_stage *to)
{
	for (size_t candidate = 0; candidate < plan->candidates; candidate++) {
		struct rollout_tracker turned[ROLLOUT_RULES_MAX] = {0};
		for (size_t i = 0; from && planned_stage_is_whole(to) && i < to->rule_count; i++)
			if (rollout_rule_compares(&to->rules[i]))
				turned[i] = comparison_kept(from, state->trackers[candidate], &to->rules[i]);
		memcpy(state->trackers[candidate], turned, sizeof turned);
	}
}

/* The calls of a stage of 2 s may be told only when twice its duration has passed, as by engines of a busy machine. */
static int64_t stage_extent_ms(int64_t duration_ms)
{
	return duration_ms + (duration_ms > ROLLOUT_REPORTED_MS ? duration_ms : ROLLOUT_REPORTED_MS);
}

static void stage_begin(const struct rollout_plan *plan, struct rollout_state *state, uint32_t stage, int64_t time_ms)
{
	const struct planned_stage *from = state->phase == ROLLOUT_PENDING ? NULL : &plan->stages[state->stage];
	trackers_turn(plan, state, from, &plan->stages[stage]);
	epoch_begin(state);
	state->phase = ROLLOUT_RUNNING;
	state->stage = stage;
	state->began_ms = state->looked_ms = time_ms;
	state->paused_ms = state->held_ms = state->skipped_ms = 0;
	state->extent_ms = stage_extent_ms(plan->stages[stage].duration_ms);
}

static void rollout_end(struct rollout_state *state, enum rollout_phase phase)
{
	epoch_begin(state);
	state->phase = phase;
}

static void stage_pass(const struct rollout_plan *plan, struct rollout_state *state, int64_t time_ms)
{
	if (state->stage + 1 < plan->stage_count)
		stage_begin(plan, state, state->stage + 1, time_ms);
	else
		rollout_end(state, ROLLOUT_PROMOTED);
}

static void rollout_pause(struct rollout_state *state, enum rollout_phase phase, int64_t time_ms)
{
	state->phase = phase;
	state->paused_ms = time_ms;
}

static void stage_is_open(const struct rollout_plan *plan, struct rollout_state *state, int64_t time_ms)
{
	if (plan->on_inconclusive == INCONCLUSIVE_PROMOTE)
		rollout_end(state, ROLLOUT_PROMOTED);
	else if (plan->on_inconclusive == INCONCLUSIVE_ROLLBACK)
		rollout_end(state, ROLLOUT_ROLLED_BACK);
	else
		rollout_pause(state, ROLLOUT_INCONCLUSIVE, time_ms);
}

/* ---- looks ---- */

static bool moments_are_sound(const struct moments *moments)
{
	return moments->count == 0 || (moments->mean >= 0 && moments->mean <= 1 && moments->squares >= 0 &&
				       moments->squares <= (double)moments->count);
}

static bool means_rose(const struct rollout_counts *now, const struct rollout_counts *before)
{
	bool rose = true;
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		rose = rose && now->metrics[i].count >= before->metrics[i].count && isfinite(now->metrics[i].mean) &&
		       now->metrics[i].squares >= 0 && isfinite(now->metrics[i].squares) && now->ratio_effects[i] >= 0;
	return rose;
}

static bool counts_are_sound(const struct rollout_counts *now, const struct rollout_counts *before,
			     const struct planned_stage *stage)
{
	bool sound = now->requests >= before->requests && now->errors >= before->errors && now->errors <= now->requests &&
		     now->requests - before->requests >= now->errors - before->errors &&
		     now->accuracy.count >= before->accuracy.count && moments_are_sound(&now->accuracy) && means_rose(now, before);
	for (size_t i = 0; i < stage->rule_count; i++)
		sound = sound && now->above[i] >= before->above[i] && now->above[i] <= now->requests &&
			now->requests - before->requests >= now->above[i] - before->above[i];
	return sound;
}

static bool look_check(const struct rollout_plan *plan, const struct rollout_state *state, const struct rollout_look *look,
		       struct error *error)
{
	const struct planned_stage *stage = &plan->stages[state->stage];
	if (look->epoch > state->epoch)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "The counts are of epoch %llu of the weights, and the rollout is at %llu. Read its state again.",
				 (unsigned long long)look->epoch, (unsigned long long)state->epoch);
	bool sound = counts_are_sound(&look->control, &state->control, stage);
	for (size_t i = 0; sound && i < plan->candidates; i++)
		sound = counts_are_sound(&look->candidates[i], &state->candidates[i], stage);
	return look->epoch < state->epoch || sound ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "The counts of epoch %llu fell since the last look, or contradict each other. Count from the epoch's "
			 "beginning.",
			 (unsigned long long)look->epoch);
}

/* The first judgement of that verdict; SIZE_MAX: none. */
static size_t evidence_find(const struct rollout_evidence *evidence, enum rollout_verdict verdict)
{
	for (size_t i = 0; i < evidence->count; i++)
		if (evidence->items[i].verdict == verdict)
			return i;
	return SIZE_MAX;
}

/* The first rule that must be shown and is not; SIZE_MAX: none. */
static size_t evidence_find_open(const struct planned_stage *stage, const struct rollout_evidence *evidence)
{
	for (size_t i = 0; i < evidence->count; i++)
		if (rollout_judgement_is_open(stage, &evidence->items[i]))
			return i;
	return SIZE_MAX;
}

static bool look_rolls_back(struct rollout_state *state, struct rollout_move *move, int64_t time_ms)
{
	const size_t changed = evidence_find(&move->evidence, VERDICT_CHANGED);
	const size_t broken = evidence_find(&move->evidence, VERDICT_BROKEN);
	if (changed == SIZE_MAX && broken == SIZE_MAX)
		return false;
	move_begin(state, move, time_ms, changed != SIZE_MAX ? REASON_CHANGED : REASON_BROKEN);
	move->cause = changed != SIZE_MAX ? changed : broken;
	rollout_end(state, ROLLOUT_ROLLED_BACK);
	return true;
}

static int64_t stage_elapsed_ms(const struct rollout_state *state, int64_t time_ms)
{
	return time_ms - state->began_ms - state->held_ms;
}

/* A multiple of the stage's duration has passed since the look at `before_ms`. */
static bool stage_turns(const struct planned_stage *stage, const struct rollout_state *state, int64_t before_ms, int64_t time_ms)
{
	return stage_elapsed_ms(state, time_ms) / stage->duration_ms > stage_elapsed_ms(state, before_ms) / stage->duration_ms;
}

/* The last look moves along, so that it stands where it was in the stage's time. */
void rollout_skip(const struct rollout_plan *plan, struct rollout_state *state, int64_t missed_ms)
{
	const int64_t skipped_ms = missed_ms - missed_ms % plan->check_every_ms;
	if (state->phase != ROLLOUT_RUNNING)
		return;
	state->held_ms += skipped_ms;
	state->skipped_ms += skipped_ms;
	state->looked_ms += skipped_ms;
}

/* A stage that runs: at its end, or at the end of its extension. The look before was at `before_ms`. */
static bool look_ends_stage(const struct rollout_plan *plan, struct rollout_state *state, struct rollout_move *move,
			    int64_t before_ms, int64_t time_ms)
{
	const struct planned_stage *stage = &plan->stages[state->stage];
	const int64_t elapsed_ms = stage_elapsed_ms(state, time_ms);
	const size_t open = evidence_find_open(stage, &move->evidence);
	if (elapsed_ms < stage->duration_ms || (open != SIZE_MAX && elapsed_ms < state->extent_ms))
		return false;
	if (stage->at_ends && !stage_turns(stage, state, before_ms, time_ms))
		return false;
	move_begin(state, move, time_ms, open != SIZE_MAX ? REASON_OPEN : stage->approve ? REASON_APPROVAL : REASON_HELD);
	move->cause = open;
	if (open != SIZE_MAX) {
		rollout_needs_find(plan, state, &move->evidence);
		stage_is_open(plan, state, time_ms);
	} else if (!stage->approve) {
		stage_pass(plan, state, time_ms);
	} else {
		rollout_pause(state, ROLLOUT_PAUSED, time_ms);
		state->waiting = true;
	}
	return true;
}

/* Looks of a stage have numbers; each number is looked at once. */
static bool look_is_due(const struct rollout_plan *plan, const struct rollout_state *state, int64_t time_ms)
{
	const int64_t every_ms = plan->check_every_ms, before_ms = state->looked_ms - state->began_ms;
	return (time_ms - state->began_ms) / every_ms > before_ms / every_ms;
}

static void look_start(const struct rollout_plan *plan, struct rollout_state *state, struct rollout_move *move, int64_t time_ms)
{
	move_begin(state, move, time_ms, REASON_STARTED);
	stage_begin(plan, state, 0, time_ms);
	move_end(plan, state, move);
}

static void move_clear(struct rollout_move *move)
{
	move->number = 0;
	move->by[0] = '\0';
	move->cause = SIZE_MAX;
	move->command = COMMAND_PROMOTE;
	move->skipped_ms = 0;
	move->evidence.count = 0;
}

bool rollout_look(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_look *look,
		  struct rollout_move *move, struct error *error)
{
	move_clear(move);
	if (!look_check(plan, state, look, error))
		return false;
	if (state->phase == ROLLOUT_PENDING) {
		look_start(plan, state, move, look->time_ms);
		return true;
	}
	if (!phase_is_judged(state->phase) || look->epoch < state->epoch || !look_is_due(plan, state, look->time_ms))
		return true;
	const int64_t before_ms = state->looked_ms;
	rollout_follow(plan, state, look);
	state->looked_ms = look->time_ms;
	rollout_judge(plan, state, &move->evidence);
	if (look_rolls_back(state, move, look->time_ms) ||
	    (state->phase == ROLLOUT_RUNNING && look_ends_stage(plan, state, move, before_ms, look->time_ms)))
		move_end(plan, state, move);
	return true;
}

/* ---- commands ---- */

static bool command_fits(const struct rollout_state *state, enum rollout_command_kind kind)
{
	switch (kind) {
	case COMMAND_PROMOTE:
		return state->phase < ROLLOUT_PROMOTED;
	case COMMAND_ROLLBACK:
		return state->phase != ROLLOUT_ROLLED_BACK;
	case COMMAND_PAUSE:
		return state->phase == ROLLOUT_RUNNING;
	case COMMAND_RESUME:
		return state->phase == ROLLOUT_INCONCLUSIVE || (state->phase == ROLLOUT_PAUSED && !state->waiting);
	case COMMAND_APPROVE:
		return state->waiting;
	case COMMAND_CONFIRM:
	case COMMAND_DECLINE:
		return state->waiting && !state->declined;
	case ROLLOUT_COMMANDS:
		break;
	}
	return false;
}

/* The commands of `sluice experiments` that fit, for an error: promote approves a stage too. */
static bool command_refuse(const struct rollout_state *state, enum rollout_command_kind kind, struct error *error)
{
	char fitting[80] = "";
	size_t length = 0;
	for (int i = 0; i < COMMAND_APPROVE; i++)
		if (command_fits(state, (enum rollout_command_kind)i))
			length += (size_t)snprintf(fitting + length, sizeof fitting - length, "%s%s", length > 0 ? ", " : "",
				rollout_command_names[i]);
	return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` does not fit: the rollout is %s%s, at stage %u. %s%s.",
			 rollout_command_names[kind], rollout_phase_names[state->phase],
			 state->waiting ? " and waits for an approval" : "", (unsigned)state->stage + 1,
			 length > 0 ? "What fits: " : "Apply the experiment with a change, as of a label, to begin a new one",
			 fitting);
}

/* The pause does not count in the stage's time. After an inconclusive end the stage runs for its whole duration again. */
static void command_resume(const struct rollout_plan *plan, struct rollout_state *state, int64_t time_ms)
{
	if (state->phase == ROLLOUT_INCONCLUSIVE)
		state->extent_ms += plan->stages[state->stage].duration_ms;
	if (time_ms > state->paused_ms)
		state->held_ms += time_ms - state->paused_ms;
	state->phase = ROLLOUT_RUNNING;
}

static void command_apply(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_command *command)
{
	if (command->kind == COMMAND_ROLLBACK)
		rollout_end(state, ROLLOUT_ROLLED_BACK);
	else if (command->kind == COMMAND_PAUSE)
		rollout_pause(state, ROLLOUT_PAUSED, command->time_ms);
	else if (command->kind == COMMAND_RESUME)
		command_resume(plan, state, command->time_ms);
	else if (command->kind == COMMAND_DECLINE)
		state->declined = true;
	else if (state->waiting)
		stage_pass(plan, state, command->time_ms);
	else
		rollout_end(state, ROLLOUT_PROMOTED);
}

bool rollout_command(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_command *command,
		     struct rollout_move *move, struct error *error)
{
	move_clear(move);
	if (command->number <= state->command)
		return true;
	state->command = command->number;
	if (!command_fits(state, command->kind))
		return command_refuse(state, command->kind, error);
	move_begin(state, move, command->time_ms, REASON_COMMAND);
	move->command = command->kind;
	(void)snprintf(move->by, sizeof move->by, "%s", command->by ? command->by : "");
	if (phase_is_judged(state->phase))
		rollout_judge(plan, state, &move->evidence);
	command_apply(plan, state, command);
	move_end(plan, state, move);
	return true;
}
