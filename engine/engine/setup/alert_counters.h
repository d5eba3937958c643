/* alert_counters.h: Counters of alerts: what workers judge by the values of messages, found by what an alert means.
 *
 * Messages that a former revision has taken are judged by its conditions until they have left. So an alert whose condition changes,
 * or that comes back, has a counter of its own, whose counts are its own from the first message on. An alert that each revision has
 * unchanged keeps its counter. A counter has counts for each stage that judges the alert, and for each of its workers.
 *
 * A counter is freed with the last open revision that has its alert. Calls are made in the thread of engine_run(); workers write
 * what alert_counts_take() returned.
 */
#pragma once

#include "engine/worker/stage.h"

#define ALERT_COUNTER_LISTS 1024 /* by their meanings */

struct alert_counter;

struct alert_counters { /* starts as `{0}` */
	struct alert_counter *lists[ALERT_COUNTER_LISTS];
};

/* Hash of what an alert judges; `group_by`: of that by which it has groups, and of whatever else it is told apart by. */
uint64_t alert_meaning(const struct alert_spec *alert, uint64_t group_by);

/* Hash of all that decides what is counted for an alert of the pipeline, and of what lets it begin again. */
uint64_t alert_counter_meaning(const char *pipeline, const struct alert_spec *alert, const struct alert_condition *condition);

/* Whether workers count anything for it: judgements of messages, or the flags of outliers. */
static inline bool alert_is_counted(const struct alert_condition *condition)
{
	return !condition->of_figures || condition->uses_rate;
}

/* Follows a revision before anything is made of its plan: an alert keeps its counter if the running revision has it, and gets a new
 * one else. `revision` and `running` are their numbers, in the order in which revisions were followed; `running` 0: none runs yet.
 * Uses the arena for the time of the call. False: memory ran out. alert_counters_leave() is due in both cases. */
bool alert_counters_follow(struct alert_counters *counters, const struct plan *plan, uint64_t revision, uint64_t running,
			   struct arena *arena);

/* Notes that the revision is closed, and frees the counters that no other one has. */
void alert_counters_leave(struct alert_counters *counters, uint64_t revision);

/* Where the workers of a stage count: one entry per worker, by its number. The stage is known by its counts. They live as long as
 * the counter of that meaning in the revision that was followed last. `has_groups`: each has a table of groups. NULL: memory ran
 * out. */
struct alert_counts *alert_counts_take(struct alert_counters *counters, uint64_t meaning, const struct stage_counts *stage,
				       size_t workers, bool has_groups);

/* The newest counter of that meaning: of the running revision, if an alert there has it. NULL: there is none. */
const struct alert_counter *alert_counter_find(const struct alert_counters *counters, uint64_t meaning);

/* The number of the first revision for which it counts. */
uint64_t alert_counter_since(const struct alert_counter *counter);

/* ---- what workers have counted; of `NULL`: nothing ---- */

/* The judgements so far, or the flags of outliers. */
struct judged_counts alert_counter_sum(const struct alert_counter *counter);

/* The time of the first message that met the condition of an alert without `groupBy` since the last call. 0: no message did. */
int64_t alert_counter_first_take(const struct alert_counter *counter);

/* Takes the judgements of messages by their groups. Returns the messages that were not judged so far. */
struct missed_groups alert_counter_groups_take(const struct alert_counter *counter, judged_groups_taker *take, void *context);
