/* commit_interval.c: Times at which a worker commits what it has released, and tries again what a full producer did not take. */
#include "engine/worker/parts.h"

#define FULL_PAUSE_MS 1	   /* until a full producer queue is tried again */
#define COMMIT_LEAST_MS 10 /* a shorter interval costs more than it gains (librdkafka before 2.12: 20 ms a retry) */
#define COMMIT_MOST_MS 100
#define COMMIT_SHARE 5 /* at most one part in five of the time is used for commits */

static int64_t usual_interval_ms(const struct worker *worker)
{
	if (worker->config->limits.commit_ms > 0)
		return worker->config->limits.commit_ms;
	int64_t interval_ms = output_commit_us(worker->outbox.output) * COMMIT_SHARE / 1000;
	interval_ms = interval_ms < COMMIT_LEAST_MS ? COMMIT_LEAST_MS : interval_ms;
	return interval_ms > COMMIT_MOST_MS ? COMMIT_MOST_MS : interval_ms;
}

void commit_interval_begin(struct worker *worker)
{
	const struct worker_limits *limits = &worker->config->limits;
	const int64_t now_ms = loop_now_ms(worker->loop), usual_ms = usual_interval_ms(worker);
	worker->commits_quietly = limits->quiet_commit_ms > usual_ms && !output_has_records(worker->outbox.output);
	int64_t due_ms = now_ms + (worker->commits_quietly ? limits->quiet_commit_ms : usual_ms);
	const int64_t next_ms = worker->outputs_ended_ms + limits->output_commit_ms;
	if (!worker->commits_quietly && worker->outputs_ended_ms > 0 && due_ms < next_ms)
		due_ms = next_ms;
	worker->dirty = true;
	loop_timer_set(worker->loop, &worker->commit_timer, due_ms, &worker->failure);
}

void commit_interval_on_end(void *context)
{
	struct worker *worker = context;
	worker->commit_due = true;
}

/* ---- a full producer ---- */

/* Sets the time of the next attempt. Nothing is tried before, because an attempt costs as much as a record that
 * leaves. */
void produce_retry_soon(struct worker *worker)
{
	worker->full = true;
	int64_t due_ms = loop_now_ms(worker->loop) + FULL_PAUSE_MS;
	loop_timer_set(worker->loop, &worker->retry_timer, due_ms, &worker->failure);
}

void produce_on_retry(void *context)
{
	struct worker *worker = context;
	worker->full = false;
}
