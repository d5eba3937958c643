/* alert_states_parts.h: Parts of the states of alerts, private to alert_states*.c. */
#pragma once

#include "monitor/alerts/alert_states.h"

/* An engine in which a group fires. */
struct group_report {
	struct group_report *next;
	int64_t reported_ms; /* monotonic */
	struct text engine;  /* in the same piece of memory */
};

struct state_group {
	struct state_group *next;
	struct text name; /* in the same piece of memory */
	uint64_t hash;
	struct group_report *reports;
	char *record; /* the last report; owned */
	size_t record_bytes;
	int64_t fired_at_ms;
	int64_t until_ms; /* monotonic; until then the firing of a former keeper goes on without a report */
	int64_t begun_ms; /* monotonic; when the group began to fire; 0: its beginning is decided */
	bool is_announced;
};

struct state_alert {
	struct state_alert *next;
	const struct alert_definition *definition; /* NULL: it is not in force */
	struct text namespace, pipeline, name;	   /* in the same piece of memory */
	uint64_t hash;				   /* of these */
	struct state_group *groups;
	size_t group_count, waiting; /* waiting: notices */
	struct alert_actions actions;
	bool has_actions;    /* they have the firings, or get the next one; else it takes those in force */
	bool is_former;	     /* a former action has no notice that waits any more */
	uint64_t written;    /* hash of the record of its receivers; 0: the feed has none */
};

struct waiting_notice {
	struct list_node node;
	struct state_alert *alert;
	uint64_t action, hash; /* hash: of the key */
	uint64_t number;       /* of its record; 0: it was in the feed */
	bool is_handed, is_refused; /* refused: the sender could not take it */
	char key[ALERT_KEY_BYTES];
	struct text record;	    /* in the same piece of memory */
};

struct state_record {
	struct list_node node;
	char key[ALERT_KEY_BYTES];
	struct text value; /* in the same piece of memory */
};

#define STATES_ENDED_MAX 256 /* firings that are known to have ended */

struct alert_states {
	const struct alert_states_config *config;
	const struct alert_definitions *definitions; /* NULL: no term has begun */
	struct state_alert *alerts;
	struct list notices, records; /* struct waiting_notice, struct state_record */
	struct list beginnings;	      /* whose keys are due to end; struct state_record */
	uint64_t added, written;      /* numbers of records */
	size_t undefined;	      /* groups of alerts that are not in force */
	size_t restored, unhanded;    /* waiting notices that were in the feed; those that the sender does not have yet */
	int64_t due_ms;
	uint64_t ended[STATES_ENDED_MAX]; /* hashes of their keys; the next one takes the place of the oldest */
	size_t ended_count;
	struct buffer bytes;
};

/* ---- alert_state_groups.c ---- */

bool states_memory_failed(struct error *error);
struct text state_name_place(char **at, struct text name); /* copies the name, and moves `at` behind it */

struct state_alert *state_alert_find(const struct alert_states *states, const struct alert_message *names); /* NULL: not there */

/* Made if it is not there. NULL: memory ran out; of a group also: there are too many. */
struct state_alert *state_alert_open(struct alert_states *states, const struct alert_message *names);
struct state_group *state_group_open(struct alert_states *states, struct state_alert *alert, struct text name);

struct state_group *state_group_find(const struct state_alert *alert, struct text name); /* NULL: it has no state */
bool state_group_keep(struct state_group *group, struct text record);			 /* as the last report */

void group_report_remove(struct group_report **at);
void state_group_remove(struct alert_states *states, struct state_alert *alert, struct state_group **at);

/* ---- alert_states.c ---- */

/* Ends an announced firing. */
bool state_firing_end(struct alert_states *states, struct state_alert *alert, struct state_group *group, const char *reason,
		      struct alert_time time, struct error *error);
void state_ended_note(struct alert_states *states, const struct alert_message *names);

/* How long a report counts. */
int64_t state_silent_ms(const struct alert_definition *definition);

/* ---- alert_states_notices.c ---- */

/* Writes the record; `value` without bytes ends what has the key. */
bool state_record_add(struct alert_states *states, const char *key, struct text value, struct error *error);

/* The notice of the group, by its last report. */
bool group_message(const struct alert_states *states, const struct state_group *group, const char *status, struct alert_time time,
		   struct alert_message *message, struct alert_condition *figures);

/* Makes the notice wait for an action. If the sender could not take the notice of a firing, the notice of its end removes that. */
bool notice_add(struct alert_states *states, struct state_alert *alert, const struct alert_message *message, uint64_t action,
		struct error *error);

/* Makes a notice of the feed wait. */
bool notice_restore(struct alert_states *states, struct state_alert *alert, const struct feed_alert *former, struct error *error);

/* Forgets all notices and records. */
void notices_clear(struct alert_states *states);

uint64_t state_receivers_hash(struct text record);

/* Writes the receivers of the alert, if they have changed. */
bool receivers_write(struct alert_states *states, struct state_alert *alert, struct error *error);

/* Whether a notice waits for the action. */
bool action_waits(const struct alert_states *states, const struct state_alert *alert, uint64_t action);
