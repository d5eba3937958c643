/* recomputation.h: Recomputation of answers in memory: what a pipeline answers to a recorded request, as far as it can be known
 * without its models and its state. For `sluice verify`.
 *
 * A request runs through the whole pipeline by one flow, as stages run it one after the other. Calls of models and pipelines are
 * never answered: of a request that waits for one it is only known whether a step behind it may end it. A pipeline that keeps state
 * is not run. Pure, except for files that steps name.
 */
#pragma once

#include "message/formats/answer_decode.h"
#include "tools/client/data/answer_audit.h"

enum recompute { RECOMPUTE_ANSWERS, RECOMPUTE_DROPS, RECOMPUTE_NONE };

struct recomputed {
	uint32_t needs;	   /* answers; 0: a step drops the request; AUDIT_NEEDS_ANY: it is not known */
	bool may_end;	   /* it may end without an answer all the same */
	uint64_t expected; /* content of its answer; AUDIT_CONTENT_NONE: not known */
};

/* What follows from the steps of a pipeline. */
struct answer_facts {
	bool may_end;	 /* a request may end without an answer */
	bool ends_late;	 /* also behind a call, or a choice of an experiment */
	bool multiplies; /* a request may have several answers */
	bool same_again; /* no call, state or experiment changes the answer to a request */
	bool has_state;
};

struct answer_facts answer_facts_find(const struct graph *graph);

struct recomputation;

/* Borrows the plan. NULL: CONFIG: a step cannot be opened; SYSTEM. */
struct recomputation *recomputation_open(const struct pipeline_plan *plan, const struct answer_facts *facts, enum recompute what,
					 struct error *error);
void recomputation_close(struct recomputation *self); /* NULL is fine */

/* Whether anything is computed: else it takes a message that was not decoded. */
bool recomputation_is_run(const struct recomputation *self);

/* Computes the answer to a request; `unread`: its record could not be decoded, so that the answer is an error. */
struct recomputed recomputation_run(struct recomputation *self, struct message *message, bool unread);

/* Hash of what an answer says: of the names, types, shapes and elements of its tensors; AUDIT_CONTENT_ERROR: it is an error. */
uint64_t answer_content(const struct decoded_answer *answer);
