/* alert_parts.h: Parts of the watch of alerts: its state, and what its files call of each other. Private to alert_*.c. */
#ifndef SLUICE_MONITOR_ALERTS_ALERT_PARTS_H
#define SLUICE_MONITOR_ALERTS_ALERT_PARTS_H

#include "compiler/conditions/figure_window.h"
#include "monitor/alerts/alert_absence.h"
#include "monitor/alerts/alert_groups.h"
#include "monitor/alerts/alert_reports.h"
#include "monitor/alerts/alert_store.h"
#include "monitor/alerts/alert_watch.h"
#include "engine/setup/group_setup.h"
#include "monitor/lag_watch.h"

#define ALERT_KEPT_MS 60000	   /* a notice of another engine: longer than a keeper may be absent before another one begins */
#define ALERT_UNCLAIMED_MS 3600000 /* what is kept of an alert in no file: pipelines come into force within minutes */

struct alert_outline; /* alert_outline.h */
struct removed_alert;
struct former_receivers; /* alert_receivers.h */

/* An alert with what it is judged by; `watched` is its first member. */
struct judged_alert {
	struct watched_alert watched;
	struct alert_condition condition;   /* of the running revision; of an absence: no expression */
	struct figure_window *window;	    /* NULL: it uses no figures */
	struct judged_counts judged;	    /* at the last look */
	struct alert_absence absence;	    /* of the pipeline that may be absent */
	struct text condition_words;	    /* as notices have it, of the running revision */
	bool is_grouped;		    /* by its `groupBy`; else it has one group, whose name is empty */
	uint64_t group_by;		    /* hash of that expression; 0: none */
	struct alert_groups groups;	    /* as this engine judges */
	struct alert_reports reports;	    /* of all engines, if they share their alerts */
	struct alert_groups shared;	    /* as the reports are */
	bool said_missed[GROUP_MISSES];	    /* that messages are missed, since then; by enum group_miss */
	struct text absent;		    /* the name of the pipeline that may be absent */
	uint32_t failed; /* actions, by their bits, that could not take a notice: each is logged once until none is owed */
	uint64_t meaning;	     /* of its condition; it begins anew when that changes */
	const struct alert_counter *counter; /* of the running revision, if its judgements are counted; else NULL */
	uint64_t counted_since;		     /* as of alert_counter_since(); 0: they are not */
	uint64_t revision;	     /* in which it was present last */
	uint64_t taken_over;	     /* the number of the takeover in which it was; 0: none */
	const struct alert_outline *outline; /* of the revision in which it was present last; NULL: memory ran out */
	struct removed_alert *removed;	     /* NULL: it is present, or owes nothing */
	struct former_receivers *formers;    /* that were among its actions while it fired; the latest first */
	uint64_t told_receivers;	     /* hash of those that the feed has as told (told_receivers.h); 0: none */
	bool receivers_due;		     /* of a takeover: they are not compared with the files yet */
};

/* How this engine takes over what all engines report, when it becomes the one that sends the notices of that. */
struct alert_takeover {
	struct alert_store_config config;
	struct alert_store *store; /* NULL: alerts are not shared */
	bool is_due;		   /* this engine is to send, at the last look */
	bool is_done;		   /* and has taken over, so that it does */
	int64_t asked_ms;	   /* when it began; monotonic; 0: it has not */
	uint64_t number;	   /* of takeovers that were done */
	struct kept_alerts *kept;  /* what is left to be taken over; NULL: nothing was read */
	int64_t kept_ms;	   /* when it was read */
	bool is_again;		   /* it was read again by the engine that sent the notices already */
	bool is_new;		   /* it was read for a check in an engine that does not send, and is not looked at yet */
	bool has_failed;	   /* a notice of that cannot be sent, which is logged once */

	/* Whether other engines have sent notices of the same firings with other ids, as during an outage: */
	bool is_check_due;
	uint64_t check_after; /* when Kafka has the record of that number: then each of two engines sees the one that was first */
	bool is_checking;     /* the feed is being read for that */

	/* Firings that other engines have not ended since the feed was read before: */
	bool ends_others, ends_others_next;
};

/* Receivers that take no notices: alert_failing.c. */
struct failing_receivers {
	struct arena *arena;
	struct receiver_reports reports;
	int64_t looked_ms; /* 0: never */
};

struct alert_watch {
	struct engine *engine;
	const struct engine_config *config;
	const struct notifier_settings *settings;
	const struct model_watch *models;
	struct notice_topic_config kafka;
	struct notifier *notifier;
	struct lag_watch *lags; /* NULL: no condition uses the lag */
	struct arena *lasting, *judging, *segments;
	struct arena *revised, *former; /* conditions and outlines of the running revision, and of the one before */
	uint64_t revision; /* its number; 0: none yet */
	uint64_t followed; /* number of revisions so far */
	bool has_failed;   /* memory ran out, which is logged once */
	struct watched_alert *alerts;
	struct alert_sharing sharing; /* `post` NULL: this engine sends the notices of what it judges */
	struct alert_takeover takeover;
	struct failing_receivers failing;
	struct loop_timer timer;
};

static inline bool alert_is_shared(const struct alert_watch *watch)
{
	return watch->sharing.post != NULL;
}

/* ---- judging: alert_judging.c ---- */

/* Counts the messages that were not judged since the condition began, and logs the first of each cause. */
void alert_missed_look(const struct alert_watch *watch, const struct alert_spec *spec, struct judged_alert *alert,
		       const struct missed_groups *missed);

/* Judges the alert of that index in the pipeline's list: sets the judgements of its groups. */
void alert_judgements_read(struct alert_watch *watch, const struct pipeline_plan *plan, size_t index, struct judged_alert *alert,
			   const struct engine_counts *counts);

/* ---- notices: alert_notices.c ---- */

/* NULL: it is not in the files that run. */
struct judged_alert *alert_named(const struct alert_watch *watch, const char *pipeline, const char *name);

/* CONFIG: the action can roll nothing back. */
bool alert_rollback_check(const struct alert_watch *watch, const struct graph *graph, const struct alert_action *action,
			  struct error *error);

struct alert_message alert_message_of(const struct alert_watch *watch, const struct pipeline_plan *plan,
				      const struct judged_alert *alert, const struct alert_group *group, enum alert_notice notice);

/* Groups of an alert whose beginning and end were logged in one look: a cause that all share writes few lines. */
struct alert_lines {
	size_t of[NOTICE_RESOLVED + 1]; /* by enum alert_notice */
};

#define ALERT_LINES_MAX 10 /* of one look and one notice; further ones are of the level debug, and counted in a line */

void alert_notice_log(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_group *group,
		      enum alert_notice notice, struct alert_lines *lines);

/* Ends the lines of a look. */
void alert_lines_end(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_lines *lines);

/* The notice that is due for a group, which a silence or another alert may hold back. */
enum alert_notice alert_group_due(const struct alert_watch *watch, const struct pipeline_plan *plan,
				  const struct judged_alert *alert, const struct alert_spec *spec, struct alert_group *group);

/* The receiver of an action, for the log; until the next judgement. */
const char *alert_receiver_name(const struct alert_watch *watch, const struct pipeline_plan *plan,
				const struct alert_action *action);

/* Logs that an action cannot take notices; `then` is what becomes of them, or "". */
void alert_action_log(const struct alert_watch *watch, enum log_level level, const struct pipeline_plan *plan, const char *alert,
		      const struct alert_action *action, const char *then, const struct error *error);

/* Owes the notice to all actions. */
void alert_notice_owe(struct alert_group *group, const struct alert_spec *spec, enum alert_notice notice, int64_t now_ms);

/* By the engine that sends: an end is owed only to actions that were given the firing. */
void alert_end_narrow(struct alert_group *group);

#define ALERT_ALL_ACTIONS UINT32_MAX /* bits */

/* Hash of the receiver of an action; and of the action of that index, which differs where two have one receiver. */
uint64_t alert_receiver_hash(const struct alert_action *action);
uint64_t alert_action_hash(const struct alert_spec *spec, size_t index);

/* Queues a notice for the action of that index; `is_written`: its record is in the feed. False: it is not taken now, for the reason
 * in `error`. */
bool alert_notify(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		  const struct alert_spec *spec, size_t index, const struct alert_message *message, bool is_written,
		  struct error *error);

/* Gives the notice to the actions that it is owed. */
void alert_announce(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		    struct alert_group *group, const struct alert_spec *spec);

/* Sends the notices of what this engine judges. */
void alert_send_own(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		    const struct alert_spec *spec, int64_t now_ms);

/* ---- engines that share alerts: alert_sharing.c ---- */

/* Reports to all engines which groups fire in this one. */
void alert_report_own(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, int64_t now_ms);

/* Reports to the other engines that the pipeline of an `absent` has requests here. */
void alert_report_presence(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, int64_t now_ms);

/* Sends the notices of what all engines report, if this engine is the one that does. Otherwise it keeps them for a while: the
 * engine that sends may end before it did. */
void alert_send_shared(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		       const struct alert_spec *spec, int64_t now_ms);

/* ---- what outlasts an engine: alert_keeping.c ---- */

/* What the firing of a group is known by in the feed. */
struct alert_message alert_firing_names(const struct judged_alert *alert, const struct alert_group *group);

/* Keeps the notice that is due for a group, and that it fires or does not. */
void alert_keep(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, struct alert_group *group,
		const struct alert_spec *spec, int64_t now_ms);

/* Keeps the end that is owed to a former receiver. What waits already in the feed, or in this engine, is not owed again. */
void alert_end_keep(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
		    struct alert_group *end, const struct alert_spec *spec, int64_t now_ms);

/* Whether Kafka has what was kept of the group, or was waited for long enough. */
bool alert_is_kept(const struct alert_watch *watch, const struct alert_group *group, int64_t now_ms);

/* The notice that a group owes is not sent any more, because another one replaces it. */
void alert_notice_replace(struct alert_watch *watch, const struct alert_group *group, const struct alert_spec *spec);

/* Ends what is kept of an alert that was removed from the files, without a notice, and forgets what engines reported. */
void alert_forget(struct alert_watch *watch, struct judged_alert *alert);

/* ---- taking it over: alert_takeover.c ---- */

/* Follows whether this engine is to send, and takes what was kept when it begins to. */
void alert_takeover_turn(struct alert_watch *watch, int64_t now_ms);

/* By the engine that sends, for a firing that ended untold: owes its notice, which commands no rollback any more. Its end is due
 * when that was given to the actions. */
void alert_untold_owe(struct alert_group *group, const struct alert_spec *spec, int64_t now_ms);

/* Takes over what was kept: first of all alerts whether they fire, because one may inhibit another; then the notices that wait, in
 * their order. If a group has several firings, because engines could not reach Kafka, the first in the feed goes on, and the others
 * get an end: from the engine that sent them, also if it sends no others now, or from the sender if that engine has ended. */
void alerts_take_over(struct alert_watch *watch, const struct plan *plan, struct alert_time time);

/* Groups that were firing before this engine started do so as soon as their condition holds, without `for`. */
void alert_resume_own(struct judged_alert *alert, struct alert_time time);

void alert_takeover_close(struct alert_takeover *takeover);

/* ---- alerts that are in no file any more: alert_removal.c ---- */

/* Takes an alert that is not in the running revision; once more has no effect. Its groups end by the next call of the other one. */
void alert_remove(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms);

/* Sends the notices of the ends of all such alerts. */
void alerts_send_removed(struct alert_watch *watch, int64_t now_ms);

#endif
