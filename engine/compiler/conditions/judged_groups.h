/* judged_groups.h: Judgements of an alert with `groupBy`, by the groups of the messages that one worker has judged.
 *
 * The worker notes judgements, and one other thread takes them; neither waits. A group has a slot from the first message that
 * meets the condition, because until then there is nothing that could end. A slot is free again when the group's last such
 * message is so old that its alert has resolved. When all slots are taken, messages of further groups are not judged, and are
 * counted by the cause, as those whose group has too long a name or none.
 */
#pragma once

#include <stdatomic.h>

#include "compiler/conditions/alert_condition.h"

#define ALERT_GROUPS_MAX 1000
#define ALERT_GROUP_BYTES_MAX 256 /* of a group's name, as of a segment's; a longer one has no slot */

/* Why messages that met the condition were not judged. */
enum group_miss { GROUP_MISS_FULL, GROUP_MISS_LONG, GROUP_MISS_NAMELESS, GROUP_MISSES };

struct missed_groups {
	uint64_t of[GROUP_MISSES]; /* messages, by enum group_miss */
};

struct judged_groups;

struct judged_groups *judged_groups_open(void); /* NULL: memory ran out */
void judged_groups_close(struct judged_groups *groups);

/* Whether a group has a slot, so that a message which does not meet the condition matters. */
bool judged_groups_any(const struct judged_groups *groups);

/* Notes that a message of the group met the condition, or did not. `keep_ms`: how long a group keeps its slot after the last
 * message that did: the alert's `for` and `resolveAfter` together. `at_ms`: the time of its request; 0: not known. */
void judged_groups_note(struct judged_groups *groups, struct text group, bool held, int64_t now_ms, int64_t keep_ms, int64_t at_ms);

/* Whether this message, which was noted and met the condition, is the first of the group for `every_ms`, and since `since_ms`. */
bool judged_groups_begin(struct judged_groups *groups, struct text group, int64_t now_ms, int64_t every_ms, int64_t since_ms);

/* Notes the time of the first message, until that is taken. */
static inline void judged_first_note(_Atomic(int64_t) *first_ms, int64_t at_ms)
{
	int64_t none = 0;
	(void)atomic_compare_exchange_strong_explicit(first_ms, &none, at_ms, memory_order_release, memory_order_relaxed);
}

/* Notes a message that is not judged. */
void judged_groups_miss(struct judged_groups *groups, enum group_miss miss);

/* For the other thread: calls for each group with judgements since the last take; `group` is valid for the time of the call. */
typedef void judged_groups_taker(void *context, struct text group, struct alert_judgement judgement);
void judged_groups_take(struct judged_groups *groups, judged_groups_taker *take, void *context);

/* For any thread: adds the messages that were not judged. */
void judged_groups_add_missed(const struct judged_groups *groups, struct missed_groups *missed);
