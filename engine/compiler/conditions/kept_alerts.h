/* kept_alerts.h: Records of alerts in a namespace's feed, which outlast engines: firings, and notices that wait. Pure.
 *
 * The feed is compacted (message/records/feed_record.h). Its records of alerts are of the schema `alert`, by three kinds of keys:
 *
 *   alert/GROUP/ID     the notice of a firing; without bytes: it has ended. GROUP is a hash of all names of the group, and ID is
 *                      that of the firing. So which firing of a group has ended is known without a clock.
 *   notice/ACTION/ID   a notice that waits for the receiver of an action; without bytes: the receiver has it, or it was given up.
 *                      ACTION is a hash of what the action is, so that it stays the same when others are added.
 *
 *   began/GROUP/ID     a message may have begun that firing: the record leaves with its answer, before any engine has reported it
 *                      (engine/outputs/begun_alerts.h). Without bytes: the engine that sends has taken it.
 *
 * Those of the schema `alert_receivers` have the key receivers/ALERT, by a hash of the alert's names: who was given its notices,
 * while it fires. What they have is their readers' (monitor/alerts/told_receivers.h).
 *
 * The engine that sends the notices writes them before it sends, and waits for Kafka a while. Another one that takes that over
 * reads them all.
 */
#ifndef SLUICE_COMPILER_CONDITIONS_KEPT_ALERTS_H
#define SLUICE_COMPILER_CONDITIONS_KEPT_ALERTS_H

#include "compiler/conditions/alert_record.h"
#include "base/list.h"

#define KEPT_KEY_BYTES 64

void kept_firing_key(const struct alert_message *message, char key[KEPT_KEY_BYTES]); /* by its names, and when it fired */
void kept_notice_key(uint64_t action, const char *id, char key[KEPT_KEY_BYTES]);
void kept_receivers_key(const struct alert_message *names, char key[KEPT_KEY_BYTES]);
void kept_beginning_key(const struct alert_message *message, char key[KEPT_KEY_BYTES]); /* as that of a firing */
bool kept_key_is_notice(struct text key);
bool kept_key_is_beginning(struct text key);

/* A firing, its beginning, or a notice that waits. */
struct kept_alert {
	struct list_node node;
	struct list_node ended;	    /* of a firing that has ended */
	struct kept_alert *chained; /* of the same bucket */
	struct kept_alert *peer;    /* of the same bucket of groups; of a firing that has not ended */
	uint64_t order;		    /* by its first record */
	char key[KEPT_KEY_BYTES];
	bool is_notice, is_beginning;
	uint64_t action;	 /* of a notice */
	struct alert_read *read; /* NULL: a firing that has ended */
};

/* Who was given the notices of an alert. */
struct kept_receivers {
	struct list_node node;
	char key[KEPT_KEY_BYTES];
	struct text record; /* in the same piece of memory */
};

#define KEPT_BUCKETS 16384
#define KEPT_ENDED_MAX 50000 /* a group that flaps leaves one for each firing until the feed is compacted */

struct kept_alerts {	    /* of memory that is all zero */
	struct list alerts; /* firings and notices, in the order of their first records */
	struct list ended;  /* firings that have, in the order of their ends: beyond KEPT_ENDED_MAX the first is forgotten */
	size_t ended_count;
	struct list begun; /* beginnings of firings, which no engine that sends has taken */
	struct list receivers;
	uint64_t taken;	    /* records so far */
	struct kept_alert *buckets[KEPT_BUCKETS]; /* by their keys */
	struct kept_alert *groups[KEPT_BUCKETS];  /* firings that have not ended, by their groups */
};

/* Takes the next record of the feed. One of another kind, or damaged, or whose key is not that of its names is left out. False:
 * memory ran out. */
bool kept_alerts_take(struct kept_alerts *kept, struct text key, struct text value);

static inline struct kept_alert *kept_alert_of(struct list_node *node) /* NULL: NULL */
{
	return node ? LIST_OWNER(node, struct kept_alert, node) : NULL;
}

struct kept_alert *kept_alert_find(const struct kept_alerts *kept, const char *key); /* NULL: there is none */

/* The first firing of the group of those names that has not ended; NULL: there is none. */
struct kept_alert *kept_firing_first(const struct kept_alerts *kept, const struct alert_message *names);

/* The record under that key; without bytes: there is none. It lives as long as `kept`. */
struct text kept_receivers_find(const struct kept_alerts *kept, const char *key);

void kept_alert_remove(struct kept_alerts *kept, struct kept_alert *alert);
void kept_alerts_free(struct kept_alerts *kept); /* made by memory_take(); NULL is fine */

#endif
