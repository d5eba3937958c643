/* model_name.c: see model_name.h. */
#include "compiler/graph/model_name.h"

const char *model_served_name(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

/* The parts before the slash; empty: there are none. */
static struct text owner_of(struct text name)
{
	const char *slash = name.length > 0 ? memrchr(name.bytes, '/', name.length) : NULL;
	return (struct text){name.bytes, slash ? (size_t)(slash - name.bytes) : 0};
}

/* Removes the first part. */
static struct text part_take(struct text *parts)
{
	const char *dot = memchr(parts->bytes, '.', parts->length);
	const struct text part = {parts->bytes, dot ? (size_t)(dot - parts->bytes) : parts->length};
	*parts = text_from(*parts, part.length + (dot != NULL));
	return part;
}

/* Whether all parts are among those of the whole, in the same order. */
static bool parts_are_among(struct text parts, struct text whole)
{
	while (parts.length > 0) {
		const struct text part = part_take(&parts);
		bool found = false;
		while (!found && whole.length > 0)
			found = text_equal(part_take(&whole), part);
		if (!found)
			return false;
	}
	return true;
}

size_t model_name_fit(struct text given, const char *name)
{
	const struct text whole = text_of(name), owner = owner_of(given);
	const size_t node = owner.length > 0 ? owner.length + 1 : 0;
	if (given.length == 0 || !text_is(text_from(given, node), model_served_name(name)))
		return 0;
	if (text_equal(given, whole))
		return MODEL_NAME_WHOLE;
	return parts_are_among(owner, owner_of(whole)) ? given.length : 0;
}
