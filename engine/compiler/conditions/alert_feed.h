/* alert_feed.h: Records of alerts in a namespace's feed, which outlast engines: firings, and notices that wait. Pure.
 *
 * The feed is compacted (message/records/feed_record.h). Its records of alerts have four kinds of keys:
 *
 *   alert/GROUP/ID     the notice of a firing; without bytes: it has ended. GROUP is a hash of all names of the group, and ID is
 *                      that of the firing. So which firing of a group has ended is known without a clock.
 *   notice/ACTION/ID   a notice that waits for the receiver of an action; without bytes: the receiver has it, or it was given up.
 *                      ACTION is a hash of what the action is, so that it stays the same when others are added.
 *   began/GROUP/ID     a message may have begun that firing: the record leaves with its answer, before any engine has reported it
 *                      (engine/outputs/begun_alerts.h). Without bytes: the keeper has taken it.
 *   receivers/ALERT    the receivers that were given the notices of an alert, while it fires (monitor/alerts/alert_actions.h).
 *                      ALERT is a hash of its names.
 *
 * The last is of the schema `alert_receivers`, the others are of `alert`. The keeper writes all but beginnings, before it sends
 * notices (control/keeper/keeper_alerts.h). The next keeper reads them.
 */
#pragma once

#include "base/list.h"
#include "compiler/conditions/alert_record.h"

#define ALERT_KEY_BYTES 64

enum alert_key { ALERT_KEY_NONE, ALERT_KEY_FIRING, ALERT_KEY_NOTICE, ALERT_KEY_BEGINNING, ALERT_KEY_RECEIVERS };

enum alert_key alert_key_kind(struct text key); /* ALERT_KEY_NONE: it is of no alert */

void alert_firing_key(const struct alert_message *message, char key[ALERT_KEY_BYTES]); /* by its names, and when it fired */
void alert_beginning_key(const struct alert_message *message, char key[ALERT_KEY_BYTES]); /* likewise */
void alert_notice_key(uint64_t action, const char *id, char key[ALERT_KEY_BYTES]);
void alert_receivers_key(const struct alert_message *names, char key[ALERT_KEY_BYTES]);

/* The last record of a key. */
struct feed_alert {
	struct list_node node;
	enum alert_key kind;
	char key[ALERT_KEY_BYTES];
	uint64_t action;	/* of a notice */
	struct text record;	/* without bytes: a firing that has ended */
	struct alert_read read; /* of the record; not of receivers */
};

#define ALERT_FEED_ENDED_MAX 50000 /* a group that flaps leaves one for each firing until the feed is compacted */

struct alert_feed {
	struct list alerts; /* those that have a record, in the order of their first ones */
	struct list ended;  /* firings that have ended; beyond the maximum, the first end is forgotten */
	size_t ended_count;
	struct state_table *by_key;
};

struct alert_feed *alert_feed_open(void);	 /* NULL: memory ran out */
void alert_feed_close(struct alert_feed *feed); /* NULL is fine */

/* Takes the next record of the feed. A record of another kind, or a damaged one, or one whose key is not that of its names is left
 * out. False: memory ran out. */
bool alert_feed_take(struct alert_feed *feed, struct text key, struct text value);

/* NULL: there is none. */
struct feed_alert *alert_feed_find(const struct alert_feed *feed, const char *key);

static inline struct feed_alert *feed_alert_of(struct list_node *node) /* NULL: NULL */
{
	return node ? LIST_OWNER(node, struct feed_alert, node) : NULL;
}
