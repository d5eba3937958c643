/* rollout_choices.h: Choices of a message that rollouts count: they are noted when an experiment chooses, and counted once when the
 * request ends, by its outcome. So what rollouts count as an error is what exposures say of the request: a step that fails by what
 * a candidate replied is an error of that candidate. A call that is slow by every rule of the rollout is counted as slow while it
 * goes on, since a candidate that never replies would not be counted before its time-out; if it fails, that is added.
 *
 * They live in the arena of the message that was entered, also those of its offspring and of pipelines that it calls.
 */
#pragma once

#include "flow/flow.h"

struct rollout_entry;

#define ROLLOUT_CALL_OPEN (-1) /* the call has not ended */

struct rollout_choice {
	struct rollout_choice *next;
	struct rollout_entry *entry; /* NULL: it was counted */
	const struct message *of;    /* that the experiment chose for: the message, or one of its offspring */
	int64_t table;		     /* that chose */
	size_t index, cell;	     /* of the choice, and of its unit */
	int64_t began_ms;
	int64_t waited_ms; /* of the call, in queues of this engine: not its candidate's time */
	int64_t took_us; /* of the call; ROLLOUT_CALL_OPEN */
	bool failed;	 /* whatever the outcome: the default answered instead */
	bool is_slow;	 /* it was counted, and only its failure is not */
	bool call_failed; /* its own call has, whatever comes of the request */
};

/* Notes a copy of the choice, whose `of` is set. NULL: the arena is full. */
struct rollout_choice *rollout_choice_add(const struct rollout_choice *choice);

/* Passes the choices of a called pipeline's message to the calling message. `failed`: the call has, whatever comes of the
 * caller. */
void rollout_choices_pass(struct message *message, const struct message *calling, bool failed);

/* How long its call took, or has taken until now, without what it waited. */
int64_t rollout_choice_took_us(const struct rollout_choice *choice, int64_t now_ms);

/* Counts a choice whose candidate keeps the request waiting as failed, now, and not again when the request ends. */
void rollout_choice_fail(struct rollout_choice *choice, int64_t now_ms);

/* Counts a choice whose call is slow by every rule, now; when the request ends, only a failure is added. */
void rollout_choice_slow(struct rollout_choice *choice, int64_t now_ms);

/* Counts the choices of a message that other stages answer, none of which learns what this one chose: by their own calls, since
 * nobody here knows what becomes of the request. Forgets them. */
void rollout_choices_end_calls(struct message *message, int64_t now_ms);

/* Counts the choices of a message that has finished, and forgets them. What another stage answers is not counted here. */
void rollout_choices_end(struct message *message, enum flow_outcome outcome, const struct answer *answer, int64_t now_ms);
