/* unit_join_parts.h: Shared parts of the join of exposures and feedback. Private to its files:
 *
 *   unit_join.c           what is added, exposures by their units, and the result
 *   unit_join_arms.c      arms by their names, and which of them a policy chose among
 *   unit_join_feedback.c  feedback by the units that it belongs to
 *   unit_join_keys.c      numbers of what was met, by keys
 *
 * What was added is in lists in the order in which it came. At the end each list is sorted by time: first exposures, which
 * make the units and epochs, then feedback, which refers to them.
 */
#pragma once

#include "base/table.h"
#include "experiments/outcomes/heap_list.h"
#include "experiments/analysis/unit_join.h"

#define NONE UINT32_MAX

/* An exposure that was met once. */
struct met_exposure {
	int64_t time_ms;
	uint32_t number; /* in the order in which they came */
	uint32_t arm, key;
	uint32_t unit; /* NONE: it is left out */
	uint32_t later; /* where a policy chose: the next one of its unit's text, by time; NONE: there is none */
	enum assigned_reason reason;
	bool failed;
	double probability, covariate, latency_ms;
	uint64_t candidates; /* where a policy chose: arms that had a probability */
	uint64_t recorded;   /* those of them that the policy's record names; 0: no record does */
	struct text id, unit_text;
	struct text prediction; /* empty: its answer said nothing that could be judged */
	size_t feature_count;
	const struct exposure_feature *features;
	size_t text_count;
	const struct exposure_text *texts;
};

struct met_feedback {
	int64_t time_ms;
	size_t number;
	struct text unit;
	struct text request; /* its key; empty: the unit says it */
	struct text feedback_id;
	bool of_engine; /* what an engine has computed, which nobody has sent */
	size_t count;
	const struct feedback_metric *metrics;
	size_t computed_from, computed_to; /* of the metrics: those that were computed when the feedback was read */
	struct text truth; /* to be judged by, since no metric ACCURACY_METRIC was sent; empty: none */
};

struct unit_join {
	struct arena *arena;
	struct join_options options;
	struct text reward_metric; /* by which the experiment learns; empty: the reward */
	bool reward_computed;	   /* engines compute that metric */
	struct policy_versions versions; /* of the policy whose exposures are added */
	struct joined *joined;	   /* while it is made */
	struct heap_list exposures, feedback;
	/* Keys differ by their first letter. "i" id or "o" origin: an exposure; "u" text or "v" exposure: its latest unit, or where
	 * a policy chose, the first exposure of the text; "e" epoch and one of these: the unit; "k" or "p" table and versions: an
	 * epoch's key; "n" that and a count: the epoch; "c": a cluster. Met once: "x" an exposure without an origin; "f" a
	 * feedback_id; "m" a metric of a request; "d" one that was computed. */
	struct state_table *numbers;
	struct unit_made {
		struct analysis_unit unit;
		int64_t first_ms, last_ms;
		uint32_t previous; /* of the same text, in an earlier epoch */
		bool mixed;
	} *units;
	size_t unit_count;
	struct epoch_made {
		int64_t begin_ms, end_ms;
		double *shares, *firsts;
	} *epochs;
	struct text kept[JOIN_KEPT_MAX]; /* names of metrics */
	size_t kept_count;
	size_t others; /* metrics that are not kept */
	struct text arms[ANALYSIS_ARMS_MAX];
	size_t arm_count;
	uint64_t declared;  /* arms, a bit for each; 0: none is */
	uint32_t key_count; /* of epochs' keys */
	int64_t now_ms;	    /* of the last record */
	struct join_counts counts;
};

/* Whether the key has a number. */
bool join_number_find(const struct unit_join *join, struct text key, uint32_t *number);

/* Adds the key, or replaces its number. False: SYSTEM. */
bool join_number_put(struct unit_join *join, struct text key, uint32_t number, struct error *error);

/* A key, in the arena. An empty text: the arena is full. */
struct text join_key_print(struct unit_join *join, char kind, uint64_t number, struct text text);

/* The number of the arm of that name, which is made. False: LIMIT, too many. */
bool join_arm_find(struct unit_join *join, struct text name, uint32_t *arm, struct error *error);

/* The candidates of the version that chose, a bit for each, by the record of its policy; 0: it does not say it, as one that lacks
 * what was chosen, which is of another policy, whose topic was made anew. False: LIMIT, too many variants. */
bool join_recorded_find(struct unit_join *join, const struct exposure *exposure, uint64_t *recorded, struct error *error);

/* Where a policy chose: the candidates of each exposure, which are sorted, and from when on and until when each arm was one. False:
 * SYSTEM. */
bool join_candidates_find(struct unit_join *join, struct error *error);

/* Adds the values of all feedback to the metrics of `joined`, and counts what does not belong to a unit. Exposures are sorted and
 * have their units. False: SYSTEM. */
bool unit_join_place_feedback(struct unit_join *join, struct error *error);
