/* alert_states.h: States of alerts: which groups fire, by the reports of engines; silences; and the notices that are due. Pure, but
 * for memory and the log.
 *
 * The keeper has the states of all engines of a namespace, and writes their records to the feed (control/keeper/keeper_alerts.h).
 * An engine without a keeper has states of its own, without records (monitor/alerts/alert_own.c).
 *
 * An engine reports when a group begins to fire, every ALERT_REPORT_MS while it does, and when it resolves. A report that is not
 * repeated, because its engine has ended, counts until the alert's `resolveAfter` has passed, and for ALERT_SILENT_MS at least. A
 * group fires while some report counts. Its time, which is in the ids of its notices, is that of the first report.
 *
 * Reports are decided about together, ALERT_SETTLE_MS after the first, because one alert may hold back another. A group that ended
 * by then has both notices. Each decision is records, and notices that wait. A notice is handed over when its record is written,
 * and waits until alert_states_settle(). The records of a decision may be written in several transactions: what was written goes
 * on.
 *
 * Records in the feed (compiler/conditions/alert_feed.h): alert/GROUP/ID while a group fires, notice/ACTION/ID while a notice
 * waits, receivers/ALERT while either is, and no bytes for began/GROUP/ID.
 *
 * Belongs to one thread.
 */
#pragma once

#include "compiler/conditions/alert_feed.h"
#include "kafka/record.h"
#include "monitor/alerts/alert_actions.h"
#include "observe/log_sink.h"

#define ALERT_REPORT_MS 5000
#define ALERT_SILENT_MS (3 * ALERT_REPORT_MS)
#define ALERT_SETTLE_MS 200
#define ALERT_TICK_MS 1000
#define ALERT_UNDECIDED_MS 60000 /* a firing that ended without a keeper: longer than one may be absent */
#define ALERT_GROUPS_OF_ALERT_MAX 1000
#define ALERT_GROUPS_UNDEFINED_MAX 10000 /* of all alerts that are not defined, before a term begins */

struct alert_states_config { /* borrowed */
	const char *engine; /* in the notices */
	bool is_shared;	    /* the states are of all engines: ids do not depend on `engine`, and there are records */
	const struct log_sink *log;
};

/* An alert in force; borrowed until the next alert_states_define(). */
struct alert_definition {
	const char *namespace, *pipeline, *name, *topic; /* topic: of its notices; NULL: there is none */
	uint64_t group_by;				 /* hash of its `groupBy`; 0: none */
	int64_t resolve_after_ms;
	int64_t silenced_until_ms; /* by its own field, a time of day; 0: it is not */
	struct name_list inhibited_by;
	struct item_list actions; /* struct alert_action */
};

/* A Silence; texts NULL: of any. */
struct group_silence {
	const char *namespace, *pipeline, *group;
	const char *alert;
	int64_t until_ms;
};

struct alert_definitions {
	size_t count, silence_count;
	const struct alert_definition *items;
	const struct group_silence *silences;
};

/* Made of an alert of a file, without `group_by`, and of a Silence; all is borrowed. False: the Silence silences nothing. */
void alert_definition_fill(struct alert_definition *definition, const char *namespace, const char *pipeline, const char *topic,
			   const struct alert_spec *spec);
bool alert_silence_fill(struct group_silence *silence, const struct resource *resource);

/* A notice that waits. Texts are valid during the call that has it. */
struct due_notice {
	const char *key; /* for alert_states_settle() */
	const struct alert_action *action;
	const struct alert_message *message;
};

struct alert_states;

/* Before alert_states_begin(), reports are taken of alerts that are not defined. NULL: SYSTEM. */
struct alert_states *alert_states_open(const struct alert_states_config *config, struct error *error);
void alert_states_close(struct alert_states *states); /* NULL is fine */

/* Begins with what the feed has (NULL: nothing), and with the alerts in force. All calls below return false for SYSTEM only: memory
 * ran out, and the states are to be closed. */
bool alert_states_begin(struct alert_states *states, const struct alert_feed *feed, const struct alert_definitions *definitions,
			struct alert_time time, struct error *error);

/* Other alerts are in force. Firings of alerts that are not among them end. Former receivers get the end, new ones the firing. */
bool alert_states_define(struct alert_states *states, const struct alert_definitions *definitions, struct alert_time time,
			 struct error *error);

/* Takes the report of an engine: a record of the schema `alert`. A damaged one, or one of no alert in force, is left out. */
bool alert_states_report(struct alert_states *states, struct text record, struct alert_time time, struct error *error);

/* Takes the record of the feed by which a message began a firing, as a report of its engine, unless that has reported. */
bool alert_states_beginning(struct alert_states *states, struct text key, struct text record, struct alert_time time,
			    struct error *error);

/* Ends all firings. */
bool alert_states_end(struct alert_states *states, struct alert_time time, struct error *error);

/* The notice with that key was delivered, or given up. */
bool alert_states_settle(struct alert_states *states, const char *key, struct error *error);

/* Decides what is due; to be called at alert_states_due_ms() (monotonic; INT64_MAX: not before the next input). */
bool alert_states_tick(struct alert_states *states, struct alert_time time, struct error *error);
int64_t alert_states_due_ms(const struct alert_states *states);

/* Lists the first records that are not written yet, at most `most`. Returns their number. */
size_t alert_states_records(struct alert_states *states, struct outgoing *records, size_t most);
void alert_states_written(struct alert_states *states, size_t count); /* the first ones are */

/* Gives notices that wait, and whose records are written, to `take`. If that returns false, the notice waits until the next call.
 * Its error has the reason: REMOTE, too many wait for the receiver, so no other notice for it is given now. */
typedef bool notice_taker(void *context, const struct due_notice *due, struct error *error);
bool alert_states_hand(struct alert_states *states, notice_taker *take, void *context, struct alert_time time, struct error *error);

/* Groups that fire, and notices that wait, for the log and for tests. */
struct alert_states_counts {
	size_t firing, announced, waiting;
};
struct alert_states_counts alert_states_count(const struct alert_states *states);
