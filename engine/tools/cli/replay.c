/* replay.c: `sluice errors replay`: sends failed requests again. */
#include <inttypes.h>

#include "tools/cli/command.h"
#include "tools/client/data/replaying.h"

struct replay_options {
	struct pipeline_target_asked asked;
	struct dead_letters_wanted wanted;
	bool all;
	bool edit;
	bool reassign;
	int64_t deadline_ns;
	int form;
};

static const struct option options[] = {
	ROW("file", NAMES, struct replay_options, asked.files, .letter = 'f', .help = PIPELINE_TARGET_FILES_HELP),
	PIPELINE_TARGET_ROWS(struct replay_options, asked),
	LETTERS_ROWS(struct replay_options, wanted),
	ROW("all", FLAG, struct replay_options, all, .help = "All that match --kind and --step; without it, name each one."),
	ROW("edit", FLAG, struct replay_options, edit,
	    .help = "Opens each request in $VISUAL or $EDITOR first, as JSON if it is not text. A request that is saved empty "
		    "is left out."),
	ROW("reassign", FLAG, struct replay_options, reassign,
	    .help = "Experiments choose again, by what is in force now. Without it a request gets the candidates that it had when "
		    "it failed."),
	ROW("deadline", DURATION, struct replay_options, deadline_ns, .word = "TIME", .fallback = "1h",
	    .help = "The new deadline of requests that had one, because that has passed."),
	COMMAND_FORM(replay_options, form, "text json"),
	{.type = OPTION_END},
};

static void replay_print_counts(struct session *session, const struct replaying *replaying)
{
	FILE *out = session->out;
	if (session->form == OUTPUT_JSON)
		fprintf(out,
			"{\"topic\": \"%s\", \"acknowledged\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"left_out\": %" PRIu64 "}\n",
			replaying->target.inputs, replaying->acknowledged, replaying->refused, replaying->left_out);
	else
		fprintf(out, "%" PRIu64 " sent again to %s, %" PRIu64 " refused, %" PRIu64 " left out\n", replaying->acknowledged,
			replaying->target.inputs, replaying->refused, replaying->left_out);
}

static int replay_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct replay_options *self = filled;
	struct replay_asked asked = {.target = &self->asked,
				     .pipeline = arguments[0],
				     .wanted = self->wanted,
				     .edit = self->edit,
				     .reassign = self->reassign,
				     .deadline_ns = self->deadline_ns};
	struct replaying replaying = {.workspace = command_workspace(session), .asked = &asked};
	struct error error = {0};
	asked.wanted.names = arguments + 1;
	asked.wanted.name_count = count - 1;
	if (count == 1 && !self->all)
		return command_misuse(session,
				      "the requests are missing: give their positions or ids, or --all (with --kind and --step)");
	const bool good = replaying_run(&replaying, &error);
	if (replaying.was_sent)
		replay_print_counts(session, &replaying);
	replaying_close(&replaying);
	if (!good)
		return command_refused(session, &error);
	return replaying.refused == 0 ? EXIT_GOOD : EXIT_FAULTS;
}

const struct command command_errors_replay = {
	.name = "errors replay",
	.arguments = "PIPELINE [AT|ID]...",
	.summary = "Sends failed requests again.",
	.help = "Writes the requests' bytes, with their keys, ids and headers, to the end of the topic that the pipeline "
		"reads; with --edit, after you have corrected them. The dead letters stay in their topic, and `errors list` "
		"marks them as replayed. A request that is replayed twice is answered twice.\n"
		"\n"
		"A dead letter contains what experiments had chosen for the request. Its replay gets the same candidates, whatever "
		"table or policy is in force, and counts as no further exposure. If a candidate is gone, the request fails with "
		"that reason; --reassign lets the experiments choose again. They also do for dead letters of releases before this "
		"one, and for a request whose unit you have edited.\n"
		"\n"
		"  sluice errors replay hello 0:17 order-4711 --brokers localhost:9092\n"
		"  sluice errors replay hello --all --kind REMOTE -f pipelines/\n"
		"  sluice errors replay hello 0:17 --edit -f pipelines/\n",
	.options = options,
	.options_size = sizeof(struct replay_options),
	.group = "run",
	.run = replay_run,
};
