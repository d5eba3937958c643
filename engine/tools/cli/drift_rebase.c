/* drift_rebase.c: `sluice drift rebase`: makes a reference file of the past that a step has stored in its changelog. */

#include "base/file.h"
#include "base/number/moment.h"
#include "tools/cli/command.h"
#include "tools/client/data/past_rebase.h"
#include "message/json/json_write.h"

#define OUTPUT_BYTES_MAX ((size_t)1 << 20)

struct rebase_options {
	struct pipeline_target_asked asked;
	struct past_rebase_asked past;
	const char *out;
	int form;
};

static const struct option options[] = {
	ROW("file", NAMES, struct rebase_options, asked.files, .letter = 'f', .required = true,
	    .help = "The YAML of the pipeline, as it runs."),
	ROW("from", TEXT, struct rebase_options, past.from, .word = "TIME",
	    .help = "The time of the first windows, as in 2026-01-31T09:30Z, or how long ago, as in 7d; default: all of the past."),
	ROW("to", TEXT, struct rebase_options, past.until, .word = "TIME",
	    .help = "The time of the last windows, likewise; default: now."),
	ROW("alarms", CHOICE, struct rebase_options, past.alarms, .choices = "leave-out keep", .fallback = "leave-out",
	    .help = "Whether windows in alarm are left out: those whose verdict was `drift`, or with an alarm of quality."),
	PIPELINE_TARGET_ROWS(struct rebase_options, asked),
	ROW("out", TEXT, struct rebase_options, out, .word = "FILE", .help = "The file to write; default: standard output."),
	COMMAND_FORM(rebase_options, form, "text json"),
	{.type = OPTION_END},
};

static void count_say(uint64_t count, const char *of, struct buffer *out)
{
	buffer_print(out, "%llu %s%s", (unsigned long long)count, of, count == 1 ? "" : "s");
}

static void text_say(const struct rebase_options *asked, const struct past_rebase *self, struct buffer *out)
{
	const struct rebase_made *made = &self->made;
	char first[MOMENT_BYTES], last[MOMENT_BYTES];
	moment_print(made->first_ms, first);
	moment_print(made->last_ms, last);
	buffer_print(out, "%s: the reference of ", asked->out ? asked->out : "standard output");
	count_say(made->windows, "window", out);
	buffer_string(out, " with ");
	count_say(made->rows, "row", out);
	buffer_print(out, " of step `%s`, from %s to %s; ", self->step, first, last);
	count_say(made->values, "row", out);
	buffer_print(out, " %s in it\n", made->values == 1 ? "is" : "are");
	if (made->left_windows == 0)
		return;
	buffer_string(out, "left out: ");
	count_say(made->left_windows, "window", out);
	buffer_string(out, " with ");
	count_say(made->left_rows, "row", out);
	buffer_string(out, ", for an alarm; `--alarms keep` takes them too\n");
}

static void json_say(const struct rebase_options *asked, const struct past_rebase *self, struct buffer *out)
{
	const struct rebase_made *made = &self->made;
	char first[MOMENT_BYTES], last[MOMENT_BYTES];
	moment_print(made->first_ms, first);
	moment_print(made->last_ms, last);
	json_write_member(out, "{", "step", text_of(self->step));
	json_write_member(out, ", ", "file", text_of(asked->out));
	json_write_member(out, ", ", "from", text_of(first));
	json_write_member(out, ", ", "to", text_of(last));
	buffer_print(out,
		     ", \"windows\": %llu, \"rows\": %llu, \"values\": %llu, \"left_out\": {\"windows\": %llu, \"rows\": %llu}}\n",
		     (unsigned long long)made->windows, (unsigned long long)made->rows, (unsigned long long)made->values,
		     (unsigned long long)made->left_windows, (unsigned long long)made->left_rows);
}

/* To standard output goes one of both: the file, or what is said of it. */
static int rebase_say(struct session *session, const struct rebase_options *asked, struct past_rebase *self)
{
	struct error error = {0};
	struct buffer output;
	if (asked->out && !file_write(asked->out, buffer_view(&self->file), &error))
		return command_failed(session, &error);
	buffer_open(&output, OUTPUT_BYTES_MAX);
	if (asked->out) {
		(asked->form == OUTPUT_JSON ? json_say : text_say)(asked, self, &output);
		return command_write(session, &output);
	}
	text_say(asked, self, &output);
	const struct text line = text_trimmed(buffer_view(&output), "\n");
	command_note(session, TEXT_FORMAT, TEXT_ARGUMENTS(line));
	buffer_close(&output);
	struct buffer file = self->file;
	self->file = (struct buffer){0};
	return command_write(session, &file);
}

static int rebase_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct rebase_options *self = filled;
	struct past_rebase_asked asked = self->past;
	struct past_rebase rebase = {.workspace = command_workspace(session), .asked = &asked};
	struct error error = {0};
	(void)count;
	asked.target = &self->asked;
	asked.name = arguments[0];
	if (self->asked.files.count == 0)
		return command_misuse(session, "the pipeline is missing: give the file of its step by -f FILE");
	const int code = past_rebase_run(&rebase, &error) ? rebase_say(session, self, &rebase)
							  : command_refused(session, &error);
	past_rebase_close(&rebase);
	return code;
}

const struct command command_drift_rebase = {
	.name = "drift rebase",
	.arguments = "PIPELINE/STEP",
	.summary = "Makes a reference from windows of the stream's past.",
	.help = "Writes the windows that a step `drift` with `reference: {past: ...}` remembers, from --from to --to, to a file "
		"like that of `sluice fit drift`. It reads the changelog topic of the pipeline, and no messages, so their topics "
		"may have deleted them. The time of a window by count is that of the message that closed it; the time of a window "
		"by time is its start.\n"
		"\n"
		"Windows in alarm are left out and counted, unless --alarms is `keep`. To accept a change, name the time after it "
		"and keep them; of all windows in alarm the past has a sample of 1,000 rows.\n"
		"\n"
		"The file has all rows of the windows, if the past has 3,200 rows at most, in windows of a multiple of 20 rows and "
		"of 320 at most, or 200 with columns of texts (fewer if the name of the step has more than 32 letters). Of a "
		"longer past it has a sample of 4,000 rows at most, in pieces of 20 rows that followed one another. If rows are "
		"independent, a share of the sample is within 1.4 / sqrt(its rows) of the share of all rows in 19 of 20 samples; "
		"with 3,200 rows that is .025. The tests against it may differ by so much from those against a reference fitted "
		"from all rows.\n"
		"\n"
		"  sluice drift rebase fraud/watch -f fraud.yaml --from 2026-01-24 --to 2026-01-31T09:30Z --out refs/week.json\n"
		"  sluice drift rebase fraud/watch -f fraud.yaml --from 2d --alarms keep --out refs/new.json\n",
	.options = options,
	.options_size = sizeof(struct rebase_options),
	.group = "run",
	.run = rebase_run,
};
