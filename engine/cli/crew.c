/* crew.c: see crew.h. The main thread waits for signals and for workers that end; the
 * workers are threads that share nothing. */
#include "cli/crew.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "net/loop.h"
#include "serving/configure.h"
#include "worker/worker.h"

#define WAIT_MS 60000			  /* the main thread has nothing to do but to wait */
#define PREFETCHED_RECORDS "1000000"	  /* librdkafka's own limit in bytes comes first */

struct member {
	const struct pipeline_plan *plan;
	struct worker_config config;
	struct worker *worker;
	pthread_t thread;
	bool started;
	atomic_bool ended;
	bool drained;
	struct error error;
	struct crew *crew;
};

struct crew {
	const struct plan *plan;
	const struct crew_config *config;
	size_t count;
	struct member *members;
	int bell; /* rung by a worker that ended */
	int signals;
	struct loop *loop;
	struct watch bell_watch, signal_watch;
	bool stopping;
};

/* ---- what a worker is given ---- */

static const char *topic_of(const struct pipeline_plan *plan, enum topic_role role)
{
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == role)
			return plan->topics[i].name;
	return NULL;
}

static struct properties consumer_properties(const struct crew_config *config, struct arena *arena)
{
	struct property *items = ARENA_ARRAY(arena, struct property, config->consumer.count + 1);
	if (!items)
		return (struct properties){0};
	items[0] = (struct property){"queued.min.messages", PREFETCHED_RECORDS};
	for (size_t i = 0; i < config->consumer.count; i++)
		items[i + 1] = config->consumer.items[i];
	return (struct properties){config->consumer.count + 1, items};
}

static void member_configure(struct member *member, const struct crew_config *config, struct arena *arena)
{
	const struct pipeline_plan *plan = member->plan;
	const char **topics = ARENA_ARRAY(arena, const char *, 3);
	const char *instance = arena_print(arena, "%s.%s", config->instance, plan->graph->name);
	bool exactly_once = plan->delivery == DELIVERY_EXACTLY_ONCE;
	if (arena_failed(arena))
		return;
	topics[0] = topic_of(plan, TOPIC_INPUTS);
	topics[1] = topic_of(plan, TOPIC_OUTPUTS);
	topics[2] = topic_of(plan, TOPIC_ERRORS);
	member->config = (struct worker_config){
		.consumer = {.brokers = config->brokers,
			     .group = plan->group,
			     .instance = instance,
			     .topics = &topics[0],
			     .topic_count = 1,
			     .properties = consumer_properties(config, arena)},
		.transaction = {.brokers = config->brokers,
				.id = exactly_once ? arena_print(arena, "%s.%s", plan->group, instance) : NULL,
				.topics = &topics[1],
				.topic_count = 2,
				.properties = config->producer},
		.graph = plan->graph,
		.format = plan->graph->spec->output.format ? format_named(text_of(plan->graph->spec->output.format)) : NULL,
		.errors_off = !plan->graph->spec->output.errors,
		.limits = worker_limits_usual,
	};
	member->config.limits.commit_ms = config->commit_ms;
	member->config.limits.drain_ms = config->drain_ms;
}

/* ---- what is said ---- */

static void say_start(const struct member *member)
{
	FILE *out = member->crew->config->out;
	fprintf(out, "%s: reads %s, answers to %s, dead letters to %s; %s, in group %s as %s\n", member->plan->graph->name,
		member->config.consumer.topics[0], member->config.transaction.topics[0], member->config.transaction.topics[1],
		member->plan->delivery == DELIVERY_EXACTLY_ONCE ? "exactly once" : "at least once", member->plan->group,
		member->config.consumer.instance);
	fflush(out);
}

static void say_end(const struct member *member)
{
	FILE *out = member->crew->config->out;
	struct worker_counts counts = worker_counts(member->worker);
	fprintf(out,
		"%s: ended; taken %" PRIu64 ", released %" PRIu64 ", answered %" PRIu64 ", of them errors %" PRIu64
		", dead letters %" PRIu64 ", commits %" PRIu64 ", resets %" PRIu64 "%s%s\n",
		member->plan->graph->name, counts.taken, counts.released, counts.answered, counts.failed, counts.dead_letters,
		counts.commits, counts.resets, counts.reset_reason ? "; the last: " : "",
		counts.reset_reason ? counts.reset_reason : "");
	fflush(out);
}

/* ---- running ---- */

static void *member_run(void *context)
{
	struct member *member = context;
	member->drained = worker_run(member->worker, &member->error);
	atomic_store(&member->ended, true);
	bell_ring(member->crew->bell);
	return NULL;
}

static void stop_all(struct crew *crew)
{
	crew->stopping = true;
	for (size_t i = 0; i < crew->count; i++)
		if (crew->members[i].started)
			worker_stop(crew->members[i].worker);
}

static void on_signal(void *context, uint32_t events)
{
	(void)events;
	struct crew *crew = context;
	struct signalfd_siginfo which;
	if (read(crew->signals, &which, sizeof which) == (ssize_t)sizeof which)
		stop_all(crew);
}

/* A worker ends when it was told to, or cannot go on: then nobody goes on without it. */
static void on_ended(void *context, uint32_t events)
{
	(void)events;
	struct crew *crew = context;
	bell_quiet(crew->bell);
	stop_all(crew);
}

static bool all_ended(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		if (crew->members[i].started && !atomic_load(&crew->members[i].ended))
			return false;
	return crew->stopping;
}

static bool start_all(struct crew *crew, struct error *error)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct member *member = &crew->members[i];
		say_start(member);
		member->started = pthread_create(&member->thread, NULL, member_run, member) == 0;
		if (!member->started)
			return error_set(error, ERROR_SYSTEM, PLACE_NONE,
					 "the thread of pipeline %s could not be started; raise the limit on threads",
					 member->plan->graph->name);
	}
	return true;
}

/* The first that failed says why. */
static bool join_all(struct crew *crew, struct error *error)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct member *member = &crew->members[i];
		if (!member->started)
			continue;
		pthread_join(member->thread, NULL);
		say_end(member);
		if (!member->drained)
			error_set(error, member->error.kind, member->error.place, "pipeline %s: %s", member->plan->graph->name,
				  member->error.text);
	}
	return error->kind == ERROR_NONE;
}

bool crew_run(struct crew *crew, struct error *error)
{
	if (!start_all(crew, error))
		stop_all(crew);
	while (!all_ended(crew))
		if (!loop_turn(crew->loop, WAIT_MS, error))
			stop_all(crew);
	return join_all(crew, error);
}

/* ---- opening and closing ---- */

static bool crew_set_up(struct crew *crew, struct error *error)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	crew->bell_watch = (struct watch){.ready = on_ended, .context = crew};
	crew->signal_watch = (struct watch){.ready = on_signal, .context = crew};
	crew->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	crew->bell = bell_open(error);
	if (crew->signals < 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "no descriptor for signals; raise the limit on open files");
	return crew->bell >= 0 && (crew->loop = loop_open(error)) &&
	       loop_watch(crew->loop, &crew->bell_watch, crew->bell, EPOLLIN, error) &&
	       loop_watch(crew->loop, &crew->signal_watch, crew->signals, EPOLLIN, error);
}

static bool members_open(struct crew *crew, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct member *member = &crew->members[i];
		member_configure(member, crew->config, arena);
		if (arena_failed(arena))
			return error_memory(error, ERROR_SYSTEM, "preparing workers");
		if (!caller_configure(crew->plan, member->plan, arena, &member->config.caller, error))
			return false;
		member->worker = worker_open(&member->config, error);
		if (!member->worker)
			return false;
	}
	return true;
}

struct crew *crew_open(const struct plan *plan, const struct crew_config *config, struct arena *arena, struct error *error)
{
	struct crew *crew = ARENA_NEW(arena, struct crew);
	struct member *members = ARENA_ARRAY(arena, struct member, plan->count);
	if (!crew || !members) {
		error_memory(error, ERROR_SYSTEM, "preparing workers");
		return NULL;
	}
	*crew = (struct crew){.plan = plan, .config = config, .count = plan->count, .members = members, .bell = -1, .signals = -1};
	for (size_t i = 0; i < plan->count; i++) {
		members[i].plan = &plan->pipelines[i];
		members[i].crew = crew;
	}
	if (crew_set_up(crew, error) && members_open(crew, arena, error))
		return crew;
	crew_close(crew);
	return NULL;
}

void crew_close(struct crew *crew)
{
	if (!crew)
		return;
	for (size_t i = 0; i < crew->count; i++)
		worker_close(crew->members[i].worker);
	loop_close(crew->loop);
	if (crew->bell >= 0)
		close(crew->bell);
	if (crew->signals >= 0)
		close(crew->signals);
}
