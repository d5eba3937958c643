/* route.c: see route.h. */
#include "flow/route.h"

#include "base/number/number.h"
#include "message/records/assigned.h"

/* Whether the name of a candidate, perhaps with `_` and a version behind it, or what Seldon has behind that of a pipeline, is that
 * part of a route. */
static bool part_names(struct text part, const char *name, enum call_target target)
{
	size_t length = strlen(name);
	if (part.length < length || memcmp(part.bytes, name, length) != 0)
		return false;
	struct text rest = text_from(part, length);
	uint64_t version;
	return rest.length == 0 || (target == CALL_PIPELINE && text_is(rest, ROUTE_OF_PIPELINE)) ||
	       (rest.length > 1 && rest.bytes[0] == '_' && number_read_uint64(text_from(rest, 1), &version));
}

static bool value_find(const struct graph_experiment *experiment, struct text route, size_t *index)
{
	while (route.length > 0) {
		struct text part = text_take_until(&route, ':');
		for (size_t i = 0; part.length > 0 && i < experiment->count; i++)
			if (part_names(part, experiment->shares[i].name, experiment->target)) {
				*index = i;
				return true;
			}
	}
	return false;
}

bool route_find(const struct graph_experiment *experiment, struct headers headers, size_t *index)
{
	for (size_t i = headers.count; i-- > 0;)
		if (text_equal_caseless(headers.items[i].name, TEXT(ROUTE_HEADER)) &&
		    value_find(experiment, headers.items[i].value, index))
			return true;
	return false;
}
