/* rollout_preview.c: see rollout_preview.h. */
#include "control/keeper/rollout_preview.h"

#include "control/records/rollout_request.h"
#include "message/rows.h"

#define WORDS_BYTES_MAX ((size_t)256 << 10)

/* Reads the experiment in force, and the state of its rollout. */
static bool rollout_read(const struct ledger *ledger, const struct keeper_rollout_reader *reader, const char *experiment,
			 struct arena *arena, struct rollout_document *document, struct rollout_state *state, struct error *error)
{
	const struct control_version *version = control_choice_version(ledger, text_of(experiment));
	const struct ledger_rollout *rollout = ledger_rollout_find(ledger, text_of(experiment));
	bool is_rollout = false;
	if (version && !reader->read(reader->context, version->document, experiment, arena, document, &is_rollout, error))
		return false;
	if (!is_rollout || !rollout || !rollout->has_record)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "no rollout of `%s` runs: apply an Experiment of that name with a `default` and a "
				 "`progressiveDeployment`; `sluice experiments list` shows those that run",
				 experiment);
	return rollout_state_read(&document->plan, rollout->record.state, state, error);
}

static enum rollout_command_kind command_named(const char *words)
{
	size_t i = 0;
	while (i < ROLLOUT_COMMANDS_GIVEN && strcmp(words, rollout_command_names[i]) != 0)
		i++;
	return (enum rollout_command_kind)i;
}

static bool move_describe(const struct rollout_document *document, const struct rollout_move *move, struct arena *arena,
			  struct rollout_preview *preview, struct error *error)
{
	const char *names[ROLLOUT_CANDIDATES_MAX];
	struct buffer sentence, evidence;
	for (size_t i = 0; i < document->plan.candidates; i++)
		names[i] = document->names[document->candidates[i]];
	buffer_open(&sentence, WORDS_BYTES_MAX);
	buffer_open(&evidence, WORDS_BYTES_MAX);
	rollout_move_sentence(&document->plan, move, names, &sentence);
	rollout_move_write(&document->plan, move, names, &evidence);
	preview->sentence = buffer_kept(arena, &sentence);
	preview->evidence = buffer_kept(arena, &evidence);
	return (preview->sentence.bytes && preview->evidence.bytes) || error_memory(error, ERROR_SYSTEM, "describing a move");
}

bool rollout_preview_make(const struct ledger *ledger, const struct keeper_rollout_reader *reader, const char *experiment,
			  const char *words, const char *author, int64_t now_ms, struct arena *arena,
			  struct rollout_preview *preview, struct error *error)
{
	struct rollout_document document = {0};
	struct rollout_state state;
	struct rollout_move move;
	*preview = (struct rollout_preview){0};
	if (!rollout_read(ledger, reader, experiment, arena, &document, &state, error))
		return false;
	const struct rollout_state before = state;
	const char *name = rollout_command_of(ledger_rollout_find(ledger, text_of(experiment)), words);
	const struct rollout_command command = {
		.number = state.command + 1, .kind = command_named(name), .time_ms = now_ms, .by = author};
	if (!rollout_command(&document.plan, &state, &command, &move, error))
		return false;
	return move_describe(&document, &move, arena, preview, error) &&
	       rollout_table_make(ledger, experiment, &document, &before, arena, &preview->before, error) &&
	       rollout_table_make(ledger, experiment, &document, &state, arena, &preview->after, error);
}
