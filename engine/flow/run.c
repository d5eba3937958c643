/* run.c: Run of one message: entered, worked off, waiting, answered, finished. */
#include "flow/run.h"

#include "message/provenance.h"

const struct error *run_keep_error(struct run *run, const struct error *error)
{
	struct error *kept = arena_take_raw(run->message->arena, sizeof *kept);
	if (!kept) { /* a full arena ends the run: this is then its error */
		run->error->kind = ERROR_NONE;
		error_memory(run->error, ERROR_LIMIT, "answering a message");
		return run->error;
	}
	return memcpy(kept, error, sizeof *kept);
}

static inline struct run *run_make(struct flow *flow, struct message *message, struct child *child)
{
	struct run *run = arena_take_raw(message->arena, flow->run_size_bytes - (child ? sizeof *run->error : 0));
	if (!run)
		return NULL;
	memset(run, 0, flow->run_size_bytes - sizeof *run->error);
	run->child = child;
	run->flow = flow;
	run->message = message;
	message->run = run;
	run->tasks_end = &run->tasks;
	run->timer.run = run;
	run->timer.serial = ++flow->serial;
	run->node_states = (struct node_state *)(run + 1);
	run->arrivals = (struct flow_arrival *)(run->node_states + flow->count + 1);
	run->error = child ? child->child_group->parent->error : (struct error *)(run->arrivals + flow->arrivals);
	run->next = flow->runs;
	if (run->next)
		run->next->previous = run;
	flow->runs = run;
	flow->inside++;
	if (message->line)
		line_join(run, message->line);
	return run;
}

struct run *run_begin_child(struct child *child)
{
	return run_make(child->child_group->parent->flow, &child->offspring.message, child);
}

void run_mirror(const struct run *run, const struct payload *payload)
{
	const struct flow_environment *environment = &run->flow->environment;
	environment->mirrored(environment->context, run->mirrored, payload);
}

/* At the run's end, so that messages without a mirror have one check to pass. */
static __attribute__((cold)) void run_end_mirror(const struct run *run)
{
	const struct flow_environment *environment = &run->flow->environment;
	if (run->answered && run->outcome == FLOW_ANSWER)
		run_mirror(run, run->answer.payload);
	else
		environment->unmirrored(environment->context, run->mirrored);
}

static inline void run_unlist(struct run *run)
{
	struct flow *flow = run->flow;
	if (run->mirrored)
		run_end_mirror(run);
	while (run->waiting)
		visit_abandon(run->waiting);
	if (run->timer.slot)
		timer_set(flow, &run->timer, INT64_MAX);
	if (run->next)
		run->next->previous = run->previous;
	*(run->previous ? &run->previous->next : &flow->runs) = run->next;
	flow->inside--;
	run->message->run = NULL;
	if (run->line)
		line_leave(run);
}

void run_leave(struct run *run)
{
	run_unlist(run);
}

/* Reports the end to the flow owner, and releases the message. */
static void run_end(struct run *run)
{
	struct flow *flow = run->flow;
	if (run->child_groups)
		family_leave(run);
	run_unlist(run);
	if (flow->graph->part && !run_leave_carried(run) && run->outcome == FLOW_PASSED) {
		run->error->kind = ERROR_NONE;
		error_memory(run->error, ERROR_LIMIT, "passing a message on to the next stage");
		run->answer = (struct answer){.error = run->error};
		run->outcome = FLOW_ANSWER;
	}
	if (run->outages)
		run->answer.outage_ms = run->outages->latest_ms;
	flow->environment.finished(flow->environment.context, run->message, run->outcome, &run->answer);
}

/* Handles a node that never ran: it passes that on; if it is the answer, the message ends. */
static void run_ended_node(struct run *run, const struct task *task)
{
	struct flow_node *node = &run->flow->nodes[task->node];
	if (!node->graph_step) {
		const struct error *error = run->node_states[task->node].error;
		if (error)
			run_answer_error(run, error);
		else
			run_answer_nothing(run);
		return;
	}
	enum arrival_state state = task->kind == TASK_DEAD ? ARRIVAL_DEAD : ARRIVAL_FAILED;
	outlet_deliver(run, &node->sent, state, NULL, NULL);
	outlet_deliver(run, &node->gave, state, NULL, NULL);
}

static void run_work(struct run *run)
{
	for (struct task *task; (task = run->tasks) != NULL;) {
		run->tasks = task->next;
		if (!run->tasks)
			run->tasks_end = &run->tasks;
		if (run_is_answered(run) && !run_needs(run, &run->flow->nodes[task->node]))
			continue;
		if (task->kind == TASK_VISIT)
			visit_start((struct visit *)task);
		else
			run_ended_node(run, task);
	}
}

static void run_prune(struct run *run)
{
	for (struct visit *visit = run->waiting, *next; visit; visit = next) {
		next = visit->next;
		if (!run_needs(run, visit->node))
			visit_abandon(visit);
	}
}

static int64_t run_due_ms(const struct run *run)
{
	/* The root run of a child watches the deadline. */
	int64_t due_ms = run->message->deadline_ms > 0 && !run->child ? run->message->deadline_ms : INT64_MAX;
	if (run->fall_back_ms > 0 && run->fall_back_ms < due_ms)
		due_ms = run->fall_back_ms;
	for (size_t i = 0; i <= run->flow->count; i++) {
		int64_t node_state_ms = node_state_due_ms(run, i);
		if (node_state_ms < due_ms)
			due_ms = node_state_ms;
	}
	return due_ms;
}

static bool run_out_of_memory(struct run *run)
{
	if (!arena_failed(run->message->arena))
		return false;
	if (run->child) { /* the arena belongs to its root */
		run->ready = false;
		run_wake(run_root(run));
		return true;
	}
	if (!run->answered) {
		run->error->kind = ERROR_NONE;
		error_set(run->error, ERROR_LIMIT, PLACE_NONE,
			  "there is no memory for the message and the results of its steps: one message may use %zu MiB, and "
			  "no setting raises that; send less at once, or check what else uses the machine's memory",
			  arena_limit(run->message->arena) >> 20);
		run_answer_error(run, run->error);
	}
	run_end(run);
	return true;
}

/* Settles an answer when no task and no call is left, because it can no longer come. */
static void run_conclude(struct run *run)
{
	const struct graph *graph = run->flow->graph;
	if (run->child_groups && family_collect(run))
		return;
	if (graph->part && graph->has_output && !graph->part->answers)
		run->outcome = FLOW_PASSED;
	else if (run_has(run, run->flow->nodes[run->flow->count].comes))
		run_answer_nothing(run);
}

/* Whether the run still waits: for an answer, or for its children. */
static __attribute__((noinline)) bool run_stays(struct run *run)
{
	if (run->waiting && run_is_answered(run))
		run_prune(run);
	return run->waiting || run_has_children(run) || (run->child && run_expects(run));
}

/* Runs all tasks. Then the run ends, or waits with its timer set. */
static void run_drain(struct run *run)
{
	for (;;) {
		run_work(run);
		if (run_out_of_memory(run))
			return;
		if ((run->waiting || run->child_groups || run->child) && run_stays(run)) {
			run->ready = false;
			timer_set(run->flow, &run->timer, run_due_ms(run));
			return;
		}
		if (run->answered && !run->flow->graph->cyclic)
			break; /* without cycles everything is settled by now */
		if (!run_settle_quiet(run))
			break;
	}
	if (!run->answered)
		run_conclude(run);
	if (run->child)
		child_end(run);
	else
		run_end(run);
}

/* Lists a run for work. Runs affect each other through batches, so they are processed here one after the other, never
 * nested. */
void run_wake(struct run *run)
{
	if (run->ready)
		return;
	struct flow *flow = run->flow;
	run->ready = true;
	run->next_ready = NULL;
	*flow->ready_end = run;
	flow->ready_end = &run->next_ready;
}

void flow_work(struct flow *flow)
{
	for (struct run *run; (run = flow->ready) != NULL;) {
		flow->ready = run->next_ready;
		if (!flow->ready)
			flow->ready_end = &flow->ready;
		run_drain(run);
	}
}

/* Ends a run for the reason in `run->error`, unless it is answered. */
static void run_cut_short(struct run *run)
{
	if (!run->answered && flow_decides(run->flow))
		family_answer_error(run, run->error);
	else if (!run->answered)
		run_fail_rest(run, run->error);
	if (!run->answered)
		run_conclude(run);
	run_end(run);
}

static void run_past_deadline(struct run *run)
{
	if (!run->answered) {
		char words[DEADLINE_REASON_MAX];
		deadline_reason_write(run, words);
		*run->error = (struct error){0};
		error_set_limit(
			run->error, LIMIT_OF_DEADLINE,
			"the deadline of the request has passed before its answer was ready: %s; allow more time, or find out "
			"why it takes so long",
			words[0] ? words : "it arrived too late for its first step");
	}
	run_cut_short(run);
}

bool flow_cancel(struct flow *flow, const struct message *message, int64_t now_ms)
{
	assert(now_ms >= flow->now_ms);
	char words[DEADLINE_REASON_MAX];
	struct run *run = run_find(flow, message);
	if (!run || run->answered)
		return false;
	flow->now_ms = now_ms;
	deadline_reason_write(run, words);
	*run->error = (struct error){0};
	error_set_limit(run->error, LIMIT_OF_CANCEL,
			"the request was cancelled by its caller before its answer was ready: %s; send it again if an answer is "
			"wanted",
			words[0] ? words : "its steps had not ended");
	run_cut_short(run);
	flow_work(flow);
	return true;
}

bool flow_enter(struct flow *flow, struct message *message, int64_t now_ms, struct error *error)
{
	assert(now_ms >= flow->now_ms);
	flow->now_ms = now_ms;
	struct run *run = timers_reserve(flow, 1) ? run_make(flow, message, NULL) : NULL;
	if (!run)
		return error_memory(error, ERROR_LIMIT, "entering a message");
	const struct graph_part *part = flow->graph->part;
	if (flow->environment.tap && (!part || part->first))
		flow->environment.tap(flow->environment.context, message, TAP_PIPELINE_INPUTS, STEP_NONE, &message->payload);
	if (part && (part->observes || message->carried))
		run_take_carried(run);
	if (message->deadline_ms > 0 && message->deadline_ms <= now_ms) {
		run_past_deadline(run);
		flow_work(flow);
		return true;
	}
	run->ready = true;
	outlet_deliver(run, &flow->request, ARRIVAL_CAME, &message->payload, NULL);
	if (part && part->parent_count > 0)
		run_deliver_carried(run);
	run_drain(run);
	if (flow->ready)
		flow_work(flow);
	return true;
}

static void run_abandon(struct run *run)
{
	if (run->child_groups)
		family_leave(run);
	run_leave(run); /* between two calls of the flow, no run is listed */
}

void flow_abandon(struct flow *flow, const struct message *message)
{
	struct run *run = run_find(flow, message);
	if (run)
		run_abandon(run);
}

void flow_abandon_void(struct flow *flow, bool (*is_void)(const struct message *message),
		       void (*abandoned)(void *context, struct message *message))
{
	assert(is_void && abandoned);
	for (struct run *run = flow->runs, *next; run; run = next) {
		struct message *message = run->message;
		const bool has_children = run->child_groups;
		next = run->next;
		if (run->child || run->line || !is_void(message))
			continue;
		run_abandon(run);
		next = has_children ? flow->runs : next; /* the next one may have been a child */
		abandoned(flow->environment.context, message);
	}
}

/* Marks a reply with its model. A pipeline's answer has the marks of its models already. */
static void mark_reply(struct call *call, struct arena *arena)
{
	if (call->error.kind != ERROR_NONE || call->target != CALL_MODEL)
		return;
	struct error wrong;
	wrong.kind = ERROR_NONE;
	if (!tensors_check_names(call->reply->tensors, false, arena, &wrong)) {
		error_set(&call->error, wrong.kind == ERROR_INPUT ? ERROR_REMOTE : wrong.kind, PLACE_NONE,
			  "the reply of model `%s` cannot be read: %s", call->name, wrong.text);
		call->reply = NULL;
		return;
	}
	const struct payload *marked = reply_marked(arena, call->reply, call->name);
	if (marked) /* without memory for the mark the reply is still good */
		call->reply = marked;
}

void flow_answered(struct flow *flow, struct call *call, int64_t now_ms)
{
	struct pending *pending = call->owner;
	assert(pending && pending->open);		       /* a call is answered once */
	assert(call->reply || call->error.kind != ERROR_NONE); /* with a reply or an error */
	assert(now_ms >= flow->now_ms);
	struct visit *visit = pending->visit;
	struct run *run = visit->run;
	struct step *step = &visit->node->step;
	struct error error;
	error.kind = ERROR_NONE;
	flow->now_ms = now_ms;
	pending->open = false;
	if (run)
		run_root(run)->has_called = true;
	outage_note_call(visit, call);
	call_wait_note(visit, call);
	mark_reply(call, visit->arena);
	experiment_ended(pending);
	if (experiment_fall_back(pending)) {
		flow_work(flow);
		return;
	}
	if (call->mirrored)
		flow->environment.mirrored(flow->environment.context, call->mirrored, call->reply);
	visit_verdict(visit, step->kind->calls->answered(step, visit, call, &error), &error);
	if (run)
		run_wake(run);
	flow_work(flow);
}

static void run_due(struct run *run)
{
	struct flow *flow = run->flow;
	if (run->message->deadline_ms > 0 && run->message->deadline_ms <= flow->now_ms && !run->child) {
		run_past_deadline(run);
		return;
	}
	for (size_t i = 0; i <= flow->count; i++)
		if (node_state_due_ms(run, i) <= flow->now_ms)
			node_state_window_closed(run, i);
	if (run->fall_back_ms > 0 && run->fall_back_ms <= flow->now_ms)
		experiment_due(run);
	run_wake(run);
}

void flow_advance(struct flow *flow, int64_t now_ms)
{
	assert(now_ms >= flow->now_ms); /* timers are ordered by a clock that does not go back */
	flow->now_ms = now_ms;
	while (flow_due_ms(flow) <= now_ms) {
		struct timer *timer = flow->timers[1];
		if (timer->run)
			run_due(timer->run);
		else
			batch_send(timer->batch);
		flow_work(flow);
	}
}
