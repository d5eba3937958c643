/* direct_intake.c: see direct_intake.h. */
#include "engine/worker/direct_intake.h"

#include <sys/epoll.h>

#include "engine/worker/parts.h"

/* ---- the port ---- */

static void on_requests(void *context, uint32_t events)
{
	(void)context, (void)events; /* waking is enough: the turn takes them */
}

bool direct_intake_open(struct worker *worker, struct error *error)
{
	struct direct_intake *direct = &worker->direct;
	direct->port = worker->config->direct ? direct_port_open(worker->config->direct) : NULL;
	if (!direct->port)
		return true;
	direct->queue = partition_queue_open_apart();
	if (!direct->queue)
		return error_memory(error, ERROR_SYSTEM, "opening direct ingress");
	direct->watch = (struct watch){.ready = on_requests, .context = worker};
	if (!loop_watch(worker->loop, &direct->watch, direct_port_bell(direct->port), LOOP_RINGS, error))
		return false;
	direct_intake_follow(worker);
	return true;
}

void direct_intake_close(struct worker *worker)
{
	struct direct_intake *direct = &worker->direct;
	if (!direct->port)
		return;
	loop_unwatch(worker->loop, &direct->watch);
	direct_port_close(direct->port);
	partition_queue_close_apart(direct->queue);
	*direct = (struct direct_intake){0};
}

static bool stage_is_direct(const struct worker_stage *stage)
{
	return stage->config->requests != TOPIC_NOWHERE && stage->phase == STAGE_ACTIVE;
}

/* Answers in the outputs refer to the registry's number of their schema (registry.h). */
static bool registry_has_answered(const struct worker *worker)
{
	return !worker->registry || registry_is_ready(worker->registry);
}

/* ---- requests ---- */

struct worker_stage *direct_stage_of(const struct worker *worker, struct text pipeline)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage_is_direct(stage) && text_is(pipeline, stage->config->graph->name))
			return stage;
	return NULL;
}

static bool is_taking(const struct worker *worker)
{
	return worker->drain_until_ms == 0 && registry_has_answered(worker);
}

/* Lets requests wait with their stages, or returns them. */
static void requests_pass(struct worker *worker, struct direct_message *message)
{
	for (struct direct_message *next; message; message = next) {
		next = message->next;
		struct worker_stage *stage = is_taking(worker) ? direct_stage_of(worker, message->pipeline) : NULL;
		if (stage)
			direct_queue_add(&stage->direct, message);
		else
			direct_port_return(worker->direct.port, message);
	}
}

static struct direct_message *requests_in_hand(struct worker_stage *stage)
{
	struct direct_message *first = stage->direct.first;
	stage->direct = (struct direct_queue){0};
	return first;
}

void direct_intake_follow(struct worker *worker)
{
	const char *names[DIRECT_PIPELINES_MAX];
	size_t count = 0;
	if (!worker->direct.port)
		return;
	worker->direct.serves = registry_has_answered(worker);
	const struct worker_stage *stage = worker->direct.serves ? worker->stages : NULL;
	for (; stage && count < DIRECT_PIPELINES_MAX; stage = stage->next)
		if (stage_is_direct(stage))
			names[count++] = stage->config->graph->name;
	direct_port_serve(worker->direct.port, names, count);
	for (struct worker_stage *left = worker->stages; left; left = left->next)
		if (!stage_is_direct(left))
			requests_pass(worker, requests_in_hand(left));
}

static void request_enter(struct worker *worker, struct worker_stage *stage, struct direct_message *message)
{
	struct direct_intake *direct = &worker->direct;
	struct record *record = &message->record;
	if (direct_port_has_lost_caller(direct->port, message)) {
		direct_message_close(message); /* it is logged nowhere, as it was not answered */
		return;
	}
	record->topic = direct->queue->topic = stage->config->topics[0];
	record->offset = direct->serial++;
	struct inflight *inflight = partition_queue_enter(&worker->queues, direct->queue, &stage->load, record, &worker->failure);
	if (!inflight) {
		direct_message_close(message); /* the worker stops */
		return;
	}
	inflight->direct = message;
	direct->in_flight++;
	intake_begin(worker, stage, inflight);
}

static bool log_has_room(const struct worker *worker, const struct direct_message *request)
{
	const bool is_full = worker->direct.is_full && worker->direct.in_flight > 0; /* what has entered will try again */
	return !is_full && direct_message_may_begin(request);
}

static bool stage_may_take(const struct worker *worker, const struct worker_stage *stage)
{
	return stage->direct.first && log_has_room(worker, stage->direct.first) && intake_has_room(worker, stage);
}

/* When requests of the stage are to be refused that wait for the log; INT64_MAX: none wait. */
static int64_t stage_due_ms(const struct worker *worker, const struct worker_stage *stage)
{
	const struct direct_message *first = stage->direct.first;
	return first && !log_has_room(worker, first) ? direct_message_waits(first, loop_now_ms(worker->loop)) : INT64_MAX;
}

/* Enters requests of a stage until it is full, or others get their turn. */
static void stage_take(struct worker *worker, struct worker_stage *stage)
{
	for (size_t i = 0; i < TAKE_AT_ONCE && stage_may_take(worker, stage); i++)
		request_enter(worker, stage, direct_queue_take(&stage->direct));
	while (stage_due_ms(worker, stage) <= loop_now_ms(worker->loop))
		direct_port_refuse(worker->direct.port, direct_queue_take(&stage->direct));
}

void direct_intake_take(struct worker *worker)
{
	struct direct_intake *direct = &worker->direct;
	if (!direct->port)
		return;
	if (direct->serves != registry_has_answered(worker))
		direct_intake_follow(worker);
	requests_pass(worker, direct_port_take(direct->port));
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (is_taking(worker))
			stage_take(worker, stage);
		else
			requests_pass(worker, requests_in_hand(stage));
}

bool direct_intake_owes(const struct worker *worker)
{
	for (const struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage_may_take(worker, stage))
			return true;
	return false;
}

int64_t direct_intake_due_ms(const struct worker *worker)
{
	int64_t due_ms = INT64_MAX;
	for (const struct worker_stage *stage = worker->stages; stage; stage = stage->next) {
		const int64_t stage_ms = stage_due_ms(worker, stage);
		due_ms = stage_ms < due_ms ? stage_ms : due_ms;
	}
	return due_ms;
}
