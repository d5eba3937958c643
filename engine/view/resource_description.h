/* resource_description.h: One resource for `sluice describe`: its version, its files and bucket tables, and its condition in each
 * engine. */
#ifndef SLUICE_VIEW_RESOURCE_DESCRIPTION_H
#define SLUICE_VIEW_RESOURCE_DESCRIPTION_H

#include "control/condition_table.h"
#include "view/resource_view.h"

struct resource_description {
	const struct resource_view *view;
	const struct ledger *ledger;
	const struct condition_table *conditions; /* of the engines */
	struct arena *arena;
	bool json;
	struct buffer *out;
};

/* Appends it, as lines or as an object of JSON. */
void resource_description_print(struct resource_description *self);

#endif
