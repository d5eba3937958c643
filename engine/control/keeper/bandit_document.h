/* bandit_document.h: Bandits of an experiment in the control plane: what the document in force says of them. Their shares are those
 * of the policy, which a learner writes to the policy topic, and not of the bucket table.
 *
 * Pure.
 */
#pragma once

#include "control/keeper/document_check.h"

/* By what is chosen until there is a policy. */
enum bandit_start {
	BANDIT_START_EVEN, /* equal weights, or none */
	BANDIT_START_WEIGHTS,
	BANDIT_START_WARM, /* the policy of the warm start, as engine/learn/warm_policy.h has it */
};

struct bandit_document {
	const char *algorithm; /* as it is written in YAML */
	size_t count;
	struct text names[ASSIGNMENT_WAYS_MAX]; /* of the candidates */
	enum bandit_start start;
	double start_shares[ASSIGNMENT_WAYS_MAX]; /* of the candidates, by it; they sum to 1 */
	size_t feature_count;			/* of the context by which it chooses; 0: it does not need one */
	const struct text *features;
	double explore;
	int64_t interval_ms; /* between two policies */
};

/* Those of an experiment that learns. Names are in the arena, which is full if arena_failed(). */
void bandit_document_take(const struct experiment_spec *experiment, struct arena *arena, struct bandit_document *bandits);

/* Reads the bandits of the experiment of that name: an Experiment's, or PIPELINE/STEP in a document of the pipeline. Names are in
 * the arena. False: it has none there; then the error is of no kind, unless memory ran out. */
bool bandit_document_read(const struct document_checker *checker, struct text document, struct text experiment, struct arena *arena,
			  struct bandit_document *bandits, struct error *error);

/* The same, of the newest accepted version of the Experiment, or of the Pipeline of PIPELINE/STEP. */
bool bandit_document_find(const struct document_checker *checker, const struct ledger *ledger, struct text experiment,
			  struct arena *arena, struct bandit_document *bandits, struct error *error);
