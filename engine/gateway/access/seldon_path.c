/* seldon_path.c: see seldon_path.h. */
#include "gateway/access/seldon_path.h"

struct seldon_path seldon_path_split(struct text path)
{
	struct seldon_path split = {.rest = path};
	(void)text_take_until(&split.rest, '/'); /* the empty segment before the first slash */
	struct text rest = split.rest;
	if (rest.length > 0 && rest.bytes[0] != 's')
		return split; /* as most */
	if (!text_is(text_take_until(&rest, '/'), "seldon"))
		return split;
	split.namespace = text_take_until(&rest, '/');
	split.name = text_take_until(&rest, '/');
	split.prefix = (struct text){path.bytes, (size_t)(split.name.bytes - path.bytes) + split.name.length};
	split.rest = rest;
	return split;
}

bool seldon_path_is_v1(struct text path)
{
	if (path.length > 1 && path.bytes[0] == '/' && path.bytes[1] != 'a' && path.bytes[1] != 's')
		return false; /* as most: neither word can begin there */
	const struct seldon_path split = seldon_path_split(path);
	struct text rest = split.rest;
	if (text_is(text_take_until(&rest, '/'), "api"))
		return true;
	return split.prefix.length > 0 && text_is(text_take_until(&rest, '/'), "api"); /* behind an explainer's predictor */
}
