/* experiment.c: Option rows of an experiment, and the checks that rows cannot express; see experiment.h. */
#include "step/experiment.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/suggest.h"

static const struct option header_rows[] = {
	ROW("name", NAME, struct traffic_header, name, .required = true, .help = "The header's name, in any case."),
	ROW("value", TEXT, struct traffic_header, value, .required = true,
	    .help = "Its value, exactly: a list is one value. If a record has the header several times, the last one counts; in "
		    "a request over HTTP or gRPC the first one."),
	{.type = OPTION_END},
};

static const struct option traffic_rows[] = {
	ROW("headers", LIST, struct candidate, headers, .rows = header_rows, .item_size = sizeof(struct traffic_header),
	    .place_offset = offsetof(struct candidate, headers_place),
	    .help = "All of them must match. The first candidate whose headers all match is chosen."),
	{.type = OPTION_END},
};

const struct option candidate_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct candidate, here)},
	ROW("name", NAME, struct candidate, name, .required = true,
	    .help = "A model or pipeline; `NAME@VERSION`: that version of a Model, which the control plane then keeps."),
	ROW("weight", INTEGER, struct candidate, weight, .place_offset = offsetof(struct candidate, weight_place), .least = 0,
	    .most = 4294967295.0, .required = true,
	    .help = "Its share, relative to the others. In a rollout: of what a stage gives the candidates. One of 0 gets nothing, "
		    "and is not judged; if all candidates beside the default have 0, they divide the stages evenly. Where weights "
		    "change, a control plane moves as few units as that takes; engines that run files know no weights of before, "
		    "and move some more where several of three or more candidates change."),
	{.name = "trafficConfig",
	 .type = OPTION_MAP,
	 .offset = 0,
	 .rows = traffic_rows,
	 .help = "Requests that it gets whatever the weights are."},
	CHECKED("resourceRequirements", NODE, .effect = EFFECT_NONE,
		.help = "The resources that a container would request from Kubernetes."),
	CHECKED("resources", NODE, .effect = EFFECT_NONE, .help = "The resources that a container would request from Kubernetes."),
	{.type = OPTION_END},
};

const struct option mirror_rows[] = {
	ROW("name", NAME, struct experiment_spec, mirror_name, .required = true,
	    .help = "The model or pipeline that receives the copy."),
	ROW("percent", INTEGER, struct experiment_spec, mirror_percent,
	    .place_offset = offsetof(struct experiment_spec, mirror_percent_place), .least = 0, .most = 100, .required = true,
	    .help = "The percentage of keys whose requests are copied: all requests of a message's key, or none, as a pipeline "
		    "with state needs it. Of requests without a key, the percentage of requests."),
	ROW("tolerance", NUMBER, struct experiment_spec, mirror_tolerance, .least = 0.000000000001, .most = 1, .fallback = "0.001",
	    .help = "The largest difference at which a number of its reply agrees with the answer's. It is relative to the "
		    "answer's number if that is larger than 1."),
	{.type = OPTION_END},
};

const struct option layer_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct layer_part, here)},
	ROW("name", NAME, struct layer_part, name, .required = true, .help = "The layer."),
	ROW("from", NUMBER, struct layer_part, from, .least = 0, .most = 1, .fallback = "0",
	    .help = "Where its part begins, as `30%`: the parts of two experiments must not overlap."),
	ROW("share", NUMBER, struct layer_part, share, .least = 0, .most = 1, .required = true,
	    .help = "How large its part is, as `20%`."),
	{.type = OPTION_END},
};

const struct option experiment_override_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct experiment_override, unit)},
	{.name = "candidate",
	 .type = OPTION_NAME,
	 .offset = offsetof(struct experiment_override, candidate),
	 .short_form = true,
	 .required = true,
	 .help = "The candidate that the unit gets."},
	{.type = OPTION_END},
};

const struct option bandit_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct bandits, here)},
	ROW("algorithm", CHOICE, struct bandits, algorithm, .choices = "epsilon-greedy ucb1 thompson linucb exp3 thompson-gaussian",
	    .fallback = "epsilon-greedy",
	    .help = "How the next candidate is chosen. thompson and exp3 take rewards from 0 to 1; thompson-gaussian takes any."),
	ROW("epsilon", NUMBER, struct bandits, epsilon, .place_offset = offsetof(struct bandits, epsilon_place), .least = 0,
	    .most = 1, .fallback = "0.1", .help = "Share of choices made at random."),
	ROW("rewardMetric", TEXT, struct bandits, reward_metric, .place_offset = offsetof(struct bandits, reward_metric_place),
	    .help = "The metric of feedback that is maximised; feedback without it counts by its `reward`. One of the pipeline's "
		    "`metrics` that names truth or reward is computed when feedback comes. `accuracy` is also computed from the "
		    "truth: 1 if the answer agrees with it, else 0."),
	ROW("contextFeatures", NAMES, struct bandits, context_features,
	    .help = "Numbers and texts of the request on which the choice depends: tensors or headers, by name; time_of_day is its "
		    "hour. Of a text, only the 16 commonest values of the first exposures are used, and fewer with many features "
		    "or candidates; any other value counts as missing."),
	ROW("updateInterval", DURATION, struct bandits, update_interval_ns, .whole = true, .fallback = "1m",
	    .help = "How often the policy is estimated again. With less than about 1s: as often as an engine can write it. A "
		    "policy that is not renewed for three intervals, or 3s if that is longer, stays in force and is logged."),
	ROW("outcomeWindow", DURATION, struct bandits, outcome_window_ns, .whole = true, .fallback = "1h",
	    .help = "How long after a choice its reward counts. Later feedback is only counted. Feedback that names a unit and no "
		    "request is of the unit's latest choice before it."),
	ROW("explore", NUMBER, struct bandits, explore, .place_offset = offsetof(struct bandits, explore_place), .least = 0,
	    .most = 1, .fallback = "0.02",
	    .help = "Share of choices that all candidates divide evenly: of 2, each gets at least half of it."),
	{.type = OPTION_END},
};

static const struct option stage_criteria_rows[] = {
	ROW("errorRate", THRESHOLD, struct rollout_stage, error_rate,
	    .place_offset = offsetof(struct rollout_stage, error_rate_place), .help = "Share of failed requests: \"<0.01\"."),
	ROW("latency", THRESHOLD, struct rollout_stage, latency_ms, .place_offset = offsetof(struct rollout_stage, latency_place),
	    .help = "95th percentile: \"<100ms\"."),
	{.type = OPTION_END},
};

#define CONFIRM_ROWS(struct_type, base, help_text)                                                                                 \
	ROW("confirm", TEXT, struct_type, base.url, .place_offset = offsetof(struct_type, base.url_place), .help = help_text),     \
		ROW("confirmTimeout", DURATION, struct_type, base.timeout_ns, .fallback = "1m",                                    \
		    .place_offset = offsetof(struct_type, base.timeout_place),                                                     \
		    .help = "How long the webhook is called, from 1s to 1h. No answer in that time is a rejection."),              \
		ROW("confirmSecret", TEXT, struct_type, base.secret, .secret = true,                                               \
		    .help = "env:NAME or file:PATH of the key that signs calls of the webhook, for the header "                    \
			    "X-Sluice-Signature.")

static const struct option stage_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct rollout_stage, here)},
	ROW("weight", INTEGER, struct rollout_stage, weight, .least = 0, .most = 100, .required = true,
	    .help = "The share of all candidates together, in percent. They divide it by their weights."),
	ROW("duration", DURATION, struct rollout_stage, duration_ns, .required = true, .help = "How long the stage lasts."),
	ROW("approve", FLAG, struct rollout_stage, approve, .fallback = "false", .help = "Whether somebody must approve its end."),
	CONFIRM_ROWS(struct rollout_stage, confirm,
		     "The address of a webhook that approves its end by any status 2xx. Any other answer is a rejection: then the "
		     "stage waits for an approval, as with `approve`."),
	{.name = "successCriteria",
	 .type = OPTION_MAP,
	 .offset = 0,
	 .rows = stage_criteria_rows,
	 .help = "Criteria that must hold at its end."},
	{.type = OPTION_END},
};

static const struct option rollback_rows[] = {
	ROW("errorRate", THRESHOLD, struct rollback_limits, error_rate,
	    .place_offset = offsetof(struct rollback_limits, error_rate_place),
	    .help = "Default: \">1%\". A request without a deadline that has waited half a second for a candidate which is away "
		    "counts as an error, and goes to another candidate as soon as the table gives it one."),
	ROW("latency", THRESHOLD, struct rollback_limits, latency_ms,
	    .place_offset = offsetof(struct rollback_limits, latency_place),
	    .help = "95th percentile. Default: \">200ms\". The time of a candidate's own calls, retries too, and what requests "
		    "wait for it in an engine's queue because it takes too few at once: since calls have queued for 5s without a "
		    "break; of a backlog, as after an outage of Kafka, since ten times as long as its oldest request had waited "
		    "for the engine. Other waits in the queue do not count, but are part of `latency_ms` in exposures, which is "
		    "that of the whole request. A call that has taken longer than the largest limit of the rollout counts while "
		    "it goes on, so a candidate that never replies is not awaited."),
	ROW("accuracyDrop", THRESHOLD, struct rollback_limits, accuracy_drop,
	    .place_offset = offsetof(struct rollback_limits, accuracy_drop_place),
	    .help = "How far the accuracy is below the default's, as a share of the default's. Default: \">5%\"; without any truth "
		    "it is not judged. If truths come after outcomeWindow only, or most of those of a variant do, the stage does "
		    "not pass."),
	ROW("alerts", NAMES, struct rollback_limits, alerts,
	    .help = "Alerts of the pipelines that have the experiment, by name: each rolls back when it fires, as its own action "
		    "`rollback` would."),
	{.type = OPTION_END},
};

const struct option progressive_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct rollout, here)},
	ROW("enabled", FLAG, struct rollout, enabled, .fallback = "true", .help = "Whether it is in force."),
	ROW("stages", LIST, struct rollout, stages, .rows = stage_rows, .item_size = sizeof(struct rollout_stage), .least = 1,
	    .help = "The stages, one after the other. A new version of the document begins them anew, at the weight of the first "
		    "one, if it has other stages, rules or choices, or if its rollout was rolled back, whatever has changed then. "
		    "Otherwise a rollout goes on, and one that was promoted stays so. `sluice apply --dry-run` says which."),
	ROW("schedule", NUMBERS, struct rollout, schedule, .place_offset = offsetof(struct rollout, schedule_place),
	    .help = "Percentages of the candidates, which rise, instead of stages: [5, 10, 25, 50, 75, 100]."),
	ROW("every", DURATION, struct rollout, every_ns, .place_offset = offsetof(struct rollout, every_place), .fallback = "30m",
	    .help = "How long each stage of the schedule lasts."),
	ROW("gate", CHOICE, struct rollout, gate, .choices = "not-worse better", .fallback = "not-worse",
	    .help = "What a stage must show about a candidate's accuracy: at most 5% below the default's, or above the default's. "
		    "If criteria name other metrics of feedback, and not accuracy, `better` compares these."),
	ROW("baseline", CHOICE, struct rollout, baseline, .choices = "all concurrent", .fallback = "all",
	    .help = "The units of the default with which candidates are compared. `all`: all of them. `concurrent`: as many as the "
		    "largest candidate has, from the same moment on; no others are counted for the default."),
	ROW("checkEvery", DURATION, struct rollout, check_every_ns, .fallback = "30s", .help = "How often all rules are judged."),
	ROW("outcomeWindow", DURATION, struct rollout, outcome_window_ns, .whole = true, .fallback = "5m",
	    .help = "How long after a choice its truth counts. An answer is judged when this time has passed. Later truths are "
		    "only counted: while more than half of a variant's are late, no rule of truth holds. Make it longer than "
		    "truths take, and shorter than a stage."),
	{.name = "rollback",
	 .type = OPTION_MAP,
	 .offset = offsetof(struct rollout, rollback),
	 .rows = rollback_rows,
	 .help = "Rules that roll back at once, in any stage. So does a criterion that is shown to be broken, of any metric. "
		 "Requests of one unit depend on each other, so rates of errors and latencies are judged by units: few suffice to "
		 "roll back, but only 30 or more show that a limit is kept."},
	{.type = OPTION_END},
};

const struct option criterion_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct success_criterion, here)},
	ROW("metricName", TEXT, struct success_criterion, metric, .required = true,
	    .help = "accuracy, latency_p95 (ms; any percentile from 1 to 99), error_rate, `reward` or another metric of feedback "
		    "or of the pipeline's `metrics`, of which the mean over units is judged, or with `perUnit: ratio` the mean "
		    "over values; at most 4 of these. The accuracy of a request is the metric `accuracy` of its feedback, from 0 "
		    "to 1, or of the pipeline's `metrics`; without it, whether the answer agrees with the truth: its first output, "
		    "if that is one integer, text or probability (1 from 0.5 on)."),
	ROW("threshold", NUMBER, struct success_criterion, threshold, .required = true,
	    .help = "The number with which the metric is compared."),
	ROW("operator", TEXT, struct success_criterion, operator, .required = true,
	    .choices = "> >= < <= == !=", .help = "How the metric must compare with the threshold."),
	{.type = OPTION_END},
};

const struct option promotion_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct promotion_policy, here)},
	ROW("automatic", FLAG, struct promotion_policy, automatic, .fallback = "false",
	    .help = "Whether a promotion needs no approval. Otherwise it waits for `sluice experiments promote`. A rollback never "
		    "waits."),
	ROW("interval", DURATION, struct promotion_policy, interval_ns,
	    .place_offset = offsetof(struct promotion_policy, interval_place),
	    .help = "The time after which it is decided; if nothing is, once more after the same time. Default: 1h. Stages have "
		    "durations instead."),
	ROW("promotionThreshold", NUMBER, struct promotion_policy, threshold,
	    .place_offset = offsetof(struct promotion_policy, threshold_place), .least = 0, .most = 1,
	    .help = "Least probability that each candidate is better than the default, in the metric of the first of "
		    "successCriteria, else in accuracy."),
	ROW("gate", CHOICE, struct promotion_policy, gate, .choices = "always-valid threshold", .fallback = "always-valid",
	    .place_offset = offsetof(struct promotion_policy, gate_place),
	    .help = "What decides. `always-valid`: all criteria, by tests that hold at every look, and promotionThreshold if it is "
		    "given. `threshold`: promotionThreshold alone; the criteria only roll back."),
	ROW("baseline", CHOICE, struct promotion_policy, baseline, .choices = "all concurrent", .fallback = "all",
	    .help = "The units of the default with which candidates are compared. `all`: all of them. `concurrent`: as many as the "
		    "largest candidate has, from the same moment on; no others are counted for the default."),
	CONFIRM_ROWS(struct promotion_policy, confirm,
		     "The address of a webhook that is called before the promotion, and approves it by any status 2xx. Any other "
		     "answer is a rejection: then it waits for `sluice experiments promote`."),
	{.type = OPTION_END},
};

const struct option move_action_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct move_action, here)},
	ROW("type", CHOICE, struct move_action, type, .choices = "webhook topic", .fallback = "webhook",
	    .help = "`webhook` posts JSON to an address; `topic` writes a record of the schema `move` to the topic `moves` of the "
		    "pipeline of the experiment's name."),
	ROW("url", TEXT, struct move_action, url, .help = "The address of a webhook: http or https, without a login."),
	ROW("secret", TEXT, struct move_action, secret, .secret = true,
	    .help = "env:NAME or file:PATH of the key that signs the body of a webhook, for the header X-Sluice-Signature."),
	{.type = OPTION_END},
};

/* ---- choices ---- */

bool experiment_answers(const struct experiment_spec *experiment)
{
	return experiment->candidates.count > 0 || experiment->default_name.text;
}

bool experiment_is_staged(const struct experiment_spec *experiment)
{
	const struct rollout *rollout = &experiment->progressive;
	return rollout->here.line > 0 && rollout->enabled && (rollout->stages.count > 0 || rollout->schedule.count > 0) &&
	       experiment->default_name.text;
}

unsigned latency_percentile(const char *metric)
{
	const struct text name = text_of(metric), start = TEXT(LATENCY_PERCENTILE);
	const struct text digits = text_starts_with(name, start) ? text_from(name, start.length) : (struct text){0};
	unsigned percentile = 0;
	if (digits.length > 2 || (digits.length > 0 && digits.bytes[0] == '0'))
		return 0;
	for (size_t i = 0; i < digits.length; i++) {
		if (digits.bytes[i] < '0' || digits.bytes[i] > '9')
			return 0;
		percentile = 10 * percentile + (unsigned)(digits.bytes[i] - '0');
	}
	return percentile;
}

enum experiment_metric experiment_metric_find(const char *metric)
{
	return strcmp(metric, "error_rate") == 0 ? METRIC_ERROR_RATE
	       : latency_percentile(metric) > 0	 ? METRIC_LATENCY
	       : strcmp(metric, "accuracy") == 0 ? METRIC_ACCURACY
						 : METRIC_OF_FEEDBACK;
}

size_t experiment_metrics(const struct experiment_spec *experiment, const char *names[EXPERIMENT_METRICS_MAX])
{
	const struct success_criterion *criteria = experiment->criteria.items;
	size_t count = 0;
	for (size_t i = 0; i < experiment->criteria.count; i++) {
		bool is_new = criteria[i].metric && experiment_metric_find(criteria[i].metric) == METRIC_OF_FEEDBACK;
		for (size_t j = 0; j < i; j++)
			is_new &= !strings_equal(criteria[j].metric, criteria[i].metric);
		if (!is_new)
			continue;
		if (count < EXPERIMENT_METRICS_MAX)
			names[count] = criteria[i].metric;
		count++;
	}
	return count;
}

int64_t experiment_window_ms(const struct experiment_spec *experiment)
{
	const struct rollout *rollout = &experiment->progressive;
	const int64_t window_ms = rollout->here.line > 0 ? rollout->outcome_window_ns / NS_PER_MS : EXPERIMENT_WINDOW_MS;
	return window_ms > 0 ? window_ms : 1;
}

bool experiment_writes_moves(const struct experiment_spec *experiment)
{
	const struct move_action *actions = experiment->actions.items;
	for (size_t i = 0; i < experiment->actions.count; i++)
		if (actions[i].type == MOVE_TOPIC)
			return experiment_is_rolled_out(experiment);
	return false;
}

bool experiment_is_rolled_out(const struct experiment_spec *experiment)
{
	return experiment->default_name.text && (experiment_is_staged(experiment) || experiment_keeps_weights(experiment));
}

bool experiment_has_baseline(const struct experiment_spec *experiment)
{
	return (experiment->progressive.here.line > 0 && experiment->progressive.baseline == BASELINE_CONCURRENT) ||
	       (experiment->promotion.here.line > 0 && experiment->promotion.baseline == BASELINE_CONCURRENT);
}

bool experiment_keeps_weights(const struct experiment_spec *experiment)
{
	return experiment->promotion.here.line > 0 && !experiment_is_staged(experiment);
}

/* The place of that name among the candidates; `count`: it is none of them, or absent. */
static size_t candidate_find(const struct experiment_spec *experiment, const struct name *name)
{
	const struct candidate *candidates = experiment->candidates.items;
	size_t i = 0;
	while (i < experiment->candidates.count && !(name->text && strings_equal(candidates[i].name.text, name->text)))
		i++;
	return i;
}

/* The choices with the weights as they are written. */
static size_t shares_list(const struct experiment_spec *experiment, struct share shares[ASSIGNMENT_WAYS_MAX])
{
	const struct candidate *candidates = experiment->candidates.items;
	size_t count = experiment->candidates.count;
	const bool outside = experiment->default_name.text && candidate_find(experiment, &experiment->default_name) == count;
	if (count + outside > ASSIGNMENT_WAYS_MAX)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!candidates[i].name.text)
			return 0;
		shares[i] = (struct share){candidates[i].name.text, (double)candidates[i].weight};
	}
	if (outside)
		shares[count++] = (struct share){experiment->default_name.text, 0};
	return count;
}

static double weights_sum(const struct share *shares, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += shares[i].weight;
	return sum;
}

size_t experiment_shares_at(const struct experiment_spec *experiment, double percent, struct share shares[ASSIGNMENT_WAYS_MAX])
{
	const size_t rest = candidate_find(experiment, &experiment->default_name); /* where a default that is outside is too */
	const size_t count = shares_list(experiment, shares);
	if (rest < count)
		shares[rest].weight = 0;
	const double sum = weights_sum(shares, count);
	for (size_t i = 0; i < count; i++) {
		const double part = sum > 0 ? shares[i].weight / sum : 1 / (double)(count - 1);
		shares[i].weight = i == rest ? 100 - percent : part * percent;
	}
	return count;
}

static double first_percent(const struct rollout *rollout)
{
	const struct rollout_stage *stages = rollout->stages.items;
	return rollout->stages.count > 0 ? (double)stages[0].weight : fmax(0, fmin(rollout->schedule.items[0], 100));
}

size_t experiment_shares(const struct experiment_spec *experiment, struct share shares[ASSIGNMENT_WAYS_MAX])
{
	const size_t count = shares_list(experiment, shares);
	if (count > 1 && experiment_is_staged(experiment))
		return experiment_shares_at(experiment, first_percent(&experiment->progressive), shares);
	if (!(weights_sum(shares, count) > 0))
		for (size_t i = 0; i < count; i++)
			shares[i].weight = 1;
	return count;
}

const char *experiment_algorithm(const struct experiment_spec *experiment)
{
	static const char *const names[] = {[ALGORITHM_EPSILON_GREEDY] = "epsilon-greedy",
					    [ALGORITHM_UCB1] = "ucb1",
					    [ALGORITHM_THOMPSON] = "thompson",
					    [ALGORITHM_LINUCB] = "linucb",
					    [ALGORITHM_EXP3] = "exp3",
					    [ALGORITHM_THOMPSON_GAUSSIAN] = "thompson-gaussian"};
	return names[experiment->bandits.algorithm];
}

struct bandit_options experiment_bandit(const struct experiment_spec *experiment, size_t arms, size_t features)
{
	static const enum bandit_kind kinds[] = {[ALGORITHM_EPSILON_GREEDY] = BANDIT_EPSILON_GREEDY,
						 [ALGORITHM_UCB1] = BANDIT_UCB1,
						 [ALGORITHM_THOMPSON] = BANDIT_THOMPSON_BETA,
						 [ALGORITHM_LINUCB] = BANDIT_LINUCB,
						 [ALGORITHM_EXP3] = BANDIT_EXP3,
						 [ALGORITHM_THOMPSON_GAUSSIAN] = BANDIT_THOMPSON_STUDENT};
	const struct bandits *bandits = &experiment->bandits;
	const enum bandit_kind kind = kinds[bandits->algorithm];
	const bool contextual = kind == BANDIT_LINUCB || kind == BANDIT_EPSILON_GREEDY;
	struct bandit_options options = bandit_defaults(kind, arms, contextual ? features : 0);
	options.explore = bandits->explore;
	options.epsilon = bandits->epsilon;
	return options;
}

/* ---- faults that rows cannot express ---- */

__attribute__((format(printf, 5, 6))) static void fault_report(const struct experiment_listener *listener,
							       enum experiment_fault fault, struct place place,
							       const char *suggest, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list values;
	va_start(values, format);
	(void)vsnprintf(text, sizeof text, format, values);
	va_end(values);
	listener->report(listener->context, fault, place, suggest, text);
}

static void check_names(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text && candidate_find(experiment, &candidates[i].name) < i)
			fault_report(listener, EXPERIMENT_REPEATED, candidates[i].name.place, NULL, "`%s` is a candidate already",
				     candidates[i].name.text);
	if (candidate_find(experiment, &experiment->mirror_name) < experiment->candidates.count)
		fault_report(listener, EXPERIMENT_REPEATED, experiment->mirror_name.place, NULL,
			     "the mirror `%s` is a candidate too", experiment->mirror_name.text);
}

static void check_default(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct candidate *candidates = experiment->candidates.items;
	const struct name *name = &experiment->default_name;
	if (!name->text || experiment_is_staged(experiment) || experiment->candidates.count == 0 ||
	    candidate_find(experiment, name) < experiment->candidates.count)
		return;
	struct suggestion suggestion = suggest_begin(text_of(name->text));
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text)
			suggest_offer(&suggestion, text_of(candidates[i].name.text));
	fault_report(listener, EXPERIMENT_NO_CANDIDATE, name->place, suggestion.nearest.bytes,
		     "the default `%s` is none of the candidates", name->text);
}

static void check_overrides(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct experiment_override *overrides = experiment->overrides.items;
	for (size_t i = 0; i < experiment->overrides.count; i++) {
		const struct name *name = &overrides[i].candidate;
		if (name->text && !strings_equal(name->text, experiment->default_name.text) &&
		    candidate_find(experiment, name) == experiment->candidates.count)
			fault_report(listener, EXPERIMENT_NO_CANDIDATE, name->place, NULL,
				     "the override `%s` is none of the candidates", name->text);
	}
}

static void check_count(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	size_t count = experiment->candidates.count;
	count += experiment_is_staged(experiment) && candidate_find(experiment, &experiment->default_name) == count;
	if (count > ASSIGNMENT_WAYS_MAX)
		fault_report(listener, EXPERIMENT_TOO_MANY, experiment->candidates_place, NULL,
			     "the experiment has %zu candidates with its default, and at most %d are allowed; leave some out",
			     count, ASSIGNMENT_WAYS_MAX);
}

static void check_fallback(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	if (experiment->fallback == FALLBACK_DEFAULT && !experiment->default_name.text)
		fault_report(listener, EXPERIMENT_NO_DEFAULT, experiment->here, NULL,
			     "`fallback: default` needs a default: name one of the candidates");
}

/* Units outside of the audience get the default. */
static void check_audience(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct layer_part *layer = &experiment->layer;
	const bool has_layer = layer->here.line > 0;
	const struct place place = has_layer ? layer->here : experiment->holdout_place;
	if ((has_layer || experiment->holdout_place.line > 0) && !experiment->default_name.text)
		fault_report(listener, EXPERIMENT_NO_DEFAULT, place, NULL,
			     "`%s` needs a default, which all other units get: name one of the candidates",
			     has_layer ? "layer" : "holdout");
	if (experiment->holdout >= 1)
		fault_report(listener, EXPERIMENT_ALL_HELD, experiment->holdout_place, NULL,
			     "all units are held out, so each gets the default and none is exposed; hold out fewer");
	if (has_layer && layer->from + layer->share > 1 + 1e-9)
		fault_report(listener, EXPERIMENT_BAD_LAYER, layer->here, NULL,
			     "the part of layer `%s` begins at %g%% and has %g%%, which is beyond 100%%",
			     layer->name.text ? layer->name.text : "", 100 * layer->from, 100 * layer->share);
	if (has_layer && layer->share <= 0)
		fault_report(listener, EXPERIMENT_BAD_LAYER, layer->here, NULL,
			     "the part of layer `%s` is empty, so the experiment has no unit; write a share above 0",
			     layer->name.text ? layer->name.text : "");
}

static void check_unit(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	if (experiment->unit && expression_is_constant(experiment->unit))
		fault_report(listener, EXPERIMENT_IGNORED, expression_place(experiment->unit), NULL,
			     "`unit` is the same for each request, so all get one candidate whatever the weights are; write what "
			     "they differ in, such as `header(\"user\")`, or leave `unit` out: it is the message's key then");
}

static void check_weights(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct candidate *candidates = experiment->candidates.items;
	if (experiment->bandits.here.line > 0 || experiment_is_staged(experiment))
		return;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].weight != 0 || candidates[i].weight_place.line == 0)
			return;
	if (experiment->candidates.count > 0)
		fault_report(listener, EXPERIMENT_NO_WEIGHT, candidates[0].weight_place, NULL,
			     "every weight is 0, so no candidate would ever be chosen");
}

static void check_exploring(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct bandits *bandits = &experiment->bandits;
	if (bandits->explore_place.line > 0 && !(bandits->explore > 0))
		fault_report(listener, EXPERIMENT_NO_EXPLORING, bandits->explore_place, NULL,
			     "without exploring, a candidate that looked bad once is never tried again, and nothing can be learnt "
			     "from what was recorded");
}

static void check_learning(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct bandits *bandits = &experiment->bandits;
	const struct name_list *features = &bandits->context_features;
	if (bandits->here.line == 0)
		return;
	if (experiment_is_staged(experiment) || experiment->promotion.here.line > 0)
		fault_report(listener, EXPERIMENT_NOT_LEARNING, bandits->here, NULL,
			     "bandits choose, so the weights of %s would have no effect, nor a rollback; leave one of the two out",
			     experiment_is_staged(experiment) ? "progressiveDeployment" : "promotionPolicy");
	if (bandits->reward_metric && !*bandits->reward_metric)
		fault_report(
			listener, EXPERIMENT_EMPTY, bandits->reward_metric_place, NULL,
			"`rewardMetric` is empty, so no metric has this name; name one, or leave it out: the `reward` of feedback "
			"counts then");
	const struct place place = features->count > 0 ? features->items[0].place : bandits->here;
	const bool contextual = experiment_bandit(experiment, 2, 2).features > 0;
	if (experiment->exposures == EXPOSURES_THIN || experiment->exposures == EXPOSURES_OFF)
		fault_report(listener, EXPERIMENT_NOT_LEARNING, bandits->here, NULL,
			     "bandits learn from exposures, and `exposures` leaves them out; set `exposures: full`");
	if (features->count > CONTEXT_FEATURES_MAX)
		fault_report(listener, EXPERIMENT_NOT_LEARNING, place, NULL,
			     "there are %zu contextFeatures, and at most %d are allowed; leave some out", features->count,
			     CONTEXT_FEATURES_MAX);
	if (features->count == 0 && bandits->algorithm == ALGORITHM_LINUCB)
		fault_report(listener, EXPERIMENT_NOT_LEARNING, place, NULL,
			     "linucb chooses by a context; name its contextFeatures, or use ucb1");
	if (features->count > 0 && !contextual)
		fault_report(listener, EXPERIMENT_IGNORED, place, NULL,
			     "the algorithm chooses without a context: contextFeatures have no effect; use linucb or "
			     "epsilon-greedy");
	if (bandits->epsilon_place.line > 0 && bandits->algorithm != ALGORITHM_EPSILON_GREEDY)
		fault_report(listener, EXPERIMENT_IGNORED, bandits->epsilon_place, NULL,
			     "the algorithm has no epsilon, so it has no effect; leave it out, or use epsilon-greedy");
	for (size_t i = 0; i < features->count; i++)
		for (size_t j = 0; j < i; j++)
			if (features->items[i].text && strings_equal(features->items[i].text, features->items[j].text))
				fault_report(listener, EXPERIMENT_IGNORED, features->items[i].place, NULL,
					     "`%s` is among the contextFeatures already, so nothing more is known of a request; "
					     "leave it out",
					     features->items[i].text);
}

/* What only a rollout reads, or a schedule. */
static void check_rollout(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct rollout *rollout = &experiment->progressive;
	const struct success_criterion *criteria = experiment->criteria.items;
	const bool rolls_out = rollout->here.line > 0 || experiment->promotion.here.line > 0;
	if (rollout->stages.count > 0 && rollout->every_place.line > 0)
		fault_report(listener, EXPERIMENT_IGNORED, rollout->every_place, NULL,
			     "`every` is of a `schedule`, and stages have durations of their own; leave it out");
	if (!rolls_out && experiment->criteria.count > 0)
		fault_report(
			listener, EXPERIMENT_IGNORED, criteria[0].here, NULL,
			"the experiment has no rollout, so no criterion is judged; write progressiveDeployment or promotionPolicy, "
			"or leave %s out",
			listener->criteria);
	if (!rolls_out && experiment->on_inconclusive_place.line > 0)
		fault_report(listener, EXPERIMENT_IGNORED, experiment->on_inconclusive_place, NULL,
			     "the experiment has no rollout, so `onInconclusive` has no effect; write progressiveDeployment or "
			     "promotionPolicy, or leave it out");
}

void experiment_faults(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	if (experiment->candidates.count == 0 && !experiment->mirror_name.text)
		fault_report(listener, EXPERIMENT_EMPTY,
			     experiment->candidates_place.line > 0 ? experiment->candidates_place : experiment->here, NULL,
			     "the experiment has neither candidates nor a mirror");
	else if (!experiment_answers(experiment))
		fault_report(listener, EXPERIMENT_IGNORED, experiment->mirror_name.place, NULL,
			     "the experiment has a mirror and no candidate, so it answers no request, and nothing is copied; name "
			     "the `default`, which answers");
	check_names(experiment, listener);
	check_default(experiment, listener);
	check_overrides(experiment, listener);
	check_count(experiment, listener);
	check_fallback(experiment, listener);
	check_audience(experiment, listener);
	check_unit(experiment, listener);
	check_weights(experiment, listener);
	check_exploring(experiment, listener);
	check_learning(experiment, listener);
	check_rollout(experiment, listener);
}

enum experiment_exposures experiment_exposures_of(const struct experiment_spec *experiment)
{
	const bool decides = experiment->bandits.here.line > 0 || experiment_is_rolled_out(experiment);
	if (experiment->exposures != EXPOSURES_DEFAULT)
		return (enum experiment_exposures)experiment->exposures;
	return decides ? EXPOSURES_FULL : EXPOSURES_THIN;
}
