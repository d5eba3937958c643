/* state_labels.h: Labels that the keeper gives to a version: the state form of each stage (compiler/plan/state_forms.h), and
 * whether the pipeline has or had a consumer group of its own. So a later version finds what Kafka has of earlier ones.
 *
 * The keeper gives each version of a resource a label for each stage with state: its form, and the steps of which it is. A
 * proposed document is compared with the newest accepted version that has the stage. While the steps fit, the stage keeps
 * its form and so its changelog. Else it gets the form of a kept version that had exactly these steps, or a new one. The
 * first version has the first form. Versions of earlier releases have no labels: the next version has the first form too.
 *
 * A pipeline that reads topics of others has a consumer group of its own. If a later version reads none, its engines look for
 * that group: its members must have left, and the later version goes on at its offsets (engine/run/group_migration.h).
 *
 * Pure.
 */
#pragma once

#include "control/records/ledger.h"
#include "compiler/plan/state_forms.h"

#define STATE_LABEL "sluice.io/state/" /* before PIPELINE/STAGE; the value is FORM, or `-` for the first, and the steps */

#define APART_LABEL "sluice.io/apart/" /* before PIPELINE: this or an earlier version reads topics of others */

#define NEEDS_LABEL "sluice.io/needs" /* the value is the names that the change needs (control/keeper/change_order.h) */

/* The label of a resource, which a proposal changes. */
struct state_label {
	struct text kind, name; /* of the resource */
	struct control_label label;
};

bool label_is_of_keeper(const struct control_label *label);

/* Reads a label of state. No bytes of `form`: the first one. False: it is another label. */
bool state_label_read(const struct control_label *label, struct text *pipeline, struct text *stage, struct text *form,
		      struct text *steps);

/* Makes the labels (struct state_label, in the arena) of the resources that the items (struct proposal_item) apply, whose
 * plan this is. `is_changed` (may be NULL): a stage that had state gets another changelog. False: memory ran out. */
bool state_labels_propose(const struct plan *plan, const struct record_list *items, const struct ledger *accepted,
			  struct arena *arena, struct record_list *labels, bool *is_changed);

/* The labels of an item with those of state replaced by the proposed ones, in the arena. False: memory ran out. */
bool state_labels_merge(const struct record_list *of_item, const struct record_list *proposed, struct text kind, struct text name,
			struct arena *arena, struct record_list *merged);

/* What labels say of pipelines. Starts as {0}. */
struct former_facts {
	struct state_forms forms; /* that are not the first */
	size_t apart_count, apart_room;
	struct name *apart; /* pipelines of which this or an earlier version reads topics of others */
};

/* Adds those of a version. False: memory ran out. */
bool state_labels_collect(const struct record_list *labels, struct arena *arena, struct former_facts *facts);

/* Whether no kept version needs a changelog any more. `rest` is its name after `PREFIX.NAMESPACE.pipeline.`. That of the first
 * form is needed as long as a kept version may be of an earlier release, or is of a pipeline without labels. */
bool state_labels_miss(const struct ledger *ledger, struct text rest);
