/* json_list.c: see json_list.h. */
#include "message/json/json_list.h"

#define UNKNOWN SIZE_MAX

static bool ragged(struct json_list *list, const struct json_scan *scan)
{
	list->ragged = scan->at;
	return false;
}

/* One list has ended: all of its depth must have its length. */
static bool close_list(struct json_list *list, const struct json_scan *scan, size_t depth, size_t length)
{
	if (list->lengths[depth] == UNKNOWN)
		list->lengths[depth] = length;
	return list->lengths[depth] == length || ragged(list, scan);
}

bool json_list_walk(struct json_scan *scan, struct json_list *list, json_element *element, void *context)
{
	size_t counts[JSON_DEPTH_MAX];
	size_t depth = 0;		/* lists that stand open */
	size_t element_depth = UNKNOWN; /* where elements stand */
	list->count = 0;
	list->rank = 0;
	list->ragged = NULL;
	for (;;) {
		json_skip_blanks(scan);
		if (scan->at < scan->end && *scan->at == '[') {
			if (depth == element_depth)
				return ragged(list, scan);
			if (!json_enter(scan))
				return false;
			if (depth == list->rank)
				list->lengths[list->rank++] = UNKNOWN;
			counts[depth++] = 0;
		} else {
			if (element_depth == UNKNOWN)
				element_depth = depth;
			if (depth != element_depth)
				return ragged(list, scan);
			size_t more = depth > 0 ? SIZE_MAX : 0;
			if (!element(context, scan, &more))
				return false;
			list->count += 1 + more;
			if (depth > 0)
				counts[depth - 1] += more;
		}
		while (depth > 0 && !json_item(scan)) {
			depth--;
			if (scan->failed || !close_list(list, scan, depth, counts[depth]))
				return false;
		}
		if (depth == 0)
			return element_depth == UNKNOWN || element_depth == list->rank || ragged(list, scan);
		counts[depth - 1]++;
	}
}
