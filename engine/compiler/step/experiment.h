/* experiment.h: Specification of an experiment, as a resource of its own or inline in a step. Both forms use the same
 * option rows and the same checks. They are in this module because step kinds include them too. */
#pragma once

#include "base/option.h"
#include "compiler/expression/expression.h"
#include "compiler/step/assignment.h"
#include "methods/bandits/bandit.h"
#include "methods/bandits/context.h"

/* Audience of an experiment: the units that it may expose, which are those of its part of a layer, less its holdout.
 *
 * A layer has a table of ASSIGNMENT_BUCKETS buckets, by the hash of its name. Each experiment of the layer has the buckets of its
 * own range, from `from` on. So two experiments whose ranges do not overlap have no unit in common, in whatever pipelines and
 * files they are; and a third one, or another range, moves no unit of theirs. The holdouts of all experiments are by one hash: the
 * first buckets of it. So a unit of a holdout of 5% is in each holdout of 5% and more.
 *
 * Units outside get the default, and are not exposed. The hashes are independent of those by which candidates are chosen.
 *
 * Pure.
 */

/* As written in an experiment. */
struct layer_part {
	struct place here; /* line 0: there is none */
	struct name name;
	double from, share; /* parts of 1 */
};

struct audience {
	uint64_t layer, holdout; /* seeds of the hashes */
	size_t from, to;	 /* buckets of the layer; all of them without one */
	size_t held;		 /* buckets of the holdout; 0: there is none */
};

enum audience_verdict { AUDIENCE_IN, AUDIENCE_OTHER_LAYER, AUDIENCE_HELD };

struct audience audience_of(const struct layer_part *layer, double holdout);

/* Whether a unit, or an origin if the unit is empty, is in the audience; if not, why. */
enum audience_verdict audience_has(const struct audience *audience, struct text unit, const struct origin *origin);

/* Whether both are of one layer, and have a bucket in common. */
bool layer_parts_overlap(const struct layer_part *a, const struct layer_part *b);

#define EXPERIMENT_UNIT_BYTES_MAX 4096 /* of a unit; exposures contain it */

struct traffic_header {
	struct name name;
	const char *value;
};

struct candidate {
	struct place here;
	struct name name;
	int64_t weight;
	struct place weight_place; /* line 0: it is missing */
	struct item_list headers;  /* struct traffic_header */
	struct place headers_place; /* line 0: not given */
};

enum experiment_resource { EXPERIMENT_MODEL, EXPERIMENT_PIPELINE };
enum experiment_unit_missing { UNIT_ORIGIN, UNIT_ERROR };
enum experiment_exposures { EXPOSURES_DEFAULT, EXPOSURES_FULL, EXPOSURES_THIN, EXPOSURES_OFF };
enum experiment_fallback { FALLBACK_NONE, FALLBACK_DEFAULT };

/* A unit that always gets the same candidate, whatever the weights are. */
struct experiment_override {
	struct name unit;
	struct name candidate;
};

enum bandit_algorithm {
	ALGORITHM_EPSILON_GREEDY,
	ALGORITHM_UCB1,
	ALGORITHM_THOMPSON,
	ALGORITHM_LINUCB,
	ALGORITHM_EXP3,
	ALGORITHM_THOMPSON_GAUSSIAN
};

/* What is known of a candidate before its first choice: a warm start of the learner (methods/bandits/bandit.h). */
struct warm_start {
	struct place here;
	struct name candidate;
	int64_t plays;
	double mean;
	struct place mean_place;
	double deviation;
	struct place deviation_place; /* line 0: not given */
};

struct bandits {
	struct place here;
	int algorithm; /* enum bandit_algorithm */
	double epsilon;
	struct place epsilon_place; /* line 0: not given */
	const char *reward_metric;
	struct place reward_metric_place;
	struct name_list context_features;
	int64_t update_interval_ns;
	int64_t outcome_window_ns;
	double explore;
	struct place explore_place; /* line 0: not given */
	struct item_list warm_start; /* struct warm_start */
	struct place warm_start_place;
};

#define CONFIRM_MS_LEAST 1000 /* of `confirmTimeout` */
#define CONFIRM_MS_MOST (3600 * 1000)

/* Webhook that is asked before a stage ends. */
struct confirm_webhook {
	const char *url; /* NULL: none */
	const char *secret; /* reference to the key of its signature; NULL: none */
	int64_t timeout_ns; /* after which silence is a no */
	struct place url_place, timeout_place;
};

struct rollout_stage {
	struct place here, weight_place;
	int64_t weight;
	int64_t duration_ns;
	bool approve;
	struct confirm_webhook confirm;
	struct threshold error_rate;
	struct threshold latency_ms;
	struct place error_rate_place, latency_place; /* line 0: not given */
};

enum rollout_gate { GATE_NOT_WORSE, GATE_BETTER };
enum rollout_baseline { BASELINE_ALL, BASELINE_CONCURRENT };
enum rollout_inconclusive { INCONCLUSIVE_PAUSE, INCONCLUSIVE_ROLLBACK, INCONCLUSIVE_PROMOTE };

/* What rolls back; a place with line 0: the default limit. */
struct rollback_limits {
	struct threshold error_rate, latency_ms, accuracy_drop;
	struct place error_rate_place, latency_place, accuracy_drop_place;
	struct name_list alerts; /* of pipelines that have the experiment */
};

struct rollout {
	struct place here;
	bool enabled;
	struct item_list stages; /* struct rollout_stage */
	struct number_list schedule; /* percents, instead of stages */
	struct place schedule_place;
	int64_t every_ns;
	struct place every_place; /* line 0: not given */
	int gate;     /* enum rollout_gate */
	int baseline; /* enum rollout_baseline */
	int64_t check_every_ns;
	int64_t outcome_window_ns;
	struct rollback_limits rollback;
};

enum promotion_gate { PROMOTION_ALWAYS_VALID, PROMOTION_THRESHOLD };

/* When the candidates get all the traffic. Without stages the candidates keep their weights until then. */
struct promotion_policy {
	struct place here; /* line 0: there is none */
	bool automatic;
	int64_t interval_ns;
	struct place interval_place; /* line 0: not given */
	double threshold;	     /* least chance that a candidate is better than the default */
	struct place threshold_place; /* line 0: not given */
	int gate;		     /* enum promotion_gate */
	struct place gate_place;
	int baseline;			/* enum rollout_baseline */
	struct confirm_webhook confirm; /* before the promotion */
};

#define MOVE_ACTIONS_MAX 16 /* of an experiment */

enum move_action_type { MOVE_WEBHOOK, MOVE_TOPIC };

/* Receiver of a notice at each move of a rollout: a webhook, or the topic of the experiment's moves. */
struct move_action {
	struct place here;
	int type; /* enum move_action_type */
	const char *url;
	const char *secret; /* reference to the key of its signature; NULL: none */
};

#define LATENCY_PERCENTILE "latency_p" /* of a metric, before its number */
#define LATENCY_PERCENTILE_USUAL 95    /* where only `latency` is written */
#define EXPERIMENT_METRICS_MAX 4 /* of feedback, by which its criteria judge, beside the built-in ones */

/* What criteria judge without feedback that names it: error_rate, latency_p1 to latency_p99, accuracy. */
enum experiment_metric { METRIC_ERROR_RATE, METRIC_LATENCY, METRIC_ACCURACY, METRIC_OF_FEEDBACK };
enum experiment_metric experiment_metric_find(const char *metric);

/* The percentile that "latency_p99" names; 0: the metric names none from 1 to 99. */
unsigned latency_percentile(const char *metric);

struct success_criterion {
	struct place here;
	const char *metric; /* NULL: refused */
	double threshold;
	const char *operator;
};

struct experiment_spec {
	struct place here;
	struct item_list candidates; /* struct candidate */
	struct place candidates_place;
	struct name default_name;
	struct name mirror_name;
	int64_t mirror_percent;
	double mirror_tolerance; /* of the comparison of its replies with the answers */
	struct place mirror_percent_place; /* line 0: not given */
	int resource_type; /* enum experiment_resource */
	const struct expression *unit;
	int unit_missing; /* enum experiment_unit_missing */
	int exposures;	  /* enum experiment_exposures */
	int fallback;	  /* enum experiment_fallback */
	struct item_list overrides; /* struct experiment_override */
	struct layer_part layer;
	double holdout; /* part of 1 */
	struct place holdout_place; /* line 0: there is none */
	struct bandits bandits;
	struct rollout progressive;
	struct item_list criteria; /* struct success_criterion */
	struct promotion_policy promotion;
	int on_inconclusive;	   /* enum rollout_inconclusive */
	struct place on_inconclusive_place; /* line 0: not given */
	struct item_list actions;  /* struct move_action */
	struct place actions_place; /* line 0: none are given */
};

/* The fields of Experiment.spec, into a struct experiment_spec at `base`. */
#define EXPERIMENT_ROWS(struct_type, base, candidates_needed)                                                                      \
	{.type = OPTION_HERE, .offset = offsetof(struct_type, base.here)},                                                         \
		ROW("candidates", LIST, struct_type, base.candidates,                                                              \
		    .place_offset = offsetof(struct_type, base.candidates_place), .rows = candidate_rows,                          \
		    .item_size = sizeof(struct candidate), .required = candidates_needed,                                          \
		    .help = "The models or pipelines from which one is chosen."),                                                  \
		ROW("default", NAME, struct_type, base.default_name,                                                               \
		    .help = "The candidate whose calls are split among all candidates. It answers if another one fails."),         \
		{.name = "mirror",                                                                                                 \
		 .type = OPTION_MAP,                                                                                               \
		 .offset = offsetof(struct_type, base),                                                                            \
		 .rows = mirror_rows,                                                                                              \
		 .help = "A model or pipeline that receives a copy; the answer does not wait for it. Engines compare its replies " \
			 "with the answers: metrics count them, alerts can use them, and the shadow topic has them for `sluice "   \
			 "experiments analyze`."},                                                                                 \
		ROW("resourceType", CHOICE, struct_type, base.resource_type, .choices = "model pipeline", .fallback = "model",     \
		    .help = "The kind of the candidates."),                                                                        \
		ROW("unit", EXPRESSION, struct_type, base.unit,                                                                    \
		    .help = "The unit that always gets the same candidate: a customer, for example. It is one text or number; "    \
			    "several values and NaN are no unit. A number has one text, in feedback and `overrides` too: `7` for " \
			    "7.0, `0.1` for 0.1 of any datatype. A text or key that is a number without an exponent counts as "    \
			    "it. "                                                                                                 \
			    "Default: the message's key."),                                                                        \
		ROW("unitMissing", CHOICE, struct_type, base.unit_missing, .choices = "origin error", .fallback = "origin",        \
		    .help = "What happens to a message without a unit: its topic position decides, or it is an INPUT error."),     \
		ROW("overrides", TABLE, struct_type, base.overrides, .rows = experiment_override_rows,                             \
		    .item_size = sizeof(struct experiment_override),                                                               \
		    .help = "Units with a fixed candidate, whatever the weights: `unit: candidate`. They count in no statistics, " \
			    "and come before `layer` and `holdout`. The headers of `trafficConfig`, then x-seldon-route, come "    \
			    "before all of these."),                                                                               \
		ROW("layer", MAP, struct_type, base.layer, .rows = layer_rows,                                                     \
		    .help = "The part of a layer whose units take part in it. Experiments of one layer never have the same unit; " \
			    "units "                                                                                               \
			    "of other parts get the default."),                                                                    \
		ROW("holdout", NUMBER, struct_type, base.holdout, .least = 0, .most = 1,                                           \
		    .place_offset = offsetof(struct_type, base.holdout_place),                                                     \
		    .help = "Share of units that always get the default, and do not take part in the experiment: `5%`. They are "  \
			    "the "                                                                                                 \
			    "same ones in all experiments."),                                                                      \
		ROW("exposures", CHOICE, struct_type, base.exposures, .choices = "default full thin off", .fallback = "default",   \
		    .help = "Records of who got which candidate: `full` writes each to the pipeline's exposures topic. `thin` "    \
			    "writes none where answers carry them. They are written if another stage answers than that of the "    \
			    "choice, "                                                                                             \
			    "and where `output.format` is avro and `unit` is set, since an Avro answer has no unit but its key. "  \
			    "`off`: "                                                                                              \
			    "neither. Default: full with bandits or a rollout, else thin."),                                       \
		ROW("fallback", CHOICE, struct_type, base.fallback, .choices = "none default", .fallback = "none",                 \
		    .help = "`default`: if the chosen candidate fails, the default is called within the same deadline. So the "    \
			    "candidate has half of the time that the request has left when it is called, for all its attempts. "   \
			    "`timeout` of the step can end each attempt sooner. Of a candidate that is unreachable nothing is "    \
			    "awaited, whatever `onOutage` is: its call fails after at most three attempts. Without it, a request " \
			    "without a deadline waits 30s for a candidate that is unreachable, and then fails if another one can " \
			    "be "                                                                                                  \
			    "reached; further requests of it fail at once until it is back. A pipeline is unreachable if a model " \
			    "is that it calls for each request; one that it calls by a trigger, an experiment, or beside a join "  \
			    "of type any or outer counts as reachable. The default is awaited as any "                             \
			    "model."),                                                                                             \
		ROW("bandits", MAP, struct_type, base.bandits, .rows = bandit_rows,                                                \
		    .help = "Choices that learn from rewards. Until there is a first policy, the weights decide, or equal "        \
			    "shares if all weights are 0."),                                                                       \
		ROW("progressiveDeployment", MAP, struct_type, base.progressive, .rows = progressive_rows,                         \
		    .effect = EFFECT_KEEPER,                                                                                       \
		    .help = "Weights that rise stage by stage while criteria hold. Without a keeper, those of the first stage "    \
			    "stay."),                                                                                              \
		ROW("successCriteria", LIST, struct_type, base.criteria, .rows = criterion_rows,                                   \
		    .item_size = sizeof(struct success_criterion), .help = "Criteria that a candidate must meet to be promoted."), \
		ROW("promotionPolicy", MAP, struct_type, base.promotion, .effect = EFFECT_KEEPER, .rows = promotion_rows,          \
		    .help = "When the candidates get all the traffic. Without stages they keep their weights until then."),        \
		ROW("onInconclusive", CHOICE, struct_type, base.on_inconclusive, .choices = "pause rollback promote",              \
		    .place_offset = offsetof(struct_type, base.on_inconclusive_place), .fallback = "pause",                        \
		    .help = "What happens if a stage has no decision after twice its duration, or 5 s after it where that is "     \
			    "later."),                                                                                             \
		ROW("actions", LIST, struct_type, base.actions, .place_offset = offsetof(struct_type, base.actions_place),         \
		    .rows = move_action_rows, .item_size = sizeof(struct move_action),                                             \
		    .help = "Receivers of a notice at each move of the rollout: its start, the next stage, a pause, an "           \
			    "inconclusive end, a promotion, a rollback. At most 16. See `sluice help alerts`."),                   \
		CHECKED("resourceRequirements", NODE, .effect = EFFECT_NONE,                                                       \
			.help = "The resources that a container would request from Kubernetes."),                                  \
		CHECKED("resources", NODE, .effect = EFFECT_NONE,                                                                  \
			.help = "The resources that a container would request from Kubernetes.")

extern const struct option candidate_rows[];
extern const struct option mirror_rows[];
extern const struct option layer_rows[];
extern const struct option experiment_override_rows[];
extern const struct option bandit_rows[];
extern const struct option progressive_rows[];
extern const struct option criterion_rows[];
extern const struct option promotion_rows[];
extern const struct option move_action_rows[];

/* The place of that name among the candidates; their number: it is none of them, or absent. */
size_t experiment_candidate(const struct experiment_spec *experiment, const struct name *name);

/* The choices of an experiment: its candidates in their order and then, unless it is among them, its default. Their
 * weights are those of the candidates. With a progressive deployment the candidates other than the default share the
 * weight of the first stage, and the default has the rest. Candidates whose weights are all 0 have equal ones, where
 * that is allowed. Returns their number; 0: none, or more than ASSIGNMENT_WAYS_MAX. */
size_t experiment_shares(const struct experiment_spec *experiment, struct share shares[ASSIGNMENT_WAYS_MAX]);

/* These choices when the candidates other than the default together have so many percent, and the default has the rest. They
 * divide it by their weights, so one whose weight is 0 gets nothing; or evenly, if all their weights are 0. */
size_t experiment_shares_at(const struct experiment_spec *experiment, double percent, struct share shares[ASSIGNMENT_WAYS_MAX]);

/* The algorithm of an experiment with bandits, as it is written. */
const char *experiment_algorithm(const struct experiment_spec *experiment);

/* The options of the learner of an experiment with bandits, for so many choices and numbers of a context. `thompson` has beta
 * posteriors, `thompson-gaussian` those of a mean whose variance is not known. */
struct bandit_options experiment_bandit(const struct experiment_spec *experiment, size_t arms, size_t features);

/* The warm start of the learner of an experiment with bandits, for its choices. False: it has none, and no prior has plays. */
bool experiment_priors(const struct experiment_spec *experiment, const struct share *shares, size_t count,
		       struct bandit_prior priors[ASSIGNMENT_WAYS_MAX]);

/* What becomes of its exposures, where the specification does not say it too: `full` with bandits, or where a keeper moves the
 * weights; else `thin`. */
enum experiment_exposures experiment_exposures_of(const struct experiment_spec *experiment);

/* Whether it has a candidate or a default, which answers: a mirror alone gets copies of no request. */
bool experiment_answers(const struct experiment_spec *experiment);
/* The words for one that does not. */
#define EXPERIMENT_MUTE "has a mirror and no candidate, so it answers no request; name its `default`"

/* Whether a stage, or a step of the schedule, of a progressive deployment determines the weights. */
bool experiment_is_staged(const struct experiment_spec *experiment);

/* Whether a keeper moves the weights: it is staged or has a promotion policy, and a default to which it can roll back. */
bool experiment_is_rolled_out(const struct experiment_spec *experiment);

/* Whether candidates are compared with a baseline of the default (compiler/step/baseline.h), and not with all of it. */
bool experiment_has_baseline(const struct experiment_spec *experiment);

/* Whether an action writes its moves to a topic. */
bool experiment_writes_moves(const struct experiment_spec *experiment);

/* Whether its promotion policy is one stage, at the candidates' own weights. */
bool experiment_keeps_weights(const struct experiment_spec *experiment);

/* The metrics of feedback, beside the built-in ones, by which its criteria judge: each once, in their order. Returns their number,
 * which may be above EXPERIMENT_METRICS_MAX; the first of them are given. */
size_t experiment_metrics(const struct experiment_spec *experiment, const char *names[EXPERIMENT_METRICS_MAX]);

#define EXPERIMENT_WINDOW_MS (5 * 60 * 1000) /* the usual one */

/* How long after a choice of a rollout its truth counts. */
int64_t experiment_window_ms(const struct experiment_spec *experiment);

/* Faults that option rows cannot express. */
enum experiment_fault {
	EXPERIMENT_EMPTY,
	EXPERIMENT_REPEATED,
	EXPERIMENT_NO_CANDIDATE,
	EXPERIMENT_NO_WEIGHT,
	EXPERIMENT_NO_EXPLORING,
	EXPERIMENT_NOT_LEARNING, /* bandits that could not learn */
	EXPERIMENT_ALL_HELD,	 /* a holdout of all units */
	EXPERIMENT_IGNORED,	 /* a setting that has no effect beside the others */
	EXPERIMENT_TOO_MANY,
	EXPERIMENT_NO_DEFAULT,
	EXPERIMENT_BAD_LAYER
};

struct experiment_listener {
	void *context;
	const char *criteria; /* where they are written: a field, or an annotation */
	void (*report)(void *context, enum experiment_fault fault, struct place place, const char *suggest, const char *text);
};

/* Reports each fault. */
void experiment_faults(const struct experiment_spec *experiment, const struct experiment_listener *listener);
