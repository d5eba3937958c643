/* fit.c: `sluice fit`: learns the parameters of a step from data, and writes them to the file that the step names; and
 * `sluice drift report`: compares data with what was learnt. */
#include <stdio.h>

#include "base/file.h"
#include "tools/cli/command.h"
#include "tools/client/data/fitting.h"
#include "methods/drift/monitor.h"
#include "message/json/json_write.h"

#define OUTPUT_BYTES_MAX ((size_t)1 << 20)
#define COUNT_MAX 1000000000000.0
#define KINDS_BYTES_MAX 256

struct fit_options {
	struct pipeline_target_asked asked;
	int64_t count;
	const char *step;
	const char *out;
	struct name_list tensors, feedback;
	struct past_rebase_asked past;
	int64_t window;
	const char *false_alarms;
	int form;
};

enum report_form { REPORT_HTML = OUTPUT_JSON + 1 };

/* Rows of both commands. */
#define SOURCE_ROWS                                                                                                                \
	ROW("tensor", NAMES, struct fit_options, tensors, .word = "NAME=COLUMN,COLUMN",                                            \
	    .help = "Columns of a CSV that form one tensor; every other column is a tensor with the column's name."),              \
		PIPELINE_TARGET_ROWS(struct fit_options, asked),                                                                   \
		ROW("count", INTEGER, struct fit_options, count, .least = 1, .most = COUNT_MAX,                                    \
		    .help = "Reads only that many first records of a topic; default: all."),                                       \
		ROW("out", TEXT, struct fit_options, out, .word = "FILE", .help = "The file to write; default: standard output.")

static const struct option options[] = {
	ROW("file", NAMES, struct fit_options, asked.files, .letter = 'f', .required = true,
	    .help = "The YAML of the pipeline. The operations of its step with `fitted: FILE` are learned."),
	ROW("step", TEXT, struct fit_options, step, .word = "STEP",
	    .help = "The name of the step; default: the only one of that kind."),
	SOURCE_ROWS,
	COMMAND_FORM(fit_options, form, "text json"),
	{.type = OPTION_END},
};

/* Writes what was made to its file, and says so; without a file, to standard output. */
static int made_write(struct session *session, const struct fit_options *self, struct fitting *fitting)
{
	struct error error = {0};
	struct buffer output;
	if (!self->out) {
		struct buffer made = fitting->made;
		fitting->made = (struct buffer){0};
		return command_write(session, &made);
	}
	if (!file_write(self->out, buffer_view(&fitting->made), &error))
		return command_failed(session, &error);
	buffer_open(&output, OUTPUT_BYTES_MAX);
	if (self->form == OUTPUT_JSON) {
		json_write_member(&output, "{", "step", text_of(fitting->step));
		json_write_member(&output, ", ", "file", text_of(self->out));
		buffer_string(&output, "}\n");
	} else {
		buffer_print(&output,
			     fitting->asked->task == FITTING_LEARNS ? "%s: the constants that step `%s` has learned\n"
								    : "%s: the report by the reference of step `%s`\n",
			     self->out, fitting->step);
	}
	return command_write(session, &output);
}

static int fit_step(struct session *session, const struct fit_options *self, struct fitting_asked asked)
{
	const struct spec_options spec_options = {.kinds = session->kinds};
	struct fitting fitting = {.workspace = command_workspace(session), .asked = &asked};
	struct error error = {0};
	struct spec spec;
	int code = EXIT_FAULTS;
	if (self->asked.files.count == 0)
		return command_misuse(session, "the pipeline is missing: give the file of its step by -f FILE");
	asked.target = &self->asked;
	asked.step = self->step;
	asked.count = self->count;
	asked.tensors = self->tensors;
	asked.feedback = self->feedback;
	asked.past = self->past;
	asked.window = self->window;
	asked.false_alarms = self->false_alarms;
	if (!spec_read_listed(&spec, self->asked.files, &spec_options, &error))
		code = command_refused(session, &error);
	else if (faults_count(spec.faults, SEVERITY_ERROR) > 0)
		code = command_faults_only(session, spec.faults);
	else if (!fitting_run(&fitting, &spec, &error))
		code = command_refused(session, &error);
	else
		code = made_write(session, self, &fitting);
	fitting_close(&fitting);
	spec_close(&spec);
	return code;
}

static const struct step_kind *kind_of(const struct session *session, const char *name)
{
	const struct step_kind *kind = step_kind_find(session->kinds, name);
	return kind && kind->learns && kind->learns->fit ? kind : NULL;
}

/* "`preprocess`, `outlier`". */
static const char *kinds_that_learn(const struct session *session, char *into, size_t size)
{
	size_t length = 0;
	for (size_t i = 0; session->kinds && session->kinds[i] && length < size; i++)
		if (kind_of(session, session->kinds[i]->name))
			length += (size_t)snprintf(into + length, size - length, "%s`%s`", length ? ", " : "",
						   session->kinds[i]->name);
	return into;
}

static int fit_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	char kinds[KINDS_BYTES_MAX];
	const struct fitting_asked asked = {
		.task = FITTING_LEARNS, .kind = kind_of(session, arguments[0]), .source = arguments[1]};
	(void)count;
	if (!asked.kind)
		return command_misuse(session, "steps of the kind `%s` have nothing to learn; those of %s have",
				      arguments[0], kinds_that_learn(session, kinds, sizeof kinds));
	return fit_step(session, filled, asked);
}

static int drift_report_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	static const enum fitting_task tasks[] = {
		[OUTPUT_TEXT] = FITTING_REPORTS, [OUTPUT_JSON] = FITTING_REPORTS_JSON, [REPORT_HTML] = FITTING_REPORTS_HTML};
	const struct fit_options *self = filled;
	const struct fitting_asked asked = {
		.task = tasks[self->form], .kind = step_kind_find(session->kinds, "drift"), .source = arguments[0]};
	(void)count;
	if (!asked.kind || !asked.kind->learns)
		return command_misuse(session, "there are no steps of the kind `drift` here");
	return fit_step(session, self, asked);
}

const struct command command_fit = {
	.name = "fit",
	.arguments = "KIND SOURCE",
	.summary = "Learns the constants of a step from data.",
	.help = "KIND is `preprocess`, `outlier` or `drift`. SOURCE is a CSV with a header, or requests as JSON, one in each line "
		"(events, if the pipeline maps them); `-` is standard input. Or it is `topic:NAME`: all present records of a Kafka "
		"topic, which may be requests, events or answers in any format. `topic:` alone is the pipeline's own topic. The "
		"rows are the messages that the step would receive, so fit and the running pipeline use the same step. Records of "
		"a topic that cannot be read, or that the step refuses (for example, because its tensor is missing), are left out "
		"and counted. In a file they are errors.\n"
		"\n"
		"In a CSV a number is missing where its field is empty, or has NaN, NA, N/A, #N/A, <NA>, NULL, None or \\N. A "
		"column of true and false alone is of numbers, 1 and 0, as a BOOL of a request is, unless input.tensors makes "
		"BYTES of it. A column with any other text is of texts.\n"
		"\n"
		"  sluice fit preprocess quotes.csv -f pipeline.yaml --tensor x=bid,ask,volume --out prep.json\n"
		"  sluice fit preprocess topic:market.ticks -f pipeline.yaml --brokers localhost:9092 --out prep.json\n"
		"  sluice fit outlier quotes.csv -f pipeline.yaml --tensor x=bid,ask,volume --out usual.json\n"
		"\n"
		"For `preprocess`, each operation of the step with `fitted: FILE` is learned, in order, from the output of the "
		"operations above it. All are written to one file: {\"format\": \"sluice_preprocess/1\", \"operations\": [...]}, "
		"each operation with the fields that `sluice help steps` lists. pipelines/export_sklearn.py writes such a file "
		"from fitted scikit-learn transformers.\n"
		"\n"
		"For `outlier`, the reference is learned from the rows of the step's tensor, by its method: medians and their "
		"spreads, mean and covariance, or an isolation forest of 100 trees. Of a forest it says which "
		"share of the reference is above the `limit`. At least 10 rows are needed; a few hundred are "
		"better. The file is {\"format\": \"sluice_outlier/1\", ...}.\n"
		"\n"
		"For `drift`, the file has the rows of the watched tensors in their order, at most 4000 of them, and the range, "
		"the missing values and the categories of all rows. At least 100 rows are needed. The file is {\"format\": "
		"\"sluice_drift/1\", ...}. `sluice drift report` compares other data with it.",
	.options = options,
	.options_size = sizeof(struct fit_options),
	.group = "run",
	.run = fit_run,
};

static const struct option report_options[] = {
	ROW("file", NAMES, struct fit_options, asked.files, .letter = 'f', .required = true,
	    .help = "The YAML of the pipeline with the step."),
	ROW("step", TEXT, struct fit_options, step, .word = "STEP",
	    .help = "The name of the step; default: the only one of the kind `drift`."),
	ROW("feedback", NAMES, struct fit_options, feedback, .word = "FILE",
	    .help = "Feedback on the requests: a file of JSON lines or Avro records, or topic:NAME; `topic:` alone is the "
		    "pipeline's own. The step needs `estimate`."),
	ROW("window", INTEGER, struct fit_options, window, .least = MONITOR_ROWS_MIN, .most = MONITOR_ROWS_MAX,
	    .help = "Rows of a window; default: `window` of the step. A file without times needs it if that is a time."),
	ROW("false-alarms", TEXT, struct fit_options, false_alarms, .word = "RATE",
	    .help = "The declared rate of false alarms, as in \"0.5 per 1000\" rows; default: `falseAlarms` of the step. A file "
		    "without times needs it if that is in a time, as `1 per 30d` is."),
	ROW("from", TEXT, struct fit_options, past.from, .word = "TIME",
	    .help = "With `past`: the time of the first windows that are the reference, as in 2026-01-31T09:30Z, or how long "
		    "ago, as in 7d; default: all of the past."),
	ROW("to", TEXT, struct fit_options, past.until, .word = "TIME",
	    .help = "With `past`: the time of the last of them, likewise; default: now."),
	ROW("alarms", CHOICE, struct fit_options, past.alarms, .choices = "leave-out keep", .fallback = "leave-out",
	    .help = "With `past`: whether windows in alarm are left out of the reference."),
	SOURCE_ROWS,
	COMMAND_FORM(fit_options, form, "text json html"),
	{.type = OPTION_END},
};

const struct command command_drift_report = {
	.name = "drift report",
	.arguments = "SOURCE",
	.summary = "Compares data with the reference of a drift step.",
	.help = "Reads SOURCE as `sluice fit` does (a CSV, requests in lines, or topic:NAME), and compares its rows, "
		"window by window, with the reference of a step `drift`, which `sluice fit drift` has learned. It prints a line "
		"for each window: the drift_score, the feature and the test that have it, and data outside the bounds of quality. "
		"With -o json each line is an object with all tests of all features and a `picture` of its values in the bins of "
		"the reference, and the last one has the sums, the reference's pictures and the example requests. If no row can "
		"be compared, it fails.\n"
		"\n"
		"-o html makes a page in one file, which fetches nothing: a map of the effects by feature and time, grey where "
		"none is established; the features that moved most, each with its distribution in the reference and in the window "
		"where it moved most; ten requests of the window with the largest drift_score, by their offsets; the alarms "
		"beside the number of false ones declared; and the JSON, up to 32 MiB. It shows 12 segments, 30 features and 60 "
		"columns of windows at most, those that moved most.\n"
		"\n"
		"The reference of a step with `reference: {past: ...}` is the windows that it remembers, from --from to --to. "
		"They are read from the pipeline's changelog, as by `sluice drift rebase`, so --brokers is needed for a CSV too. "
		"The observer judged each window by what the past was then; the report judges all by the same windows, and says "
		"which these are. A window that is among them is compared with itself too, which hides drift: end them before it "
		"by --to.\n"
		"\n"
		"  sluice fit drift march.csv -f pipeline.yaml --tensor x=bid,ask --out refs/features.json\n"
		"  sluice drift report april.csv -f pipeline.yaml --tensor x=bid,ask --false-alarms \"0.5 per 1000\"\n"
		"  sluice drift report topic: -f pipeline.yaml --brokers localhost:9092 -o html > april.html\n"
		"\n"
		"If a step `explain` of the pipeline keeps `importance`, each feature of a topic's windows has the shift of its "
		"importance: by how much its share of the mean absolute contributions is larger in the windows of that time than "
		"in the first ones. Text has the three that moved most, in points of 100.\n"
		"\n"
		"`methods` and `effect` are those of the step, and so are `window` and `falseAlarms` unless --window and "
		"--false-alarms give others. The records of a topic have times: those of `input.time`, if the pipeline maps it. "
		"So have events in lines and a CSV with that column. The rows of other files have none, so a window must be a "
		"number of rows then, and the rate one of rows: of a step with `1 per 30d`, which is the default, give "
		"--false-alarms. The declared false alarms are those of all features, tests and windows together. drift_score is "
		"the largest effect above the level that chance exceeds at the declared rate; without drift it is 0. The effect "
		"of ks is its distance D; of psi, jensen-shannon and chi-square it is the Jensen-Shannon distance; of "
		"wasserstein, the distance divided by the reference's standard deviation. If rows depend on the rows before them, "
		"as in a time series, a sample counts by its smaller effective size.\n"
		"\n"
		"With `estimate` each line has the estimated accuracy, precision, recall and AUC, with `estimateError` the "
		"estimated absolute error. --feedback adds the realised numbers of the messages that have feedback by now, and "
		"whether they are within the band of the estimate for the same rows. The last lines say how often they were: in "
		"95 of 100 windows, if the probabilities or the expected errors are right. SOURCE must contain these: answers, or "
		"a topic of the step's input. Feedback names messages by id or origin. It has the metric `accuracy`, or, as "
		"truth, the number of each row's class, from which alone precision, recall and AUC are known; of a regressor, the "
		"number that was right for each row.\n"
		"\n"
		"Without --feedback they are those of the drift topic's settled records, of a step with `outcomeWindow`: windows "
		"have to be the same, so without --window and `share`.\n"
		"\n"
		"  sluice drift report topic:answers -f pipeline.yaml --feedback topic: --brokers localhost:9092\n"
		"  sluice drift report topic: -f pipeline.yaml --from 7d --to 1d --brokers localhost:9092\n",
	.options = report_options,
	.options_size = sizeof(struct fit_options),
	.group = "run",
	.run = drift_report_run,
};
