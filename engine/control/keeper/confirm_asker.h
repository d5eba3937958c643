/* confirm_asker.h: Confirmation by a webhook that a stage of a rollout may end: each question is a task (net/loop_task.h).
 *
 * A webhook is asked by a POST of the move by which its stage waits, in the form of a notice (control/keeper/move_notices.h), with
  * the id of that move. A status 2xx is a yes, and any other that is final a no. Where there is no answer, or one of 408, 425, 429
 * and 5xx, it is asked again after CONFIRM_PAUSE_MS, up to the timeout: then silence is a no. A keeper that takes over asks
 * again, with the whole timeout.
 *
 * Belongs to one thread.
 */
#pragma once

#include "control/keeper/keeper.h"
#include "monitor/alerts/notifier.h"
#include "net/loop_task.h"

#define CONFIRM_QUESTIONS_MAX 8 /* at a time; others wait for an answer or a timeout of these */
#define CONFIRM_PAUSE_MS 1000

struct asked_question {
	struct loop_task task;
	const struct notifier_settings *settings;
	struct arena *arena; /* of the texts; NULL: nothing is asked */
	const char *experiment;
	struct ready_notice notice;
	int64_t move, timeout_ms, until_ms; /* monotonic */
	atomic_bool given_up, has_ended;
	/* Written by the task: */
	bool yes;
	struct error reason; /* of a no */
};

struct confirm_asker { /* starts as `{0}` */
	struct asked_question questions[CONFIRM_QUESTIONS_MAX];
};

struct confirm_answer {
	struct text experiment;
	int64_t move;
	bool yes;
	struct text reason; /* of a no */
};

/* Asks what the keeper waits for, and ends what it does not wait for any more, or too long. The loop and the settings are borrowed.
 * False: a question cannot be asked now. */
bool confirm_asker_look(struct confirm_asker *asker, const struct keeper *keeper, const struct notifier_settings *settings,
			struct loop *loop, struct error *error);

/* The question that has an answer, to be released with confirm_asker_release(). NULL: there is none. */
struct asked_question *confirm_asker_take(struct confirm_asker *asker, struct confirm_answer *answer);
void confirm_asker_release(struct asked_question *question);

/* Ends all questions, within a second, before the loop is closed. */
void confirm_asker_end(struct confirm_asker *asker);
