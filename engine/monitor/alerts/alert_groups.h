/* alert_groups.h: Groups of an alert: a state for each value of its `groupBy`. Without it there is one group, whose name is empty.
 *
 * A group has a state from the first judgement that held until it has resolved and that was reported. At most
 * ALERT_GROUPS_MAX have one at a time. A group is memory of its own, so that it is found by its name whatever the files say.
 */
#pragma once

#include "compiler/conditions/alert.h"
#include "compiler/conditions/judged_groups.h"
#include "compiler/conditions/notice.h"

struct alert_group {
	struct alert_group *next;
	struct text name; /* owned */
	uint64_t hash;
	struct alert alert; /* `is_announced`: the firing was reported */
	struct alert_judgement judged; /* of the present look */
	struct alert_values values;    /* likewise; of a condition on figures */
	int64_t sent_ms;	       /* when it was last reported; monotonic */
};

struct alert_groups { /* starts as `{0}` */
	struct alert_group *first;
	size_t count;
	uint64_t beyond; /* judgements that held, of groups beyond the limit */
};

struct alert_group *alert_group_find(const struct alert_groups *groups, struct text name); /* NULL: it has no state */

/* Adds a judgement of the present look: to the group's state, which begins if the judgement held. Returns that state. NULL: it has
 * none. */
struct alert_group *alert_group_judge(struct alert_groups *groups, struct text name, struct alert_judgement judgement);

/* Forgets groups that are inactive, and whose end was reported. */
void alert_groups_settle(struct alert_groups *groups);
void alert_groups_clear(struct alert_groups *groups);

/* How many are in that phase. */
size_t alert_groups_in(const struct alert_groups *groups, enum alert_phase phase);
