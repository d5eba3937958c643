/* rollout_plan.c: see rollout_plan.h. */
#include "experiments/rollouts/rollout_plan.h"

#include <math.h>
#include <stdio.h>

#include "base/number/duration.h"
#include "base/hash.h"

static const char *const rule_names[ROLLOUT_RULE_KINDS] = {"errorRate",		"latency", "accuracy",	"accuracyDrop",
							   "probabilityBetter", "mean",	   "meanBeside"};

const char *rollout_rule_name(const struct rollout_rule *rule, char room[ROLLOUT_RULE_NAME_BYTES])
{
	if (rule->kind != RULE_LATENCY || rule->percentile == LATENCY_PERCENTILE_USUAL)
		return rule_names[rule->kind];
	snprintf(room, ROLLOUT_RULE_NAME_BYTES, LATENCY_PERCENTILE "%u", rule->percentile);
	return room;
}

bool rollout_rule_is_of_truth(const struct planned_stage *stage, const struct rollout_rule *rule)
{
	const enum rollout_rule_kind kind = rule->kind == RULE_BETTER ? stage->rules[rule->of].kind : rule->kind;
	return kind == RULE_ACCURACY || kind == RULE_ACCURACY_BESIDE || kind == RULE_MEAN || kind == RULE_MEAN_BESIDE;
}

const char *rollout_rule_metric(const struct rollout_plan *plan, const struct rollout_rule *rule)
{
	return rule->kind == RULE_MEAN || rule->kind == RULE_MEAN_BESIDE ? plan->metrics[rule->metric] : NULL;
}

const char *const *rollout_plan_metrics(const struct rollout_plan *plan, const char *names[EXPERIMENT_METRICS_MAX])
{
	for (size_t i = 0; i < plan->metric_count; i++)
		names[i] = plan->metrics[i];
	return names;
}

size_t rollout_plan_metric(const struct rollout_plan *plan, struct text name)
{
	size_t i = 0;
	while (i < plan->metric_count && !text_is(name, plan->metrics[i]))
		i++;
	return i;
}

/* ---- rules ---- */

static bool rule_add(struct planned_stage *stage, struct rollout_rule rule, struct place place, struct error *error)
{
	if (stage->rule_count == ROLLOUT_RULES_MAX)
		return error_set(error, ERROR_CONFIG, place,
				 "A stage of the rollout has more than %d criteria and triggers. Leave some out.",
				 ROLLOUT_RULES_MAX);
	stage->rules[stage->rule_count++] = rule;
	return true;
}

static bool rule_limit_check(enum rollout_rule_kind kind, double limit, struct place place, struct error *error)
{
	if (kind == RULE_MEAN ? isfinite(limit) : kind == RULE_LATENCY ? limit > 0 && isfinite(limit) : limit > 0 && limit < 1)
		return true;
	if (kind == RULE_MEAN)
		return error_set(error, ERROR_CONFIG, place, "The threshold is %g. Write a number that is finite.", limit);
	if (kind == RULE_LATENCY)
		return error_set(error, ERROR_CONFIG, place, "The limit of the latency is %g ms. Write one above 0, as \"<100ms\".",
				 limit);
	return error_set(error, ERROR_CONFIG, place, "The limit of `%s` is %g. Write a share above 0 and below 1, as 0.01 or 1%%.",
			 rule_names[kind], limit);
}

static bool comparison_is_below(enum comparison comparison)
{
	return comparison == COMPARE_LESS || comparison == COMPARE_LESS_EQUAL;
}

static bool comparison_is_above(enum comparison comparison)
{
	return comparison == COMPARE_GREATER || comparison == COMPARE_GREATER_EQUAL;
}

/* A threshold of the file; line 0: it is not given, and `rule` stays as it is. */
static bool rule_read(struct rollout_rule *rule, const struct threshold *threshold, struct place place, struct error *error)
{
	if (place.line == 0)
		return true;
	const bool fits = rule->trigger ? comparison_is_above(threshold->comparison) : comparison_is_below(threshold->comparison);
	const bool of_time = rule->kind == RULE_LATENCY;
	const char *sign = rule->trigger ? ">" : "<", *usual = of_time ? "100ms" : "0.01";
	if (!fits)
		return error_set(error, ERROR_CONFIG, place, "A %s of `%s` is written as \"%s%s\": what %s. Turn the comparison.",
				 rule->trigger ? "rollback trigger" : "criterion", rule_names[rule->kind], sign, usual,
				 rule->trigger ? "rolls back" : "must hold");
	if (of_time ? threshold->percent : threshold->time)
		return error_set(error, ERROR_CONFIG, place, "A limit of `%s` is a %s, and not a %s. Write it as \"%s%s\".",
				 rule_names[rule->kind], of_time ? "time" : "share", of_time ? "share" : "time", sign, usual);
	rule->limit = threshold->value;
	rule->implied = false;
	return rule_limit_check(rule->kind, rule->limit, place, error);
}

static bool stage_criteria_read(const struct rollout_stage *from, struct planned_stage *stage, struct error *error)
{
	struct rollout_rule errors = {.kind = RULE_ERROR_RATE},
			    latency = {.kind = RULE_LATENCY, .percentile = LATENCY_PERCENTILE_USUAL};
	return rule_read(&errors, &from->error_rate, from->error_rate_place, error) &&
	       rule_read(&latency, &from->latency_ms, from->latency_place, error) &&
	       (from->error_rate_place.line == 0 || rule_add(stage, errors, from->error_rate_place, error)) &&
	       (from->latency_place.line == 0 || rule_add(stage, latency, from->latency_place, error));
}

static bool triggers_read(const struct rollout *rollout, struct planned_stage *stage, struct error *error)
{
	const struct rollback_limits *limits = &rollout->rollback;
	struct rollout_rule errors = {.kind = RULE_ERROR_RATE, .trigger = true, .implied = true, .limit = ROLLOUT_ERROR_RATE};
	struct rollout_rule latency = {.kind = RULE_LATENCY,
				       .percentile = LATENCY_PERCENTILE_USUAL,
				       .trigger = true,
				       .implied = true,
				       .limit = ROLLOUT_LATENCY_MS};
	struct rollout_rule accuracy = {
		.kind = RULE_ACCURACY_BESIDE, .trigger = true, .implied = true, .limit = ROLLOUT_ACCURACY_DROP};
	return rule_read(&errors, &limits->error_rate, limits->error_rate_place, error) &&
	       rule_read(&latency, &limits->latency_ms, limits->latency_place, error) &&
	       rule_read(&accuracy, &limits->accuracy_drop, limits->accuracy_drop_place, error) &&
	       rule_add(stage, errors, rollout->here, error) && rule_add(stage, latency, rollout->here, error) &&
	       rule_add(stage, accuracy, rollout->here, error);
}

/* A criterion by a metric of feedback: more is better where its mean is to be above the threshold. */
static bool mean_read(const struct rollout_plan *plan, const struct success_criterion *from, struct planned_stage *stage,
		      struct error *error)
{
	const struct rollout_rule rule = {.kind = RULE_MEAN,
					  .limit = from->threshold,
					  .metric = rollout_plan_metric(plan, text_of(from->metric)),
					  .below = from->operator[0] == '<'};
	if (from->operator[0] != '<' && from->operator[0] != '>')
		return error_set(error, ERROR_CONFIG, from->here,
				 "A rollout cannot show that the mean of `%s` %s %g holds. Write >, >=, < or <=.", from->metric,
				 from->operator, from->threshold);
	return rule_limit_check(RULE_MEAN, rule.limit, from->here, error) && rule_add(stage, rule, from->here, error);
}

/* Such a name is of a percentile that a rollout does not judge, and not of a metric of feedback. */
static bool percentile_check(const struct success_criterion *from, struct error *error)
{
	const size_t start = strlen(LATENCY_PERCENTILE);
	const char *number = strncmp(from->metric, LATENCY_PERCENTILE, start) == 0 ? from->metric + start : "";
	return !*number || number[strspn(number, "0123456789.")] ||
	       error_set(error, ERROR_CONFIG, from->here,
			 "A rollout judges percentiles of the latency from " LATENCY_PERCENTILE "1 to " LATENCY_PERCENTILE
			 "99, and not `%s`. Write one of them, or give the metric of feedback another name.",
			 from->metric);
}

/* A criterion of the experiment, which each stage must show. */
static bool criterion_read(const struct rollout_plan *plan, const struct success_criterion *from, struct planned_stage *stage,
			   struct error *error)
{
	static const enum rollout_rule_kind kinds[METRIC_OF_FEEDBACK] = {RULE_ERROR_RATE, RULE_LATENCY, RULE_ACCURACY};
	const enum experiment_metric metric = experiment_metric_find(from->metric);
	if (metric == METRIC_OF_FEEDBACK)
		return percentile_check(from, error) && mean_read(plan, from, stage, error);
	const struct rollout_rule rule = {
		.kind = kinds[metric], .percentile = latency_percentile(from->metric), .limit = from->threshold};
	const char wanted = rule.kind == RULE_ACCURACY ? '>' : '<';
	if (from->operator[0] != wanted)
		return error_set(error, ERROR_CONFIG, from->here, "A rollout cannot show that %s %s %g holds. Write %c or %c=.",
				 from->metric, from->operator, from->threshold, wanted, wanted);
	return rule_limit_check(rule.kind, rule.limit, from->here, error) && rule_add(stage, rule, from->here, error);
}

static bool metric_is_compared(const struct planned_stage *stage, size_t metric)
{
	bool found = false;
	for (size_t i = 0; i < stage->rule_count; i++)
		found |= stage->rules[i].kind == RULE_MEAN_BESIDE && stage->rules[i].metric == metric;
	return found;
}

/* What `gate: better` compares: the metrics of feedback that the criteria name, each on the side of its first criterion, and the
 * accuracy if they name it or none. */
static bool gate_add(const struct rollout_plan *plan, struct planned_stage *stage, size_t first, struct place place,
		     struct error *error)
{
	const size_t end = stage->rule_count;
	bool has_accuracy = plan->metric_count == 0;
	for (size_t i = first; i < end; i++) {
		struct rollout_rule rule = stage->rules[i];
		has_accuracy |= rule.kind == RULE_ACCURACY;
		if (rule.kind != RULE_MEAN || metric_is_compared(stage, rule.metric))
			continue;
		rule.kind = RULE_MEAN_BESIDE;
		rule.limit = 0;
		if (!rule_add(stage, rule, place, error))
			return false;
	}
	return !has_accuracy || rule_add(stage, (struct rollout_rule){.kind = RULE_ACCURACY_BESIDE}, place, error);
}

static size_t trigger_of_accuracy(const struct planned_stage *stage)
{
	size_t i = 0;
	while (i < stage->rule_count && !(stage->rules[i].kind == RULE_ACCURACY_BESIDE && stage->rules[i].trigger))
		i++;
	return i;
}

/* The rule of `promotionThreshold`. Its metric is that of rule `of`. Without a default's traffic it is left out. */
static bool better_add(const struct promotion_policy *policy, struct planned_stage *stage, size_t of, struct error *error)
{
	const struct rollout_rule rule = {.kind = RULE_BETTER, .limit = policy->threshold, .of = of};
	if (policy->threshold_place.line == 0 || planned_stage_is_whole(stage))
		return true;
	for (size_t i = 0; policy->gate == PROMOTION_THRESHOLD && i < stage->rule_count; i++)
		stage->rules[i].only_rolls_back = true;
	return rule_limit_check(RULE_BETTER, rule.limit, policy->threshold_place, error) &&
	       rule_add(stage, rule, policy->threshold_place, error);
}

/* What each stage has beside its own criteria. The gate `not-worse` is the trigger of accuracy by its default. */
static bool stage_rules_end(const struct experiment_spec *experiment, const struct rollout_plan *plan, struct planned_stage *stage,
			    struct error *error)
{
	const struct success_criterion *criteria = experiment->criteria.items;
	const struct rollout *rollout = &experiment->progressive;
	const bool has_criteria = experiment->criteria.count > 0;
	const size_t first = stage->rule_count;
	for (size_t i = 0; i < experiment->criteria.count; i++)
		if (!criterion_read(plan, &criteria[i], stage, error))
			return false;
	return triggers_read(rollout, stage, error) &&
	       (rollout->gate != GATE_BETTER || gate_add(plan, stage, first, rollout->here, error)) &&
	       better_add(&experiment->promotion, stage, has_criteria ? first : trigger_of_accuracy(stage), error);
}

/* ---- stages ---- */

/* Of a stage, or of a promotion policy's only one, which is its interval. */
static bool stage_duration_read(int64_t duration_ns, int64_t check_every_ms, struct place place, struct planned_stage *stage,
				struct error *error)
{
	const char *what = stage->at_ends ? "The interval of the promotion policy" : "A stage of the rollout";
	stage->duration_ms = duration_ns / NS_PER_MS;
	if (stage->duration_ms > ROLLOUT_DURATION_MS_MAX)
		return error_set(error, ERROR_CONFIG, place, "%s lasts more than 366 days. Write a shorter one.", what);
	return stage->duration_ms >= check_every_ms ||
	       error_set(error, ERROR_CONFIG, place,
			 "%s lasts %lld ms, and is checked every %lld ms. Write a longer one, or a shorter checkEvery%s.", what,
			 (long long)stage->duration_ms, (long long)check_every_ms,
			 stage->at_ends ? " in `progressiveDeployment`, which needs no stages then" : "");
}

static bool percent_check(const struct rollout_plan *plan, size_t i, struct place place, struct error *error)
{
	const double percent = plan->stages[i].percent, before = i > 0 ? plan->stages[i - 1].percent : 0;
	if (!(percent > 0 && percent <= 100))
		return error_set(error, ERROR_CONFIG, place,
				 "Stage %zu gives the candidates %g%% of the traffic. Write more than 0, and at most 100.", i + 1,
				 percent);
	return percent >= before || error_set(error, ERROR_CONFIG, place,
					      "The weights fall from %g to %g at stage %zu. Write stages that rise: to give the "
					      "candidates less is a rollback.",
					      before, percent, i + 1);
}

static bool stages_read(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error)
{
	const struct rollout_stage *stages = experiment->progressive.stages.items;
	for (size_t i = 0; i < plan->stage_count; i++) {
		struct planned_stage *stage = &plan->stages[i];
		stage->percent = (double)stages[i].weight;
		stage->confirm = stages[i].confirm.url;
		stage->approve = stages[i].approve || stage->confirm;
		if (!percent_check(plan, i, stages[i].weight_place, error) ||
		    !stage_duration_read(stages[i].duration_ns, plan->check_every_ms, stages[i].here, stage, error) ||
		    !stage_criteria_read(&stages[i], stage, error) || !stage_rules_end(experiment, plan, stage, error))
			return false;
	}
	return true;
}

/* A step of a schedule shows nothing that the one before has not shown; stages may have criteria and approvals of their own. */
static bool schedule_rises(const struct rollout_plan *plan, size_t i, struct place place, struct error *error)
{
	const double percent = plan->stages[i].percent;
	return i == 0 || percent != plan->stages[i - 1].percent ||
	       error_set(error, ERROR_CONFIG, place,
			 "The schedule has %g at stages %zu and %zu. Write percentages that rise; `every` is how long each lasts.",
			 percent, i, i + 1);
}

static bool schedule_read(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error)
{
	const struct rollout *rollout = &experiment->progressive;
	const int64_t every_ms = rollout->every_ns > 0 ? rollout->every_ns : (int64_t)ROLLOUT_EVERY_MS * NS_PER_MS;
	for (size_t i = 0; i < plan->stage_count; i++) {
		struct planned_stage *stage = &plan->stages[i];
		stage->percent = rollout->schedule.items[i];
		if (!percent_check(plan, i, rollout->schedule_place, error) ||
		    !schedule_rises(plan, i, rollout->schedule_place, error) ||
		    !stage_duration_read(every_ms, plan->check_every_ms, rollout->schedule_place, stage, error) ||
		    !stage_rules_end(experiment, plan, stage, error))
			return false;
	}
	return true;
}

/* The part of the traffic that the candidates have by their weights, in percent. */
static bool weights_percent(const struct experiment_spec *experiment, double *percent, struct error *error)
{
	const struct candidate *candidates = experiment->candidates.items;
	double all = 0, own = 0;
	for (size_t i = 0; i < experiment->candidates.count; i++) {
		const bool is_default = strings_equal(candidates[i].name.text, experiment->default_name.text);
		all += (double)candidates[i].weight;
		own += is_default ? 0 : (double)candidates[i].weight;
		if (!is_default && candidates[i].weight == 0)
			return error_set(error, ERROR_CONFIG,
					 candidates[i].weight_place.line > 0 ? candidates[i].weight_place
									     : candidates[i].name.place,
					 "The candidate `%s` has the weight 0, so nothing can be shown of it. Give it a weight, or "
					 "leave it out.",
					 candidates[i].name.text);
	}
	*percent = 100 * own / all;
	return true;
}

/* The only stage of a promotion policy. Another weight is another plan. */
static bool policy_read(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error)
{
	const struct candidate *candidates = experiment->candidates.items;
	const struct promotion_policy *policy = &experiment->promotion;
	const bool is_given = policy->interval_place.line > 0;
	struct planned_stage *stage = &plan->stages[0];
	const int64_t interval_ns = is_given ? policy->interval_ns : (int64_t)ROLLOUT_INTERVAL_MS * NS_PER_MS;
	stage->at_ends = true;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		plan->names = hash_bytes(&candidates[i].weight, sizeof candidates[i].weight, plan->names);
	return weights_percent(experiment, &stage->percent, error) &&
	       stage_duration_read(interval_ns, plan->check_every_ms, is_given ? policy->interval_place : policy->here,
				   stage, error) &&
	       stage_rules_end(experiment, plan, stage, error);
}

/* What a promotion policy cannot mean. */
static bool policy_check(const struct experiment_spec *experiment, struct error *error)
{
	const struct promotion_policy *policy = &experiment->promotion;
	const bool is_staged = experiment_is_staged(experiment);
	if (policy->here.line > 0 && is_staged && policy->interval_place.line > 0)
		return error_set(error, ERROR_CONFIG, policy->interval_place,
				 "The promotion policy has an interval, and the stages have durations. Leave `interval` out, or "
				 "the stages.");
	if (policy->here.line > 0 && !policy->automatic && experiment->on_inconclusive == INCONCLUSIVE_PROMOTE)
		return error_set(error, ERROR_CONFIG, policy->here,
				 "`onInconclusive: promote` needs nobody, and the promotion policy waits for somebody. Write "
				 "`automatic: true`, or another onInconclusive.");
	return policy->here.line == 0 || policy->gate != PROMOTION_THRESHOLD || policy->threshold_place.line > 0 ||
	       error_set(error, ERROR_CONFIG, policy->gate_place,
			 "The gate `threshold` has no threshold. Write `promotionThreshold`, as 0.95, or leave `gate` out.");
}

/* Of what is said about all of it. */
static struct place rollout_place(const struct experiment_spec *experiment)
{
	const struct rollout *rollout = &experiment->progressive;
	return rollout->here.line > 0 && rollout->enabled ? rollout->here : experiment->promotion.here;
}

/* A rule in the user's word. */
static const char *rule_word(const struct rollout_plan *plan, const struct rollout_rule *rule)
{
	const char *metric = rollout_rule_metric(plan, rule);
	return metric ? metric : rule_names[rule->kind];
}

/* The metric of a rule of truth, in the user's word. */
static const char *truth_word(const struct rollout_plan *plan, const struct planned_stage *stage, const struct rollout_rule *rule)
{
	const struct rollout_rule *judged = rule->kind == RULE_BETTER ? &stage->rules[rule->of] : rule;
	const char *metric = rollout_rule_metric(plan, judged);
	return metric ? metric : "accuracy";
}

/* The weight that gives the candidates all the traffic in the first stage; else the place of the rollout. */
static struct place first_weight_place(const struct experiment_spec *experiment, struct place place)
{
	const struct rollout *rollout = &experiment->progressive;
	const struct candidate *candidates = experiment->candidates.items;
	const size_t given = experiment_candidate(experiment, &experiment->default_name);
	if (experiment_is_staged(experiment))
		return rollout->stages.count > 0 ? ((const struct rollout_stage *)rollout->stages.items)[0].weight_place
						 : rollout->schedule_place;
	const bool is_written = given < experiment->candidates.count && candidates[given].weight_place.line > 0;
	return is_written ? candidates[given].weight_place : place;
}

/* A comparison needs a stage in which the default has traffic. */
static bool comparisons_check(const struct experiment_spec *experiment, const struct rollout_plan *plan, struct place place,
			      struct error *error)
{
	const struct planned_stage *first = &plan->stages[0];
	const struct promotion_policy *policy = &experiment->promotion;
	if (!planned_stage_is_whole(first))
		return true;
	if (policy->here.line > 0 && policy->threshold_place.line > 0)
		return error_set(error, ERROR_CONFIG, policy->threshold_place,
				 "The candidates have all the traffic from the beginning, so nothing can show that they are better "
				 "than the default. Give the default a weight, or leave `promotionThreshold` out.");
	for (size_t i = 0; i < first->rule_count; i++)
		if (rollout_rule_compares(&first->rules[i]) && !first->rules[i].implied)
			return error_set(error, ERROR_CONFIG, first_weight_place(experiment, place),
					 "The first stage gives the candidates all the traffic, so their %s cannot be "
					 "compared with the default's. Begin with a smaller weight, or leave the comparison out.",
					 truth_word(plan, first, &first->rules[i]));
	return true;
}

/* What is judged by feedback is judged by exposures. */
static bool truths_check(const struct experiment_spec *experiment, const struct rollout_plan *plan, struct error *error)
{
	const struct planned_stage *first = &plan->stages[0];
	if (experiment->exposures != EXPOSURES_THIN && experiment->exposures != EXPOSURES_OFF)
		return true;
	for (size_t i = 0; i < first->rule_count; i++)
		if (rollout_rule_is_of_truth(first, &first->rules[i]) && !first->rules[i].implied)
			return error_set(error, ERROR_CONFIG, rollout_place(experiment),
					 "The rollout judges the %s, which is known by exposures, and `exposures` leaves "
					 "them out. Write `exposures: full`, or leave `%s` out.",
					 truth_word(plan, first, &first->rules[i]), rule_word(plan, &first->rules[i]));
	return true;
}

static bool metrics_read(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error)
{
	const char *names[EXPERIMENT_METRICS_MAX];
	const size_t count = experiment_metrics(experiment, names);
	if (count > EXPERIMENT_METRICS_MAX)
		return error_set(error, ERROR_CONFIG, rollout_place(experiment),
				 "The success criteria name %zu metrics of feedback, and a rollout judges at most %d beside "
				 "accuracy. Leave some out.",
				 count, EXPERIMENT_METRICS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i]) > ROLLOUT_METRIC_BYTES_MAX)
			return error_set(error, ERROR_CONFIG, rollout_place(experiment),
					 "The metric `%.*s...` of the success criteria has a name of more than %d bytes. Give it a "
					 "shorter one.",
					 ROLLOUT_METRIC_BYTES_MAX, names[i], ROLLOUT_METRIC_BYTES_MAX);
		memcpy(plan->metrics[i], names[i], strlen(names[i]) + 1);
	}
	plan->metric_count = count;
	return true;
}

static uint64_t name_hash(uint64_t hash, const char *name)
{
	return hash_bytes(name, strlen(name), hash);
}

static bool default_check(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error)
{
	const struct candidate *candidates = experiment->candidates.items;
	const struct place place = rollout_place(experiment);
	const char *name = experiment->default_name.text;
	size_t count = 0;
	if (!name)
		return error_set(error, ERROR_CONFIG, place,
				 "The rollout has no default, so nothing is left to roll back to. Write `default:` beside the "
				 "candidates.");
	plan->names = name_hash(0, name);
	for (size_t i = 0; i < experiment->candidates.count; i++) {
		if (!candidates[i].name.text || strcmp(candidates[i].name.text, name) == 0)
			continue;
		plan->names = name_hash(plan->names, candidates[i].name.text);
		count++;
	}
	if (count == 0)
		return error_set(error, ERROR_CONFIG, experiment->default_name.place,
				 "The rollout has no candidate beside the default `%s`. Add the one that is to replace it.", name);
	return count <= ROLLOUT_CANDIDATES_MAX ||
	       error_set(error, ERROR_CONFIG, place, "The rollout has %zu candidates, and at most %d are allowed. Leave some out.",
			 count, ROLLOUT_CANDIDATES_MAX);
}

/* The candidates that get traffic. Other parts of it are another plan; equal ones leave its hash as it is. */
static void parts_read(const struct experiment_spec *experiment, struct rollout_plan *plan)
{
	struct share shares[ASSIGNMENT_WAYS_MAX];
	const size_t count = experiment_shares_at(experiment, 100, shares);
	double least = 100, most = 0;
	uint64_t parts = plan->names;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(shares[i].name, experiment->default_name.text) == 0)
			continue;
		plan->candidates += shares[i].weight > 0;
		least = fmin(least, shares[i].weight);
		most = fmax(most, shares[i].weight);
		parts = hash_bytes(&shares[i].weight, sizeof shares[i].weight, parts);
	}
	if (least < most && !experiment_keeps_weights(experiment)) /* whose weights are in its hash */
		plan->names = parts;
}

static bool count_check(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error)
{
	const struct rollout *rollout = &experiment->progressive;
	const size_t stages = rollout->stages.count, steps = rollout->schedule.count;
	plan->stage_count = 1;
	if (experiment_keeps_weights(experiment))
		return true;
	if ((stages > 0) == (steps > 0))
		return error_set(error, ERROR_CONFIG, rollout->here, "The rollout has %s. Write `stages` or `schedule`.",
				 stages > 0 ? "both stages and a schedule" : "neither stages nor a schedule");
	plan->stage_count = stages + steps;
	return plan->stage_count <= ROLLOUT_STAGES_MAX ||
	       error_set(error, ERROR_CONFIG, stages > 0 ? rollout->here : rollout->schedule_place,
			 "The rollout has %zu stages, and at most %d are allowed. Take larger steps.", plan->stage_count,
			 ROLLOUT_STAGES_MAX);
}

static bool plan_stages_read(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error)
{
	if (experiment_keeps_weights(experiment))
		return policy_read(experiment, plan, error);
	return experiment->progressive.stages.count > 0 ? stages_read(experiment, plan, error)
							 : schedule_read(experiment, plan, error);
}

bool rollout_plan_make(const struct experiment_spec *experiment, struct rollout_plan *plan, struct error *error)
{
	const struct rollout *rollout = &experiment->progressive;
	const bool has_policy = experiment->promotion.here.line > 0;
	*plan = (struct rollout_plan){.on_inconclusive = (enum rollout_inconclusive)experiment->on_inconclusive,
				      .has_baseline = experiment_has_baseline(experiment),
				      .outcome_window_ms = experiment_window_ms(experiment)};
	plan->check_every_ms = rollout->check_every_ns > 0 ? rollout->check_every_ns / NS_PER_MS : ROLLOUT_CHECK_MS;
	if ((rollout->here.line == 0 || !rollout->enabled) && !has_policy)
		return error_set(error, ERROR_CONFIG, experiment->here,
				 "The experiment has no progressiveDeployment that is enabled, and no promotionPolicy. Write its "
				 "stages, or when the candidates are promoted.");
	if (plan->check_every_ms < ROLLOUT_CHECK_MS_LEAST)
		return error_set(error, ERROR_CONFIG, rollout->here,
				 "checkEvery is below 1 s, and engines tell their counts each second. Write a longer one, as 30s.");
	if (!default_check(experiment, plan, error) || !policy_check(experiment, error) || !metrics_read(experiment, plan, error) ||
	    !count_check(experiment, plan, error) || !plan_stages_read(experiment, plan, error))
		return false;
	parts_read(experiment, plan);
	struct planned_stage *last = &plan->stages[plan->stage_count - 1];
	if (has_policy && experiment->promotion.confirm.url)
		last->confirm = true;
	if (last->confirm || (has_policy && !experiment->promotion.automatic))
		last->approve = true;
	return comparisons_check(experiment, plan, rollout->here, error) && truths_check(experiment, plan, error);
}

/* ---- hash ---- */

static uint64_t number_hash(uint64_t hash, double number)
{
	return hash_bytes(&number, sizeof number, hash);
}

uint64_t rollout_plan_hash(const struct rollout_plan *plan)
{
	uint64_t hash = number_hash(plan->names, (double)plan->candidates);
	hash = number_hash(hash, (double)plan->check_every_ms);
	hash = number_hash(hash, plan->on_inconclusive);
	if (plan->has_baseline) /* without one, plans of former versions have the same hash */
		hash = number_hash(hash, plan->has_baseline);
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct planned_stage *stage = &plan->stages[i];
		hash = number_hash(number_hash(hash, stage->percent), (double)stage->duration_ms);
		hash = number_hash(number_hash(hash, stage->approve), stage->at_ends);
		for (size_t r = 0; r < stage->rule_count; r++) {
			const struct rollout_rule *rule = &stage->rules[r];
			hash = number_hash(number_hash(hash, rule->kind), rule->limit);
			hash = number_hash(number_hash(hash, rule->trigger), rule->implied);
			hash = number_hash(number_hash(hash, rule->only_rolls_back), (double)rule->of);
			if (rule->kind == RULE_LATENCY &&
			    rule->percentile != LATENCY_PERCENTILE_USUAL) /* likewise, of former versions */
				hash = number_hash(hash, rule->percentile);
			if (rollout_rule_metric(plan, rule)) /* former versions have none, and the same hash without */
				hash = number_hash(name_hash(hash, rollout_rule_metric(plan, rule)), rule->below);
		}
	}
	return hash;
}

bool rollout_choices_find(const struct experiment_spec *experiment, const struct rollout_plan *plan,
			  struct rollout_choices *choices)
{
	struct share shares[ASSIGNMENT_WAYS_MAX];
	const size_t count = experiment_shares_at(experiment, 100, shares);
	size_t candidates = 0;
	*choices = (struct rollout_choices){.count = count};
	if (count < 2 || count > ROLLOUT_CANDIDATES_MAX + 1 || plan->candidates > ROLLOUT_CANDIDATES_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		choices->shares[i] = shares[i];
		if (strcmp(shares[i].name, experiment->default_name.text) == 0)
			choices->control = i;
		else if (shares[i].weight > 0 && candidates++ < plan->candidates)
			choices->candidates[candidates - 1] = i;
	}
	return candidates == plan->candidates;
}
