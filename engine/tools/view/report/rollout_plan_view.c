/* rollout_plan_view.c: Stages of a rollout, and what each must show, as text or JSON. */
#include "tools/view/report/rollout_plan_view.h"

#include "base/number/duration.h"
#include "base/quote.h"
#include "experiments/analysis/promotion_rate.h"
#include "message/json/json_write.h"

/* Preview of a rollout's next move, as text or JSON. */
#define PERCENT 100.0

static double percent_of(const struct control_table *table, size_t i)
{
	return PERCENT * (double)((const struct table_share *)table->shares.items)[i].buckets / ASSIGNMENT_BUCKETS;
}

void rollout_preview_print(const struct rollout_preview *preview, struct arena *arena, struct buffer *out)
{
	const struct table_share *shares = preview->after.shares.items;
	buffer_print(out, "dry run, nothing is changed: %s\n", text_shown(preview->sentence, arena));
	for (size_t i = 0; i < preview->after.shares.count; i++)
		buffer_print(out, "  %-32s %7.2f%% -> %7.2f%%\n", text_shown(shares[i].name, arena),
			     percent_of(&preview->before, i), percent_of(&preview->after, i));
	buffer_print(out, "  %lld of %d buckets would move\n", (long long)preview->after.moved, ASSIGNMENT_BUCKETS);
}

void rollout_preview_print_json(const struct rollout_preview *preview, struct buffer *out)
{
	const struct table_share *shares = preview->after.shares.items;
	json_write_member(out, "{\"dry_run\": true, ", "sentence", preview->sentence);
	buffer_print(out, ", \"moved\": %lld, \"shares\": [", (long long)preview->after.moved);
	for (size_t i = 0; i < preview->after.shares.count; i++) {
		json_write_member(out, i > 0 ? ", {" : "{", "name", shares[i].name);
		buffer_string(out, ", \"percent\": ");
		json_write_double(out, percent_of(&preview->before, i));
		buffer_string(out, ", \"would_be\": ");
		json_write_double(out, percent_of(&preview->after, i));
		buffer_byte(out, '}');
	}
	buffer_string(out, "], \"move\": ");
	buffer_text(out, preview->evidence);
	buffer_string(out, "}\n");
}

#define REQUESTS_MOST 1e12 /* more than a stage ever has */

/* The fewest requests of a candidate by which a rule of a rate holds, when none of them is bad; 0: not a rule of a rate. */
static double requests_needed(const struct rollout_rule *rule)
{
	const double bound = rule->kind == RULE_LATENCY ? rollout_rule_slow_share(rule) : rule->limit;
	double few = 0, enough = 1;
	if (rule->kind != RULE_ERROR_RATE && rule->kind != RULE_LATENCY)
		return 0;
	while (enough < REQUESTS_MOST && rate_sequence((struct rate){0, enough}, ROLLOUT_ALPHA).high >= bound) {
		few = enough;
		enough *= 2;
	}
	while (enough - few > 1) {
		const double middle = floor((few + enough) / 2);
		if (rate_sequence((struct rate){0, middle}, ROLLOUT_ALPHA).high >= bound)
			few = middle;
		else
			enough = middle;
	}
	return enough;
}

/* ---- text ---- */

/* Which metric, and how often the threshold alone is wrong about equal variants. */
static void better_print(const struct rollout_plan *plan, const struct planned_stage *stage, const struct rollout_rule *rule,
			 struct buffer *out)
{
	static const char *const metrics[] = {"error rate", "share of slow requests", "accuracy", "accuracy"};
	const struct rollout_rule *of = &stage->rules[rule->of];
	const char *metric = rollout_rule_metric(plan, of);
	buffer_print(out, "a probability of at least %g that its %s%s is better than the default's\n", rule->limit,
		     metric ? "mean of " : "", metric ? metric : metrics[of->kind]);
	buffer_print(out,
		     "      (this is no bound of false promotions: alone it promotes %.1f%% of %d simulated candidates that are "
		     "equal to the default)\n",
		     100 * promotion_rate(stage, plan->check_every_ms, rule->limit), PROMOTION_RUNS);
}

/* The stage's rule of a probability; NULL: it has none. */
static const struct rollout_rule *better_find(const struct planned_stage *stage)
{
	for (size_t i = 0; i < stage->rule_count; i++)
		if (stage->rules[i].kind == RULE_BETTER)
			return &stage->rules[i];
	return NULL;
}

bool rollout_plan_print_rate(const struct rollout_plan *plan, struct buffer *out)
{
	double threshold = 0, most = -1;
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct rollout_rule *rule = better_find(&plan->stages[i]);
		const double rate = rule ? promotion_rate(&plan->stages[i], plan->check_every_ms, rule->limit) : -1;
		if (rate > most) {
			most = rate;
			threshold = rule->limit;
		}
	}
	if (most >= 0)
		buffer_print(
			out,
			"promotionThreshold %g is no bound of false promotions, since it is looked at often: alone it promotes "
			"%.1f%% of %d simulated candidates that are equal to the default",
			threshold, 100 * most, PROMOTION_RUNS);
	return most >= 0;
}

static void rule_print(const struct rollout_plan *plan, const struct rollout_rule *rule, struct buffer *out)
{
	const char *side = rule->below ? "below" : "above";
	switch (rule->kind) {
	case RULE_ERROR_RATE:
		buffer_print(out, "errors below %g%%", 100 * rule->limit);
		break;
	case RULE_LATENCY:
		buffer_print(out, "p%u below %g ms", rule->percentile, rule->limit);
		break;
	case RULE_ACCURACY:
		buffer_print(out, "accuracy above %g", rule->limit);
		break;
	case RULE_MEAN:
		buffer_print(out, "a mean of `%s` %s %g, by feedback", rollout_rule_metric(plan, rule), side, rule->limit);
		break;
	case RULE_MEAN_BESIDE:
		buffer_print(out, "a mean of `%s` %s the default's", rollout_rule_metric(plan, rule), side);
		break;
	default:
		buffer_string(out, "accuracy above ");
		if (rule->limit > 0)
			buffer_print(out, "%g%% of ", 100 * (1 - rule->limit));
		buffer_string(out, rule->implied ? "the default's, where truth comes" : "the default's");
		break;
	}
	if (requests_needed(rule) > 0)
		buffer_print(out, " (at least %.0f requests)", requests_needed(rule));
	buffer_string(out, rule->only_rolls_back			? "; it rolls back when that is shown to be broken\n"
			   : rule->trigger && requests_needed(rule) > 0 ? "; a rise rolls back\n"
									: "\n");
}

static void stage_print(const struct rollout_plan *plan, size_t i, struct buffer *out)
{
	const struct planned_stage *stage = &plan->stages[i];
	char duration[DURATION_TEXT_MAX], extent[DURATION_TEXT_MAX];
	duration_print(stage->duration_ms * NS_PER_MS, duration);
	duration_print(2 * stage->duration_ms * NS_PER_MS, extent);
	buffer_print(out, "  stage %zu: %g%% for %s, at most %s%s%s; each candidate must show:\n", i + 1, stage->percent, duration,
		     extent, stage->at_ends ? ", decided at the end of each of the two" : "",
		     stage->confirm   ? ", then asks its webhook"
		     : stage->approve ? ", then waits for an approval"
				      : "");
	for (size_t j = 0; j < stage->rule_count; j++) {
		buffer_string(out, "    ");
		if (stage->rules[j].kind == RULE_BETTER)
			better_print(plan, stage, &stage->rules[j], out);
		else
			rule_print(plan, &stage->rules[j], out);
	}
}

void rollout_plan_print(const char *name, const struct rollout_plan *plan, struct buffer *out)
{
	static const char *const ends[] = {"is paused as inconclusive", "is rolled back", "is promoted"};
	char check[DURATION_TEXT_MAX];
	duration_print(plan->check_every_ms * NS_PER_MS, check);
	buffer_print(out, "%s: %zu stage%s, %zu candidate%s, judged every %s\n", name, plan->stage_count,
		     plan->stage_count == 1 ? "" : "s", plan->candidates, plan->candidates == 1 ? "" : "s", check);
	for (size_t i = 0; i < plan->stage_count; i++)
		stage_print(plan, i, out);
	buffer_print(out, "A stage that has not shown all of it by then %s. One that is shown to break a rule is rolled back.\n",
		     ends[plan->on_inconclusive]);
	if (plan->has_baseline)
		buffer_string(out, "Candidates are compared with as many units of the default as the largest candidate has.\n");
	buffer_string(out, "The keeper of a control plane moves the weights (`sluice run --control`, `sluice apply`); engines that "
			   "run files keep those of stage 1.\n");
}

/* ---- JSON ---- */

static void rule_print_json(const struct rollout_plan *plan, const struct planned_stage *stage, const struct rollout_rule *rule,
			    struct buffer *out)
{
	const char *metric = rollout_rule_metric(plan, rule->kind == RULE_BETTER ? &stage->rules[rule->of] : rule);
	char room[ROLLOUT_RULE_NAME_BYTES];
	json_write_member(out, "{", "rule", text_of(rollout_rule_name(rule, room)));
	if (metric)
		json_write_member(out, ", ", "metric", text_of(metric));
	if (rollout_rule_metric(plan, rule))
		json_write_member(out, ", ", "side", text_of(rule->below ? "below" : "above"));
	buffer_string(out, ", \"limit\": ");
	json_write_double(out, rule->limit);
	buffer_print(out, ", \"trigger\": %s, \"implied\": %s, \"only_rolls_back\": %s", rule->trigger ? "true" : "false",
		     rule->implied ? "true" : "false", rule->only_rolls_back ? "true" : "false");
	if (rule->kind == RULE_BETTER) {
		json_write_member(out, ", ", "of", text_of(rollout_rule_name(&stage->rules[rule->of], room)));
		buffer_string(out, ", \"false_promotions\": ");
		json_write_double(out, promotion_rate(stage, plan->check_every_ms, rule->limit));
	}
	buffer_string(out, ", \"requests_needed\": ");
	if (requests_needed(rule) > 0)
		buffer_print(out, "%.0f}", requests_needed(rule));
	else
		buffer_string(out, "null}");
}

void rollout_plan_print_json(const char *name, const struct rollout_plan *plan, struct buffer *out)
{
	static const char *const ends[] = {"pause", "rollback", "promote"};
	json_write_member(out, "{", "experiment", text_of(name));
	buffer_print(out, ", \"candidates\": %zu, \"check_ms\": %lld", plan->candidates, (long long)plan->check_every_ms);
	json_write_member(out, ", ", "on_inconclusive", text_of(ends[plan->on_inconclusive]));
	json_write_member(out, ", ", "baseline", plan->has_baseline ? TEXT("concurrent") : TEXT("all"));
	buffer_string(out, ", \"stages\": [");
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct planned_stage *stage = &plan->stages[i];
		buffer_print(out, "%s{\"percent\": ", i > 0 ? ", " : "");
		json_write_double(out, stage->percent);
		buffer_print(out, ", \"duration_ms\": %lld, \"approve\": %s, \"confirm\": %s, \"at_ends\": %s, \"rules\": [",
			     (long long)stage->duration_ms, stage->approve ? "true" : "false", stage->confirm ? "true" : "false",
			     stage->at_ends ? "true" : "false");
		for (size_t j = 0; j < stage->rule_count; j++) {
			buffer_string(out, j > 0 ? ", " : "");
			rule_print_json(plan, stage, &stage->rules[j], out);
		}
		buffer_string(out, "]}");
	}
	buffer_string(out, "]}\n");
}
