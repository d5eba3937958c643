/* alert_actions.h: Actions of an alert that have, or get, its notices: copies, which outlast the files that name them, and their
 * record in the feed (schemas/alert_receivers.avsc). Pure.
 *
 * An action is known by a hash of its receiver, so that it stays the same when others are added, or when its form is corrected.
 */
#pragma once

#include "base/arena.h"
#include "compiler/conditions/alert_record.h"
#include "compiler/resources/resource.h"

#define ALERT_COPIES_MAX (2 * ALERT_ACTIONS_MAX) /* those in force, and former ones for which a notice waits */

struct alert_copy {
	uint64_t hash;
	bool is_former;	 /* it is not in force any more */
	bool has_failed; /* a notice could not be handed over, which is logged once */
	struct alert_action action;
};

struct alert_actions { /* starts as `{0}` */
	struct arena *arena;
	const char *topic; /* of the pipeline's notices; NULL: there is none */
	size_t count;
	struct alert_copy *items; /* those in force come first */
};

/* Hash of the receiver of the action of that index, which differs where two have one receiver. */
uint64_t alert_receiver_id(const struct alert_action *actions, size_t index);

/* NULL: it is not among them. */
struct alert_copy *alert_actions_find(struct alert_actions *actions, uint64_t hash);

/* Makes copies of the actions in force, and behind them of the former ones that `needs` names; `topic` NULL: as before. False:
 * memory ran out, and nothing is made. */
bool alert_actions_make(struct alert_actions *actions, const struct alert_actions *former, const struct item_list *in_force,
			const char *topic, bool (*needs)(const void *context, uint64_t hash), const void *context);

void alert_actions_clear(struct alert_actions *actions);

/* Appends their record; `names` has those of the alert. False: it does not fit, or memory ran out. */
bool alert_actions_encode(const struct alert_actions *actions, const struct alert_message *names, struct buffer *out);

/* Takes the actions of a record; `names` gets the names in it, which live as long as they. False: it is damaged, or memory ran
 * out. */
bool alert_actions_decode(struct alert_actions *actions, struct text record, struct alert_message *names);
