/* drift_rebase.c: `sluice drift rebase`: makes a reference file of the past that a step has stored in its changelog. */
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/file.h"
#include "base/moment.h"
#include "cli/command.h"
#include "client/kafka.h"
#include "log/reader.h"
#include "message/json_write.h"
#include "plan/plan.h"
#include "state/change.h"

#define FILE_BYTES_OUT_MAX ((size_t)256 << 20)
#define SAID_BYTES_MAX ((size_t)1 << 20)
#define STATE_BYTES_MAX ((size_t)1 << 30)

enum { ALARMS_LEAVE_OUT, ALARMS_KEEP };

struct rebase_options {
	struct door_asked asked;
	const char *from, *until, *out;
	int alarms;
	int form;
};

static const struct option options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct rebase_options, asked.files),
	 .required = true,
	 .help = "The YAML of the pipeline, as it runs."},
	ROW("from", TEXT, struct rebase_options, from, .word = "TIME",
	    .help = "The first windows: of that time, as in 2026-01-31T09:30Z, or so long ago, as in 7d; default: all of the "
		    "past."),
	ROW("to", TEXT, struct rebase_options, until, .word = "TIME", .help = "The last windows, likewise; default: now."),
	ROW("alarms", CHOICE, struct rebase_options, alarms, .choices = "leave-out keep", .fallback = "leave-out",
	    .help = "Whether windows in alarm are left out: those whose verdict was `drift`, or with an alarm of quality."),
	DOOR_ROWS(struct rebase_options, asked),
	ROW("out", TEXT, struct rebase_options, out, .word = "FILE", .help = "The file to write; default: standard output."),
	COMMAND_FORM(rebase_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_drift_rebase;

struct rebase {
	struct session *session;
	const struct rebase_options *options;
	const char *pipeline, *step;
	struct door door;
	size_t observer; /* among the steps of the graph */
	struct store *store;
	struct rebase_wanted wanted;
	struct rebase_made made;
	struct buffer file;
};

/* ---- what is asked for ---- */

/* PIPELINE/STEP. */
static bool name_split(struct rebase *self, const char *name, struct error *error)
{
	const char *slash = strchr(name, '/');
	if (!slash || slash == name || !slash[1])
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "`%s` names no step; write PIPELINE/STEP, as in fraud/watch",
				 name);
	self->pipeline = arena_copy(self->session->arena, name, (size_t)(slash - name));
	self->step = slash + 1;
	return self->pipeline || error_memory(error, ERROR_SYSTEM, "naming a step");
}

/* A point in time, or so long ago. */
static bool time_take(const char *option, const char *text, int64_t *ms, struct error *error)
{
	int64_t ago_ns;
	if (!text || moment_read(text_of(text), ms))
		return true;
	if (duration_read(text_of(text), &ago_ns))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "--%s is `%s`; write a time as 2026-01-31T09:30Z, or how long ago it was, as 7d", option, text);
	*ms = time_of_day_ms() - ago_ns / NS_PER_MS;
	return true;
}

static bool range_take(struct rebase *self, struct error *error)
{
	struct rebase_wanted *wanted = &self->wanted;
	wanted->until_ms = time_of_day_ms();
	wanted->alarmed = self->options->alarms == ALARMS_KEEP;
	if (!time_take("from", self->options->from, &wanted->from_ms, error) ||
	    !time_take("to", self->options->until, &wanted->until_ms, error))
		return false;
	return wanted->from_ms <= wanted->until_ms ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "--from is after --to, so no window is between them; give the earlier first");
}

/* ---- the step and its state ---- */

static bool step_find(struct rebase *self, struct error *error)
{
	const struct graph *graph = self->door.plan->graph;
	const char *observer = arena_print(self->session->arena, "%s" OBSERVER_SUFFIX, self->step);
	if (!observer)
		return error_memory(error, ERROR_SYSTEM, "naming a step");
	for (size_t i = 0; i < graph->count; i++)
		if (strcmp(graph->steps[i].name, observer) == 0) {
			self->observer = i;
			return true;
		}
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "pipeline `%s` has no step `%s` that watches for drift; `sluice plan` lists its steps", self->pipeline,
			 self->step);
}

/* The step that is observed, as it is built. */
static const struct graph_step *step_of(const struct rebase *self)
{
	const struct graph *graph = self->door.plan->graph;
	for (size_t i = 0; i < graph->count; i++)
		if (strcmp(graph->steps[i].name, self->step) == 0)
			return &graph->steps[i];
	return &graph->steps[self->observer];
}

static const char *changelog_of(const struct rebase *self)
{
	const struct pipeline_plan *plan = self->door.plan;
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == TOPIC_STATE && plan->topics[i].of == plan->stage_of[self->observer])
			return plan->topics[i].name;
	return NULL;
}

static bool change_take(void *context, const struct record *record, struct error *error)
{
	struct rebase *self = context;
	struct text scope, key, value;
	struct error wrong = {0};
	uint32_t known;
	if (!change_read(record->key, record->value, &scope, &key, &value, &wrong))
		return error_set(error, wrong.kind, wrong.place, "partition %d offset %lld of the changelog: %s",
				 (int)record->partition, (long long)record->offset, wrong.text);
	return !store_scope_find(self->store, scope, &known) || store_restore(self->store, known, key, value, error);
}

static bool state_read(struct rebase *self, struct error *error)
{
	const char *const name = self->door.plan->graph->steps[self->observer].name;
	const struct reader_config config = {.brokers = self->door.kafka.brokers,
					     .topic = changelog_of(self),
					     .from_beginning = true,
					     .by_time =
						     true, /* if its messages were of another partition before, the newest hold */
					     .properties = self->door.kafka.consumer};
	self->store = store_open((struct scopes){1, &name}, STATE_BYTES_MAX);
	if (!config.topic || !self->store)
		return error_memory(error, ERROR_SYSTEM, "reading a changelog");
	struct reader *reader = reader_open(&config, error);
	const bool good = reader && reader_give_all(reader, change_take, self, error);
	reader_close(reader);
	return good;
}

static bool state_recall(void *state, struct text key, struct text *value)
{
	return store_read(state, 0, key, value);
}

static bool rebase_make(struct rebase *self, struct error *error)
{
	const struct graph_step *found = step_of(self);
	const struct step step = {.kind = found->spec->kind,
				  .name = self->step,
				  .pipeline = self->pipeline,
				  .options = found->spec->options,
				  .place = found->spec->here,
				  .arena = self->session->arena};
	if (!step.kind->rebase)
		return error_set(error, ERROR_CONFIG, step.place, "step `%s` keeps no past; name a step `drift`", self->step);
	if (!state_read(self, error))
		return false;
	self->wanted.state = self->store;
	self->wanted.recall = state_recall;
	return step.kind->rebase(&step, &self->wanted, &self->made, &self->file, error);
}

/* ---- saying ---- */

static void text_say(const struct rebase *self, struct buffer *out)
{
	const struct rebase_made *made = &self->made;
	char first[MOMENT_BYTES], last[MOMENT_BYTES];
	moment_print(made->first_ms, first);
	moment_print(made->last_ms, last);
	buffer_print(out, "%s: the reference of %llu windows with %llu rows of step `%s`, from %s to %s; %llu rows are in it\n",
		     self->options->out ? self->options->out : "standard output", (unsigned long long)made->windows,
		     (unsigned long long)made->rows, self->step, first, last, (unsigned long long)made->values);
	if (made->left_windows > 0)
		buffer_print(out, "left out: %llu windows with %llu rows, for an alarm; `--alarms keep` takes them too\n",
			     (unsigned long long)made->left_windows, (unsigned long long)made->left_rows);
}

static void json_say(const struct rebase *self, struct buffer *out)
{
	const struct rebase_made *made = &self->made;
	char first[MOMENT_BYTES], last[MOMENT_BYTES];
	moment_print(made->first_ms, first);
	moment_print(made->last_ms, last);
	json_write_member(out, "{", "step", text_of(self->step));
	json_write_member(out, ", ", "file", text_of(self->options->out));
	json_write_member(out, ", ", "from", text_of(first));
	json_write_member(out, ", ", "to", text_of(last));
	buffer_print(out,
		     ", \"windows\": %llu, \"rows\": %llu, \"values\": %llu, \"left_out\": {\"windows\": %llu, \"rows\": %llu}}\n",
		     (unsigned long long)made->windows, (unsigned long long)made->rows, (unsigned long long)made->values,
		     (unsigned long long)made->left_windows, (unsigned long long)made->left_rows);
}

/* To standard output goes one of both: the file, or what is said of it. */
static int rebase_say(struct rebase *self)
{
	struct error error = {0};
	struct buffer said;
	if (self->options->out && !file_write(self->options->out, buffer_view(&self->file), &error))
		return command_failed(self->session, &error);
	buffer_open(&said, SAID_BYTES_MAX);
	if (self->options->out) {
		(self->options->form == OUTPUT_JSON ? json_say : text_say)(self, &said);
		return command_write(self->session, &said);
	}
	text_say(self, &said);
	const struct text line = text_trimmed(buffer_view(&said), "\n");
	command_note(self->session, TEXT_FORMAT, TEXT_ARGUMENTS(line));
	buffer_close(&said);
	struct buffer file = self->file;
	self->file = (struct buffer){0};
	return command_write(self->session, &file);
}

static int rebase_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct rebase self = {.session = session, .options = filled};
	struct error error = {0};
	(void)count;
	if (self.options->asked.files.count == 0)
		return command_misuse(session, &command_drift_rebase,
				      "the pipeline is missing: give the file of its step by -f FILE");
	buffer_open(&self.file, FILE_BYTES_OUT_MAX);
	const bool good = name_split(&self, arguments[0], &error) && range_take(&self, &error) &&
			  door_open(command_workspace(session), &self.options->asked, self.pipeline, &self.door, &error) &&
			  step_find(&self, &error) && rebase_make(&self, &error);
	const int code = good ? rebase_say(&self) : command_refused(session, &command_drift_rebase, &error);
	store_close(self.store);
	buffer_close(&self.file);
	door_close(&self.door);
	return code;
}

const struct command command_drift_rebase = {
	.name = "drift rebase",
	.arguments = "PIPELINE/STEP",
	.summary = "Makes a reference of windows of the stream's past.",
	.help = "Of a step `drift` with `reference: {past: ...}`: the windows that it remembers, from --from to --to, become a "
		"file as "
		"`sluice fit drift` writes it. It is read from the changelog topic of the pipeline, so no message is read again, "
		"and "
		"topics may have forgotten them. A window by count has the time of the message that closed it, one by time that of "
		"its "
		"begin.\n"
		"\n"
		"Windows in alarm are left out, and counted, unless --alarms is `keep`: to accept a change, name the time after it "
		"and "
		"keep them.\n"
		"\n"
		"The file has all rows of the windows, if the past has 3,200 rows at most, in windows of a multiple of 20 rows and "
		"of "
		"640 at most. Of a longer past it has a sample of 4,000 rows at most, in pieces of 20 rows that followed one "
		"another: "
		"a share of its rows is within 1.4 / sqrt(rows in it) of that of all rows in 19 of 20 samples, if rows are "
		"independent, "
		"which is .025 with 3,200. So much may the tests against it differ from those against a reference fitted from all "
		"rows.\n"
		"\n"
		"  sluice drift rebase fraud/watch -f fraud.yaml --from 2026-01-24 --to 2026-01-31T09:30Z --out refs/week.json\n"
		"  sluice drift rebase fraud/watch -f fraud.yaml --from 2d --alarms keep --out refs/new.json\n",
	.options = options,
	.options_size = sizeof(struct rebase_options),
	.group = "run",
	.run = rebase_run,
};
