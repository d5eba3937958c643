/* alert_groups.h: Groups of an alert: a state for each value of its `groupBy`. Without it there is one group, whose name is empty.
 *
 * A group has a state from the first judgement that held until it has resolved and all its notices are handed over. At most
 * ALERT_GROUPS_MAX have one at a time. A group is memory of its own, so that it is found by its name whatever the files say.
 */
#ifndef SLUICE_MONITOR_ALERTS_ALERT_GROUPS_H
#define SLUICE_MONITOR_ALERTS_ALERT_GROUPS_H

#include "compiler/conditions/alert.h"
#include "compiler/conditions/judged_groups.h"
#include "compiler/conditions/notice.h"

struct alert_group {
	struct alert_group *next;
	struct text name; /* owned */
	uint64_t hash;
	struct alert alert;
	struct alert_judgement judged; /* of the present look */
	struct alert_values values;    /* likewise; of a condition on figures */
	int64_t reported_at_ms;	       /* likewise; of reports: when it began to fire, by the first of them */
	int64_t sent_ms;	       /* when it was last reported, or its notice was due; monotonic */
	int64_t unread_ms;	       /* since when no report of it has come back from Kafka; monotonic; 0: the last one has */
	enum alert_notice notice;      /* the last one that was due */
	uint32_t owed;		       /* actions that could not take it, a bit each: they are asked again */
	uint32_t told;		       /* actions that were given the notice of the firing, or may have been by another engine */
	uint32_t added;		       /* actions that the files got while it fires, and that were not given the firing */
	const char *reason;	       /* of an end that is owed to a former receiver; NULL: none */
	bool is_tried;		       /* the last notice was given to all that could take it */
	bool is_untold;		       /* it ended, and as far as is known nobody sent the notice of the firing: that is first */
	bool is_kept;		       /* that notice is for the feed (compiler/conditions/kept_alerts.h) */
	uint64_t kept_number;	       /* of its last record there, by alert_store_write(); 0: none */
	int64_t kept_ms;	       /* when it was made; monotonic */
	char kept_id[NOTICE_ID_BYTES]; /* and its id */
	bool is_restored;	       /* its firing was taken over from there */
	bool is_known; /* its firing lasted so long under another sender that this has announced it, by whatever id */
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

/* Forgets groups that are inactive and owe no notice. */
void alert_groups_settle(struct alert_groups *groups);
void alert_groups_clear(struct alert_groups *groups);

/* Whether a notice of one of them is owed to an action. */
bool alert_groups_owe(const struct alert_groups *groups);

/* How many are in that phase. */
size_t alert_groups_in(const struct alert_groups *groups, enum alert_phase phase);

#endif
