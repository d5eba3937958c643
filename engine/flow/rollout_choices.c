/* rollout_choices.c: see rollout_choices.h. */
#include "flow/rollout_choices.h"

#include "base/number/duration.h"
#include "experiments/rollouts/rollout_board.h"

struct rollout_choice *rollout_choice_add(const struct rollout_choice *choice)
{
	struct message *root = message_root(choice->of);
	struct rollout_choice *added = arena_take_raw(root->arena, sizeof *added);
	if (!added)
		return NULL;
	*added = *choice;
	added->next = root->rollouts;
	root->rollouts = added;
	return added;
}

void rollout_choices_pass(struct message *message, const struct message *calling, bool failed)
{
	struct message *root = message_root(calling);
	struct rollout_choice **end = &message->rollouts;
	for (; *end; end = &(*end)->next) {
		(*end)->of = calling;
		(*end)->failed |= failed;
	}
	*end = root->rollouts;
	root->rollouts = message->rollouts;
	message->rollouts = NULL;
}

static bool any_failed(const struct message *message, const struct answer *answer)
{
	bool failed = answer->error;
	for (const struct offspring *child = message->offspring; child; child = child->next)
		failed |= child->answer.error != NULL;
	return failed;
}

/* Of one of the offspring its own outcome, if it answers: one that was made many again, or merged, has none. */
static bool choice_failed(const struct rollout_choice *choice, const struct message *message, enum flow_outcome outcome,
			  bool request_failed)
{
	if (choice->failed || outcome != FLOW_PARTED || choice->of == message)
		return choice->failed || request_failed;
	const struct offspring *child = (const struct offspring *)choice->of;
	const bool is_open = child->outcome == FLOW_ANSWER && !child->answer.payload;
	return child->answer.error || (is_open && request_failed);
}

int64_t rollout_choice_took_us(const struct rollout_choice *choice, int64_t now_ms)
{
	const int64_t own_ms = now_ms - choice->began_ms - choice->waited_ms;
	if (choice->took_us != ROLLOUT_CALL_OPEN)
		return choice->took_us;
	return own_ms > 0 ? own_ms * US_PER_MS : 0;
}

static void choice_count(struct rollout_choice *choice, bool failed, int64_t now_ms)
{
	const struct rollout_call_end end = {
		.version = choice->table,
		.index = choice->index,
		.cell = choice->cell,
		.failed = failed,
		.again = choice->is_slow,
		.took_us = rollout_choice_took_us(choice, now_ms),
	};
	if (choice->entry)
		rollout_entry_count(choice->entry, &end);
	choice->entry = NULL;
}

void rollout_choice_fail(struct rollout_choice *choice, int64_t now_ms)
{
	choice_count(choice, true, now_ms);
}

void rollout_choice_slow(struct rollout_choice *choice, int64_t now_ms)
{
	struct rollout_entry *entry = choice->entry;
	if (!entry || choice->is_slow)
		return;
	choice_count(choice, false, now_ms);
	choice->is_slow = true;
	choice->entry = entry;
}

void rollout_choices_end_calls(struct message *message, int64_t now_ms)
{
	struct rollout_choice *choice = message->rollouts;
	message->rollouts = NULL;
	for (; choice; choice = choice->next)
		choice_count(choice, choice->failed || choice->call_failed, now_ms);
}

void rollout_choices_end(struct message *message, enum flow_outcome outcome, const struct answer *answer, int64_t now_ms)
{
	struct rollout_choice *choice = outcome == FLOW_PASSED ? NULL : message->rollouts;
	const bool failed = choice && any_failed(message, answer);
	message->rollouts = NULL;
	for (; choice; choice = choice->next)
		choice_count(choice, choice_failed(choice, message, outcome, failed), now_ms);
}
