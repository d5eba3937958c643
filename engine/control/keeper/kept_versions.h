/* kept_versions.h: Kept versions of Models: those that candidates of experiments name, MODEL@VERSION
 * (compiler/graph/named_versions.h).
 *
 * The keeper gives the version of an Experiment, or of a Pipeline that contains one, a label for each version of a Model that it
 * names. So engines find the documents without reading YAML, and a version of a Model stays as long as a kept version names it.
 *
 * Pure.
 */
#pragma once

#include "control/records/ledger.h"
#include "compiler/graph/named_versions.h"

#define KEPT_LABEL "sluice.io/keeps/Model/" /* before MODEL@VERSION */

/* The version that is named, if it was or is in force. NULL: there is none. */
const struct ledger_version *kept_version_find(const struct ledger *ledger, struct text model, int64_t version);

/* Why there is none, and which there are. NULL: memory ran out. */
const char *kept_version_missing(const struct ledger *ledger, const struct named_version *named, struct arena *arena);

/* The version that a label names; `name`: MODEL@VERSION, of the label. NULL: it is another label, or the ledger has it no more. */
const struct ledger_version *kept_version_of(const struct ledger *ledger, const struct control_label *label, struct text *name);

/* Adds labels of what the resources of the items (struct proposal_item) name to a list of struct state_label
 * (control/keeper/state_labels.h); both are in the arena. False: memory ran out. */
bool kept_versions_propose(const struct spec *spec, const struct record_list *items, struct arena *arena,
			   struct record_list *labels);

/* Whether a kept version of any resource names that one. */
bool kept_version_is_named(const struct ledger *ledger, const struct ledger_resource *resource,
			   const struct ledger_version *version);
