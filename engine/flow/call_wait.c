/* call_wait.c: Time that the calls of a message have waited in queues of this engine, before models that could be reached, and by
 * no fault of theirs: a rollout counts it for no candidate. After an outage of Kafka the requests that came meanwhile are taken at
 * once, and each waits for those before it, whichever candidate it has. What they wait since a model takes too few at once is that
 * model's time (models/calls/queued_call.h).
 *
 * What calls of a message wait beside each other counts once, as far as they end at different times.
 */
#include "flow/run.h"

static void message_note(struct message *root, int64_t waited_ms, int64_t now_ms)
{
	const int64_t since_ms = now_ms - root->waits_until_ms;
	root->waited_ms += waited_ms < since_ms ? waited_ms : since_ms;
	root->waits_until_ms = now_ms;
}

void call_wait_note(const struct visit *visit, const struct call *call)
{
	if (call->waited_ms > 0 && visit->run)
		message_note(run_root(visit->run)->message, call->waited_ms, visit->flow->now_ms);
	else if (call->waited_ms > 0)
		batch_note_wait(visit->batch, call->waited_ms);
}

void call_wait_note_member(const struct visit *member, int64_t waited_ms)
{
	message_note(run_root(member->run)->message, waited_ms, member->flow->now_ms);
}

int64_t call_wait_ms(const struct pending *pending)
{
	const struct flow_environment *environment = &pending->visit->flow->environment;
	return pending->open && environment->waited_ms ? environment->waited_ms(environment->context, &pending->call)
						       : pending->call.waited_ms;
}

/* ---- calls that go on ---- */

static int64_t visit_waited_ms(const struct visit *visit)
{
	const struct visit *caller = visit->batch ? batch_visit(visit->batch) : visit;
	int64_t longest_ms = 0;
	for (const struct pending *pending = caller ? caller->calls : NULL; pending; pending = pending->next) {
		const int64_t waited_ms = pending->open ? call_wait_ms(pending) : 0;
		longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
	}
	return longest_ms;
}

static int64_t run_waited_ms(const struct run *run)
{
	int64_t longest_ms = 0;
	for (const struct visit *visit = run->waiting; visit; visit = visit->next) {
		const int64_t waited_ms = visit_waited_ms(visit);
		longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
	}
	for (const struct child_group *child_group = run->child_groups; child_group; child_group = child_group->next)
		for (const struct child *child = child_group->first; child; child = child->next) {
			const int64_t waited_ms = child->run && !child->ended ? run_waited_ms(child->run) : 0;
			longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
		}
	return longest_ms;
}

int64_t flow_waited_ms(const struct flow *flow, const struct message *message)
{
	const struct run *run = run_find(flow, message);
	return message->waited_ms + (run ? run_waited_ms(run) : 0);
}
