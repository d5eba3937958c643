/* worker_threads.c: see worker_threads.h. */
#include "engine/run/worker_threads.h"

#include <assert.h>
#include <pthread.h>

#include "net/loop.h"
#include "engine/run/engine_log_lines.h"

#define SNAPSHOT_CHANGES 1000

struct member {
	struct worker_config config;
	struct worker *worker;
	pthread_t thread;
	int bell;
	bool started;
	atomic_bool ended;
	bool drained;
	struct error error;
};

/* ---- configuration of a worker ---- */

/* Assigns all partitions of all topics, when there is no group that distributes them. */
static bool assign_all(struct member *member, const struct group *group, size_t partitions, struct arena *arena,
		       struct error *error)
{
	size_t topics = group->setup->reads.count;
	struct position *items = ARENA_ARRAY(arena, struct position, topics * partitions);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	for (size_t i = 0; i < topics * partitions; i++)
		items[i] = (struct position){(uint32_t)(i / partitions), (int32_t)(i % partitions), OFFSET_NONE};
	member->config.consumer.assigned = (struct positions){topics * partitions, items};
	return true;
}

static bool member_configure(struct member *member, size_t number, const struct group *group, const struct engine_config *config,
			     const struct memory_shares *shares, struct arena *arena, struct error *error)
{
	const char *instance = arena_print(arena, "%s.%zu", config->instance, number);
	const char *id = group->exactly_once ? arena_print(arena, "%s.%s", group->name, instance) : NULL;
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	member->config = (struct worker_config){
		.number = number,
		.consumer = {.brokers = config->brokers,
			     .group = group->name,
			     .instance = instance,
			     .properties = shares->consumer,
			     .observes = group->observes},
		.transaction = {.brokers = config->brokers,
				.id = id,
				.batches = config->batches,
				.properties = shares->producer,
				.observes = group->observes},
		.registry = config->registry,
		.setup = *group->setup,
		.direct = group->exactly_once || group->observes ? NULL : config->direct,
		.gateway = config->direct,
		.cancels = config->cancels,
		.limits = group_watches(group) ? worker_limits_of_observers(shares->limits) : shares->limits,
		.partition_state = {.folder = config->state_folder,
				    .bytes_max = config->state_bytes,
				    .snapshot_ms = config->snapshot_ms,
				    .snapshot_changes = SNAPSHOT_CHANGES,
				    .new_state = config->new_state,
				    .versioned = config->control != NULL,
				    .observers_look_ms = OBSERVERS_LOOK_MS,
				    .log = config->log},
	};
	return config->partitions == 0 || assign_all(member, group, (size_t)config->partitions, arena, error);
}

bool worker_threads_open(struct group *group, const struct engine_config *config, const struct memory_shares *shares,
			 struct arena *arena, struct error *error)
{
	assert(group->worker_count > 0 && group->setup);
	group->members = ARENA_ARRAY(arena, struct member, group->worker_count);
	if (!group->members)
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	for (size_t i = 0; i < group->worker_count; i++) {
		struct member *member = &group->members[i];
		if (!member_configure(member, i, group, config, shares, arena, error) ||
		    !(member->worker = worker_open(&member->config, error)))
			return false;
	}
	return true;
}

void worker_threads_close(struct group *group)
{
	for (size_t i = 0; group->members && i < group->worker_count; i++) {
		worker_close(group->members[i].worker);
		group->members[i].worker = NULL;
	}
}

/* ---- running ---- */

static void *member_run(void *context)
{
	struct member *member = context;
	member->drained = worker_run(member->worker, &member->error);
	atomic_store(&member->ended, true);
	bell_ring(member->bell);
	return NULL;
}

bool worker_threads_start(struct group *group, int bell, struct error *error)
{
	assert(group->members && bell >= 0);
	for (size_t i = 0; i < group->worker_count; i++) {
		struct member *member = &group->members[i];
		member->bell = bell;
		member->started = pthread_create(&member->thread, NULL, member_run, member) == 0;
		if (!member->started)
			return error_set(error, ERROR_SYSTEM, PLACE_NONE,
					 "the thread of a worker could not be started; raise the limit on threads");
	}
	return true;
}

void worker_threads_stop(const struct group *group)
{
	for (size_t i = 0; i < group->worker_count; i++)
		if (group->members[i].started)
			worker_stop(group->members[i].worker);
}

size_t worker_threads_look(const struct group *group, int64_t now_ms, const char **slowest, int64_t *slow_ms)
{
	size_t count = 0;
	for (size_t i = 0; i < group->worker_count; i++) {
		const struct member *member = &group->members[i];
		if (!member->started || atomic_load(&member->ended))
			continue;
		int64_t turned_ms = worker_turned_ms(member->worker);
		int64_t since_ms = turned_ms > 0 ? now_ms - turned_ms : 0;
		count++;
		if (*slowest && since_ms <= *slow_ms)
			continue;
		*slowest = member->config.consumer.instance;
		*slow_ms = since_ms > 0 ? since_ms : 0;
	}
	return count;
}

const struct worker *worker_threads_worker(const struct group *group, size_t number)
{
	assert(group->members && number < group->worker_count);
	return group->members[number].worker;
}

bool worker_threads_have_ended(const struct group *group)
{
	for (size_t i = 0; i < group->worker_count; i++)
		if (group->members[i].started && !atomic_load(&group->members[i].ended))
			return false;
	return true;
}

void worker_threads_join(struct group *group, const struct engine_config *config, struct error *error)
{
	for (size_t i = 0; i < group->worker_count; i++) {
		struct member *member = &group->members[i];
		if (!member->started)
			continue;
		pthread_join(member->thread, NULL);
		member->started = false;
		const char *instance = member->config.consumer.instance;
		announce_worker_end(config, group->name, instance, member->worker);
		if (!member->drained)
			error_set(error, member->error.kind, member->error.place, "worker %s of %s: %s", instance, group->name,
				  member->error.text);
	}
}

/* ---- reload ---- */

void worker_threads_reload(struct group *group, struct worker_setup *setup)
{
	assert(setup);
	group_setup_follow(group, setup);
	for (size_t i = 0; i < group->worker_count; i++)
		worker_reload(group->members[i].worker, setup);
}

bool worker_threads_follow(const struct group *group)
{
	for (size_t i = 0; i < group->worker_count; i++)
		if (worker_follows(group->members[i].worker)->stages != group->setup->stages)
			return false;
	return true;
}

bool worker_threads_have_partitions(const struct group *group)
{
	for (size_t i = 0; i < group->worker_count; i++)
		if (!worker_has_partitions(group->members[i].worker))
			return false;
	return true;
}
