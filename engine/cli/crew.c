/* crew.c: see crew.h. The main thread waits for signals and for workers that end; the
 * workers (crew_members.h) share nothing but what a setup says, which never changes. */
#include "cli/crew.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/crew_clean.h"
#include "cli/crew_members.h"
#include "cli/crew_say.h"
#include "cli/crew_setup.h"

#define WAIT_MS 60000			 /* the main thread has nothing to do but to wait */
#define SWEEP_MS 200			 /* between looks whether what was replaced can go */
#define LASTING_BYTES ((size_t)64 << 20) /* names of topics and counts of pipelines: some KiB for each */
#define SETUP_BYTES ((size_t)64 << 20)

/* A deployment that runs, or of which stages are still open. */
struct generation {
	struct deployment *deployment;
	struct arena *arena;
	atomic_size_t users;	 /* open stages */
	struct generation *next; /* the one before */
};

struct crew {
	const struct crew_config *config;
	struct arena *arena; /* of what lasts */
	struct group *groups;
	struct generation *generations; /* the first is the newest */
	int bell;			/* rung by a worker that ended */
	int signals;
	struct loop *loop;
	struct watch bell_watch, signal_watch;
	struct loop_timer sweep_timer;
	struct cleaning *cleanings; /* of pipelines that are gone */
	bool running;
	bool stopping;
};

/* ---- running ---- */

void crew_stop(struct crew *crew)
{
	crew->stopping = true;
	for (const struct group *group = crew->groups; group; group = group->next)
		members_stop(group);
}

static void on_signal(void *context, uint32_t events)
{
	(void)events;
	struct crew *crew = context;
	struct signalfd_siginfo which;
	if (read(crew->signals, &which, sizeof which) != (ssize_t)sizeof which)
		return;
	if (which.ssi_signo == SIGHUP && crew->config->reread)
		crew->config->reread(crew->config->context, crew);
	else
		crew_stop(crew);
}

/* A worker ends when it was told to, or cannot go on: then nobody goes on without it. */
static void on_ended(void *context, uint32_t events)
{
	(void)events;
	struct crew *crew = context;
	bell_quiet(crew->bell);
	crew_stop(crew);
}

static bool all_ended(const struct crew *crew)
{
	for (const struct group *group = crew->groups; group; group = group->next)
		if (!members_have_ended(group))
			return false;
	return crew->stopping;
}

static bool start_all(struct crew *crew, struct error *error)
{
	const struct plan *plan = &crew->generations->deployment->plan;
	for (size_t i = 0; i < plan->count; i++)
		say_start(crew->config, &plan->pipelines[i]);
	crew->running = true;
	for (struct group *group = crew->groups; group; group = group->next)
		if (!members_start(group, crew->bell, error))
			return false;
	return true;
}

/* The first that failed says why. */
static bool join_all(struct crew *crew, struct error *error)
{
	for (struct group *group = crew->groups; group; group = group->next) {
		members_join(group, crew->config, error);
		for (const struct served *served = group->served; served; served = served->next) {
			struct crew_counts counts;
			if (served->kind == SERVED_FIRST && crew_counts(crew, served->name, &counts))
				say_pipeline_end(crew->config, served->name, &counts);
		}
	}
	fflush(crew->config->out);
	return error->kind == ERROR_NONE;
}

bool crew_run(struct crew *crew, struct error *error)
{
	if (!start_all(crew, error))
		crew_stop(crew);
	while (!all_ended(crew))
		if (!loop_turn(crew->loop, WAIT_MS, error))
			crew_stop(crew);
	return join_all(crew, error);
}

/* ---- generations ---- */

static void generation_close(struct generation *generation)
{
	deployment_close(generation->deployment);
	arena_close(generation->arena);
	memory_give(generation);
}

static struct generation *generation_open(struct deployment *deployment, struct error *error)
{
	struct generation *generation = memory_take(1, sizeof *generation);
	if (generation)
		generation->arena = arena_open(SETUP_BYTES);
	if (generation && generation->arena) {
		generation->deployment = deployment;
		return generation;
	}
	error_memory(error, ERROR_SYSTEM, "preparing workers");
	memory_give(generation);
	deployment_close(deployment);
	return NULL;
}

static bool all_follow(const struct crew *crew)
{
	for (const struct group *group = crew->groups; group; group = group->next)
		if (!members_follow(group))
			return false;
	return true;
}

/* What was replaced goes when nobody has a stage of it open any more. */
static void on_sweep(void *context)
{
	struct crew *crew = context;
	struct error error = {0};
	struct generation **at = &crew->generations->next;
	while (*at && all_follow(crew)) {
		struct generation *generation = *at;
		if (atomic_load(&generation->users) > 0) {
			at = &generation->next;
			continue;
		}
		*at = generation->next;
		generation_close(generation);
	}
	if (all_follow(crew))
		cleaning_carry_out(&crew->cleanings, crew, crew->config, loop_now_ms(crew->loop));
	if (crew->generations->next || crew->cleanings)
		loop_timer_set(crew->loop, &crew->sweep_timer, loop_now_ms(crew->loop) + SWEEP_MS, &error);
}

static struct group *group_named(struct group *group, const char *name)
{
	while (group && strcmp(group->name, name) != 0)
		group = group->next;
	return group;
}

static struct group *group_make(struct crew *crew, const struct pipeline_plan *plan)
{
	struct group *group = ARENA_NEW(crew->arena, struct group);
	if (!group)
		return NULL;
	group->name = arena_copy(crew->arena, plan->group, strlen(plan->group));
	group->exactly_once = plan->delivery == DELIVERY_EXACTLY_ONCE && !crew->config->at_least_once;
	group->worker_count = crew->config->workers;
	group->reads.arena = group->writes.arena = group->taps.arena = crew->arena;
	return arena_failed(crew->arena) ? NULL : group;
}

/* The groups that are new with a deployment, not yet the crew's. */
static bool groups_make(struct crew *crew, const struct plan *plan, struct group **made, struct error *error)
{
	for (size_t i = 0; i < plan->count; i++) {
		const char *name = plan->pipelines[i].group;
		if (group_named(crew->groups, name) || group_named(*made, name))
			continue;
		struct group *group = group_make(crew, &plan->pipelines[i]);
		if (!group)
			return error_memory(error, ERROR_SYSTEM, "preparing workers");
		group->next = *made;
		*made = group;
	}
	return true;
}

static size_t groups_counted(const struct group *group)
{
	size_t count = 0;
	for (; group; group = group->next)
		count++;
	return count;
}

/* All or none. */
static bool groups_open(struct crew *crew, struct group *made, struct error *error)
{
	struct crew_shares shares;
	size_t workers = (groups_counted(crew->groups) + groups_counted(made)) * crew->config->workers;
	bool good = !made || crew_shares_make(crew->config, workers, crew->arena, &shares, error);
	for (struct group *group = made; group && good; group = group->next)
		good = members_open(group, crew->config, &shares, crew->arena, error);
	for (struct group *group = made; group && !good; group = group->next)
		members_close(group);
	return good;
}

/* They are the crew's from now on; where it runs already, they begin. */
static void groups_join(struct crew *crew, struct group *made, struct error *error)
{
	for (struct group *group = made, *next; group; group = next) {
		next = group->next;
		group->next = crew->groups;
		crew->groups = group;
		if (crew->running && !members_start(group, crew->bell, error))
			crew_stop(crew);
	}
}

/* ---- setups ---- */

struct made_setup {
	struct group *group;
	struct worker_setup *setup;
};

struct made_setups {
	struct made_setup *items;
	size_t count;
};

/* Of all groups, so that nothing of the crew changes before all of it is known to be fit. */
static bool setups_make(struct crew *crew, struct generation *generation, struct group *groups, struct made_setups *setups,
			struct error *error)
{
	for (struct group *group = groups; group; group = group->next) {
		struct worker_setup *setup = crew_setup_make(group, generation->deployment, crew->config, &generation->users,
							     generation->arena, crew->arena, error);
		if (!setup)
			return false;
		setups->items[setups->count++] = (struct made_setup){group, setup};
	}
	return true;
}

/* New groups begin with theirs; workers of the others are told. */
static void setups_begin(const struct made_setups *setups)
{
	for (size_t i = 0; i < setups->count; i++)
		if (!setups->items[i].group->setup)
			setups->items[i].group->setup = setups->items[i].setup;
}

static void setups_follow(const struct made_setups *setups)
{
	for (size_t i = 0; i < setups->count; i++) {
		struct group *group = setups->items[i].group;
		if (group->setup != setups->items[i].setup)
			members_reload(group, setups->items[i].setup);
	}
}

/* A generation becomes the newest, or is closed. */
static bool generation_deploy(struct crew *crew, struct generation *generation, struct error *error)
{
	const struct plan *plan = &generation->deployment->plan;
	struct group *made = NULL;
	struct made_setups setups = {
		.items = ARENA_ARRAY(generation->arena, struct made_setup, groups_counted(crew->groups) + plan->count)};
	if (!setups.items) {
		generation_close(generation);
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	}
	bool good = groups_make(crew, plan, &made, error) && setups_make(crew, generation, made, &setups, error) &&
		    setups_make(crew, generation, crew->groups, &setups, error);
	if (good)
		setups_begin(&setups);
	if (!good || !groups_open(crew, made, error)) {
		generation_close(generation);
		return false;
	}
	generation->next = crew->generations;
	crew->generations = generation;
	groups_join(crew, made, error);
	setups_follow(&setups);
	return error->kind == ERROR_NONE;
}

bool crew_reload(struct crew *crew, struct deployment *deployment, struct error *error)
{
	struct generation *generation = generation_open(deployment, error);
	const struct deployment *before = crew->generations->deployment;
	if (!generation || !generation_deploy(crew, generation, error))
		return false;
	say_changes(crew->config, before, deployment);
	if (!cleaning_note(&crew->cleanings, before, deployment, loop_now_ms(crew->loop), crew->arena))
		return error_memory(error, ERROR_SYSTEM, "noting topics that are to be removed");
	return loop_timer_set(crew->loop, &crew->sweep_timer, loop_now_ms(crew->loop) + SWEEP_MS, error);
}

const struct deployment *crew_deployment(const struct crew *crew)
{
	return crew->generations->deployment;
}

struct loop *crew_loop(struct crew *crew)
{
	return crew->loop;
}

/* ---- counts ---- */

static void add_counts(struct crew_counts *sum, const struct stage_counts *counts, enum served_kind kind)
{
	sum->taken += kind == SERVED_LATER ? 0 : counts->taken;
	sum->called += kind == SERVED_CALLS ? counts->taken : 0;
	sum->entered += counts->taken;
	sum->left += counts->released;
	sum->ended += counts->ended;
	sum->succeeded += counts->succeeded;
	sum->answered += counts->answered;
	sum->failed += counts->failed;
	sum->dropped += counts->dropped;
	sum->dead_letters += counts->dead_letters;
	sum->pauses += counts->pauses;
	sum->skipped += counts->skipped;
	sum->in_flight += counts->in_flight;
	sum->waits_for = counts->waits_for ? counts->waits_for : sum->waits_for;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t count = counts->latency[i];
		sum->latency.buckets[i] += (uint32_t)count;
		sum->latency.count += count;
	}
}

/* What is so of the version that new messages enter. */
static void add_present(struct crew_counts *sum, const struct worker_setup *setup, const char *pipeline)
{
	for (size_t i = 0; i < setup->stage_count; i++) {
		const struct stage_config *stage = &setup->stages[i];
		if (strcmp(stage->name, pipeline) != 0)
			continue;
		sum->version = stage->version;
		sum->models_away += atomic_load_explicit(stage->caller->away, memory_order_relaxed);
		return;
	}
}

/* A worker's resets are noted with each of its stages. */
static void add_resets(struct crew_counts *sum, const struct group *group, const char *pipeline)
{
	for (size_t i = 0; i < group->worker_count; i++) {
		uint64_t most = 0;
		for (const struct served *served = group->served; served; served = served->next)
			if (strcmp(served->pipeline, pipeline) == 0 && served->counts[i].resets > most)
				most = served->counts[i].resets;
		sum->resets += most;
	}
}

bool crew_counts(const struct crew *crew, const char *pipeline, struct crew_counts *counts)
{
	bool found = false;
	*counts = (struct crew_counts){0};
	for (const struct group *group = crew->groups; group; group = group->next) {
		add_present(counts, group->setup, pipeline);
		for (const struct served *served = group->served; served; served = served->next) {
			if (strcmp(served->pipeline, pipeline) != 0)
				continue;
			found = true;
			for (size_t i = 0; i < group->worker_count; i++)
				add_counts(counts, &served->counts[i], served->kind);
		}
		add_resets(counts, group, pipeline);
	}
	return found;
}

/* ---- opening and closing ---- */

static void signals_taken(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void crew_block_signals(sigset_t *before)
{
	sigset_t set;
	signals_taken(&set);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

static bool watch(struct crew *crew, struct watch *watch, int descriptor, struct error *error)
{
	if (loop_watch(crew->loop, watch, descriptor, EPOLLIN, error))
		return true;
	watch->descriptor = -1;
	return false;
}

static bool crew_set_up(struct crew *crew, struct error *error)
{
	sigset_t set;
	signals_taken(&set);
	crew->bell_watch = (struct watch){.ready = on_ended, .context = crew, .descriptor = -1};
	crew->signal_watch = (struct watch){.ready = on_signal, .context = crew, .descriptor = -1};
	crew->sweep_timer = (struct loop_timer){.due = on_sweep, .context = crew};
	crew->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	crew->bell = bell_open(error);
	if (crew->signals < 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "no descriptor for signals; raise the limit on open files");
	crew->loop = crew->config->loop ? crew->config->loop : loop_open(error);
	return crew->bell >= 0 && crew->loop && watch(crew, &crew->bell_watch, crew->bell, error) &&
	       watch(crew, &crew->signal_watch, crew->signals, error);
}

struct crew *crew_open(struct deployment *deployment, const struct crew_config *config, struct error *error)
{
	struct generation *generation = generation_open(deployment, error);
	if (!generation)
		return NULL;
	struct crew *crew = memory_take(1, sizeof *crew);
	if (crew)
		*crew = (struct crew){.config = config, .arena = arena_open(LASTING_BYTES), .bell = -1, .signals = -1};
	if (!crew || !crew->arena) {
		error_memory(error, ERROR_SYSTEM, "preparing workers");
		generation_close(generation);
		memory_give(crew);
		return NULL;
	}
	if (generation_deploy(crew, generation, error) && crew_set_up(crew, error))
		return crew;
	crew_close(crew);
	return NULL;
}

static void crew_leave_loop(struct crew *crew)
{
	if (crew->loop && crew->bell_watch.descriptor >= 0)
		loop_unwatch(crew->loop, &crew->bell_watch);
	if (crew->loop && crew->signal_watch.descriptor >= 0)
		loop_unwatch(crew->loop, &crew->signal_watch);
	if (crew->loop)
		loop_timer_stop(crew->loop, &crew->sweep_timer);
	if (!crew->config->loop)
		loop_close(crew->loop);
}

void crew_close(struct crew *crew)
{
	if (!crew)
		return;
	for (struct group *group = crew->groups; group; group = group->next)
		members_close(group);
	while (crew->generations) {
		struct generation *generation = crew->generations;
		crew->generations = generation->next;
		generation_close(generation);
	}
	crew_leave_loop(crew);
	if (crew->bell >= 0)
		close(crew->bell);
	if (crew->signals >= 0)
		close(crew->signals);
	arena_close(crew->arena);
	memory_give(crew);
}
