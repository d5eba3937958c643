/* judged_groups.h: Judgements of an alert with `groupBy`, by the groups of the messages that one worker has judged.
 *
 * The worker notes judgements, and one other thread takes them; neither waits. A group has a slot from the first message that
 * meets the condition, because until then there is nothing that could end. A slot is free again when the group's last such
 * message is so old that its alert has resolved. When all slots are taken, messages of further groups are not judged, and are
 * counted.
 */
#ifndef SLUICE_ALERTS_JUDGED_GROUPS_H
#define SLUICE_ALERTS_JUDGED_GROUPS_H

#include "alerts/alert_condition.h"
#include "base/arena.h"

#define ALERT_GROUPS_MAX 1000
#define ALERT_GROUP_BYTES_MAX 128 /* of a group's name; a longer one has no slot */

struct judged_groups;

/* It lives in the arena, with all of its memory. NULL: memory ran out. */
struct judged_groups *judged_groups_open(struct arena *arena);

/* Whether a group has a slot, so that a message which does not meet the condition matters. */
bool judged_groups_any(const struct judged_groups *groups);

/* Notes that a message of the group met the condition, or did not. `keep_ms`: how long a group keeps its slot after the last
 * message that did: the alert's `for` and `resolveAfter` together. */
void judged_groups_note(struct judged_groups *groups, struct text group, bool held, int64_t now_ms, int64_t keep_ms);

/* Notes a message that is not judged, because its group has no name. */
void judged_groups_miss(struct judged_groups *groups);

/* For the other thread: calls for each group with judgements since the last take; `group` is valid for the time of the call. */
typedef void judged_groups_taker(void *context, struct text group, struct alert_judgement judgement);
void judged_groups_take(struct judged_groups *groups, judged_groups_taker *take, void *context);

/* For any thread: messages that were not judged, because all slots were taken, or the group's name was too long or missing. */
uint64_t judged_groups_beyond(const struct judged_groups *groups);

#endif
