/* standing.c: Wait of a message for its calls, and for those of its offspring: sent, held up, or not sent yet. */
#include "flow/run.h"

static enum standing later_of(enum standing one, enum standing other)
{
	return one > other ? one : other;
}

static enum standing visit_standing(const struct visit *visit)
{
	const struct flow_environment *environment = &visit->flow->environment;
	const struct visit *caller = visit->batch ? batch_visit(visit->batch) : visit;
	enum standing standing = STANDING_NONE;
	for (const struct pending *pending = caller ? caller->calls : NULL; pending; pending = pending->next)
		if (pending->open)
			standing = later_of(standing, environment->standing
							      ? environment->standing(environment->context, &pending->call)
							      : STANDING_ON_ITS_WAY);
	return standing;
}

static enum standing run_standing(const struct run *run)
{
	enum standing standing = STANDING_NONE;
	for (const struct visit *visit = run->waiting; visit; visit = visit->next)
		standing = later_of(standing, visit_standing(visit));
	for (const struct child_group *child_group = run->child_groups; child_group; child_group = child_group->next)
		for (const struct child *child = child_group->first; child; child = child->next)
			if (child->run && !child->ended)
				standing = later_of(standing, run_standing(child->run));
	return standing;
}

enum standing flow_standing(const struct flow *flow, const struct message *message)
{
	const struct run *run = run_find(flow, message);
	const enum standing standing = run ? run_standing(run) : STANDING_NONE;
	return standing == STANDING_UNSENT && run->has_called ? STANDING_BEGUN : standing;
}
