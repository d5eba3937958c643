/* resource_list.h: List of resources for `sluice get`: a row, an object of JSON, the document, or the name of each. */
#pragma once

#include "control/engine/condition_table.h"
#include "tools/view/resource_view.h"

enum resource_list_form {
	RESOURCE_LIST_TEXT,
	RESOURCE_LIST_JSON,
	RESOURCE_LIST_YAML,
	RESOURCE_LIST_WIDE, /* text with reasons, and the conditions of engines that are not simply ready */
	RESOURCE_LIST_NAME
};

struct resource_list {
	enum resource_list_form form;
	const struct condition_table *conditions;
	struct arena *arena; /* of one row: the caller resets it */
	struct buffer *out;
	size_t shown; /* counts them; the first has titles */
};

void resource_list_add(struct resource_list *list, const struct resource_view *view);

/* Appends what concerns all that is listed: with RESOURCE_LIST_WIDE the engines that run nothing of it, and why. */
void resource_list_end(struct resource_list *list);
