/* json_list.h: lists of lists in JSON: the data of tensors.
 *
 * All of one depth have one length, and all elements stand at one depth; anything
 * else is ragged. What an element is, the caller says.
 */
#ifndef SLUICE_MESSAGE_JSON_LIST_H
#define SLUICE_MESSAGE_JSON_LIST_H

#include "message/json_scan.h"

/* Takes the element that the scan stands before; false ends the walk. `*more` is how many it
 * may take behind that, with the commas before them, and becomes how many it took. */
typedef bool json_element(void *context, struct json_scan *scan, size_t *more);

struct json_list {
	size_t count;			/* of elements */
	size_t rank;			/* of lists in each other; 0 for an element alone */
	size_t lengths[JSON_DEPTH_MAX]; /* by depth, `rank` of them */
	const char *ragged;		/* byte of the body where that was seen; NULL: not ragged */
};

/* Over the list, or the element alone, that the scan stands before. False when the
 * JSON is wrong or an element was refused, whose error is set; or when it is ragged,
 * which is the caller's to say. */
bool json_list_walk(struct json_scan *scan, struct json_list *list, json_element *element, void *context);

#endif
