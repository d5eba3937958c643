/* confirm_asker.c: see confirm_asker.h. */
#include "control/keeper/confirm_asker.h"

#include "base/clock.h"
#include "control/keeper/move_notices.h"

#define QUESTION_BYTES (4 * MOVE_NOTICE_BYTES_MAX)
#define SLICE_MS 100

/* ---- the task of a question ---- */

static void question_pause(struct asked_question *question)
{
	const struct timespec slice = {.tv_nsec = SLICE_MS * NS_PER_MS};
	const int64_t end_ms = clock_ms() + CONFIRM_PAUSE_MS;
	while (clock_ms() < end_ms && clock_ms() < question->until_ms && !atomic_load(&question->given_up))
		nanosleep(&slice, NULL);
}

static void question_run(void *context)
{
	struct asked_question *question = context;
	enum post_outcome outcome;
	struct error reason, last = {0}; /* of the last call that ended in time */
	for (;;) {
		reason = (struct error){0};
		outcome = notice_ask(question->settings, &question->notice, &question->given_up, &reason);
		if (outcome != POST_UNREACHABLE)
			break;
		if (!atomic_load(&question->given_up))
			last = reason;
		question_pause(question);
		if (clock_ms() >= question->until_ms || atomic_load(&question->given_up))
			break;
	}
	question->yes = outcome == POST_DELIVERED && clock_ms() < question->until_ms;
	if (outcome == POST_REFUSED)
		question->reason = reason;
	else if (last.kind != ERROR_NONE)
		error_set(&question->reason, ERROR_REMOTE, PLACE_NONE, "it did not confirm within %lld ms: %s",
			  (long long)question->timeout_ms, last.text);
	else
		error_set(&question->reason, ERROR_REMOTE, PLACE_NONE, "it gave no answer within %lld ms",
			  (long long)question->timeout_ms);
	atomic_store(&question->has_ended, true);
}

/* The loop is woken: the next turn takes the answer. */
static void question_on_end(void *context)
{
	(void)context;
}

/* ---- questions ---- */

static bool question_is(const struct asked_question *question, const struct keeper_question *wanted)
{
	return question->arena && question->move == wanted->move->number && strcmp(question->experiment, wanted->experiment) == 0;
}

static bool notice_make(struct asked_question *question, const struct keeper_question *wanted, struct error *error)
{
	struct arena *arena = question->arena;
	char id[MOVE_ID_BYTES];
	struct buffer body;
	buffer_open(&body, MOVE_NOTICE_BYTES_MAX);
	bool good = move_notice_write(wanted->move, id, &body, error);
	question->experiment = arena_copy_string(arena, wanted->experiment);
	question->notice = (struct ready_notice){
		.subject = "a question",
		.id = arena_copy_string(arena, id),
		.body = {arena_copy(arena, buffer_view(&body).bytes, body.length), body.length},
		.url = arena_copy_string(arena, wanted->url),
		.secret = arena_copy_string(arena, wanted->secret),
	};
	buffer_close(&body);
	return good && (!arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "asking a webhook"));
}

void confirm_asker_release(struct asked_question *question)
{
	arena_close(question->arena);
	*question = (struct asked_question){0};
}

static bool question_start(struct asked_question *question, const struct keeper_question *wanted,
			   const struct notifier_settings *settings, struct loop *loop, struct error *error)
{
	*question = (struct asked_question){.task = {.run = question_run, .done = question_on_end, .context = question},
					    .settings = settings,
					    .arena = arena_open(QUESTION_BYTES),
					    .move = wanted->move->number,
					    .timeout_ms = wanted->timeout_ms,
					    .until_ms = clock_ms() + wanted->timeout_ms};
	bool good = question->arena ? notice_make(question, wanted, error)
				    : error_memory(error, ERROR_SYSTEM, "asking a webhook");
	good = good && loop_task_start(&question->task, loop, "asks a webhook", error);
	if (!good)
		confirm_asker_release(question);
	return good;
}

/* ---- the keeper's questions ---- */

static bool keeper_waits(const struct keeper *keeper, const struct asked_question *question)
{
	struct keeper_question wanted;
	for (size_t i = 0; keeper_question(keeper, i, &wanted); i++)
		if (question_is(question, &wanted))
			return true;
	return false;
}

/* The slot for a question; NULL: it is asked, or has to wait. */
static struct asked_question *slot_for(struct confirm_asker *asker, const struct keeper_question *wanted)
{
	struct asked_question *free = NULL;
	for (size_t i = 0; i < CONFIRM_QUESTIONS_MAX; i++) {
		struct asked_question *question = &asker->questions[i];
		if (question_is(question, wanted))
			return NULL;
		if (!question->arena)
			free = question;
	}
	return free;
}

bool confirm_asker_look(struct confirm_asker *asker, const struct keeper *keeper, const struct notifier_settings *settings,
			struct loop *loop, struct error *error)
{
	struct keeper_question wanted;
	bool good = true;
	for (size_t i = 0; i < CONFIRM_QUESTIONS_MAX; i++) {
		struct asked_question *question = &asker->questions[i];
		if (question->arena && (clock_ms() >= question->until_ms || !keeper_waits(keeper, question)))
			atomic_store(&question->given_up, true);
	}
	for (size_t i = 0; keeper_question(keeper, i, &wanted); i++) {
		struct asked_question *slot = slot_for(asker, &wanted);
		good = (!slot || question_start(slot, &wanted, settings, loop, error)) && good;
	}
	return good;
}

struct asked_question *confirm_asker_take(struct confirm_asker *asker, struct confirm_answer *answer)
{
	for (size_t i = 0; i < CONFIRM_QUESTIONS_MAX; i++) {
		struct asked_question *question = &asker->questions[i];
		if (!question->arena || !atomic_load(&question->has_ended))
			continue;
		loop_task_end(&question->task);
		*answer = (struct confirm_answer){.experiment = text_of(question->experiment),
						  .move = question->move,
						  .yes = question->yes,
						  .reason = text_of(question->yes ? "" : question->reason.text)};
		return question;
	}
	return NULL;
}

void confirm_asker_end(struct confirm_asker *asker)
{
	for (size_t i = 0; i < CONFIRM_QUESTIONS_MAX; i++)
		atomic_store(&asker->questions[i].given_up, true);
	for (size_t i = 0; i < CONFIRM_QUESTIONS_MAX; i++) {
		struct asked_question *question = &asker->questions[i];
		loop_task_end(&question->task);
		confirm_asker_release(question);
	}
}
