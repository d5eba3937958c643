/* built_in.c: see built_in.h. */
#include "compiler/graph/built_in.h"

#include "compiler/graph/endpoint.h"
#include "compiler/graph/step_options.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/inline_models.h"

static bool is_offered(const struct built_in_search *search, const struct step_spec *step, const struct step *self)
{
	static const struct name_list none = {0};
	const struct name_list *servers = search->servers ? search->servers : &none;
	enum call_target target;
	struct model_facts facts = {.storage_uri = step_facts(self).storage, .server = step_option_text(step, "server")};
	if (!step_calls(self, 0, &target, &facts.name) || target != CALL_MODEL)
		return true;
	facts.requirements = step_option_names(step, "requirements");
	if (endpoint_is_offered(&facts, search->spec, servers, search->arena))
		return true;
	const struct resource *resource = spec_model(search->spec, facts.name);
	const struct model_spec *spec = resource ? resource->spec : NULL;
	if (!spec)
		return false;
	const struct model_facts own = {.name = facts.name,
					.storage_uri = spec->storage_uri.text,
					.server = spec->server.text,
					.requirements = spec->requirements,
					.environment = spec->environment};
	return endpoint_find(&own, search->spec, servers, search->arena).origin != ENDPOINT_NONE;
}

bool built_in_replace(const struct built_in_search *search, struct step_spec *step)
{
	const struct call_rules *rules = step->kind && step->options ? step->kind->calls : NULL;
	const struct step self = {.kind = step->kind,
				  .name = step->name.text ? step->name.text : "",
				  .options = step->options,
				  .place = step->options_here};
	const void *options;
	struct name ignored = {0};
	struct error error = {0};
	if (!rules || !rules->built_in || is_offered(search, step, &self))
		return false;
	const struct step_kind *kind = rules->built_in(&self, search->arena, &options, &ignored, &error);
	if (kind && kind->monitors && kind->monitors->explains && step->inputs.count == 0) {
		error_set(&error, ERROR_CONFIG, step->options_here,
			  "step `%s` has the parameters of the built-in explainer, which explains the answer of a step, and it "
			  "reads the request; list that step in `inputs`, or name a server that has its model",
			  self.name);
		kind = NULL;
	}
	if (error.kind != ERROR_NONE)
		fault_add(search->faults, CODE_STEP_KIND_LATER, error.place, NULL, "%s", error.text);
	if (kind && ignored.text)
		fault_add(search->faults, CODE_FIELD_LATER, ignored.place, NULL,
			  "`%s` has no effect on step `%s`, which is built in", ignored.text, self.name);
	if (!kind)
		return false;
	step->kind = kind;
	step->options = options;
	return true;
}

bool built_in_is_instead(const struct spec *spec, const struct step_spec *step)
{
	struct faults *ignored = faults_open(spec->arena);
	struct step_spec copy = *step;
	return ignored && built_in_replace(&(struct built_in_search){.spec = spec, .arena = spec->arena, .faults = ignored}, &copy);
}
