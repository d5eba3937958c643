/* explainer.h: Explanations of the rows of one message by a step of kind `explain`: of a local model at once, of a model on a
 * server by calls with perturbed rows.
 *
 * Perturbations are sent in a few large calls, all at once. When all of them have been answered, have failed, or are past the
 * time that they may take, each row is explained by what was answered.
 */
#ifndef SLUICE_STEPS_EXPLAINER_H
#define SLUICE_STEPS_EXPLAINER_H

#include "explain/local.h"
#include "explain/sampler.h"
#include "message/explained.h"
#include "steps/background.h"
#include "steps/feature_rows.h"
#include "steps/model.h"

/* Numbers are positions in the option's choices. */
enum explain_by { BY_AUTO, BY_TREE, BY_LINEAR, BY_EXACT, BY_SAMPLE, BY_GRADIENTS, BY_ANCHORS, BY_PERMUTATION };

#define EXPLAIN_ROWS_MAX 1000		   /* of one message: each is explained for itself */
#define EXPLAIN_BATCH_ROWS 2048		   /* of one call */
#define EXPLAIN_PERTURBED_ROWS_MAX (1 << 18) /* of one message; as FP64 of 64 features 128 MiB */

/* Of an opened step. */
struct explainer {
	const char *whose; /* "step `why`" */
	const char *step;  /* that is explained */
	enum explain_by by;
	struct asked_model model;
	struct background background;
	const struct local_explainer *local; /* NULL: made for each message, from the running sample; or perturbed */
	bool perturbs;
	size_t budget; /* coalitions */
	int64_t time_ms; /* 0: as long as the message may take */
	const struct sampler *sampler; /* for `players`; NULL: none yet */
	size_t players;
	struct arena *arena; /* of the step */
};

/* Of one visit. */
struct explain_work {
	const struct explainer *explainer;
	struct feature_rows rows;
	struct explain_row *each; /* of the rows that are explained */
	int64_t due_ms;
	size_t waiting;	     /* calls without a reply */
	size_t sent;	     /* calls */
	size_t failed;	     /* of them */
	struct error failure; /* of the first that failed */
	struct explained *made; /* at the end, in the order of the rows */
	struct explained *last; /* of them; NULL: none yet */
};

/* Decides how the step explains its model, and prepares it. CONFIG, without a place, or SYSTEM. */
bool explainer_open(struct explainer *explainer, struct error *error);

/* Begins to explain the rows of a message. STEP_DONE: `work->made` has them. STEP_WAIT: calls are under way. STEP_FAIL. */
enum step_verdict explain_begin(struct explainer *explainer, struct explain_work *work, struct visit *visit, struct error *error);

/* Takes in the reply to a call, or its error, and returns likewise. `found` is set to the work of that call. */
enum step_verdict explain_answered(struct visit *visit, struct call *call, struct explain_work **found, struct error *error);

#endif
