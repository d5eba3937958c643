/* kind.c: Lookup of a step kind by its key in the YAML, and access to the rules of a kind for one step. */

#include "compiler/step/step.h"

const struct step_kind *step_kind_find(const struct step_kind *const *kinds, const char *name)
{
	for (; kinds && *kinds; kinds++)
		if (strcmp((*kinds)->name, name) == 0)
			return *kinds;
	return NULL;
}

/* If the YAML has faults, a step may be without its options. */
static bool is_whole(const struct step *step)
{
	return step->kind && (step->options || !step->kind->options);
}

struct step_facts step_facts(const struct step *step)
{
	struct step_facts facts = {0};
	if (is_whole(step) && step->kind->describe)
		step->kind->describe(step, &facts);
	return facts;
}

bool step_is_stateful(const struct step *step)
{
	const struct step_facts facts = step_facts(step);
	return step->kind->state && !facts.is_stateless && !facts.collects.text;
}

bool step_calls(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	if (step->explained) /* it sends perturbations to the models of that step */
		return step_calls(step->explained, nth, target, name);
	return is_whole(step) && step->kind->calls && step->kind->calls->targets &&
	       step->kind->calls->targets(step, nth, target, name);
}

bool step_shadows(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	const struct call_rules *rules = is_whole(step) ? step->kind->calls : NULL;
	return rules && rules->shadows && rules->shadows(step, nth, target, name);
}

const struct name_list *step_model_outputs(const struct step *step)
{
	return step->explained ? step_model_outputs(step->explained) : step_facts(step).outputs;
}

bool step_estimates(const struct step *step, struct text figure)
{
	const struct step_facts facts = step_facts(step);
	return text_is(figure, "estimated_error") ? facts.estimates_error : facts.estimates;
}

bool step_explains(const struct step *step)
{
	return is_whole(step) && step->kind->monitors && step->kind->monitors->explains;
}

bool step_is_beside(const struct step *step)
{
	return step_is_observer(step) || (step_explains(step) && step_facts(step).is_beside);
}

bool step_is_observer(const struct step *step)
{
	return is_whole(step) && step->kind->observes;
}

struct sample step_sample(const struct step *step)
{
	return sample_of(step->name, 100 * step_facts(step).share);
}

bool step_observes(const struct step *step, const struct message *message)
{
	const struct sample sample = step_sample(step);
	return sample_has(&sample, message);
}

bool step_awaits_time(const struct step *step)
{
	return step_is_observer(step) && step->kind->observes->awaits_time;
}
