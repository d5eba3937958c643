/* produce.c: `sluice produce`: sends requests, one on each line, to the topic that a pipeline reads. */
#include <errno.h>

#include "base/clock.h"
#include "tools/cli/command.h"
#include "tools/client/request_sender.h"

#define ROWS_BYTES_MAX ((size_t)256 << 20) /* of the files of --tensor */

struct produce_options {
	struct pipeline_target_asked asked;
	int64_t timeout_ns;
	int64_t rate;
	bool repeat;
	struct name_list tensors;
	int request_form;
	int form;
};

static const struct option options[] = {
	ROW("file", NAMES, struct produce_options, asked.files, .letter = 'f', .help = PIPELINE_TARGET_FILES_HELP),
	PIPELINE_TARGET_ROWS(struct produce_options, asked),
	ROW("timeout", DURATION, struct produce_options, timeout_ns, .word = "TIME", .fallback = "2m",
	    .help = "How long Kafka may take to acknowledge a request before it counts as refused. If it is away for longer, "
		    "requests that were sent meanwhile may be in the topic, some of them twice; the reason of each refusal says "
		    "whether that one may be."),
	ROW("rate", INTEGER, struct produce_options, rate, .least = 1, .most = 1e9,
	    .help = "Requests a second, evenly spaced; default: as fast as Kafka accepts them."),
	ROW("repeat", FLAG, struct produce_options, repeat,
	    .help = "Starts again after the last request, until it is interrupted."),
	ROW("tensor", NAMES, struct produce_options, tensors, .word = "NAME=FILE",
	    .help = "Instead of lines, the rows of a file that numpy.save() wrote (.npy): each is a request with a tensor of that "
		    "name."),
	REQUEST_FORM_ROW(struct produce_options, request_form),
	COMMAND_FORM(produce_options, form, "text json"),
	{.type = OPTION_END},
};

static int produce_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct produce_options *self = filled;
	const bool standard = count < 2 || strcmp(arguments[1], "-") == 0;
	struct pipeline_target target = {0};
	struct tensor_rows rows = {0};
	struct request_sender producer = {.target = &target,
					  .timeout_ms = self->timeout_ns / NS_PER_MS,
					  .rate = self->rate,
					  .repeat = self->repeat,
					  .request_form = (enum request_form)self->request_form,
					  .refused = {.workspace = command_workspace(session)}};
	struct error error = {0};
	progress_begin(&producer.progress, session->err, self->form == OUTPUT_TEXT, clock_ns());
	if (strchr(arguments[0], '.'))
		return command_misuse(session, "requests go to a pipeline, and `%s` is one of its steps", arguments[0]);
	if (self->tensors.count && count > 1)
		return command_misuse(session, "the requests are given by %s, and by --tensor too; choose one", arguments[1]);
	FILE *from = standard ? stdin : fopen(arguments[1], "r");
	if (!from)
		return command_misuse(session, "%s cannot be read: %s", arguments[1], strerror(errno));
	bool again = !self->repeat || self->tensors.count || fseek(from, 0, SEEK_CUR) == 0 ||
		     error_set(&error, ERROR_CONFIG, PLACE_NONE,
			       "--repeat needs a file, which it reads again and again, and this is none");
	bool good = again &&
		    (!self->tensors.count || tensor_rows_read(self->tensors, ROWS_BYTES_MAX, session->arena, &rows, &error)) &&
		    pipeline_target_open(command_workspace(session), &self->asked, arguments[0], &target, &error) &&
		    pipeline_target_see_inputs(&target, &error) &&
		    request_sender_run(&producer, self->tensors.count ? NULL : from, self->tensors.count ? &rows : NULL, &error);
	if (producer.was_opened)
		command_sent(session, (enum output_form)self->form, target.inputs, producer.acknowledged, producer.refused.count);
	pipeline_target_close(&target);
	if (!standard)
		fclose(from);
	if (!good)
		return command_refused(session, &error);
	return producer.refused.count == 0 ? EXIT_GOOD : EXIT_FAULTS;
}

const struct command command_produce = {
	.name = "produce",
	.arguments = "PIPELINE [REQUESTS]",
	.summary = "Writes requests, one in each line, to the topic that a pipeline reads.",
	.help = "A line is a JSON object. If it has a member `request` (or `body`, a text, or `body_b64`, any bytes), that "
		"member is sent, and the line may also have `id`, `key` and `headers`, as in the in.jsonl of a case. Otherwise "
		"the line itself is sent. If the pipeline's files are given and have `input.key`, a line without a key gets its "
		"key from there. Lines come from the file REQUESTS, or from standard input. The command waits until Kafka has "
		"acknowledged each request. If requests are refused, the exit code is 1. The command prints the line numbers of "
		"the first 20, and then only how many were refused for each reason. On a terminal it shows how much of the file "
		"was sent, and the time that is left.\n"
		"\n"
		"  sluice produce hello --brokers localhost:9092 < requests.jsonl\n"
		"  sluice produce hello requests.jsonl -f runtime.yaml -f pipelines/\n"
		"  sluice produce hello requests.jsonl --request-format avro\n"
		"  sluice produce hello --tensor features=batch.npy\n",
	.options = options,
	.options_size = sizeof(struct produce_options),
	.group = "run",
	.run = produce_run,
};
