/* json_list.h: Walk over nested lists in JSON, which hold the data of tensors.
 *
 * All lists of one depth must have one length, and all elements must be at one depth; anything else is ragged.
 * The caller defines what an element is.
 */
#pragma once

#include "message/json/json_scan.h"

/* Reads the element at the scan; false ends the walk. `*more` is the number of elements that it may read after
 * that one, with the commas before them. It sets `*more` to the number that it read. */
typedef bool json_element(void *context, struct json_scan *scan, size_t *more);

struct json_list {
	size_t count;			/* of elements */
	size_t rank;			/* of nested lists; 0: a single element */
	size_t lengths[JSON_DEPTH_MAX]; /* by depth, `rank` of them */
	const char *ragged;		/* position in the body that shows it; NULL: not ragged */
};

/* Walks the list, or the single element, at the scan. False: the JSON is invalid or an element was refused, and
 * the error is set; or it is ragged, which the caller must report. */
bool json_list_walk(struct json_scan *scan, struct json_list *list, json_element *element, void *context);
