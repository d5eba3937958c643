/* fit.c: `sluice fit`: learns the parameters of a step from data, and writes them to the file that the step names. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/fit_rows.h"
#include "cli/fit_topic.h"
#include "message/json_write.h"
#include "plan/graph.h"
#include "serving/files.h"

#define DATA_BYTES_MAX ((size_t)4 << 30) /* it is read whole, for it is gone through once for each operation */
#define FILE_BYTES_OUT_MAX ((size_t)256 << 20)
#define SAID_BYTES_MAX ((size_t)1 << 20)
#define FIT_ARENA_BYTES ((size_t)16 << 30)
#define TOPIC_SOURCE "topic:"
#define COUNT_MAX 1000000000000.0

struct fit_options {
	struct door_asked asked;
	int64_t count;
	const char *step;
	const char *out;
	struct name_list tensors;
	int form;
};

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
	ROW("tensor", NAMES, struct fit_options, tensors, .word = "NAME=COLUMN,COLUMN",
	    .help = "Columns of a CSV that form one tensor; every other column is a tensor with the column's name."),
	DOOR_ROWS(struct fit_options, asked),
	ROW("count", INTEGER, struct fit_options, count, .least = 1, .most = COUNT_MAX,
	    .help = "Reads only that many first records of a topic; default: all."),
	ROW("out", TEXT, struct fit_options, out, .word = "FILE", .help = "The file to write; default: standard output."),
	COMMAND_FORM(fit_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_fit;

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
};

static void say_remark(void *listener, const char *text)
{
	command_note(listener, "%s", text);
}

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
	source.remarked = say_remark;
	source.listener = self->session;
	return self->kind->fit(step, &source, &self->made, error);
}

/* `topic:` alone is the pipeline's own. */
static bool fit_topic(struct fitting *self, struct step *step, const struct mapping *mapping, struct error *error)
{
	struct fit_topic topic = {0};
	struct door door;
	const char *name = self->source + strlen(TOPIC_SOURCE);
	bool good = door_open(self->session, &self->options->asked, step->pipeline, &door, error);
	const struct fit_topic_config config = {
		.kafka = &door.kafka, .topic = *name ? name : door.inputs, .mapping = mapping, .count = self->options->count};
	if (good && !config.topic)
		good = error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "pipeline `%s` reads no topic of its own; write topic:NAME, as `sluice plan` lists them",
				 step->pipeline);
	if (good && self->options->tensors.count > 0)
		good = error_set(error, ERROR_CONFIG, PLACE_NONE, "--tensor combines columns of a CSV, and a topic has requests");
	good = good && fit_topic_open(&topic, &config, self->arena, error);
	if (good) {
		struct fit_source source = fit_topic_source(&topic);
		source.remarked = say_remark;
		source.listener = self->session;
		good = self->kind->fit(step, &source, &self->made, error);
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
		return command_misuse(self->session, &command_fit, "the files have %zu steps `%s`%s%s; choose one by --step",
				      found.count, self->kind->name, self->options->step ? " called " : "",
				      self->options->step ? self->options->step : "");
	if (!fit_step(self, spec, &found, &error))
		return command_refused(self->session, &command_fit, &error);
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
		buffer_string(&said, "{\"step\": ");
		json_write_string(&said, text_of(found.step->name.text));
		buffer_string(&said, ", \"file\": ");
		json_write_string(&said, text_of(self->options->out));
		buffer_string(&said, "}\n");
	} else {
		buffer_print(&said, "%s: the constants that step `%s` has learned\n", self->options->out, found.step->name.text);
	}
	return command_write(self->session, &said);
}

static const struct step_kind *kind_of(struct session *session, const char *name)
{
	const struct step_kind *kind = step_kind_find(session->kinds, name);
	return kind && kind->fit ? kind : NULL;
}

static bool files_of(const struct fit_options *self, struct arena *arena, const char *const **paths, struct error *error)
{
	const char **made = ARENA_ARRAY(arena, const char *, self->asked.files.count);
	for (size_t i = 0; made && i < self->asked.files.count; i++)
		made[i] = self->asked.files.items[i].text;
	*paths = made;
	return made || error_memory(error, ERROR_SYSTEM, "reading files");
}

static int fit_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct fit_options *self = filled;
	const struct spec_options spec_options = {.kinds = session->kinds};
	const char *const *paths;
	struct error error = {0};
	struct spec spec;
	struct fitting fitting = {
		.session = session, .options = self, .kind = kind_of(session, arguments[0]), .source = arguments[1]};
	(void)count;
	if (!fitting.kind)
		return command_misuse(session, &command_fit, "steps of the kind `%s` have nothing to learn; `preprocess` has",
				      arguments[0]);
	if (self->asked.files.count == 0)
		return command_misuse(session, &command_fit, "the pipeline is missing: give the file of its step by -f FILE");
	fitting.arena = arena_open(FIT_ARENA_BYTES);
	fitting.files = files_open(&error);
	buffer_open(&fitting.made, FILE_BYTES_OUT_MAX);
	int code = EXIT_FAULTS;
	if (!fitting.arena || !fitting.files || !spec_open(&spec, &error))
		error_memory(&error, ERROR_SYSTEM, "beginning to fit");
	if (error.kind == ERROR_NONE) {
		if (files_of(self, fitting.arena, &paths, &error) &&
		    spec_read(&spec, paths, self->asked.files.count, &spec_options, &error))
			code = fit_spec(&fitting, &spec);
		spec_close(&spec);
	}
	buffer_close(&fitting.made);
	files_close(fitting.files);
	arena_close(fitting.arena);
	return error.kind == ERROR_NONE ? code : command_refused(session, &command_fit, &error);
}

const struct command command_fit = {
	.name = "fit",
	.arguments = "KIND SOURCE",
	.summary = "Learns the constants of a step from data.",
	.help = "KIND is `preprocess`. SOURCE is a CSV with a header, or requests as JSON, one in each line (events, if the "
		"pipeline maps them); `-` is standard input. Or it is `topic:NAME`: all present records of a Kafka topic, "
		"which may be requests, events or answers in any format. `topic:` alone is the pipeline's own topic. The rows "
		"are the messages that the step would receive. Each operation of the step with `fitted: FILE` is learned, in "
		"order, from the output of the operations above it. All are written to one file. So fit and the running "
		"pipeline use the same step. Records of a topic that cannot be read, or that the step refuses (for example, "
		"because its tensor is missing), are left out and counted. In a file they are errors.\n"
		"\n"
		"  sluice fit preprocess quotes.csv -f pipeline.yaml --tensor x=bid,ask,volume --out prep.json\n"
		"  sluice fit preprocess topic:market.ticks -f pipeline.yaml --brokers localhost:9092 --out prep.json\n"
		"\n"
		"The file is JSON: {\"format\": \"sluice_preprocess/1\", \"operations\": [...]}, each operation with the "
		"fields that `sluice help steps` lists. pipelines/export_sklearn.py writes such a file from fitted "
		"scikit-learn transformers.",
	.options = options,
	.options_size = sizeof(struct fit_options),
	.group = "run",
	.run = fit_run,
};
