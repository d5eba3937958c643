/* explain_work.h: Work of one message at a step of kind `explain`: its rows, its calls with perturbed rows, and what came of them.
 * For explainer.c and explain_anchors.c.
 */
#pragma once

#include "methods/explain/local.h"
#include "methods/explain/sampler.h"
#include "message/records/explained.h"
#include "steps/background.h"
#include "steps/features/feature_rows.h"
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
	struct verdict_entry *entry; /* gets the importance of features, and has the background that was learnt; NULL: no board */
	bool is_filled; /* the sample, by what was learnt of the newest requests */
};

/* Of one visit. */
struct explain_work {
	const struct explainer *explainer;
	struct feature_rows rows;
	struct explain_row *each; /* of the rows that are explained; NULL: by anchors */
	struct anchored_row *anchored; /* of these by anchors */
	int64_t due_ms;
	size_t waiting;	     /* calls without a reply */
	size_t sent;	     /* calls */
	size_t failed;	     /* of them */
	struct error failure; /* of the first that failed */
	struct explained *made; /* at the end, in the order of the rows */
	struct explained *last; /* of them; NULL: none yet */
};

/* A call with perturbed rows. Its request is its first member, by which the reply finds it. */
struct perturbed_call {
	struct payload request;
	struct explain_work *work;
};

/* Adds an explanation to those of the message. NULL: LIMIT. */
struct explained *explained_add(struct explain_work *work, size_t row, struct text output, struct arena *arena,
				struct error *error);

/* Says why a row could not be explained: by the first call that failed, or else by `why`. */
bool explained_refuse(const struct explain_work *work, size_t row, const struct error *why, struct error *error);

/* Counts a call that failed. */
void explain_call_fail(struct explain_work *work, const struct error *error);

/* Whether a call with perturbed rows may be sent once more: a server was asked and failed, and there is time left. */
bool explain_call_may_repeat(const struct explain_work *work, const struct call *call, const struct visit *visit);

/* The background's rows, copied if later messages change them. NULL: LIMIT. */
const double *explain_background(const struct background *background, struct arena *arena, struct error *error);

/* What a local model answers to rows, as many numbers each as it has outputs. */
bool explain_local_answers(const struct explain_work *work, const double *rows, size_t count, double *answers, struct arena *arena,
			   struct error *error);

/* Sends `count` rows of other values in place of a row of the message. `call` is to live as long as the call. */
bool explain_send(struct explain_work *work, struct perturbed_call *call, size_t row, const double *values, size_t count,
		  struct visit *visit, struct error *error);
