/* state_forms.h: State form of a stage: which steps with state its changelog is for. With a control plane, a stage whose form
 * changes gets another changelog; that of the former form stays.
 *
 * The form follows from the steps of the stage that have state: their names, their kinds, and what a kind adds
 * (step_facts.form). A step that is only added or only removed leaves the form as it is: the other steps go on with their
 * state. The first form has the changelog `...stage.STAGE.state`, as without a control plane. Each other one has
 * `...stage.STAGE.form-FORM.state`. Which form is the first does not follow from a document, so the keeper records the forms
 * with each version (control/keeper/state_labels.h).
 *
 * A stage that joins has no forms: its changelog also contains parts of requests, and these must not stay behind.
 *
 * Pure. Texts are in the caller's arena.
 */
#pragma once

#include "compiler/plan/plan.h"

#define STATE_FORM_DIGITS 8
#define STATE_FORM_BEGIN ".form-" /* in the name of a changelog */

/* The form of a stage, if it is not the first. */
struct state_form {
	const char *pipeline, *stage, *form;
};

struct state_forms {
	size_t count, room;
	struct state_form *items;
};

/* Adds a form; its texts are borrowed. False: memory ran out. */
bool state_forms_add(struct state_forms *forms, struct arena *arena, const char *pipeline, const char *stage, const char *form);

/* The steps of a stage that have state, with what determines its form: "count=features tally=aggregate/session". NULL: the
 * stage has no forms, or memory ran out (arena_failed()). */
const char *stage_state_steps(const struct pipeline_plan *pipeline, size_t stage, struct arena *arena);

/* Whether state of the steps `before` is state of the steps `now`: no step has another form, and there are not some gone and
 * others added, of which one may be the other renamed. */
bool state_steps_fit(struct text before, struct text now);

/* FORM of these steps: a hash, in hexadecimal. NULL: memory ran out. */
const char *state_form_name(struct text steps, struct arena *arena);

/* Names the changelogs of the plan after the forms. False: memory ran out. */
bool plan_name_changelogs(struct plan *plan, const struct state_forms *forms, struct arena *arena);

/* Names those changelogs of `now` whose stages have, with `before` as the version before, another form. False: memory ran out. */
bool plan_name_changed(const struct plan *before, struct plan *now, struct arena *arena);

/* Whether a changelog is that of the stage in whatever form. */
bool changelog_is_of_stage(const char *changelog, const struct pipeline_plan *pipeline, const struct stage *stage,
			   struct arena *arena);
