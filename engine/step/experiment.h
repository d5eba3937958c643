/* experiment.h: Specification of an experiment, as a resource of its own or inline in a step. Both forms use the same
 * option rows and the same checks. They are in this module because step kinds include them too. */
#ifndef SLUICE_STEP_EXPERIMENT_H
#define SLUICE_STEP_EXPERIMENT_H

#include "base/option.h"
#include "step/expression.h"

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
};

enum experiment_resource { EXPERIMENT_MODEL, EXPERIMENT_PIPELINE };

struct bandits {
	struct place here;
	int algorithm;
	double epsilon;
	const char *reward_metric;
	struct name_list context_features;
	int64_t update_interval_ns;
	double explore;
	struct place explore_place; /* line 0: not given */
};

struct rollout_stage {
	struct place here;
	int64_t weight;
	int64_t duration_ns;
	struct threshold error_rate;
	struct threshold latency_ms;
};

struct rollout {
	struct place here;
	bool enabled;
	struct item_list stages; /* struct rollout_stage */
};

struct experiment_spec {
	struct place here;
	struct item_list candidates; /* struct candidate */
	struct place candidates_place;
	struct name default_name;
	struct name mirror_name;
	int64_t mirror_percent;
	int resource_type; /* enum experiment_resource */
	const struct expression *unit;
	struct bandits bandits;
	struct rollout progressive;
};

/* The fields of Experiment.spec, into a struct experiment_spec at `base`. */
#define EXPERIMENT_ROWS(struct_type, base, candidates_needed)                                                                      \
	{.type = OPTION_HERE, .offset = offsetof(struct_type, base.here)},                                                         \
		ROW("candidates", LIST, struct_type, base.candidates,                                                              \
		    .place_offset = offsetof(struct_type, base.candidates_place), .rows = candidate_rows,                          \
		    .item_size = sizeof(struct candidate), .required = candidates_needed,                                          \
		    .help = "The models or pipelines among which is chosen."),                                                     \
		ROW("default", NAME, struct_type, base.default_name,                                                               \
		    .help = "The candidate whose calls are split; the one that answers when another fails."),                      \
		{.name = "mirror",                                                                                                 \
		 .type = OPTION_MAP,                                                                                               \
		 .offset = offsetof(struct_type, base),                                                                            \
		 .rows = mirror_rows,                                                                                              \
		 .help = "A model or pipeline that gets a copy; its reply is dropped."},                                           \
		ROW("resourceType", CHOICE, struct_type, base.resource_type, .choices = "model pipeline", .fallback = "model",     \
		    .help = "What the candidates are."),                                                                           \
		ROW("unit", EXPRESSION, struct_type, base.unit, .help = "What keeps its candidate; default: the message's key."),  \
		ROW("bandits", MAP, struct_type, base.bandits, .rows = bandit_rows, .help = "Weights that learn from rewards."),   \
		ROW("progressiveDeployment", MAP, struct_type, base.progressive, .rows = progressive_rows,                         \
		    .help = "Weights that rise stage by stage while criteria hold."),                                              \
		CHECKED("successCriteria", LIST, .rows = criterion_rows, .help = "What a candidate must keep to be promoted."),    \
		CHECKED("promotionPolicy", MAP, .rows = promotion_rows, .help = "When a candidate gets all the weight."),          \
		CHECKED("onInconclusive", CHOICE, .choices = "pause rollback promote",                                             \
			.help = "What happens when a stage decides nothing."),                                                     \
		CHECKED("resourceRequirements", NODE, .effect = EFFECT_NONE, .help = "What a container would ask of Kubernetes."), \
		CHECKED("resources", NODE, .effect = EFFECT_NONE, .help = "What a container would ask of Kubernetes.")

extern const struct option candidate_rows[];
extern const struct option mirror_rows[];
extern const struct option bandit_rows[];
extern const struct option progressive_rows[];
extern const struct option criterion_rows[];
extern const struct option promotion_rows[];

/* The checks that option rows cannot express. Each fault is passed to `say`; `name` is the experiment's own or NULL. */
enum experiment_fault {
	EXPERIMENT_EMPTY,
	EXPERIMENT_REPEATED,
	EXPERIMENT_NO_CANDIDATE,
	EXPERIMENT_NO_WEIGHT,
	EXPERIMENT_ODD_STAGES,
	EXPERIMENT_NO_EXPLORING
};

struct experiment_listener {
	void *context;
	void (*say)(void *context, enum experiment_fault fault, struct place place, const char *suggest, const char *text);
};

void experiment_listen(const struct experiment_spec *experiment, const struct experiment_listener *listener);

#endif
