/* bandit_view.h: View of bandits for commands: the shares of the policies in force, or that they depend on the context. */
#pragma once

#include "control/keeper/bandit_document.h"
#include "message/records/policy_record.h"

/* What a learner knows of one candidate. */
struct learnt_candidate {
	uint64_t plays, waiting;    /* whose reward has come; that wait for it, where the algorithm counts them */
	double mean;		    /* of rewards; NaN: there is none */
	const double *coefficients; /* of its linear model of the reward; NULL: the choice depends on no context */
};

/* The newest policy of an experiment in a pipeline. */
struct published_policy {
	struct text pipeline, experiment;
	int64_t version, time_ms, rewards;
	size_t count;
	struct text arms[ASSIGNMENT_WAYS_MAX];
	bool contextual; /* then it has no shares */
	double shares[ASSIGNMENT_WAYS_MAX];
	const char *algorithm; /* of the learner, "thompson-beta"; NULL: not known */
	double explore;
	size_t feature_count;
	const struct text *features; /* of the context */
	size_t candidates_count;     /* of the lists by version */
	const struct policy_candidates *candidates;
	const struct learnt_candidate *learnt; /* of each arm; NULL: not known */
	size_t coefficient_count;
	char *record_bytes; /* the newest record */
	size_t record_length, record_room;
	const struct text *coefficients; /* names: "1", which is no feature; "age"; "plan=gold", a class of texts */
};

struct published_policies {
	size_t count;
	struct published_policy *items;
};

struct bandit_view {
	const struct bandit_document *bandits;
	const struct published_policies *policies; /* of all experiments */
	struct text experiment;
	int64_t now_ms;
	struct arena *arena;
};

/* The bandits of an experiment that no file has, as their newest policy has them. False: there is none. */
bool bandit_view_document(const struct published_policies *policies, struct text experiment, struct bandit_document *bandits);

/* Lines of each pipeline's policy and its shares, indented. Without one: the shares by which engines choose until there is one. */
void bandit_view_print(const struct bandit_view *view, struct buffer *out);

/* The share of a candidate, or of what is none any more, from 0 to 1; NaN: it depends on the context or on the pipeline. */
double bandit_view_share(const struct bandit_view *view, struct text candidate);

/* In one line: "thompson, a 20%, b 80% (policy 7)". */
void bandit_view_print_short(const struct bandit_view *view, struct buffer *out);

/* Members of a JSON object, each after a comma: "by", "explore", "least_percent", "context" and "policies". */
void bandit_view_print_json(const struct bandit_view *view, struct buffer *out);
