/* rollout_write.c: Moves of a rollout as JSON, and as a sentence; see rollout.h. What is not defined is null. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/number/duration.h"
#include "experiments/rollouts/rollout_parts.h"
#include "message/json/json_scan.h"
#include "message/json/json_write.h"
#include "methods/statistics/sequence.h"

#define MOVE_SCAN_BYTES ((size_t)64 << 10) /* of texts with escapes */
#define CHECK_CALLED "check that it is called, and its engines and address"

/* "holds" */
static const char *const rollout_verdict_names[VERDICTS] = {"open", "holds", "broken", "changed", "leftOut"};

static void arrivals_write(const struct rollout_judgement *judgement, struct buffer *out)
{
	buffer_print(out, ", \"inTime\": %" PRIu64 ", \"late\": %" PRIu64, judgement->arrivals.in_time, judgement->arrivals.late);
	buffer_print(out, ", \"defaultInTime\": %" PRIu64 ", \"defaultLate\": %" PRIu64, judgement->control_arrivals.in_time,
		     judgement->control_arrivals.late);
	if (judgement->is_uncounted)
		buffer_string(out, ", \"uncounted\": true");
	if (judgement->is_beyond)
		buffer_string(out, ", \"beyond\": true");
}

static void judgement_write(const struct rollout_plan *plan, const struct planned_stage *stage,
			    const struct rollout_judgement *judgement, const char *const *names, struct buffer *out)
{
	const struct rollout_rule *rule = &stage->rules[judgement->rule];
	const char *metric = rollout_rule_metric(plan, rule);
	char room[ROLLOUT_RULE_NAME_BYTES];
	json_write_member(out, "{", "candidate", text_of(names[judgement->candidate]));
	json_write_member(out, ", ", "rule", text_of(rollout_rule_name(rule, room)));
	if (metric)
		json_write_member(out, ", ", "metric", text_of(metric));
	buffer_print(out, ", \"trigger\": %s", rule->trigger ? "true" : "false");
	json_write_finite_member(out, ", ", "limit", rule->limit);
	json_write_member(out, ", ", "verdict", text_of(rollout_verdict_names[judgement->verdict]));
	buffer_print(out, ", \"trials\": %llu", (unsigned long long)judgement->trials);
	json_write_finite_member(out, ", ", "estimate", judgement->estimate);
	json_write_finite_member(out, ", ", "low", judgement->interval.low);
	json_write_finite_member(out, ", ", "high", judgement->interval.high);
	json_write_finite_member(out, ", ", "bound", judgement->bound);
	if (judgement->effect > 0)
		json_write_finite_member(out, ", ", "designEffect", judgement->effect);
	if (judgement->alarm > 0) {
		json_write_finite_member(out, ", ", "watch", judgement->watch);
		json_write_finite_member(out, ", ", "alarm", judgement->alarm);
	}
	if (judgement->needed > 0)
		json_write_finite_member(out, ", ", "needed", judgement->needed);
	if (judgement->unreached_requests > 0)
		buffer_print(out, ", \"defaultRequestsSinceLast\": %" PRIu64, judgement->unreached_requests);
	if (judgement->unreached_ms > 0)
		buffer_print(out, ", \"millisecondsSinceLast\": %" PRIu64, judgement->unreached_ms);
	if (judgement->is_of_truth)
		arrivals_write(judgement, out);
	buffer_byte(out, '}');
}

static void evidence_write(const struct rollout_plan *plan, const struct rollout_evidence *evidence, const char *const *names,
			   struct buffer *out)
{
	buffer_string(out, ", \"evidence\": [");
	for (size_t i = 0; i < evidence->count; i++) {
		buffer_string(out, i > 0 ? ", " : "");
		judgement_write(plan, &plan->stages[evidence->stage], &evidence->items[i], names, out);
	}
	buffer_byte(out, ']');
}

void rollout_move_write(const struct rollout_plan *plan, const struct rollout_move *move, const char *const *names,
			struct buffer *out)
{
	buffer_print(out, "{\"move\": %llu, \"time_ms\": %lld", (unsigned long long)move->number, (long long)move->time_ms);
	json_write_member(out, ", ", "from", text_of(rollout_phase_names[move->from]));
	json_write_member(out, ", ", "to", text_of(rollout_phase_names[move->to]));
	buffer_print(out, ", \"fromStage\": %u, \"stage\": %u, \"epoch\": %llu", (unsigned)move->from_stage + 1,
		     (unsigned)move->to_stage + 1, (unsigned long long)move->epoch);
	json_write_finite_member(out, ", ", "percent", move->percent);
	json_write_member(out, ", ", "reason", text_of(rollout_reason_names[move->reason]));
	if (move->reason == REASON_COMMAND) {
		json_write_member(out, ", ", "command", text_of(rollout_command_names[move->command]));
		json_write_member(out, ", ", "by", text_of(move->by));
	}
	if (move->cause != SIZE_MAX)
		buffer_print(out, ", \"cause\": %zu", move->cause);
	if (move->skipped_ms > 0)
		buffer_print(out, ", \"skippedMs\": %" PRId64, move->skipped_ms);
	evidence_write(plan, &move->evidence, names, out);
	buffer_byte(out, '}');
}

/* ---- what was written ---- */

/* Of the move itself, not of its evidence. */
struct text rollout_move_text(struct text move, const char *member, struct arena *arena)
{
	struct json_scan scan;
	struct error error = {0};
	struct text key, value = {0};
	json_begin(&scan, move, "a move", arena, &error);
	const bool is_object = json_peek(&scan) == JSON_OBJECT && json_enter(&scan);
	while (is_object && json_key(&scan, &key))
		if (text_is(key, member) && json_peek(&scan) == JSON_STRING)
			json_text(&scan, &value);
		else
			json_skip(&scan);
	return is_object && json_end(&scan) ? value : (struct text){0};
}

static bool member_is(struct text move, const char *member, const char *value)
{
	struct arena *arena = arena_open(MOVE_SCAN_BYTES);
	const bool is = arena && text_is(rollout_move_text(move, member, arena), value);
	arena_close(arena);
	return is;
}

bool rollout_move_begins(struct text move)
{
	return member_is(move, "reason", rollout_reason_names[REASON_STARTED]);
}

bool rollout_move_is_by(struct text move, enum rollout_command_kind command)
{
	return member_is(move, "command", rollout_command_names[command]);
}

/* ---- a sentence ---- */

static void outcome_sentence(const struct rollout_move *move, struct buffer *out)
{
	switch (move->to) {
	case ROLLOUT_RUNNING:
		buffer_print(out, "Stage %u %s at %g%%: ", (unsigned)move->to_stage + 1,
			     move->from == ROLLOUT_RUNNING || move->from_stage != move->to_stage || move->from == ROLLOUT_PENDING
				     ? "begins"
				     : "goes on",
			     move->percent);
		break;
	case ROLLOUT_PAUSED:
	case ROLLOUT_INCONCLUSIVE:
		buffer_print(out, "Stage %u is %s at %g%%: ", (unsigned)move->to_stage + 1, rollout_phase_names[move->to],
			     move->percent);
		break;
	case ROLLOUT_PROMOTED:
		buffer_string(out, "Promoted: ");
		break;
	default:
		buffer_string(out, "Rolled back: ");
		break;
	}
}

static void late_sentence(const struct rollout_judgement *cause, bool is_beside, const char *name, const char *window,
			  struct buffer *out)
{
	const struct truth_arrivals *candidate = &cause->arrivals, *control = &cause->control_arrivals;
	buffer_print(out, ". Truths that came after the outcomeWindow of %s do not count: %" PRIu64 " of `%s`", window,
		     candidate->late, name);
	if (is_beside)
		buffer_print(out, ", and %" PRIu64 " of the default; %" PRIu64 " and %" PRIu64 " came within it", control->late,
			     candidate->in_time, control->in_time);
	else
		buffer_print(out, "; %" PRIu64 " came within it", candidate->in_time);
	buffer_string(out, ". Set outcomeWindow above the time that truths take");
}

/* The fields by which truths get more time. A promotion policy alone has an interval. */
static const char *window_field(const struct planned_stage *stage)
{
	return stage->at_ends ? "`progressiveDeployment.outcomeWindow`" : "outcomeWindow";
}

static const char *time_field(const struct planned_stage *stage)
{
	return stage->at_ends ? "`promotionPolicy.interval`" : "stage";
}

/* `name` NULL: of the default. */
static void missing_sentence(const struct planned_stage *stage, const struct truth_arrivals *arrivals, const char *name,
			     const char *window, struct buffer *out)
{
	const char *quote = name ? "`" : "", *whose = name ? name : "the default";
	if (arrivals->in_time > 0)
		buffer_print(
			out,
			". Truths of %s%s%s come, and none has counted: each does at the end of its outcomeWindow of %s, in the "
			"stage of its request. Set a shorter %s, or a longer %s",
			quote, whose, quote, window, window_field(stage), time_field(stage));
	else
		buffer_print(
			out,
			". No truth of %s%s%s came within the outcomeWindow of %s in this stage. Send feedback sooner, or set a "
			"longer %s and a longer %s",
			quote, whose, quote, window, window_field(stage), time_field(stage));
}

/* Why so few truths count: an outcome window that is too short, or that is not over. No truth of a stage at 100% changes a
 * comparison that it keeps. Engines of former releases tell no arrivals. */
static void arrivals_sentence(const struct rollout_plan *plan, const struct planned_stage *stage, const struct rollout_rule *rule,
			      const struct rollout_judgement *cause, const char *name, struct buffer *out)
{
	const bool is_beside = rollout_rule_is_beside(stage, rule);
	char window[DURATION_TEXT_MAX];
	duration_print(plan->outcome_window_ms * NS_PER_MS, window);
	if (cause->is_uncounted)
		buffer_string(
			out, ". Whether truths come is not known: no engine counts the feedback of each pipeline of the experiment "
			     "now. Check that their engines run, and what they log of feedback");
	else if (cause->is_beyond)
		buffer_print(out,
			     ". Its values are too small, or too large, for a variance: below %g or above %g. Send them in "
			     "another unit",
			     COMPARED_LEAST, COMPARED_MOST);
	else if (rollout_truths_are_late(stage, rule, cause))
		late_sentence(cause, is_beside, name, window, out);
	else if (!is_beside && (rollout_rule_compares(rule) || rule->kind == RULE_BETTER))
		return;
	else if (cause->trials == 0)
		missing_sentence(stage, &cause->arrivals, name, window, out);
	else if (is_beside && cause->control_units == 0)
		missing_sentence(stage, &cause->control_arrivals, NULL, window, out);
}

static void unreached_sentence(const struct rollout_judgement *cause, const char *name, struct buffer *out)
{
	char silent[DURATION_TEXT_MAX];
	duration_print((int64_t)cause->unreached_ms / MS_PER_S * NS_PER_S, silent);
	if (cause->unreached_requests > 0)
		buffer_print(out, ". The default has had %" PRIu64 " requests since the last one of `%s`: " CHECK_CALLED,
			     cause->unreached_requests, name);
	else if (cause->unreached_ms > 0)
		buffer_print(out, ". `%s` has had no request for %s: " CHECK_CALLED, name, silent);
}

/* What a rule is about. */
static void rule_sentence(const struct rollout_plan *plan, const struct rollout_rule *rule, const char *name, struct buffer *out)
{
	const char *metric = rollout_rule_metric(plan, rule);
	char room[ROLLOUT_RULE_NAME_BYTES];
	if (rule->kind == RULE_MEAN_BESIDE)
		buffer_print(out, "The mean of `%s` of `%s`, which must be %s the default's, ", metric, name,
			     rule->below ? "below" : "above");
	else if (metric)
		buffer_print(out, "The mean of `%s` of `%s` (limit %g) ", metric, name, rule->limit);
	else if (rule->kind == RULE_LATENCY)
		buffer_print(out, "`%s` of `%s` (limit %g ms for %u%% of its requests) ", rollout_rule_name(rule, room), name,
			     rule->limit, rule->percentile);
	else
		buffer_print(out, "`%s` of `%s` (limit %g) ", rollout_rule_name(rule, room), name, rule->limit);
}

/* The default's share tells whether it is the candidate that is slow, or all are. */
static void latency_sentence(const struct rollout_rule *rule, const struct rollout_judgement *judgement, struct buffer *out)
{
	const struct rate *control = &judgement->control;
	buffer_print(out,
		     "; %.4g%% of its %" PRIu64 " requests took longer, between %.4g%% and %.4g%% is certain, and at most %u%% may",
		     judgement->estimate * 100, judgement->trials, judgement->interval.low * 100, judgement->interval.high * 100,
		     100 - rule->percentile);
	if (control->trials > 0)
		buffer_print(out, "; of the default's %.0f requests meanwhile %.4g%% took longer", control->trials,
			     control->successes / control->trials * 100);
	buffer_string(out, "; a wait in an engine's queue counts only where it takes too few calls at once");
}

/* What is measured of it. A latency is judged by the share of the requests that are slower. */
static void measure_sentence(const struct rollout_rule *rule, const struct rollout_judgement *judgement, struct buffer *out)
{
	const struct interval *interval = &judgement->interval;
	if (!isfinite(judgement->estimate))
		return;
	if (rule->kind == RULE_BETTER)
		buffer_print(out, "; the probability is %.4g", judgement->estimate);
	else if (rule->kind == RULE_LATENCY)
		latency_sentence(rule, judgement, out);
	else
		buffer_print(out, "; %.4g is measured, and between %.4g and %.4g is certain", judgement->estimate, interval->low,
			     interval->high);
}

/* To two digits: what is measured may change more. */
static double needed_rounded(double needed)
{
	const double digit = pow(10, floor(log10(needed)) - 1);
	return digit > 1 ? ceil(needed / digit) * digit : needed;
}

/* What has come, and what would do. */
static void needs_sentence(const struct rollout_judgement *judgement, struct buffer *out)
{
	const char *what = judgement->is_of_truth ? "unit" : "request";
	if (judgement->needed > 0)
		buffer_print(out, "; %" PRIu64 " %s%s counted", judgement->trials, what, judgement->trials == 1 ? "" : "s");
	if (judgement->needed > 0 && isfinite(judgement->needed))
		buffer_print(out, ", and about %.0f would show it if what is measured stays", needed_rounded(judgement->needed));
	else if (judgement->needed > 0)
		buffer_string(out, ", and more of the same would not show it: what is measured is beyond the limit, or too near");
}

static void judgement_sentence(const struct rollout_plan *plan, const struct rollout_move *move,
			       const struct rollout_judgement *judgement, const char *name, struct buffer *out)
{
	const struct planned_stage *stage = &plan->stages[move->evidence.stage];
	const struct rollout_rule *rule = &stage->rules[judgement->rule];
	rule_sentence(plan, rule, name, out);
	if (move->reason == REASON_CHANGED)
		buffer_string(out, "has risen above its limit");
	else if (move->reason == REASON_BROKEN)
		buffer_string(out, "is broken");
	else
		buffer_string(out, "is neither shown to hold nor broken in the time that the stage has");
	measure_sentence(rule, judgement, out);
	needs_sentence(judgement, out);
	if (move->reason == REASON_OPEN && judgement == &move->evidence.items[move->cause])
		unreached_sentence(judgement, name, out);
	if (judgement->is_of_truth && move->reason == REASON_OPEN)
		arrivals_sentence(plan, stage, rule, judgement, name, out);
	buffer_string(out, ".");
}

/* The cause, and where rules are open, the others that are too. */
static void cause_sentence(const struct rollout_plan *plan, const struct rollout_move *move, const char *const *names,
			   struct buffer *out)
{
	const struct rollout_evidence *evidence = &move->evidence;
	const struct planned_stage *stage = &plan->stages[evidence->stage];
	const struct rollout_judgement *cause = &evidence->items[move->cause];
	judgement_sentence(plan, move, cause, names[cause->candidate], out);
	for (size_t i = move->cause + 1; move->reason == REASON_OPEN && i < evidence->count; i++) {
		const struct rollout_judgement *other = &evidence->items[i];
		if (!rollout_judgement_is_open(stage, other))
			continue;
		buffer_byte(out, ' ');
		judgement_sentence(plan, move, other, names[other->candidate], out);
	}
}

/* Kafka was away, or no engine was the keeper. */
static void skipped_sentence(const struct rollout_move *move, struct buffer *out)
{
	char skipped[DURATION_TEXT_MAX];
	duration_print(move->skipped_ms * NS_PER_MS, skipped);
	if (move->skipped_ms > 0)
		buffer_print(out, " In %s of stage %u nobody looked, as no keeper ran or Kafka was away: that time is left out.",
			     skipped, (unsigned)move->from_stage + 1);
}

static void reason_sentence(const struct rollout_plan *plan, const struct rollout_move *move, const char *const *names,
			    struct buffer *out)
{
	if (move->reason == REASON_COMMAND && move->command == COMMAND_CONFIRM)
		buffer_print(out, "the webhook of stage %u confirms it.", (unsigned)move->from_stage + 1);
	else if (move->reason == REASON_COMMAND && move->command == COMMAND_DECLINE)
		buffer_string(out, "its webhook does not confirm it, and it waits for an approval.");
	else if (move->reason == REASON_COMMAND)
		buffer_print(out, "by the command %s%s%s.", rollout_command_names[move->command], move->by[0] ? " of " : "",
			     move->by);
	else if (move->reason == REASON_STARTED)
		buffer_string(out, "the rollout starts.");
	else if (move->reason == REASON_HELD)
		buffer_print(out, "all rules of stage %u hold.", (unsigned)move->from_stage + 1);
	else if (move->reason == REASON_APPROVAL)
		buffer_string(out, "all rules hold, and it waits for an approval.");
	else
		cause_sentence(plan, move, names, out);
}

/* Whether more requests would show any of the open rules. */
static bool evidence_may_grow(const struct rollout_evidence *evidence)
{
	size_t i = 0;
	while (i < evidence->count && !(evidence->items[i].needed > 0 && isfinite(evidence->items[i].needed)))
		i++;
	return i < evidence->count;
}

/* What follows where a stage is open at its end. */
static void end_sentence(const struct rollout_plan *plan, const struct rollout_move *move, struct buffer *out)
{
	if (move->reason != REASON_OPEN)
		return;
	if (move->to != ROLLOUT_INCONCLUSIVE) {
		buffer_string(out, " So `onInconclusive` decides.");
		return;
	}
	buffer_string(out, " `sluice experiments resume` gives the stage its duration again, `promote` or `rollback` end it.");
	if (evidence_may_grow(&move->evidence))
		buffer_print(out, " A longer %s%s brings more.", time_field(&plan->stages[move->evidence.stage]),
			     planned_stage_is_whole(&plan->stages[move->evidence.stage]) ? "" : " or a greater weight");
}

void rollout_move_sentence(const struct rollout_plan *plan, const struct rollout_move *move, const char *const *names,
			   struct buffer *out)
{
	outcome_sentence(move, out);
	reason_sentence(plan, move, names, out);
	end_sentence(plan, move, out);
	skipped_sentence(move, out);
}
