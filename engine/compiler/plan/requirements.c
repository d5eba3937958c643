/* requirements.c: Check of the requirements of Models against the capabilities of Servers. */
#include "compiler/plan/compile.h"
#include "compiler/graph/endpoint.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/inline_models.h"

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
static bool requirement_is_built_in(const char *requirement)
{
	return text_starts_with(text_of(requirement), TEXT("alibi-explain")) ||
	       text_starts_with(text_of(requirement), TEXT("alibi-detect"));
}

static void requirements_check(const struct spec *spec, const struct model_spec *model)
{
	struct text nearest;
	const struct name *missing = endpoint_missing_capability(&model->requirements, spec, &nearest);
	if (missing && !requirement_is_built_in(missing->text))
		fault_add(spec->faults, CODE_UNOFFERED_REQUIREMENT, missing->place, nearest.bytes,
			  "no Server has the capability `%s`: there is none at which the model can be called", missing->text);
}

void plan_requirements(const struct compiler *compiler)
{
	const struct spec *spec = compiler->spec;
	const struct resource *resource;
	if ((compiler->options && compiler->options->servers.count > 0) || !servers_are_known(spec))
		return;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_MODEL, &at));) {
		const struct model_spec *model = resource->spec;
		if (model && !model->server.text && !model_uri_is_address(model->storage_uri.text))
			requirements_check(spec, model);
	}
}
