/* resource_choice.h: Choice of the resources that `sluice get` prints: by kind, name and labels, and with --watch if they
 * changed. */
#pragma once

#include "base/list.h"
#include "tools/client/control/control_session.h"
#include "tools/client/control/label_selector.h"
#include "tools/view/resource_view.h"

struct resource_choice { /* starts with the first four members */
	struct resource_reference wanted;
	struct label_selector labels;
	bool watch;		 /* only what has changed since it was due before */
	struct arena *arena;	 /* of what was printed */
	struct list printed;	 /* struct printed_view */
	size_t deleted;		 /* deletions in force, of the kind and name that are asked for, if without labels */
	const struct ledger_resource *deleted_last;
};

/* Counts the resource, if its deletion is in force: for those who look for one that somebody else has deleted. */
void resource_choice_count(struct resource_choice *choice, const struct resource_view *view);

/* Whether the resource is to be printed. With `watch`: if it has changed, also if it is deleted now; but not while only a part of
 * its change was read. */
bool resource_choice_is_due(struct resource_choice *choice, const struct ledger *ledger, const struct resource_view *view);
