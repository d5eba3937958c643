/* deadline_reason.c: Text for a deadline error: the step or model that a message still waits for. */
#include <stdio.h>

#include "flow/run.h"

/* The visit that has waited longest, in this run or in those of its children. */
static const struct visit *longest_waiting(const struct run *run)
{
	const struct visit *visit = run->waiting;
	while (visit && visit->next)
		visit = visit->next;
	for (const struct child_group *child_group = run->child_groups; !visit && child_group; child_group = child_group->next)
		for (const struct child *child = child_group->first; !visit && child; child = child->next)
			visit = child->run && !child->ended ? longest_waiting(child->run) : NULL;
	return visit;
}

static const struct call *open_call(const struct visit *visit)
{
	const struct pending *pending = visit->calls;
	while (pending && !pending->open)
		pending = pending->next;
	return pending ? &pending->call : NULL;
}

static void say_call(const struct call *call, char *words, size_t size)
{
	static const char *const targets[] = {
		[CALL_MODEL] = "model ", [CALL_PIPELINE] = "pipeline ", [CALL_EXPERIMENT] = "experiment "};
	static const char *const ways[][2] = {
		[CALL_BEGUN] = {"for ", ""},
		[CALL_IN_LINE] = {"in line for ", ""},
		[CALL_PAUSED] = {"to ask ", " again"},
		[CALL_SENT] = {"for ", " to answer"},
	};
	(void)snprintf(words, size, "%s%s%s%s", ways[call->where][0], targets[call->target], call->name, ways[call->where][1]);
}

void deadline_reason_write(const struct run *run, char words[DEADLINE_REASON_MAX])
{
	const struct visit *visit = longest_waiting(run);
	words[0] = '\0';
	if (!visit)
		return;
	const struct visit *caller = visit->batch ? batch_visit(visit->batch) : visit;
	const struct call *call = caller ? open_call(caller) : NULL;
	char reason[DEADLINE_REASON_MAX / 2];
	if (call)
		say_call(call, reason, sizeof reason);
	else
		(void)snprintf(reason, sizeof reason, "%s",
			       visit->parked ? "until those before it in its partition have passed" : "for its batch to be full");
	(void)snprintf(words, DEADLINE_REASON_MAX, "step `%s` waited %s", visit->node->step.name, reason);
}
