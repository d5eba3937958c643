/* fit.c: `sluice fit`: learns the parameters of a step from data, and writes them to the file that the step names; and
 * `sluice drift report`: compares data with what was learnt. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "cli/command.h"
#include "client/kafka.h"
#include "message/json_write.h"
#include "plan/graph.h"
#include "plan/plan.h"
#include "serving/files.h"
#include "source/fit_rows.h"
#include "source/fit_topic.h"
#include "source/feedback_truths.h"
#include "source/importance_windows.h"
#include "view/drift_page.h"

#define DATA_BYTES_MAX ((size_t)4 << 30) /* it is read whole, for it is gone through once for each operation */
#define FILE_BYTES_OUT_MAX ((size_t)256 << 20)
#define SAID_BYTES_MAX ((size_t)1 << 20)
#define FIT_ARENA_BYTES ((size_t)16 << 30)
#define TOPIC_SOURCE "topic:"
#define COUNT_MAX 1000000000000.0
#define KINDS_BYTES_MAX 256

struct fit_options {
	struct door_asked asked;
	int64_t count;
	const char *step;
	const char *out;
	struct name_list tensors, feedback;
	int form;
};

enum report_form { REPORT_HTML = OUTPUT_JSON + 1 };

/* Rows of both commands. */
#define SOURCE_ROWS                                                                                                                \
	ROW("tensor", NAMES, struct fit_options, tensors, .word = "NAME=COLUMN,COLUMN",                                            \
	    .help = "Columns of a CSV that form one tensor; every other column is a tensor with the column's name."),              \
		DOOR_ROWS(struct fit_options, asked),                                                                              \
		ROW("count", INTEGER, struct fit_options, count, .least = 1, .most = COUNT_MAX,                                    \
		    .help = "Reads only that many first records of a topic; default: all."),                                       \
		ROW("out", TEXT, struct fit_options, out, .word = "FILE", .help = "The file to write; default: standard output.")

static const struct option options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct fit_options, asked.files),
	 .required = true,
	 .help = "The YAML of the pipeline. The operations of its step with `fitted: FILE` are learned."},
	ROW("step", TEXT, struct fit_options, step, .word = "STEP",
	    .help = "The name of the step; default: the only one of "
	    "that kind."),
	SOURCE_ROWS,
	COMMAND_FORM(fit_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_fit, command_drift_report;

/* ---- which step ---- */

struct fit_found {
	const struct step_spec *step;
	const struct resource *pipeline;
	size_t count;
};

static struct fit_found step_find(const struct spec *spec, const struct step_kind *kind, const char *name)
{
	struct fit_found found = {0};
	for (size_t i = 0; i < spec->count; i++) {
		if (spec->resources[i]->kind->type != RESOURCE_PIPELINE)
			continue;
		const struct pipeline_spec *pipeline = spec->resources[i]->spec;
		const struct step_spec *steps = pipeline->steps.items;
		for (size_t j = 0; j < pipeline->steps.count; j++) {
			const bool named = !name || (steps[j].name.text && strcmp(steps[j].name.text, name) == 0);
			if (steps[j].kind != kind || !named)
				continue;
			found.count++;
			found.step = &steps[j];
			found.pipeline = spec->resources[i];
		}
	}
	return found;
}

/* ---- fitting ---- */

struct fitting {
	struct session *session;
	const struct fit_options *options;
	const struct step_kind *kind;
	const char *source;
	struct arena *arena;
	struct files *files;
	struct buffer made;
	const struct command *command;
	struct feedback_truths truths;
	struct importance_list importances;
};

static void say_remark(void *listener, const char *text)
{
	command_note(listener, "%s", text);
}

static double shift_of(void *importances, struct text feature, int64_t begin_ms, int64_t end_ms)
{
	return importance_feature_shift(importances, feature, begin_ms, end_ms);
}

static bool importances_find(struct fitting *self, const struct door *door, struct error *error)
{
	const char *topic = door_importance(door, door->plan->graph->name, self->arena);
	return importance_list_read(&self->importances, &door->kafka, topic, error);
}

/* The importance of features that a step of the pipeline keeps, if one does. Without a topic of it, nothing is known. */
static bool importances_read(struct fitting *self, const struct door *door, struct error *error)
{
	const struct pipeline_plan *plan = door->plan;
	bool kept = false;
	for (size_t i = 0; i < plan->topic_count; i++)
		kept = kept || plan->topics[i].role == TOPIC_IMPORTANCE;
	self->importances = (struct importance_list){.arena = self->arena};
	if (!kept || self->command == &command_fit || importances_find(self, door, error))
		return true;
	if (error->kind != ERROR_CONFIG)
		return false;
	*error = (struct error){0};
	return true;
}

/* The page is made of the JSON. */
static bool report_make(struct fitting *self, struct step *step, struct fit_source *source, struct error *error)
{
	struct buffer page;
	if (!self->kind->review(step, source, self->options->form != OUTPUT_TEXT, &self->made, error))
		return false;
	if (self->options->form != REPORT_HTML)
		return true;
	if (buffer_failed(&self->made))
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "the report has more than the %zu MiB that a page is made of; use "
				 "-o text, longer windows or fewer segments", FILE_BYTES_OUT_MAX >> 20);
	buffer_open(&page, FILE_BYTES_OUT_MAX);
	const bool good = drift_page_write(buffer_view(&self->made), step->pipeline, step->name, self->arena, &page, error);
	buffer_close(&self->made);
	self->made = page;
	return good;
}

/* Learns, or compares. */
static bool source_read(struct fitting *self, struct step *step, struct fit_source *source, struct error *error)
{
	source->remarked = say_remark;
	source->listener = self->session;
	if (self->options->feedback.count > 0) {
		source->truth = feedback_truths_find;
		source->truths = &self->truths;
	}
	if (self->importances.subject_count > 0) {
		source->importance_shift = shift_of;
		source->importances = &self->importances;
	}
	if (self->command == &command_fit)
		return self->kind->fit(step, source, &self->made, error);
	return report_make(self, step, source, error);
}

/* ---- feedback ---- */

/* `topic:` alone is the pipeline's own. */
static bool feedback_topic_read(struct fitting *self, const char *pipeline, const char *name, struct error *error)
{
	struct door door;
	bool good = door_open(command_workspace(self->session), &self->options->asked, pipeline, &door, error);
	const char *topic = !good || *name ? name : topic_own_name(self->arena, door.prefix, door.namespace, pipeline, "feedback");
	if (good && !topic)
		good = error_memory(error, ERROR_SYSTEM, "naming topics");
	good = good && feedback_truths_read_topic(&self->truths, &door.kafka, topic, error);
	door_close(&door);
	return good;
}

static bool feedback_read_all(struct fitting *self, const char *pipeline, struct error *error)
{
	const struct name_list *sources = &self->options->feedback;
	struct feedback_truths *truths = &self->truths;
	bool good = true;
	truths->arena = self->arena;
	for (size_t i = 0; i < sources->count && good; i++) {
		const struct text source = text_of(sources->items[i].text);
		good = text_starts_with(source, TEXT(TOPIC_SOURCE))
			       ? feedback_topic_read(self, pipeline, source.bytes + strlen(TOPIC_SOURCE), error)
			       : feedback_truths_read_file(truths, source.bytes, error);
	}
	if (truths->unreadable > 0)
		command_note(self->session, "%llu records of feedback that cannot be read were left out; the first: %s",
			     (unsigned long long)truths->unreadable, truths->unreadable_why.text);
	feedback_truths_sort(truths);
	return good;
}

/* ---- sources ---- */

static bool fit_file(struct fitting *self, struct step *step, const struct mapping *mapping, struct error *error)
{
	struct text text;
	struct fit_rows rows;
	if (!file_read(self->source, DATA_BYTES_MAX + 1, self->arena, &text, error))
		return false;
	if (text.length > DATA_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu GiB that fit reads; take a sample of it",
				 self->source, DATA_BYTES_MAX >> 30);
	if (!fit_rows_open(&rows, self->source, text, &self->options->tensors, mapping, self->arena, error))
		return false;
	struct fit_source source = fit_rows_source(&rows);
	return source_read(self, step, &source, error);
}

/* `topic:` alone is the pipeline's own. */
static bool fit_topic(struct fitting *self, struct step *step, const struct mapping *mapping, struct error *error)
{
	struct fit_topic topic = {0};
	struct door door;
	const char *name = self->source + strlen(TOPIC_SOURCE);
	bool good = door_open(command_workspace(self->session), &self->options->asked, step->pipeline, &door, error);
	const struct fit_topic_config config = {
		.kafka = &door.kafka, .topic = *name ? name : door.inputs, .mapping = mapping, .count = self->options->count};
	if (good && !config.topic)
		good = error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "pipeline `%s` reads no topic of its own; write topic:NAME, as `sluice plan` lists them",
				 step->pipeline);
	if (good && self->options->tensors.count > 0)
		good = error_set(error, ERROR_CONFIG, PLACE_NONE, "--tensor combines columns of a CSV, and a topic has requests");
	good = good && importances_read(self, &door, error) && fit_topic_open(&topic, &config, self->arena, error);
	if (good) {
		struct fit_source source = fit_topic_source(&topic);
		good = source_read(self, step, &source, error);
	}
	if (topic.left_out > 0 && topic.count > 0)
		command_note(self->session, "%llu records that cannot be read were left out; the first: %s",
			     (unsigned long long)topic.left_out, topic.left_out_why.text);
	if (topic.refused > 0)
		command_note(self->session,
			     "%llu of %zu records that the step refuses were left out; the first, partition %d offset %lld: %s",
			     (unsigned long long)topic.refused, topic.count, (int)topic.first_refused.partition,
			     (long long)topic.first_refused.offset, topic.refused_why.text);
	fit_topic_close(&topic);
	door_close(&door);
	return good;
}

static bool fit_step(struct fitting *self, const struct spec *spec, const struct fit_found *found, struct error *error)
{
	const struct graph *graph = graph_build(found->pipeline, spec, self->arena, spec->faults);
	const struct mapping *mapping = graph ? graph->mapping : NULL;
	struct step step = {.kind = self->kind,
			    .name = found->step->name.text,
			    .pipeline = found->pipeline->name.text,
			    .options = found->step->options,
			    .place = found->step->here,
			    .arena = self->arena,
			    .files = files_source(self->files)};
	if (!feedback_read_all(self, step.pipeline, error))
		return false;
	return text_starts_with(text_of(self->source), TEXT(TOPIC_SOURCE)) ? fit_topic(self, &step, mapping, error)
									   : fit_file(self, &step, mapping, error);
}

static bool write_out(const char *path, const struct buffer *made, struct error *error)
{
	FILE *out = fopen(path, "w");
	bool good = out && fwrite(made->bytes, 1, made->length, out) == made->length;
	good = out && fclose(out) == 0 && good;
	return good || error_set(error, ERROR_CONFIG, PLACE_NONE, "cannot write %s: %s", path, strerror(errno));
}

static int fit_spec(struct fitting *self, const struct spec *spec)
{
	struct error error = {0};
	if (faults_count(spec->faults, SEVERITY_ERROR) > 0)
		return command_faults_only(self->session, spec->faults);
	const struct fit_found found = step_find(spec, self->kind, self->options->step);
	if (found.count != 1)
		return command_misuse(self->session, self->command, "the files have %zu steps `%s`%s%s; choose one by --step",
				      found.count, self->kind->name, self->options->step ? " called " : "",
				      self->options->step ? self->options->step : "");
	if (!fit_step(self, spec, &found, &error))
		return command_refused(self->session, self->command, &error);
	if (!self->options->out) {
		struct buffer made = self->made;
		self->made = (struct buffer){0};
		return command_write(self->session, &made);
	}
	if (!write_out(self->options->out, &self->made, &error))
		return command_failed(self->session, &error);
	struct buffer said;
	buffer_open(&said, SAID_BYTES_MAX);
	if (self->options->form == OUTPUT_JSON) {
		json_write_member(&said, "{", "step", text_of(found.step->name.text));
		json_write_member(&said, ", ", "file", text_of(self->options->out));
		buffer_string(&said, "}\n");
	} else {
		buffer_print(&said,
			     self->command == &command_fit ? "%s: the constants that step `%s` has learned\n"
			     : "%s: the report by the reference of step `%s`\n",
			     self->options->out, found.step->name.text);
	}
	return command_write(self->session, &said);
}

static const struct step_kind *kind_of(struct session *session, const char *name)
{
	const struct step_kind *kind = step_kind_find(session->kinds, name);
	return kind && kind->fit ? kind : NULL;
}

/* "`preprocess`, `outlier`". */
static const char *kinds_that_learn(const struct session *session, char *into, size_t size)
{
	size_t length = 0;
	for (size_t i = 0; session->kinds && session->kinds[i] && length < size; i++)
		if (session->kinds[i]->fit)
			length += (size_t)snprintf(into + length, size - length, "%s`%s`", length ? ", " : "",
						   session->kinds[i]->name);
	return into;
}

static bool files_of(const struct fit_options *self, struct arena *arena, const char *const **paths, struct error *error)
{
	const char **made = ARENA_ARRAY(arena, const char *, self->asked.files.count);
	for (size_t i = 0; made && i < self->asked.files.count; i++)
		made[i] = self->asked.files.items[i].text;
	*paths = made;
	return made || error_memory(error, ERROR_SYSTEM, "reading files");
}

static int fitting_run(struct fitting *fitting)
{
	const struct fit_options *self = fitting->options;
	const struct spec_options spec_options = {.kinds = fitting->session->kinds};
	const char *const *paths;
	struct error error = {0};
	struct spec spec;
	if (self->asked.files.count == 0)
		return command_misuse(fitting->session, fitting->command,
				      "the pipeline is missing: give the file of its step by -f FILE");
	fitting->arena = arena_open(FIT_ARENA_BYTES);
	fitting->files = files_open(&error);
	buffer_open(&fitting->made, FILE_BYTES_OUT_MAX);
	int code = EXIT_FAULTS;
	if (!fitting->arena || !fitting->files || !spec_open(&spec, &error))
		error_memory(&error, ERROR_SYSTEM, "beginning to fit");
	if (error.kind == ERROR_NONE) {
		if (files_of(self, fitting->arena, &paths, &error) &&
		    spec_read(&spec, paths, self->asked.files.count, &spec_options, &error))
			code = fit_spec(fitting, &spec);
		spec_close(&spec);
	}
	feedback_truths_close(&fitting->truths);
	buffer_close(&fitting->made);
	files_close(fitting->files);
	arena_close(fitting->arena);
	return error.kind == ERROR_NONE ? code : command_refused(fitting->session, fitting->command, &error);
}

static int fit_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	char kinds[KINDS_BYTES_MAX];
	struct fitting fitting = {.session = session,
				  .options = filled,
				  .kind = kind_of(session, arguments[0]),
				  .source = arguments[1],
				  .command = &command_fit};
	(void)count;
	if (!fitting.kind)
		return command_misuse(session, &command_fit, "steps of the kind `%s` have nothing to learn; those of %s have",
				      arguments[0], kinds_that_learn(session, kinds, sizeof kinds));
	return fitting_run(&fitting);
}

static int drift_report_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct fitting fitting = {.session = session,
				  .options = filled,
				  .kind = step_kind_find(session->kinds, "drift"),
				  .source = arguments[0],
				  .command = &command_drift_report};
	(void)count;
	if (!fitting.kind || !fitting.kind->review)
		return command_misuse(session, &command_drift_report, "there are no steps of the kind `drift` here");
	return fitting_run(&fitting);
}

const struct command command_fit = {
	.name = "fit",
	.arguments = "KIND SOURCE",
	.summary = "Learns the constants of a step from data.",
	.help = "KIND is `preprocess`, `outlier` or `drift`. SOURCE is a CSV with a header, or requests as JSON, one in each line "
		"(events, "
		"if the pipeline maps them); `-` is standard input. Or it is `topic:NAME`: all present records of a Kafka topic, "
		"which may be requests, events or answers in any format. `topic:` alone is the pipeline's own topic. The rows "
		"are the messages that the step would receive, so fit and the running pipeline use the same step. Records of a "
		"topic that cannot be read, or that the step refuses (for example, because its tensor is missing), are left out "
		"and counted. In a file they are errors.\n"
		"\n"
		"  sluice fit preprocess quotes.csv -f pipeline.yaml --tensor x=bid,ask,volume --out prep.json\n"
		"  sluice fit preprocess topic:market.ticks -f pipeline.yaml --brokers localhost:9092 --out prep.json\n"
		"  sluice fit outlier quotes.csv -f pipeline.yaml --tensor x=bid,ask,volume --out usual.json\n"
		"\n"
		"Of `preprocess`, each operation of the step with `fitted: FILE` is learned, in order, from the output of the "
		"operations above it. All are written to one file: {\"format\": \"sluice_preprocess/1\", \"operations\": "
		"[...]}, each operation with the fields that `sluice help steps` lists. pipelines/export_sklearn.py writes such a "
		"file from fitted scikit-learn transformers.\n"
		"\n"
		"Of `outlier`, what is usual is learned from the rows of the step's tensor, by its method: medians and their "
		"spreads, mean and covariance, or an isolation forest of 100 trees. At least 10 rows are needed; a few hundred are "
		"better. The file is {\"format\": \"sluice_outlier/1\", ...}.\n"
		"\n"
		"Of `drift`, the rows of the watched tensors are kept in their order, at most 4000 of them, and the range, the "
		"missing values and the categories of all. At least 100 rows are needed. The file is {\"format\": "
		"\"sluice_drift/1\", ...}. `sluice drift report` compares other data with it.",
	.options = options,
	.options_size = sizeof(struct fit_options),
	.group = "run",
	.run = fit_run,
};

static const struct option report_options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct fit_options, asked.files),
	 .required = true,
	 .help = "The YAML of the pipeline with the step."},
	ROW("step", TEXT, struct fit_options, step, .word = "STEP",
	    .help = "The name of the step; default: the only one of the kind `drift`."),
	ROW("feedback", NAMES, struct fit_options, feedback, .word = "FILE",
	    .help = "Feedback on the requests: a file of JSON lines or Avro records, or topic:NAME; `topic:` alone is the "
	    "pipeline's own. The step needs `estimate`."),
	SOURCE_ROWS,
	COMMAND_FORM(fit_options, form, "text json html"),
	{.type = OPTION_END},
};

const struct command command_drift_report = {
	.name = "drift report",
	.arguments = "SOURCE",
	.summary = "Compares data with the reference of a drift step.",
	.help = "Reads SOURCE as `sluice fit` does (a CSV, requests in lines, or topic:NAME), and compares its rows, window by "
		"window, with the reference of a step `drift`, which `sluice fit drift` has learnt. It prints a line for each "
		"window: the drift_score, the feature and the test that have it, and data out of the bounds of quality. With -o "
		"json each line is an object with all tests of all features and a `picture` of its values in the bins of the "
		"reference, and the last one has the sums, the reference's pictures and the example requests. If no row can be "
		"compared, it fails.\n"
		"\n"
		"-o html makes a page in one file, which fetches nothing: a map of the effects by feature and time, grey where "
		"none is established; the features that moved most, each with its distribution in the reference and in the window "
		"where it moved most; ten requests of the window with the largest drift_score, by topic, partition and offset; "
		"the alarms beside the number of false ones declared; and the JSON, up to 32 MiB. It shows 12 segments, 30 "
		"features and 60 columns of windows at most, those that moved most.\n"
		"\n"
		"  sluice fit drift march.csv -f pipeline.yaml --tensor x=bid,ask --out refs/features.json\n"
		"  sluice drift report april.csv -f pipeline.yaml --tensor x=bid,ask\n"
		"  sluice drift report april.csv -f pipeline.yaml --tensor x=bid,ask -o html > april.html\n"
		"\n"
		"If a step `explain` of the pipeline keeps `importance`, each feature of a topic's windows has the shift of its "
		"importance: by how much its share of the mean absolute contributions is larger in the windows of that time than "
		"in the "
		"first ones. Text has the three that moved most, in points of 100; the page has the largest of each "
		"feature; JSON has `importance_shift` of each.\n"
		"\n"
		"`window`, `methods`, `falseAlarms` and `effect` are those of the step. The rows of a file have no times, so both "
		"`window` and `falseAlarms` are then by messages; the records of a topic have their own. The declared false alarms "
		"are those of all features, tests and windows together. drift_score is the largest effect above the level that "
		"chance exceeds at the declared rate; without drift it is 0. The effect of ks is its distance D; of psi, "
		"jensen-shannon and chi-square it is the Jensen-Shannon distance; of wasserstein, the distance divided by the "
		"reference's standard deviation. "
		"If rows depend on the rows before them, as in a time series, a sample counts by its smaller effective size.\n"
		"\n"
		"With `estimate` each line has the estimated accuracy. --feedback adds the realised accuracy of the messages "
		"that have feedback by now, and whether it is within the band of the estimate for the same rows. The last line "
		"says "
		"how often it was: in 95 of 100 windows, if the probabilities are right. SOURCE must contain the probabilities: "
		"answers, or a topic of the step's input. Feedback names messages by id or origin. It has the metric `accuracy`, "
		"or, "
		"as truth, the number of each row's class.\n"
		"\n"
		"  sluice drift report topic:answers -f pipeline.yaml --feedback topic: --brokers localhost:9092\n",
	.options = report_options,
	.options_size = sizeof(struct fit_options),
	.group = "run",
	.run = drift_report_run,
};
