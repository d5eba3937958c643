/* worker_threads.h: the workers of a group, each in a thread of its own, from their start to
 * their end. The engine's own, for its thread alone.
 */
#ifndef SLUICE_RUNTIME_WORKER_THREADS_H
#define SLUICE_RUNTIME_WORKER_THREADS_H

#include "runtime/group_setup.h"

/* Opens as many as the group says, for the setup that it has; what they are given stands in
 * the arena, which lasts as long as they do. False: the caller closes those that are open. */
bool worker_threads_open(struct group *group, const struct engine_config *config, const struct group_shares *shares,
			 struct arena *arena, struct error *error);
void worker_threads_close(struct group *group); /* none of them runs */

/* Each begins; when it ends it rings the bell. False: some could not (SYSTEM). */
bool worker_threads_start(struct group *group, int bell, struct error *error);
void worker_threads_stop(const struct group *group);

/* How many run; `slowest` is the one that has not turned for longest, and `slow_ms` how long that is, where it was less before. */
size_t worker_threads_look(const struct group *group, int64_t now_ms, const char **slowest, int64_t *slow_ms);
bool worker_threads_have_ended(const struct group *group); /* all that were started */

/* Waits for the ends of those that were started, and says what each did; of those that could
 * not go on one says why in `error`. */
void worker_threads_join(struct group *group, const struct engine_config *config, struct error *error);

/* They are told of a newer setup, which is the group's from now on. */
void worker_threads_reload(struct group *group, struct worker_setup *setup);
bool worker_threads_follow(const struct group *group); /* all run the newest */

#endif
