/* experiments_move.c: `sluice experiments promote`, `rollback`, `pause`, `resume` and `history`: commands of a rollout that a
 * keeper runs, and its moves. */
#include "base/clock.h"
#include "control/records/rollout_request.h"
#include "tools/cli/command.h"
#include "tools/cli/control_proposal.h"
#include "tools/cli/traffic_move.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "tools/view/report/rollout_plan_view.h"
#include "tools/view/report/rollout_view.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)

struct move_options {
	struct pipeline_target_asked asked;
	struct control_author author;
	bool dry_run;
	int64_t seen;
	int form;
};

static const struct option move_options[] = {
	ROW("dry-run", FLAG, struct move_options, dry_run,
	    .help = "Shows what the keeper would do now: the move, the weights, and how many buckets would move; proposes "
		    "nothing."),
	ROW("seen", INTEGER, struct move_options, seen, .word = "MOVE", .least = ROLLOUT_SEEN_RECORDED, .most = INT32_MAX,
	    .fallback = "-1",
	    .help = "The last move that you have seen, as `sluice experiments history` numbers it: the keeper refuses the command "
		    "if the rollout has moved since. -1: the last one that is recorded as the command begins; but a rollback is "
		    "done wherever the rollout is."),
	PIPELINE_TARGET_STATUS_FILES_ROW(struct move_options, asked),
	PIPELINE_TARGET_ROWS(struct move_options, asked),
	CONTROL_AUTHOR_ROWS(struct move_options, author),
	COMMAND_FORM(move_options, form, "text json"),
	{.type = OPTION_END},
};

#define STAGELESS_HELP                                                                                                             \
	"Of an Experiment without stages, and of a SeldonDeployment whose first predictor is its default, the next version is "    \
	"proposed,"
#define STAGELESS_NONE_HELP                                                                                                        \
	"An Experiment without stages, and a SeldonDeployment, have nothing to pause or resume: their traffic moves only by a "    \
	"command. Bandits choose by what they learn: `sluice apply` with other files stops or changes them.\n"

#define REPEATED_HELP                                                                                                              \
	" A command that got no decision in time can be given again: if others have moved the rollout since it was done, it is "   \
	"refused for the same author and reason, unless he gives another --reason, or --seen with the last move.\n\n"

/* ---- dry runs ---- */

static int dry_run(struct session *session, const struct control_session *control, const struct move_options *self,
		   const char *experiment, const char *verb)
{
	struct document_checker checker = {.kinds = session->kinds, .namespace = control->config.namespace};
	const struct keeper_rollout_reader reader = rollout_document_of(&checker);
	const char *author = control_author_name(&self->author, session->arena);
	struct rollout_preview preview;
	struct error error = {0};
	struct buffer out;
	if (!author)
		error_memory(&error, ERROR_SYSTEM, "making a preview");
	if (!author || !rollout_preview_make(applier_ledger(control->applier), &reader, experiment, verb, author, time_of_day_ms(),
					     session->arena, &preview, &error))
		return command_failed(session, &error);
	buffer_open(&out, OUT_BYTES_MAX);
	if (session->form == OUTPUT_JSON)
		rollout_preview_print_json(&preview, &out);
	else
		rollout_preview_print(&preview, session->arena, &out);
	return command_write(session, &out);
}

/* ---- commands ---- */

/* Prints the move that the keeper has made of the command. */
static int moved_print(struct session *session, const struct control_session *control, const char *experiment)
{
	struct error error = {0};
	struct buffer out;
	const struct ledger *ledger = applier_ledger(control->applier);
	const struct ledger_rollout *rollout = rollout_view_find(ledger, experiment, &error);
	if (!rollout)
		return command_failed(session, &error);
	buffer_open(&out, OUT_BYTES_MAX);
	rollout_view_print(ledger, rollout, session->form == OUTPUT_JSON, session->arena, &out);
	return command_write(session, &out);
}

/* Sends the command, and prints the move that the keeper makes of it. */
static int command_send(struct session *session, struct control_session *control, const struct move_options *self,
			const char *experiment, const char *verb)
{
	struct error error = {0};
	struct proposal_item item;
	const char *author = control_author_name(&self->author, session->arena);
	const struct ledger_rollout *rollout = rollout_view_find(applier_ledger(control->applier), experiment, &error);
	const struct rollout_request request = {
		.verb = verb, .author = text_of(author), .reason = text_of(self->author.reason), .seen = self->seen};
	if (!author)
		error_memory(&error, ERROR_SYSTEM, "giving a command");
	if (!author || !rollout || !rollout_request_item(rollout, &request, &item, &error))
		return command_failed(session, &error);
	const int code = control_session_command(session, control, &self->author, (struct record_list){1, &item});
	return code == EXIT_GOOD ? moved_print(session, control, experiment) : code;
}

/* The verb is the last word of the command's name. */
static int move_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct move_options *self = filled;
	const char *experiment = arguments[0], *verb = strrchr(session->command->name, ' ') + 1;
	struct control_session control = {0};
	struct error error = {0};
	int code;
	(void)count;
	const bool good = control_session_open(command_workspace(session), &self->asked, &control, &error);
	if (good && experiment_traffic_find(applier_ledger(control.applier), experiment))
		code = traffic_move_run(session, &control, &self->author, experiment, verb, self->dry_run);
	else if (!good || !rollout_view_find(applier_ledger(control.applier), experiment, &error))
		code = command_refused(session, &error);
	else if (self->dry_run)
		code = dry_run(session, &control, self, experiment, verb);
	else
		code = command_send(session, &control, self, experiment, verb);
	control_session_close(&control);
	return code;
}

const struct command command_experiments_promote = {
	.name = "experiments promote",
	.arguments = "EXPERIMENT",
	.summary = "Promotes the candidates of a rollout, or approves its stage.",
	.help = "A stage that waits for its approval (`approve: true`, or a `confirm` whose webhook rejected it) ends, and the "
		"next one begins. In any other phase the candidates get all the traffic at once. Who did it and why is in the "
		"record of the move. If the rollout has moved since the command began, as by another person's approval, the keeper "
		"refuses it. A command that got no decision in time can be given again: it is done once in a rollout for the same "
		"author and reason, whatever moves came since. To promote again, as at the next approval, give another --reason, "
		"or --seen with the last move.\n"
		"\n" STAGELESS_HELP
		" in which all others than the default get its traffic, in proportion to what they have. Weights of an Experiment "
		"are relative: that of the default becomes 0, and the others stay. It is in force when all engines are ready for "
		"it.\n"
		"\n"
		"  sluice experiments promote checkout --reason 'release 7' --brokers localhost:9092\n"
		"  sluice experiments promote checkout --dry-run\n",
	.options = move_options,
	.options_size = sizeof(struct move_options),
	.group = "run",
	.run = move_run,
};

const struct command command_experiments_rollback = {
	.name = "experiments rollback",
	.arguments = "EXPERIMENT",
	.summary = "Gives the default of a rollout all the traffic.",
	.help = "It is in force in every engine as soon as the engine reads it, also after a promotion. "
		"Who did it and why is in the record of the move.\n"
		"\n" STAGELESS_HELP
		" in which the default gets all the traffic. It is in force when all engines are ready for it. `sluice rollback "
		"experiment/checkout` takes back a promotion: it restores the version before, with its weights.\n"
		"\n"
		"  sluice experiments rollback checkout --reason 'release 7' --brokers localhost:9092\n",
	.options = move_options,
	.options_size = sizeof(struct move_options),
	.group = "run",
	.run = move_run,
};

const struct command command_experiments_pause = {
	.name = "experiments pause",
	.arguments = "EXPERIMENT",
	.summary = "Holds a rollout at its stage.",
	.help = "The weights stay, and the time of the stage stands still. A broken rule still rolls back. Who did it and why is "
		"in the record of the move." REPEATED_HELP STAGELESS_NONE_HELP "\n"
		"  sluice experiments pause checkout --reason 'release 7' --brokers localhost:9092\n",
	.options = move_options,
	.options_size = sizeof(struct move_options),
	.group = "run",
	.run = move_run,
};

const struct command command_experiments_resume = {
	.name = "experiments resume",
	.arguments = "EXPERIMENT",
	.summary = "Lets a paused rollout continue.",
	.help = "After an inconclusive end the stage runs for its whole duration again. Who did it and why is in the record of the "
		"move." REPEATED_HELP STAGELESS_NONE_HELP "\n"
		"  sluice experiments resume checkout --reason 'release 7' --brokers localhost:9092\n",
	.options = move_options,
	.options_size = sizeof(struct move_options),
	.group = "run",
	.run = move_run,
};

/* ---- history ---- */

struct moves_options {
	struct pipeline_target_asked asked;
	int form;
};

static const struct option moves_options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct moves_options, asked),
	PIPELINE_TARGET_ROWS(struct moves_options, asked),
	COMMAND_FORM(moves_options, form, "text json"),
	{.type = OPTION_END},
};

static int history_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct moves_options *self = filled;
	struct control_session control = {0};
	struct error error = {0};
	struct buffer out;
	(void)count;
	const struct ledger_rollout *rollout = NULL;
	const struct ledger_resource *stageless = NULL;
	int code;
	if (control_session_open(command_workspace(session), &self->asked, &control, &error)) {
		const struct ledger *ledger = applier_ledger(control.applier);
		const bool has_moves = ledger_rollout_find(ledger, text_of(arguments[0])); /* also of stages that are gone */
		stageless = has_moves ? NULL : experiment_traffic_find(ledger, arguments[0]);
		rollout = stageless ? NULL : rollout_view_find(ledger, arguments[0], &error);
	}
	if (stageless) {
		code = traffic_show(session, &control, stageless, true);
	} else if (rollout) {
		buffer_open(&out, OUT_BYTES_MAX);
		rollout_moves_print(rollout, session->form == OUTPUT_JSON, session->arena, &out);
		code = command_write(session, &out);
	} else {
		code = command_refused(session, &error);
	}
	control_session_close(&control);
	return code;
}

const struct command command_experiments_history = {
	.name = "experiments history",
	.arguments = "EXPERIMENT",
	.summary = "Lists the moves of a rollout: when, why, and by whom.",
	.help = "The newest move is first, and the newest 200 are kept. With -o json each has its evidence: every rule as it was "
		"judged, with its counts and its confidence interval. Of an Experiment without stages, and of a SeldonDeployment "
		"whose predictors share its traffic, the versions are listed, with the traffic of each.\n"
		"\n"
		"  sluice experiments history checkout --brokers localhost:9092\n"
		"  sluice experiments history checkout -o json\n",
	.options = moves_options,
	.options_size = sizeof(struct moves_options),
	.group = "run",
	.run = history_run,
};
