/* apply_selection.h: Selection of what `sluice apply` proposes: the documents of files that differ from what is accepted, those
 * that wait in one change with a former version of these, and deletions of what is pruned. */
#pragma once

#include "tools/client/control/applied_files.h"
#include "control/records/ledger.h"

struct apply_selection { /* the caller sets the first six */
	struct arena *arena;
	struct applied_files *files;
	const struct ledger *ledger; /* needed from apply_selection_make() on */
	struct name_list expect;     /* KIND/NAME=VERSION each */
	bool prune;
	const char *asked_set;	     /* name of the set; NULL: the folder */
	const char *set;	     /* the label of the files; NULL: they have none */
	struct proposal_item *items; /* those that change something */
	size_t count;
};

/* Finds the label of the files of these paths. CONFIG: there is none to prune by. */
bool apply_selection_label(struct apply_selection *self, const char *const *paths, size_t count, struct error *error);

/* Selects the items, with the versions that are expected. CONFIG: an expectation cannot be read, or is of no file. */
bool apply_selection_make(struct apply_selection *self, struct error *error);

/* Whether the item is among those that change something. */
bool apply_selection_has(const struct apply_selection *self, const struct proposal_item *item);

/* The version of the item's resource that the ledger has; 0: none. */
int64_t apply_selection_newest(const struct apply_selection *self, const struct proposal_item *item);
