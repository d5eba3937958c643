/* experiment_rows.c: an Experiment that is a resource of its own: the rows of
 * step/experiment.h; and the faults of any experiment, also of one that is written in a
 * step, under the codes of lint. */
#include "spec/fault_codes.h"
#include "spec/rows.h"

struct experiment_resource_spec {
	struct experiment_spec own;
};

const struct option experiment_rows[] = {
	EXPERIMENT_ROWS(struct experiment_resource_spec, own, true),
	{.type = OPTION_END},
};

static void say(void *context, enum experiment_fault fault, struct place place, const char *suggest, const char *text)
{
	static const char *const codes[] = {
		[EXPERIMENT_EMPTY] = CODE_EMPTY_VALUE,		[EXPERIMENT_REPEATED] = CODE_REPEATED_NAME,
		[EXPERIMENT_NO_CANDIDATE] = CODE_NO_CANDIDATE,	[EXPERIMENT_NO_WEIGHT] = CODE_NO_WEIGHT,
		[EXPERIMENT_ODD_STAGES] = CODE_IGNORED_SETTING, [EXPERIMENT_NO_EXPLORING] = CODE_IGNORED_SETTING,
	};
	fault_add(context, codes[fault], place, suggest, "%s", text);
}

void experiment_say(const struct experiment_spec *experiment, struct faults *faults)
{
	experiment_listen(experiment, &(struct experiment_listener){faults, say});
}

void experiment_check(const struct resource *resource, struct faults *faults)
{
	/* Candidates that are missing, too many, or no list, were said already. */
	const struct experiment_spec *experiment = resource->spec;
	const struct node *candidates = node_get(node_get(resource->node, "spec"), "candidates");
	if (!candidates || candidates->type != NODE_LIST || candidates->count != experiment->candidates.count)
		return;
	experiment_say(experiment, faults);
}
