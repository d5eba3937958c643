/* alert_outline.h: Outline of an alert: what its notices need of its pipeline, for the time when the alert is in no file any
 * more. The revision that had it is gone by then. With shared alerts each engine keeps that of a removed alert for some time,
 * because another engine may become the one that sends.
 *
 * Private to alerts of the runtime.
 */
#ifndef SLUICE_MONITOR_ALERTS_ALERT_OUTLINE_H
#define SLUICE_MONITOR_ALERTS_ALERT_OUTLINE_H

#include "monitor/alerts/alert_parts.h"

struct alert_outline {
	struct pipeline_plan plan; /* with the topic of notices alone, and without steps */
	struct graph graph;
	struct topic topic;
	struct alert_spec spec; /* with its name, its actions and its times alone */
	struct text condition_words;
};

struct removed_alert {
	struct arena *arena; /* it has this, too */
	const struct alert_outline *outline;
	int64_t since_ms; /* monotonic */
};

/* Receivers that an alert had while it fired (alert_receivers.h). */
struct former_receivers {
	struct former_receivers *next;
	struct removed_alert *removed; /* the outline that has them */
	struct alert_groups ends;      /* that are owed to them, by the actions of that outline */
};

/* In the arena. NULL: memory ran out. */
const struct alert_outline *alert_outline_make(const struct pipeline_plan *plan, const struct alert_spec *spec,
					       struct text condition_words, struct arena *arena);

/* Of an alert that is removed now: a copy in an arena of its own. NULL: memory ran out. */
struct removed_alert *alert_removed_make(const struct alert_outline *outline, int64_t now_ms);

/* Whether the record is of that alert, which was removed: sets the outlines of its pipeline and of itself. */
bool alert_removed_find(const struct judged_alert *alert, const struct alert_read *read, const struct pipeline_plan **plan,
			const struct alert_spec **spec);

/* Whether a former receiver has the action of that hash: sets what it needs. */
bool alert_former_find(const struct judged_alert *alert, uint64_t action, const struct pipeline_plan **plan,
		       const struct alert_spec **spec, size_t *index);

/* The end that waits in the feed is not owed beside that. */
void alert_former_take(struct judged_alert *alert, const struct kept_alert *kept);

/* The index of the action of that hash; the number of actions: none has it. */
size_t alert_action_index(const struct alert_spec *spec, uint64_t hash);
size_t alert_action_count(const struct alert_spec *spec);

/* It is present again, or nothing is to be sent any more. */
void alert_removed_drop(struct judged_alert *alert);

#endif
