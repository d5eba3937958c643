/* protection.c: see protection.h. */
#include "compiler/resources/protection.h"

static void part_add(struct security_part *part, const struct security_part *added)
{
	if (!security_part_is_wanted(added))
		return;
	const char *file = part->file ? part->file : added->file;
	if (!security_part_is_wanted(part))
		*part = *added;
	part->file = file;
}

static void runtime_add(struct protection *protection, const struct runtime_spec *runtime)
{
	const struct security_part *keys = &runtime->authentication;
	const char *first = protection->authentication.file;
	if (security_part_is_wanted(keys) && keys->file && first && strcmp(keys->file, first) != 0)
		part_add(&protection->other_keys, keys);
	part_add(&protection->authentication, keys);
	part_add(&protection->authorization, &runtime->authorization);
	part_add(&protection->encryption, &runtime->encryption);
}

struct protection spec_protection(const struct spec *spec)
{
	static const enum resource_type types[] = {RESOURCE_RUNTIME, RESOURCE_CONFIG};
	struct protection protection = {0};
	const struct resource *resource;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		for (size_t at = 0; (resource = spec_next(spec, types[i], &at));)
			if (resource->spec)
				runtime_add(&protection, resource->spec);
	return protection;
}

bool runtime_wants_protection(const struct runtime_spec *runtime)
{
	return runtime && (security_part_is_wanted(&runtime->authentication) || security_part_is_wanted(&runtime->authorization) ||
			   security_part_is_wanted(&runtime->encryption));
}
