/* worker.c: Event loop of a worker, from top to bottom. Small callbacks note events while the loop turns, and
 * worker_turn() acts upon them. See worker.h for the guarantees, and parts.h for the other files. */
#include "engine/worker/worker.h"

#include <assert.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"
#include "experiments/outcomes/judged_answer.h"
#include "message/records/stage_link.h"
#include "models/calls/memo.h"
#include "engine/worker/absence_report.h"
#include "engine/worker/cancellation.h"
#include "engine/worker/direct_intake.h"
#include "engine/joins/join_state.h"
#include "engine/worker/observer_outage.h"
#include "engine/worker/parts.h"
#include "engine/outputs/stage_links.h"
#include "engine/outputs/time_links.h"
#include "engine/joins/upstreams.h"
#include "engine/worker/waiting_requests.h"
#include "engine/outputs/write_denial.h"

#define IDLE_TURN_MS 1000 /* longest turn without work: the group needs polls; with work, turns are shorter, to detect pauses */
#define VIRTUAL_TURN_MS (60 * 60 * 1000) /* where time does not pass by itself: so what is due is reported, or comes late */
#define CANCEL_TURN_MS 50		 /* with work that may be cancelled: so soon a cancellation is seen */
#define WATCHING_COMMIT_MS 1000		 /* a transaction takes some 3 ms of processor time, most of it in librdkafka's timers */

const struct worker_limits worker_limits_usual = {
	.in_flight = 8192,
	.held_bytes = (size_t)64 << 20,
	.message_bytes = (size_t)64 << 20,
	.answer_bytes = (size_t)64 << 20,
	.tap_bytes = (size_t)4 << 20,
	.reply_bytes = (size_t)32 << 20,
	.drain_ms = 10000,
	.observed_ms = 60000, /* longer than nearly all calls take with their retries, and shorter than an outage that matters */
};

struct worker_limits worker_limits_of_observers(struct worker_limits limits)
{
	limits.quiet_commit_ms = limits.output_commit_ms = WATCHING_COMMIT_MS;
	return limits;
}

/* ---- the loop ---- */

static void on_consumer(void *context, uint32_t events)
{
	(void)events;
	struct worker *worker = context;
	worker->more = true;
}

static void on_command(void *context, uint32_t events)
{
	(void)events;
	struct worker *worker = context;
	bell_quiet(worker->command_bell);
}

static void on_awake(void *context)
{
	(void)context; /* waking is enough: the turn does the rest */
}

static bool is_over(const struct worker *worker)
{
	if (worker->drain_until_ms == 0)
		return false;
	bool drained = worker->queues.load.in_flight == 0 && !worker->dirty;
	return drained || loop_now_ms(worker->loop) >= worker->drain_until_ms;
}

static int turn_most_ms(const struct worker *worker)
{
	if (worker->config->time_is_virtual)
		return VIRTUAL_TURN_MS;
	if (worker->queues.load.in_flight + worker->copy_count == 0)
		return IDLE_TURN_MS;
	return worker->config->cancels ? CANCEL_TURN_MS : LOOP_PAUSE_MS;
}

static int turn_timeout_ms(const struct worker *worker)
{
	struct positions changed;
	bool change_waits = consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME && !assignment_is_handing_over(worker);
	if (change_waits && !worker->full && output_may_end(worker->outbox.output))
		return 0;
	if (intake_owes(worker) || direct_intake_owes(worker) || (worker->more && intake_may_take(worker)) ||
	    worker->returned_count + worker->subpipeline_waiting > 0)
		return 0;
	const int64_t due[] = {stages_due_ms(worker),	     join_states_due_ms(worker),      time_links_due_ms(worker),
			       direct_intake_due_ms(worker), observer_outages_due_ms(worker), stage_links_due_ms(worker),
			       waiting_requests_due_ms(worker)};
	int64_t due_ms = INT64_MAX;
	for (size_t i = 0; i < sizeof due / sizeof *due; i++)
		due_ms = due[i] < due_ms ? due[i] : due_ms;
	const int64_t left_ms = due_ms - loop_now_ms(worker->loop);
	if (left_ms < 0)
		return 0;
	int most_ms = turn_most_ms(worker);
	return left_ms < most_ms ? (int)left_ms : most_ms;
}

static void stop_when_told(struct worker *worker)
{
	if (worker->drain_until_ms == 0 && atomic_load(&worker->stopping))
		worker->drain_until_ms = loop_now_ms(worker->loop) + worker->config->limits.drain_ms;
}

static bool is_sound(const struct worker *worker, struct error *error)
{
	const struct error *failure = worker->failure.kind != ERROR_NONE ? &worker->failure : &worker->outbox.failure;
	if (failure->kind == ERROR_NONE)
		return true;
	*error = *failure;
	return false;
}

bool worker_turn(struct worker *worker, bool *over, struct error *error)
{
	atomic_store_explicit(&worker->turned_ms, loop_now_ms(worker->loop), memory_order_relaxed);
	stop_when_told(worker);
	*over = is_over(worker);
	if (*over) {
		replies_wake(&worker->outbox.replies);
		return true;
	}
	intake_begin_turn(worker);
	if (!assignment_follow(worker, error) || !setup_follow(worker, error))
		return false;
	waiting_requests_advance(worker);
	if (!partition_states_advance(worker, error) || !intake_resume(worker, error) || !intake_take(worker, error))
		return false;
	direct_intake_take(worker);
	write_denials_check(worker);
	group_denial_report(worker);
	cancellations_apply(worker);
	stages_advance(worker);
	if (!join_states_advance(worker, error) || !time_links_advance(worker, error))
		return false;
	release_finished(worker);
	stage_links_advance(worker);
	const bool commits = commits_begin_when_due(worker, error);
	replies_wake(&worker->outbox.replies);
	mirror_pairs_compare(worker);
	return commits && output_check(worker->outbox.output, loop_now_ms(worker->loop), error) &&
	       loop_turn(worker->loop, turn_timeout_ms(worker), error) && is_sound(worker, error);
}

bool worker_run(struct worker *worker, struct error *error)
{
	for (bool over = false; !over;)
		if (!worker_turn(worker, &over, error))
			return false;
	return true;
}

/* ---- from other threads ---- */

void worker_stop(struct worker *worker)
{
	atomic_store(&worker->stopping, true);
	bell_ring(worker->command_bell);
}

void worker_reload(struct worker *worker, const struct worker_setup *setup)
{
	assert(setup && (setup->stage_count == 0 || setup->stages));
	atomic_store(&worker->wanted, setup);
	bell_ring(worker->command_bell);
}

int64_t worker_turned_ms(const struct worker *worker)
{
	return atomic_load_explicit(&worker->turned_ms, memory_order_relaxed);
}

const struct worker_setup *worker_follows(const struct worker *worker)
{
	return atomic_load(&worker->followed);
}

bool worker_has_partitions(const struct worker *worker)
{
	return atomic_load(&worker->has_partitions);
}

struct worker_counts worker_counts(const struct worker *worker)
{
	struct worker_counts counts = {0};
	counts_add(&counts, &worker->counts, COUNT_WORDS(struct worker_counts));
	return counts;
}

struct client_counts worker_client_counts(const struct worker *worker, bool of_producer)
{
	struct client_counts counts = {0};
	counts_add(&counts, of_producer ? &worker->producer_counts : &worker->consumer_counts, COUNT_WORDS(struct client_counts));
	return counts;
}

const char *worker_reset_reason(const struct worker *worker)
{
	return worker->reset_reason;
}

/* ---- opening and closing ---- */

static bool worker_watch(struct worker *worker, struct watch *watch, void (*ready)(void *, uint32_t), int bell, uint32_t events,
			 struct error *error)
{
	*watch = (struct watch){.ready = ready, .context = worker};
	return loop_watch(worker->loop, watch, bell, events, error);
}

static struct loop *usual_loop(void *context, struct error *error)
{
	(void)context;
	return loop_open(error);
}

static struct consumer *usual_consumer(void *context, struct loop *loop, const struct consumer_config *config, struct error *error)
{
	(void)context;
	(void)loop;
	return consumer_open(config, error);
}

static struct output *usual_output(void *context, struct loop *loop, const struct transaction_config *config,
				   const struct consumer *consumer, struct error *error)
{
	(void)context;
	(void)loop;
	return output_open(config, consumer, error);
}

static struct archive *usual_archive(void *context, struct loop *loop, const struct archive_config *config,
				     const struct consumer *consumer, struct error *error)
{
	(void)context;
	(void)loop;
	return archive_open(config, consumer, error);
}

static struct best_effort *usual_side(void *context, const struct best_effort_config *config, struct error *error)
{
	(void)context;
	return best_effort_open(config, error);
}

const struct worker_platform worker_platform_usual = {.loop_open = usual_loop,
						      .consumer_open = usual_consumer,
						      .output_open = usual_output,
						      .archive_open = usual_archive,
						      .best_effort_open = usual_side,
						      .asks_groups = true};

static bool worker_set_up(struct worker *worker, struct error *error)
{
	const struct worker_config *config = worker->config;
	const struct worker_platform *platform = config->platform ? config->platform : &worker_platform_usual;
	worker->consumer_config = config->consumer;
	worker->consumer_config.topics = config->setup.reads.names;
	worker->consumer_config.topic_count = config->setup.reads.count;
	worker->transaction_config = config->transaction;
	worker->transaction_config.topics = config->setup.writes.names;
	worker->transaction_config.topic_count = config->setup.writes.count;
	worker->consumer_config.statistics = &worker->consumer_counts;
	worker->transaction_config.statistics = &worker->producer_counts;
	worker->command_bell = bell_open(error);
	return worker->command_bell >= 0 && (worker->loop = platform->loop_open(platform->context, error)) &&
	       awaiting_schema_open(worker, intake_on_schema, error) && setup_open(worker, error) &&
	       (worker->consumer = platform->consumer_open(platform->context, worker->loop, &worker->consumer_config, error)) &&
	       (worker->outbox.output = platform->output_open(platform->context, worker->loop, &worker->transaction_config,
							      worker->consumer, error)) &&
	       worker_watch(worker, &worker->command_watch, on_command, worker->command_bell, EPOLLIN, error) &&
	       worker_watch(worker, &worker->consumer_watch, on_consumer, consumer_bell(worker->consumer), LOOP_RINGS, error) &&
	       worker_watch(worker, &worker->output_watch, commits_on_news, output_bell(worker->outbox.output), EPOLLIN, error) &&
	       direct_intake_open(worker, error);
}

struct worker *worker_open(const struct worker_config *config, struct error *error)
{
	assert(config->limits.message_bytes > 0 && (config->setup.stage_count == 0 || config->setup.stages));
	struct worker *worker = memory_take(1, sizeof *worker);
	if (!worker)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a worker"));
	worker->config = config;
	worker->commit_timer = (struct loop_timer){.due = commit_interval_on_end, .context = worker};
	worker->retry_timer = (struct loop_timer){.due = produce_on_retry, .context = worker};
	worker->handover_timer = (struct loop_timer){.due = on_awake, .context = worker};
	partition_queues_open(&worker->queues, config->limits.message_bytes, config->limits.held_bytes);
	outbox_open(&worker->outbox, &worker->counts, config->limits.answer_bytes);
	worker->outbox.slices.reads = stage_reads;
	worker->outbox.slices.context = worker;
	buffer_open(&worker->reads, SENDER_READS_BYTES_MAX);
	buffer_open(&worker->judged, JUDGED_BYTES_MAX);
	partition_states_open(&worker->partition_states);
	if (worker_set_up(worker, error))
		return worker;
	worker_close(worker);
	return NULL;
}

void worker_close(struct worker *worker)
{
	if (!worker)
		return;
	while (worker->stages) {
		struct worker_stage *stage = worker->stages;
		worker->stages = stage->next;
		stage_close(stage);
	}
	upstreams_close(worker);
	replies_wake(&worker->outbox.replies);
	partition_states_close(&worker->partition_states);
	direct_intake_close(worker);
	partition_queues_close(&worker->queues);
	revoked_progress_close(&worker->answered);
	outbox_close(&worker->outbox);
	buffer_close(&worker->reads);
	buffer_close(&worker->judged);
	consumer_close(worker->consumer);
	registry_close(worker->registry);
	loop_close(worker->loop);
	if (worker->command_bell >= 0)
		close(worker->command_bell);
	memo_close(worker->replies);
	memory_give(worker->returned);
	memory_give(worker->positions);
	memory_give(worker->routes);
	memory_give(worker);
}
