/* worker_threads.h: Threads of the workers of a group, from their start to their end. Private to the engine, and to
 * its thread. */
#pragma once

#include "engine/setup/group_setup.h"
#include "engine/setup/memory_shares.h"

/* Opens the number of workers that the group has, for its setup. Their configurations are in the arena, which must
 * outlive them. False: the caller closes those that are open. */
bool worker_threads_open(struct group *group, const struct engine_config *config, const struct memory_shares *shares,
			 struct arena *arena, struct error *error);
void worker_threads_close(struct group *group); /* none of them may be running */

/* Starts the threads of workers that are open; each signals the bell when it ends. False: some could not start (SYSTEM). */
bool worker_threads_start(struct group *group, int bell, struct error *error);
void worker_threads_stop(const struct group *group);

/* Number of running workers. If one has not turned for longer than `*slow_ms`, or `*slowest` is NULL, sets both to
 * it. */
size_t worker_threads_look(const struct group *group, int64_t now_ms, const char **slowest, int64_t *slow_ms);
/* The worker of that number; its counts may be read while it runs. */
const struct worker *worker_threads_worker(const struct group *group, size_t number);
bool worker_threads_have_ended(const struct group *group); /* all that were started */

/* Waits for the ends of those that were started, and logs the counts of each. `error` gets the reason of one that
 * failed. */
void worker_threads_join(struct group *group, const struct engine_config *config, struct error *error);

/* Gives them a newer setup, which is the group's from now on. */
void worker_threads_reload(struct group *group, struct worker_setup *setup);
bool worker_threads_follow(const struct group *group); /* all run the latest setup */
bool worker_threads_have_partitions(const struct group *group); /* all, as far as the group assigns them any */
