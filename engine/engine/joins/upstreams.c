/* upstreams.c: see upstreams.h. */
#include "engine/joins/upstreams.h"

#include <sys/epoll.h>

static const char waits[] = "a pipeline or stage whose results it joins is behind";

static void say_waiting(struct worker_stage *stage, bool behind)
{
	const char *waits_before = atomic_load_explicit(&stage->counts->waits_for, memory_order_relaxed);
	if (behind && !waits_before)
		atomic_store_explicit(&stage->counts->waits_for, waits, memory_order_relaxed);
	else if (!behind && waits_before == waits)
		atomic_store_explicit(&stage->counts->waits_for, NULL, memory_order_relaxed);
}

static void take_answer(const struct worker *worker, struct worker_stage *stage, enum upstream_progress progress)
{
	struct stage_upstream *upstream = &stage->upstream;
	upstream->asked = false;
	upstream->again_ms = loop_now_ms(worker->loop) + UPSTREAM_PAUSE_MS;
	say_waiting(stage, progress == UPSTREAM_BEHIND);
	if (progress != UPSTREAM_PASSED)
		return;
	upstream->passed_ms = upstream->began_ms;
	upstream->began_ms = 0;
}

static void upstreams_on_answer(void *context, uint32_t events)
{
	struct worker *worker = context;
	enum upstream_progress progress;
	uint64_t ticket;
	(void)events;
	while ((progress = upstream_answer(worker->upstream, &ticket)) != UPSTREAM_NONE)
		for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
			if (stage->upstream.ticket == ticket)
				take_answer(worker, stage, progress);
}

static bool open(struct worker *worker, struct error *error)
{
	const struct consumer_config *consumer = &worker->config->consumer;
	if (worker->upstream)
		return true;
	worker->upstream = upstream_open(consumer->brokers, consumer->properties, error);
	worker->upstream_watch = (struct watch){.ready = upstreams_on_answer, .context = worker};
	return worker->upstream &&
	       loop_watch(worker->loop, &worker->upstream_watch, upstream_bell(worker->upstream), EPOLLIN, error);
}

static bool upstreams_ask(struct worker *worker, struct worker_stage *stage, struct error *error)
{
	struct stage_upstream *upstream = &stage->upstream;
	int64_t now_ms = loop_now_ms(worker->loop);
	if (!open(worker, error))
		return false;
	if (upstream->ticket == 0)
		upstream->ticket = ++worker->upstream_tickets;
	if (upstream->began_ms == 0)
		upstream->began_ms = now_ms;
	upstream->asked = true;
	return upstream_ask(worker->upstream, upstream->ticket, &stage->config->upstream, error);
}

bool upstream_is_passed(struct worker *worker, struct worker_stage *stage, int64_t due_ms, bool *passed, struct error *error)
{
	const struct stage_upstream *upstream = &stage->upstream;
	const struct worker_platform *platform = worker->config->platform ? worker->config->platform : &worker_platform_usual;
	*passed = stage->config->upstream.count == 0 || !platform->asks_groups || upstream->passed_ms >= due_ms;
	if (*passed || upstream->asked || loop_now_ms(worker->loop) < upstream->again_ms)
		return true;
	return upstreams_ask(worker, stage, error);
}

int64_t upstream_again_ms(const struct worker_stage *stage)
{
	return stage->upstream.asked ? INT64_MAX : stage->upstream.again_ms;
}

void upstreams_part(struct worker *worker, struct worker_stage *stage)
{
	if (stage->upstream.ticket && worker->upstream)
		upstream_forget(worker->upstream, stage->upstream.ticket);
	stage->upstream.ticket = 0;
}

void upstreams_close(struct worker *worker)
{
	if (worker->upstream)
		loop_unwatch(worker->loop, &worker->upstream_watch);
	upstream_close(worker->upstream);
	worker->upstream = NULL;
}
