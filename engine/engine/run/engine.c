/* engine.c: see engine.h. The main thread waits for signals and for workers that end. The workers (worker_threads.h)
 * share only the setup, which never changes. */
#include "engine/run/engine.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "experiments/rollouts/rollout_board.h"
#include "kafka/broker_release.h"
#include "observe/policy_board.h"
#include "observe/verdict_board.h"
#include "engine/run/engine_log_lines.h"
#include "engine/run/group_counts.h"
#include "engine/run/group_list.h"
#include "engine/run/stop_signal.h"
#include "engine/setup/topic_removal.h"
#include "engine/learn/warm_policy.h"
#include "engine/run/worker_threads.h"

#define WAIT_MS 60000			 /* the main thread only waits */
#define SWEEP_MS 200			 /* between two checks whether replaced revisions can be closed */
#define STOP_AGAIN_MS 1000		 /* a second signal within that is the first one again */
#define LASTING_BYTES ((size_t)128 << 20) /* names of topics, counts of pipelines: some KiB for each */
#define SETUP_BYTES ((size_t)64 << 20)
/* Pipelines of replaced revisions that may stay in memory because stages of theirs run on: some 20 KiB for each. */
#define RETAINED_PIPELINES 3000

/* A revision that runs, or that still has open stages. */
struct generation {
	uint64_t number; /* among those of the engine, from 1: revisions may be prepared in another order */
	struct revision *revision;
	struct arena *arena;
	atomic_size_t users;	 /* open stages */
	struct learners learners; /* of its pipelines; not closed while one runs */
	bool learns;		 /* they were started */
	struct generation *next; /* the previous one */
};

struct engine {
	const struct engine_config *config;
	struct group_list groups;
	struct generation *generations; /* the first is the newest */
	uint64_t generation_count; /* so far */
	uint64_t renewed; /* revision at which all stages without state were opened again; 0: none yet */
	int bell;			/* rung by a worker that ended */
	int signals;
	struct loop *loop;
	struct watch bell_watch, signal_watch;
	struct loop_timer sweep_timer;
	struct topic_removal *removals; /* of removed pipelines */
	struct outcome_services outcomes;
	bool running;
	int64_t asked_ms; /* when it was asked to stop; 0: it was not */
	bool stopping;
	char failure[ERROR_TEXT_MAX]; /* by which it has ended; "": none */
};

/* ---- running ---- */

void engine_stop(struct engine *engine)
{
	engine->stopping = true;
	for (const struct group *group = engine->groups.first; group; group = group->next)
		worker_threads_stop(group);
}

/* Notes that it is asked to stop. False: it was, just now. */
static bool note_asked(struct engine *engine)
{
	const int64_t now_ms = loop_now_ms(engine->loop);
	const bool is_new = engine->asked_ms == 0 || now_ms - engine->asked_ms >= STOP_AGAIN_MS;
	engine->asked_ms = is_new ? now_ms : engine->asked_ms;
	return is_new;
}

static void engine_on_signal(void *context, uint32_t events)
{
	(void)events;
	struct engine *engine = context;
	struct signalfd_siginfo which;
	if (read(engine->signals, &which, sizeof which) != (ssize_t)sizeof which)
		return;
	if (which.ssi_signo == SIGHUP && engine->config->reread) {
		engine->config->reread(engine->config->context, engine);
		return;
	}
	const bool asked_before = engine->asked_ms > 0;
	if (!note_asked(engine))
		return;
	log_say(engine->config->log, LOG_LEVEL_INFO, NULL, "stopping: SIG%s", sigabbrev_np((int)which.ssi_signo));
	if (engine->config->asked_to_stop && !asked_before)
		engine->config->asked_to_stop(engine->config->context, engine);
	else
		engine_stop(engine);
}

/* A worker has ended, because it was stopped or has failed. In both cases the others stop too. */
static void engine_on_ended(void *context, uint32_t events)
{
	(void)events;
	struct engine *engine = context;
	bell_quiet(engine->bell);
	engine_stop(engine);
}

static bool all_ended(const struct engine *engine)
{
	for (const struct group *group = engine->groups.first; group; group = group->next)
		if (!worker_threads_have_ended(group))
			return false;
	return engine->stopping;
}

/* Metrics of feedback are counted from then on, for pipelines that groups serve. */
static bool feedback_count(struct engine *engine, struct error *error)
{
	return metric_series_take(&engine->outcomes.series, &engine->generations->revision->plan, engine->groups.first,
				  engine->groups.arena, error);
}

/* Starts the learners of the newest generation once those of the others have ended, for which nothing waits: Kafka may be slow. */
static bool learners_follow(struct engine *engine, struct error *error)
{
	struct generation *newest = engine->generations;
	bool gone = true;
	for (struct generation *generation = newest->next; generation; generation = generation->next)
		gone = learners_free_ended(&generation->learners) && gone;
	if (newest->learns || !gone || !engine->running || engine->stopping)
		return true;
	newest->learns = true;
	const struct plan *plan = &newest->revision->plan;
	return learners_start(&newest->learners, engine->config, plan, engine->groups.boards.verdicts, newest->arena, error) &&
	       feedback_count(engine, error) &&
	       outcome_services_follow(&engine->outcomes, engine->config, plan, engine->groups.boards, engine->groups.arena, error);
}

static void learners_end(struct engine *engine)
{
	for (struct generation *generation = engine->generations; generation; generation = generation->next)
		learners_close(&generation->learners);
	outcome_services_close(&engine->outcomes);
}

static bool start_all(struct engine *engine, struct error *error)
{
	const struct plan *plan = &engine->generations->revision->plan;
	for (size_t i = 0; i < plan->count; i++)
		announce_start(engine->config, &plan->pipelines[i]);
	engine->running = true;
	if (!learners_follow(engine, error))
		return false;
	for (struct group *group = engine->groups.first; group; group = group->next)
		if (!worker_threads_start(group, engine->bell, error))
			return false;
	return true;
}

/* Joins all threads. `error` is that of the first worker that failed. */
static bool join_all(struct engine *engine, struct error *error)
{
	for (struct group *group = engine->groups.first; group; group = group->next) {
		worker_threads_join(group, engine->config, error);
		for (const struct served *served = group->served; served; served = served->next) {
			struct engine_counts counts;
			if (served->kind == SERVED_FIRST && groups_counts(engine->groups.first, served->name, &counts))
				announce_pipeline_end(engine->config, served->name, &counts);
		}
	}
	return error->kind == ERROR_NONE;
}

bool engine_run(struct engine *engine, struct error *error)
{
	if (!start_all(engine, error))
		engine_stop(engine);
	while (!all_ended(engine))
		if (!loop_turn(engine->loop, WAIT_MS, error))
			engine_stop(engine);
	learners_end(engine);
	if (join_all(engine, error))
		return true;
	(void)snprintf(engine->failure, sizeof engine->failure, "%s", error->text);
	return false;
}

const char *engine_failure(const struct engine *engine)
{
	return engine->failure;
}

/* ---- generations ---- */

static void generation_close(struct generation *generation)
{
	assert(generation->learners.reference_count == 0);
	revision_close(generation->revision);
	arena_close(generation->arena);
	memory_give(generation);
}

/* Closes one whose alerts the engine has followed. */
static void generation_leave(struct engine *engine, struct generation *generation)
{
	alert_counters_leave(&engine->groups.alerts, generation->number);
	generation_close(generation);
}

static struct generation *generation_open(struct revision *revision, struct error *error)
{
	struct generation *generation = memory_take(1, sizeof *generation);
	if (generation)
		generation->arena = arena_open(SETUP_BYTES);
	if (generation && generation->arena) {
		generation->revision = revision;
		return generation;
	}
	error_memory(error, ERROR_SYSTEM, "preparing workers");
	memory_give(generation);
	revision_close(revision);
	return NULL;
}

static bool all_follow(const struct engine *engine)
{
	for (const struct group *group = engine->groups.first; group; group = group->next)
		if (!worker_threads_follow(group))
			return false;
	return true;
}

static bool pipeline_is_idle(const struct engine *engine, const char *pipeline)
{
	struct engine_counts counts;
	return !engine_counts(engine, pipeline, &counts) || counts.sums.in_flight == 0;
}

/* Closes replaced generations of which no worker has a stage open any more, and no learner runs. */
static void on_sweep(void *context)
{
	struct engine *engine = context;
	struct error error = {0};
	struct generation **at = &engine->generations->next;
	if (!learners_follow(engine, &error)) {
		log_say(engine->config->log, LOG_LEVEL_ERROR, NULL, "%s", error.text);
		engine_stop(engine);
	}
	while (*at && all_follow(engine)) {
		struct generation *generation = *at;
		if (atomic_load(&generation->users) > 0 || generation->learners.reference_count > 0 ||
		    outcome_services_hold(&engine->outcomes, &generation->revision->plan)) {
			at = &generation->next;
			continue;
		}
		*at = generation->next;
		generation_leave(engine, generation);
	}
	if (all_follow(engine))
		topic_removal_carry_out(&engine->removals, &engine_revision(engine)->plan, engine->config, engine, pipeline_is_idle,
					loop_now_ms(engine->loop));
	if (engine->generations->next || engine->removals)
		loop_timer_set(engine->loop, &engine->sweep_timer, loop_now_ms(engine->loop) + SWEEP_MS, &error);
}

/* Adds the groups to the engine, and starts them if it is already running. */
static void groups_join(struct engine *engine, struct group *made, struct error *error)
{
	for (struct group *group = made, *next; group; group = next) {
		next = group->next;
		group->next = engine->groups.first;
		engine->groups.first = group;
		if (engine->running && !worker_threads_start(group, engine->bell, error))
			engine_stop(engine);
	}
}

/* The revision at which all stages without state are opened again, when this generation is deployed. A stage that a reload does
 * not touch keeps the memory of its revision, which has all pipelines: each change would cost as much as all of them. Revisions
 * from before the last renewal are not counted: stages with state keep them. */
static uint64_t renewal_of(const struct engine *engine, const struct generation *generation)
{
	size_t retained = 0, allowed = 2 * generation->revision->plan.count;
	for (const struct generation *other = engine->generations; other; other = other->next)
		if (other->revision->number >= engine->renewed)
			retained += other->revision->plan.count;
	if (allowed < RETAINED_PIPELINES)
		allowed = RETAINED_PIPELINES;
	return retained > allowed ? generation->revision->number : engine->renewed;
}

static bool generation_count_alerts(struct engine *engine, struct generation *generation, struct error *error)
{
	generation->number = ++engine->generation_count;
	return alert_counters_follow(&engine->groups.alerts, &generation->revision->plan, generation->number,
				     engine->generations ? engine->generations->number : 0, generation->arena) ||
	       error_memory(error, ERROR_SYSTEM, "counting alerts");
}

/* Makes a generation the newest, or closes it. */
static bool generation_deploy(struct engine *engine, struct generation *generation, struct error *error)
{
	struct group_change change;
	const uint64_t renewed = renewal_of(engine, generation);
	const struct group_basis basis = {generation->revision, &generation->users, generation->arena, renewed};
	if (!generation_count_alerts(engine, generation, error) ||
	    !warm_policies_begin(&generation->revision->plan, engine->groups.boards.policies, error) ||
	    !group_change_make(&engine->groups, &basis, &change, error)) {
		generation_leave(engine, generation);
		return false;
	}
	generation->next = engine->generations;
	engine->generations = generation;
	engine->renewed = renewed;
	verdict_board_forget_backgrounds(engine->groups.boards.verdicts); /* its learners learn them anew */
	groups_join(engine, change.made, error);
	group_change_follow(&change);
	if (generation->next)
		learners_stop(&generation->next->learners);
	warm_policies_end(&generation->revision->plan, engine->groups.boards.policies);
	if (!learners_follow(engine, error))
		engine_stop(engine);
	return error->kind == ERROR_NONE;
}

bool engine_release(struct engine *engine, struct error *error)
{
	struct generation *newest = engine->generations;
	bool *held = newest->revision->held;
	struct group_change change;
	const struct group_basis basis = {newest->revision, &newest->users, newest->arena, engine->renewed};
	newest->revision->held = NULL;
	if (!group_change_make(&engine->groups, &basis, &change, error)) {
		newest->revision->held = held;
		return false;
	}
	groups_join(engine, change.made, error);
	group_change_follow(&change);
	if (!feedback_count(engine, error))
		engine_stop(engine);
	for (size_t i = 0; held && i < newest->revision->plan.count; i++)
		if (held[i])
			announce_start(engine->config, &newest->revision->plan.pipelines[i]);
	return error->kind == ERROR_NONE;
}

bool engine_reload(struct engine *engine, struct revision *revision, struct error *error)
{
	assert(revision && engine->generations);
	const struct revision *before = engine->generations->revision;
	struct generation *generation = generation_open(revision, error);
	if (!generation || !generation_deploy(engine, generation, error))
		return false;
	announce_changes(engine->config, before, revision);
	if (!topic_removal_note(&engine->removals, before, revision, loop_now_ms(engine->loop), engine->groups.arena))
		return error_memory(error, ERROR_SYSTEM, "noting topics that are to be removed");
	return loop_timer_set(engine->loop, &engine->sweep_timer, loop_now_ms(engine->loop) + SWEEP_MS, error);
}

const struct revision *engine_revision(const struct engine *engine)
{
	return engine->generations->revision;
}

struct verdict_board *engine_board(const struct engine *engine)
{
	return engine->groups.boards.verdicts;
}

struct policy_board *engine_policies(const struct engine *engine)
{
	return engine->groups.boards.policies;
}

struct rollout_board *engine_rollouts(const struct engine *engine)
{
	return engine->groups.boards.rollouts;
}

struct loop *engine_loop(struct engine *engine)
{
	return engine->loop;
}

bool engine_has_followed(const struct engine *engine, const char *group)
{
	const struct group *found = group_list_find(&engine->groups, group);
	return found && worker_threads_follow(found);
}

bool engine_has_partitions(const struct engine *engine, const char *group)
{
	const struct group *found = group_list_find(&engine->groups, group);
	return found && worker_threads_have_partitions(found);
}

const struct alert_counters *engine_alert_counters(const struct engine *engine)
{
	return &engine->groups.alerts;
}

const struct group *engine_groups(const struct engine *engine)
{
	return engine->groups.first;
}

bool engine_is_stopping(const struct engine *engine)
{
	return engine->stopping;
}

size_t engine_slowest_worker(const struct engine *engine, char *name, size_t size, int64_t *slow_ms)
{
	const char *slowest = NULL;
	size_t count = 0;
	*slow_ms = 0;
	for (const struct group *group = engine->groups.first; group; group = group->next)
		count += worker_threads_look(group, loop_now_ms(engine->loop), &slowest, slow_ms);
	(void)snprintf(name, size, "%s", slowest ? slowest : "");
	return count;
}

bool engine_counts(const struct engine *engine, const char *pipeline, struct engine_counts *counts)
{
	return groups_counts(engine->groups.first, pipeline, counts);
}

bool engine_counts_wait_for_model(const struct engine_counts *counts)
{
	return counts->models_away > 0 && counts->sums.in_flight > 0;
}

bool engine_counts_wait(const struct engine_counts *counts)
{
	return counts->waits_for || counts->absent.topic || counts->former > 0 || engine_counts_wait_for_model(counts);
}

bool engine_last_failure(const struct engine *engine, const char *pipeline, struct last_failure *failure)
{
	return groups_last_failure(engine->groups.first, pipeline, failure);
}

void engine_away_model(const struct engine *engine, const char *pipeline, char *words, size_t size)
{
	groups_away_model(engine->groups.first, pipeline, words, size);
}

uint64_t engine_former(const struct engine *engine, const char *pipeline, bool of_observers, char *words, size_t size)
{
	return groups_former(engine->groups.first, pipeline, of_observers, words, size);
}

bool engine_held_up(const struct engine *engine, const char *pipeline, const struct engine_counts *counts, char *words, size_t size)
{
	char away[ERROR_TEXT_MAX];
	if (counts->former > 0 && engine_former(engine, pipeline, false, words, size) > 0)
		return true;
	if (!engine_counts_wait_for_model(counts))
		return false;
	engine_away_model(engine, pipeline, away, sizeof away);
	(void)snprintf(words, size, "a model that it calls is unreachable: %s", away);
	return true;
}

bool engine_model_is_away(const struct engine *engine, const char *model, char *words, size_t size)
{
	return groups_model_is_away(engine->groups.first, model, words, size);
}

/* ---- opening and closing ---- */

void engine_block_signals(sigset_t *before)
{
	sigset_t set;
	stop_signals_all(&set);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

static bool engine_watch(struct engine *engine, struct watch *watch, int descriptor, struct error *error)
{
	if (loop_watch(engine->loop, watch, descriptor, EPOLLIN, error))
		return true;
	watch->descriptor = -1;
	return false;
}

static bool engine_set_up(struct engine *engine, struct error *error)
{
	sigset_t set;
	stop_signals_all(&set);
	engine->bell_watch = (struct watch){.ready = engine_on_ended, .context = engine, .descriptor = -1};
	engine->signal_watch = (struct watch){.ready = engine_on_signal, .context = engine, .descriptor = -1};
	engine->sweep_timer = (struct loop_timer){.due = on_sweep, .context = engine};
	engine->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	engine->bell = bell_open(error);
	if (engine->signals < 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "no descriptor for signals; raise the limit on open files");
	engine->loop = engine->config->loop ? engine->config->loop : loop_open(error);
	return engine->bell >= 0 && engine->loop && engine_watch(engine, &engine->bell_watch, engine->bell, error) &&
	       engine_watch(engine, &engine->signal_watch, engine->signals, error);
}

/* Warns of brokers that lose the end of a transaction. An engine without a pipeline may get one that needs transactions. */
static void engine_check_brokers(const struct engine *engine)
{
	const struct engine_config *config = engine->config;
	bool has_transactions = !engine->groups.first;
	for (const struct group *group = engine->groups.first; group; group = group->next)
		has_transactions = has_transactions || group->exactly_once;
	if (!has_transactions || config->at_least_once || config->partitions > 0)
		return;
	const char *fault = broker_release_fault(broker_release_ask(config->brokers, config->producer));
	if (fault)
		log_say(config->log, LOG_LEVEL_WARN, NULL, "%s", fault);
}

struct engine *engine_open(struct revision *revision, const struct engine_config *config, struct error *error)
{
	assert(revision && config->workers > 0);
	struct generation *generation = generation_open(revision, error);
	if (!generation)
		return NULL;
	struct engine *engine = memory_take(1, sizeof *engine);
	if (engine)
		*engine = (struct engine){.config = config,
					  .groups = {.config = config,
						     .arena = arena_open(LASTING_BYTES),
						     .boards = {.verdicts = verdict_board_open(),
								.policies = policy_board_open(),
								.rollouts = rollout_board_open()}},
					  .bell = -1,
					  .signals = -1};
	if (!engine || !engine->groups.arena || !engine->groups.boards.verdicts || !engine->groups.boards.policies ||
	    !engine->groups.boards.rollouts) {
		error_memory(error, ERROR_SYSTEM, "preparing workers");
		generation_close(generation);
		if (engine) {
			verdict_board_close(engine->groups.boards.verdicts);
			policy_board_close(engine->groups.boards.policies);
			rollout_board_close(engine->groups.boards.rollouts);
			arena_close(engine->groups.arena);
		}
		memory_give(engine);
		return NULL;
	}
	if (generation_deploy(engine, generation, error) && engine_set_up(engine, error)) {
		engine_check_brokers(engine);
		return engine;
	}
	engine_close(engine);
	return NULL;
}

static void engine_leave_loop(struct engine *engine)
{
	if (engine->loop && engine->bell_watch.descriptor >= 0)
		loop_unwatch(engine->loop, &engine->bell_watch);
	if (engine->loop && engine->signal_watch.descriptor >= 0)
		loop_unwatch(engine->loop, &engine->signal_watch);
	if (engine->loop)
		loop_timer_stop(engine->loop, &engine->sweep_timer);
	if (!engine->config->loop)
		loop_close(engine->loop);
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	for (struct group *group = engine->groups.first; group; group = group->next)
		worker_threads_close(group);
	while (engine->generations) {
		struct generation *generation = engine->generations;
		engine->generations = generation->next;
		generation_leave(engine, generation);
	}
	engine_leave_loop(engine);
	if (engine->bell >= 0)
		close(engine->bell);
	if (engine->signals >= 0)
		close(engine->signals);
	verdict_board_close(engine->groups.boards.verdicts);
	policy_board_close(engine->groups.boards.policies);
	rollout_board_close(engine->groups.boards.rollouts);
	arena_close(engine->groups.arena);
	memory_give(engine);
}
