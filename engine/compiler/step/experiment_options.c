/* experiment_options.c: Option rows of an experiment; see experiment.h. */
#include "compiler/step/experiment.h"

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
	ROW("candidate", NAME, struct experiment_override, candidate, .short_form = true, .required = true,
	    .help = "The candidate that the unit gets."),
	{.type = OPTION_END},
};

static const struct option warm_start_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct warm_start, here)},
	{.type = OPTION_KEY, .offset = offsetof(struct warm_start, candidate)},
	ROW("plays", INTEGER, struct warm_start, plays, .least = 1, .most = BANDIT_PRIOR_PLAYS_MOST, .required = true,
	    .help = "How many choices the mean is of: rewards that come later weigh against it as against so many."),
	ROW("mean", NUMBER, struct warm_start, mean, .place_offset = offsetof(struct warm_start, mean_place),
	    .least = -BANDIT_REWARD_MOST, .most = BANDIT_REWARD_MOST, .required = true,
	    .help = "The mean of their rewards; of successes, their share: 31 of 50 are 0.62."),
	ROW("deviation", NUMBER, struct warm_start, deviation, .place_offset = offsetof(struct warm_start, deviation_place),
	    .least = 0, .most = BANDIT_REWARD_MOST,
	    .help = "The sample standard deviation of these rewards, which thompson-gaussian needs. Others ignore it."),
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
	    .help = "Share of choices that all candidates divide evenly: of 2, each gets at least half of it. thompson and "
		    "thompson-gaussian count the rewards of choices that only this share caused for a short time, about the latest "
		    "10 of each candidate, so that one that was bad and becomes good is chosen again."),
	ROW("warmStart", TABLE, struct bandits, warm_start, .place_offset = offsetof(struct bandits, warm_start_place),
	    .rows = warm_start_rows, .item_size = sizeof(struct warm_start),
	    .help = "What is known of candidates before the first choice, as of a former test: `model: {plays: 50, mean: 0.62}`. "
		    "It is learnt as if so many choices had been rewarded, and decides from the first request on. With "
		    "contextFeatures it is of a request whose features are the means, and decides with the first policy, after "
		    "100 exposures. A candidate that is not named starts without. exp3 needs all of them. It counts where nothing "
		    "is learnt yet: a restart, or another warmStart, does not change what was learnt. A learner that begins "
		    "again, as with another algorithm, starts with it, and learns from the rewards that the topics have."),
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
		    .help = "env:SLUICE_SECRET_NAME or file:NAME of the key that signs calls of the webhook, for the "             \
			    "header X-Sluice-Signature.")

static const struct option stage_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct rollout_stage, here)},
	ROW("weight", INTEGER, struct rollout_stage, weight, .place_offset = offsetof(struct rollout_stage, weight_place),
	    .least = 0, .most = 100, .required = true,
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
		    "for the engine. So a bulk of requests, written at once while the models have room, counts when it takes "
		    "longer than 5s: write it at their pace. Other waits in the queue do not count, but are part of `latency_ms` "
		    "in exposures, which is that of the whole request. A call that has taken longer than the largest limit of the "
		    "rollout counts while it goes on, so a candidate that never replies is not awaited."),
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
	ROW("rollback", MAP, struct rollout, rollback, .rows = rollback_rows,
	    .help = "Rules that roll back at once, in any stage. So does a criterion that is shown to be broken, of any metric. "
		    "Requests of one unit depend on each other, so rates of errors and latencies are judged by units: few suffice "
		    "to roll back, but only 30 or more show that a limit is kept."),
	{.type = OPTION_END},
};

const struct option criterion_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct success_criterion, here)},
	ROW("metricName", TEXT, struct success_criterion, metric, .required = true,
	    .help = "accuracy, latency_p95 (ms; any percentile from 1 to 99), error_rate, `reward` or another metric of feedback "
		    "or of the pipeline's `metrics`, of which the mean over units is judged, or with `perUnit: ratio` the mean "
		    "over values; at most 4 of these. The accuracy of a request is the metric `accuracy` of its feedback, from 0 "
		    "to 1, or of the pipeline's `metrics`; without it, whether the answer agrees with the truth: its first output, "
		    "if that is one integer (2.0 is one), text or probability (1 from 0.5 on)."),
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
	    .help = "env:SLUICE_SECRET_NAME or file:NAME of the key that signs the body of a webhook, for the header "
		    "X-Sluice-Signature."),
	{.type = OPTION_END},
};
