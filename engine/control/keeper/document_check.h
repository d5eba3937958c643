/* document_check.h: Checker of proposed documents: reads and plans them together with all accepted documents, as
 * `sluice run` reads files. For the keeper (control/keeper/keeper.h).
 *
 * A document is one resource. It has the kind and name under which it is proposed, and the keeper's namespace or none. A
 * SeldonRuntime has the prefix of the control plane's topics or none, because its pipelines would have others than the
 * control plane. A proposal may break an accepted document, for example by removing a step whose output a pipeline
 * reads. The fault is then reported for that other document. A fault that an untouched document has without the proposal
 * too is not reported: nothing in the proposal mends it. A resource that an accepted pipeline calls or reads cannot be
 * deleted. Files that steps name are not read. Warnings are ignored.
 */
#pragma once

#include "control/keeper/keeper.h"
#include "compiler/print/plan_diff.h"
#include "compiler/step/step.h"

struct document_checker {
	const struct step_kind *const *kinds; /* the table that main() passes down */
	const char *namespace;
	const char *prefix; /* of the topics of the control plane; NULL: not known */
};

/* Receives what a proposal changes; all is borrowed until it returns. False: memory ran out. */
struct document_effects {
	bool (*take)(void *context, const struct plan_changes *changes, struct arena *arena);
	void *context;
};

/* What a proposal that fits does to pipelines, groups, topics and state. For commands. False: SYSTEM. */
bool document_check_effects(struct document_checker *checker, const struct record_list *items, const struct ledger *accepted,
			    struct document_effects effects, struct error *error);

/* Warnings of references (struct verdict_fault) that accepted documents outside the proposal get by it, in the arena: it removes
 * what they name, and they may do without it, as an alert on the absence of a pipeline. For commands. False: SYSTEM. */
bool document_check_others(struct document_checker *checker, const struct record_list *items, const struct ledger *accepted,
			   struct arena *arena, struct record_list *warnings, struct error *error);

/* The checker in the form that the keeper calls; `checker` is borrowed. */
struct keeper_checker document_check_of(struct document_checker *checker);
