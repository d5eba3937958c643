/* kind.c: Lookup of a step kind by its key in the YAML, and access to the rules of a kind for one step. */
#include <string.h>

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

bool step_is_stateful(const struct step *step)
{
	struct name maker;
	const struct state_rules *rules = step->kind->state;
	return rules && (!rules->stores || (is_whole(step) && rules->stores(step))) && !step_collects(step, &maker);
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
	if (step->explained) /* its perturbations ask as that step asks */
		return step_model_outputs(step->explained);
	const struct call_rules *rules = is_whole(step) ? step->kind->calls : NULL;
	return rules && rules->outputs ? rules->outputs(step->options) : NULL;
}

const char *step_storage(const struct step *step)
{
	const struct call_rules *rules = is_whole(step) ? step->kind->calls : NULL;
	return rules && rules->storage ? rules->storage(step) : NULL;
}

bool step_makes_offspring(const struct step *step)
{
	const struct offspring_rules *rules = is_whole(step) ? step->kind->offspring : NULL;
	return rules && rules->makes && rules->makes(step);
}

bool step_collects(const struct step *step, struct name *maker)
{
	const struct offspring_rules *rules = is_whole(step) ? step->kind->offspring : NULL;
	return rules && rules->collects && rules->collects(step, maker);
}

bool step_explains(const struct step *step)
{
	return is_whole(step) && step->kind->monitors && step->kind->monitors->explains;
}

bool step_is_beside(const struct step *step)
{
	return step_is_observer(step) ||
	       (step_explains(step) && step->kind->monitors->beside && step->kind->monitors->beside(step));
}

bool step_is_observer(const struct step *step)
{
	return is_whole(step) && step->kind->monitors && step->kind->monitors->observes;
}

struct sample step_sample(const struct step *step)
{
	return sample_of(step->name, 100 * step->kind->monitors->observes(step));
}

bool step_observes(const struct step *step, const struct message *message)
{
	const struct sample sample = step_sample(step);
	return sample_has(&sample, message);
}

bool step_slices(const struct step *step)
{
	return step_is_observer(step) && step->kind->monitors->slices && step->kind->monitors->slices(step);
}

bool step_awaits_truths(const struct step *step)
{
	return step_is_observer(step) && step->options && step->kind->monitors->awaits_truths &&
	       step->kind->monitors->awaits_truths(step->options);
}

bool step_awaits_time(const struct step *step)
{
	return step_is_observer(step) && step->options && step->kind->monitors->may_await_time &&
	       step->kind->monitors->may_await_time(step->options);
}

bool step_reads(const struct step *step, const struct tensor *tensor)
{
	const struct monitor_rules *rules = step->kind->monitors;
	return !step_slices(step) || !rules->reads || rules->reads(step, tensor);
}

bool step_quorum(const struct step *step, struct quorum *quorum)
{
	const struct merge_rules *rules = is_whole(step) ? step->kind->merges : NULL;
	return rules && rules->quorum && rules->quorum(step, quorum);
}
