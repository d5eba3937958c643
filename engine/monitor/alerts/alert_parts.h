/* alert_parts.h: Parts of the watch of alerts: its state, and what its files call of each other. Private to alert_*.c. */
#pragma once

#include "compiler/conditions/figure_window.h"
#include "engine/setup/group_setup.h"
#include "monitor/alerts/alert_absence.h"
#include "monitor/alerts/alert_groups.h"
#include "monitor/alerts/alert_states.h"
#include "monitor/alerts/alert_watch.h"
#include "monitor/lag_watch.h"

/* An alert with what it is judged by; `watched` is its first member. */
struct judged_alert {
	struct watched_alert watched;
	struct alert_condition condition;   /* of the running revision; of an absence: no expression */
	struct figure_window *window;	    /* NULL: it uses no figures */
	struct judged_counts judged;	    /* at the last look */
	struct alert_absence absence;	    /* of the pipeline that may be absent */
	struct text condition_words;	    /* as notices have it, of the running revision */
	uint64_t group_by;		    /* as of alert_group_by(); 0: it has one group, whose name is empty */
	struct alert_groups groups;	    /* as this engine judges */
	bool said_missed[GROUP_MISSES];	    /* that messages are missed, since then; by enum group_miss */
	struct text absent;		    /* the name of the pipeline that may be absent */
	uint64_t meaning;	     /* of its condition; it begins anew when that changes */
	const struct alert_counter *counter; /* of the running revision, if its judgements are counted; else NULL */
	uint64_t counted_since;		     /* as of alert_counter_since(); 0: they are not */
	uint64_t revision;	     /* in which it was present last */
};

/* A firing that the feed had before this engine read it. */
struct former_firing {
	struct former_firing *next;
	int64_t fired_at_ms;
	char key[ALERT_KEY_BYTES];
};

/* What this engine announces by itself: alert_own.c. */
struct alert_own {
	struct alert_states_config config;
	struct alert_states *states;
	struct alert_definitions definitions; /* of the running revision */
	struct arena *arena;		      /* of these */
	uint64_t revision;		      /* that they are of */
	bool is_alone;			      /* this engine announces what it judges */
	int64_t alone_ms;		      /* when the last keeper beat; monotonic */
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
	struct arena *revised; /* conditions of the running revision */
	uint64_t revision; /* its number; 0: none yet */
	uint64_t followed; /* number of revisions so far */
	bool has_failed;   /* memory ran out, which is logged once */
	struct watched_alert *alerts;
	struct alert_outlet outlet; /* `post` NULL: this engine sends the notices of what it judges */
	struct alert_own own;
	struct former_firing *formers;
	struct failing_receivers failing;
	struct loop_timer timer;
};

static inline bool alert_is_shared(const struct alert_watch *watch)
{
	return watch->outlet.post != NULL;
}

/* ---- judging: alert_judging.c ---- */

/* Counts the messages that were not judged since the condition began, and logs the first of each cause. */
void alert_missed_look(const struct alert_watch *watch, const struct alert_spec *spec, struct judged_alert *alert,
		       const struct missed_groups *missed);

/* Judges the alert of that index in the pipeline's list: sets the judgements of its groups. */
void alert_judgements_read(struct alert_watch *watch, const struct pipeline_plan *plan, size_t index, struct judged_alert *alert,
			   const struct engine_counts *counts);

/* ---- reports: alert_reports.c ---- */

#define ALERT_LINES_MAX 10 /* of one look and one notice; further ones are of the level debug, and counted in a line */

/* Reports which groups fire in this engine: to the keeper, and to its own states while it is alone. */
void alert_report(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, int64_t now_ms);

/* Reports to the other engines that the pipeline of an `absent` has requests here. */
void alert_report_presence(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert, int64_t now_ms);

/* ---- what this engine announces: alert_own.c ---- */

bool alert_own_open(struct alert_watch *watch, struct error *error);
void alert_own_close(struct alert_own *own);

/* Before the alerts are judged: follows whether this engine is alone, and the running revision. */
void alert_own_follow(struct alert_watch *watch, struct alert_time time);

/* Whether the firing is announced by this engine: it began when no keeper could know. */
bool alert_own_has(const struct alert_watch *watch, const struct alert_group *group);
void alert_own_report(struct alert_watch *watch, struct text record, struct alert_time time);

/* After all alerts were judged: decides, and hands over what is due. */
void alert_own_turn(struct alert_watch *watch, struct alert_time time);

/* Groups that were firing before this engine started do so as soon as their condition holds, without `for`. */
void alert_resume_former(struct alert_watch *watch, struct judged_alert *alert, struct alert_time time);
void alert_formers_clear(struct alert_watch *watch);

/* NULL: it is not in the files that run. */
static inline struct judged_alert *alert_named(const struct alert_watch *watch, const char *pipeline, const char *name)
{
	for (struct watched_alert *alert = watch->alerts; alert; alert = alert->next)
		if (alert->is_present && strcmp(alert->pipeline, pipeline) == 0 && strings_equal(alert->name, name))
			return (struct judged_alert *)alert;
	return NULL;
}
