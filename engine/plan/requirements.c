/* requirements.c: Check of the requirements of Models against the capabilities of the Servers among the files. */
#include "plan/compile.h"
#include "spec/fault_codes.h"

/* Whether all Servers list what they are capable of. Else their defaults are in a ServerConfig, which is not read. */
static bool servers_are_known(const struct spec *spec)
{
	const struct resource *resource;
	size_t count = 0;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_SERVER, &at)); count++)
		if (!resource->spec || ((const struct server_spec *)resource->spec)->capabilities.count == 0)
			return false;
	return count > 0;
}

/* What steps of our own do where no Server does. */
static bool is_built_in(const char *requirement)
{
	return text_starts_with(text_of(requirement), TEXT("alibi-explain")) ||
	       text_starts_with(text_of(requirement), TEXT("alibi-detect"));
}

static void check_model(struct compiler *compiler, const struct resource *model)
{
	const struct model_spec *spec = model->spec;
	struct text nearest;
	if (!spec || spec->server.text || spec->requirements.count == 0 || plan_model(compiler, model).origin != ENDPOINT_NONE)
		return;
	const struct name *missing = endpoint_missing_capability(&spec->requirements, compiler->spec, &nearest);
	if (missing && !is_built_in(missing->text))
		fault_add(compiler->spec->faults, CODE_UNOFFERED_REQUIREMENT, missing->place, nearest.bytes,
			  "no Server among the files has the capability `%s`: the model has no server to be called at",
			  missing->text);
}

void plan_requirements(struct compiler *compiler)
{
	const struct resource *model;
	if (!servers_are_known(compiler->spec))
		return;
	for (size_t at = 0; (model = spec_next(compiler->spec, RESOURCE_MODEL, &at));)
		check_model(compiler, model);
}
