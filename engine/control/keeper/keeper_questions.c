/* keeper_questions.c: Questions of a keeper to webhooks: the stages that wait for one, and its answers. */
#include "control/keeper/keeper_rollouts.h"
#include "message/rows.h"

/* The move by which the rollout waits; NULL: it does not wait for a webhook. */
static const struct control_move *move_waiting(const struct keeper *keeper, const struct kept_rollout *rollout)
{
	const struct rollout_state *state = &rollout->state;
	if (!state->waiting || state->declined || !rollout->document.questions[state->stage].url)
		return NULL;
	const struct ledger_rollout *recorded = ledger_rollout_find(&keeper->ledger, text_of(rollout->name));
	const struct control_move *last =
		recorded && recorded->count > 0 ? &recorded->moves[recorded->count - 1]->record : NULL;
	return last && last->number == (int64_t)state->moves ? last : NULL;
}

bool keeper_question(const struct keeper *keeper, size_t nth, struct keeper_question *question)
{
	for (const struct list_node *node = keeper->rollouts.first; node; node = node->next) {
		const struct kept_rollout *rollout = LIST_OWNER(node, const struct kept_rollout, node);
		const struct control_move *move = move_waiting(keeper, rollout);
		if (!move || nth-- > 0)
			continue;
		const struct stage_question *asked = &rollout->document.questions[rollout->state.stage];
		*question = (struct keeper_question){rollout->name, asked->url, asked->secret, asked->timeout_ms, move};
		return true;
	}
	return false;
}

static bool answer_decide(struct keeper *keeper, struct kept_rollout *rollout, bool yes, struct text reason, int64_t now_ms,
			  struct error *error)
{
	const struct rollout_command command = {.number = rollout->state.command + 1,
						.kind = yes ? COMMAND_CONFIRM : COMMAND_DECLINE,
						.time_ms = now_ms};
	struct rollout_move move;
	struct error ignored = {0};
	const bool fits = rollout_command(&rollout->document.plan, &rollout->state, &command, &move, &ignored);
	const bool good =
		rollout_write(keeper, rollout, fits ? &move : NULL, (struct text){0}, keeper_words(reason), now_ms, error);
	rollout->due_ms = rollout_due_ms(rollout, now_ms);
	return good;
}

bool keeper_answer_take(struct keeper *keeper, struct text experiment, int64_t move, bool yes, struct text reason, int64_t now_ms,
			struct error *error)
{
	for (struct list_node *node = keeper->rollouts.first; node; node = node->next) {
		struct kept_rollout *rollout = LIST_OWNER(node, struct kept_rollout, node);
		const struct control_move *waiting =
			text_is(experiment, rollout->name) ? move_waiting(keeper, rollout) : NULL;
		if (waiting && waiting->number == move)
			return answer_decide(keeper, rollout, yes, reason, now_ms, error);
	}
	return true;
}
