/* rollout_document.h: Rollout settings in the document of an Experiment, or of a Pipeline in whose steps experiments are written,
 * which has `progressiveDeployment` or `promotionPolicy`: what the keeper needs of it.
 *
 * The plan (experiments/rollouts/rollout_plan.h), the choices in the order of their bucket table, and the latencies by which
  * engines count calls: each limit that a rule of the plan has.
 */
#pragma once

#include "control/keeper/document_check.h"
#include "experiments/rollouts/rollout.h"
#include "experiments/rollouts/rollout_board.h"

#define ROLLOUT_CHOICES_MAX (ROLLOUT_CANDIDATES_MAX + 1) /* and the default */

struct rollout_document {
	struct rollout_plan plan;
	size_t count;
	const char *names[ROLLOUT_CHOICES_MAX];
	double parts[ROLLOUT_CHOICES_MAX]; /* of what the candidates have together */
	size_t control; /* index of the default */
	size_t candidates[ROLLOUT_CANDIDATES_MAX]; /* index of each candidate of the plan */
	size_t action_count;
	const struct move_action *actions;
	struct stage_question {
		const char *url, *secret; /* url NULL: no webhook is asked */
		int64_t timeout_ms;
	} questions[ROLLOUT_STAGES_MAX]; /* of each stage */
	size_t limit_count;
	int64_t limits_us[ROLLOUT_LIMITS_MAX]; /* ascending */
	bool counts_truths;		       /* engines count them: it has exposures */
};

/* Whether the document names a field of a rollout. It may have none nevertheless. */
bool rollout_document_is_written(struct text document);

/* The index of a latency of a rule, in milliseconds, among the limits; `limit_count`: it is none. */
size_t rollout_document_limit(const struct rollout_document *rollout, double limit_ms);

/* The shares of the choices when the candidates together have so many percent. */
void rollout_document_shares(const struct rollout_document *rollout, double percent, struct share shares[ROLLOUT_CHOICES_MAX]);

/* The reader in the form that the keeper calls; `checker` is borrowed. */
struct keeper_rollout_reader rollout_document_of(struct document_checker *checker);
