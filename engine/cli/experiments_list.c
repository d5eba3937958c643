/* experiments_list.c: `sluice experiments list` and `status`: which experiments files have, and how one of them stands. */
#include "base/moment.h"
#include "base/quote.h"
#include "cli/experiment_data.h"
#include "cli/rollout_view.h"
#include "message/json_write.h"
#include "plan/graph.h"

#define ARENA_BYTES ((size_t)32 << 30)
#define OUT_BYTES_MAX ((size_t)64 << 20)
#define PERCENT 100.0

/* ---- list ---- */

struct list_options {
	struct door_asked asked;
	int form;
};

static const struct option list_options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct list_options, asked.files),
	 .help = "A file or folder of YAML with experiments, and the pipelines that have them. Without it the rollouts are listed "
		 "that a keeper runs."},
	DOOR_ROWS(struct list_options, asked),
	COMMAND_FORM(list_options, form, "text json"),
	{.type = OPTION_END},
};

/* An experiment with the pipelines that use it. */
struct listed_experiment {
	const struct graph_experiment *experiment;
	const char *pipelines; /* joined by commas */
};

struct experiment_list {
	struct arena *arena;
	struct listed_experiment *items;
	size_t count, room;
};

static bool experiment_list_add(struct experiment_list *list, const struct graph_experiment *experiment, const char *pipeline)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].experiment->name, experiment->name) == 0) {
			list->items[i].pipelines = arena_print(list->arena, "%s,%s", list->items[i].pipelines, pipeline);
			return list->items[i].pipelines != NULL;
		}
	if (list->count == list->room) {
		const size_t room = list->room ? 2 * list->room : 16;
		struct listed_experiment *items = ARENA_ARRAY(list->arena, struct listed_experiment, room);
		if (!items)
			return false;
		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof *items);
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = (struct listed_experiment){experiment, pipeline};
	return true;
}

static bool list_gather(struct experiment_list *list, const struct spec *spec)
{
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type != RESOURCE_PIPELINE || !resource->name.text)
			continue;
		const struct graph *graph = graph_build(resource, spec, list->arena, spec->faults);
		for (size_t j = 0; graph && j < graph->experiment_count; j++)
			if (!experiment_list_add(list, graph->experiments[j], resource->name.text))
				return false;
	}
	return !arena_failed(list->arena);
}

static const char *algorithm_of(const struct graph_experiment *experiment)
{
	static const char *const names[] = {"epsilon-greedy", "ucb1", "thompson", "linucb", "exp3"};
	const struct bandits *bandits = &experiment->spec->bandits;
	const size_t known = sizeof names / sizeof *names;
	if (bandits->here.line == 0)
		return experiment_is_staged(experiment->spec)	    ? "stages"
		       : experiment_is_rolled_out(experiment->spec) ? "promotion"
								    : "weights";
	return (size_t)bandits->algorithm < known ? names[bandits->algorithm] : "bandits";
}

static void list_print(const struct experiment_list *list, struct buffer *out)
{
	if (list->count > 0)
		buffer_print(out, "%-32s %-16s %-24s %s\n", "EXPERIMENT", "BY", "PIPELINES", "VARIANTS");
	else
		buffer_string(out, "no experiments\n");
	for (size_t i = 0; i < list->count; i++) {
		const struct graph_experiment *experiment = list->items[i].experiment;
		buffer_print(out, "%-32s %-16s %-24s ", experiment->name, algorithm_of(experiment), list->items[i].pipelines);
		for (size_t j = 0; j < experiment->count; j++)
			buffer_print(out, "%s%s %.4g%%", j > 0 ? ", " : "", experiment->shares[j].name,
				     PERCENT * experiment->probabilities[j]);
		if (experiment->spec->mirror_name.text)
			buffer_print(out, "; mirror %s %d%%", experiment->spec->mirror_name.text,
				     (int)experiment->spec->mirror_percent);
		buffer_byte(out, '\n');
	}
}

static void list_print_json(const struct experiment_list *list, struct buffer *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct graph_experiment *experiment = list->items[i].experiment;
		const struct experiment_spec *spec = experiment->spec;
		json_write_member(out, "{", "experiment", text_of(experiment->name));
		json_write_member(out, ", ", "by", text_of(algorithm_of(experiment)));
		struct text rest = text_of(list->items[i].pipelines);
		buffer_string(out, ", \"pipelines\": [");
		while (rest.length > 0) {
			json_write_string(out, text_take_until(&rest, ','));
			buffer_string(out, rest.length > 0 ? ", " : "]");
		}
		if (spec->default_name.text)
			json_write_member(out, ", ", "default", text_of(spec->default_name.text));
		if (spec->mirror_name.text)
			json_write_member(out, ", ", "mirror", text_of(spec->mirror_name.text));
		buffer_print(out, ", \"exposures\": %s, \"variants\": [", experiment->exposes ? "true" : "false");
		for (size_t j = 0; j < experiment->count; j++) {
			json_write_member(out, j > 0 ? ", {" : "{", "name", text_of(experiment->shares[j].name));
			buffer_string(out, ", \"share\": ");
			json_write_double(out, experiment->probabilities[j]);
			buffer_byte(out, '}');
		}
		buffer_string(out, "]}\n");
	}
}

extern const struct command command_experiments_list, command_experiments_status;

/* Those of the control plane. */
static int rollouts_list(struct session *session, const struct list_options *self)
{
	struct control_session control = {0};
	struct error error = {0};
	struct buffer out;
	int code;
	if (control_session_open(session, &self->asked, &control, &error)) {
		buffer_open(&out, OUT_BYTES_MAX);
		rollouts_view_print(applier_ledger(control.applier), self->form == OUTPUT_JSON, session->arena, &out);
		code = command_write(session, &out);
	} else {
		code = command_refused(session, &command_experiments_list, &error);
	}
	control_session_close(&control);
	return code;
}

static int experiments_list_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct list_options *self = filled;
	const struct spec_options options = {.kinds = session->kinds, .namespace = self->asked.namespace, .model_pipelines = true};
	struct experiment_list list = {.arena = session->arena};
	const char **paths = ARENA_ARRAY(session->arena, const char *, self->asked.files.count + 1);
	struct error error = {0};
	struct spec spec;
	struct buffer out;
	(void)arguments, (void)count;
	if (self->asked.files.count == 0)
		return rollouts_list(session, self);
	for (size_t i = 0; paths && i < self->asked.files.count; i++)
		paths[i] = self->asked.files.items[i].text;
	if (!paths || !spec_open(&spec, &error)) {
		error_memory(&error, ERROR_SYSTEM, "reading files");
		return command_failed(session, &error);
	}
	bool good = spec_read(&spec, paths, self->asked.files.count, &options, &error);
	int code = EXIT_FAULTS;
	buffer_open(&out, OUT_BYTES_MAX);
	if (good && faults_count(spec.faults, SEVERITY_ERROR) > 0) {
		code = command_faults_only(session, spec.faults);
		buffer_close(&out);
	} else if (good && (list_gather(&list, &spec) || error_memory(&error, ERROR_SYSTEM, "listing experiments"))) {
		if (self->form == OUTPUT_JSON)
			list_print_json(&list, &out);
		else
			list_print(&list, &out);
		code = command_write(session, &out);
	} else {
		buffer_close(&out);
		code = command_refused(session, &command_experiments_list, &error);
	}
	spec_close(&spec);
	return code;
}

/* ---- status ---- */

struct status_options {
	struct experiment_asked asked;
	bool watch;
	int form;
};

static const struct option status_options[] = {
	EXPERIMENT_ROWS_OF(struct status_options, asked),
	ROW("watch", FLAG, struct status_options, watch,
	    .help = "Of a rollout: prints it again after each look of the keeper, until it has ended."),
	COMMAND_FORM(status_options, form, "text json"),
	{.type = OPTION_END},
};

/* The share of a variant in the last epoch; NaN: not known. */
static double share_now(const struct joined *joined, size_t arm)
{
	return joined->epoch_count > 0 && !joined->adaptive ? joined->epochs[joined->epoch_count - 1].shares[arm] : (double)NAN;
}

static const char *split_word(const struct report_split *split)
{
	return !split->tested ? "not tested" : split->mismatch ? "mismatch" : "as planned";
}

static void status_print(const struct report *report, struct arena *arena, struct buffer *out)
{
	const struct joined *joined = report->joined;
	char last[MOMENT_BYTES];
	moment_print(joined->last_ms, last);
	buffer_print(out, "%s: %zu epoch%s, last exposure %s, split %s\n", report->options->experiment, joined->epoch_count,
		     joined->epoch_count == 1 ? "" : "s", last, split_word(&report->split));
	for (size_t arm = 0; arm < joined->arms; arm++) {
		buffer_print(out, "  %-24s %10llu units", text_shown(joined->arm_names[arm], arena),
			     (unsigned long long)joined->arm_units[arm]);
		if (isfinite(share_now(joined, arm)))
			buffer_print(out, ", %.4g%%", PERCENT * share_now(joined, arm));
		if (report->metric_count > 0)
			buffer_print(out, ", %llu with %s", (unsigned long long)report->metrics[0].analysis.arms[arm].units,
				     text_shown(report->metrics[0].name, arena));
		buffer_string(out, arm == report->control ? " (control)\n" : "\n");
	}
	buffer_print(out, "  feedback %llu: late %llu, unknown %llu, doubled %llu\n", (unsigned long long)joined->counts.feedback,
		     (unsigned long long)joined->counts.late, (unsigned long long)joined->counts.unknown,
		     (unsigned long long)joined->counts.doubled);
	buffer_print(out, "%s\n", text_shown(text_of(report->recommendation.sentence), arena));
}

static void status_print_json(const struct report *report, struct buffer *out)
{
	const struct joined *joined = report->joined;
	json_write_member(out, "{", "experiment", text_of(report->options->experiment));
	json_write_member(out, ", ", "split", text_of(split_word(&report->split)));
	json_write_member(out, ", ", "decision", text_of(report_decision_name(report->recommendation.decision)));
	json_write_member(out, ", ", "recommendation", text_of(report->recommendation.sentence));
	buffer_print(out, ", \"epochs\": %zu, \"last_ms\": %lld, \"exposures\": %llu, \"feedback\": %llu, \"late\": %llu, ",
		     joined->epoch_count, (long long)joined->last_ms, (unsigned long long)joined->counts.exposures,
		     (unsigned long long)joined->counts.feedback, (unsigned long long)joined->counts.late);
	buffer_print(out, "\"unknown\": %llu, \"doubled\": %llu, \"variants\": [", (unsigned long long)joined->counts.unknown,
		     (unsigned long long)joined->counts.doubled);
	for (size_t arm = 0; arm < joined->arms; arm++) {
		json_write_member(out, arm > 0 ? ", {" : "{", "name", joined->arm_names[arm]);
		buffer_print(out, ", \"units\": %llu, \"share\": ", (unsigned long long)joined->arm_units[arm]);
		if (isfinite(share_now(joined, arm)))
			json_write_double(out, share_now(joined, arm));
		else
			buffer_string(out, "null");
		buffer_print(out, ", \"control\": %s}", arm == report->control ? "true" : "false");
	}
	buffer_string(out, "]}\n");
}

static bool status_make(struct session *session, const struct status_options *self, const char *name, struct arena *arena,
			struct buffer *out, struct error *error)
{
	struct report_options options = {.experiment = name, .alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL};
	struct experiment_data data;
	struct report report;
	bool good = experiment_data_open(session, name, &self->asked, arena, &data, error);
	if (good)
		experiment_data_defaults(&data, &options);
	good = good && report_make(&data.joined, &options, arena, &report, error);
	if (good && self->form == OUTPUT_JSON)
		status_print_json(&report, out);
	else if (good)
		status_print(&report, arena, out);
	experiment_data_close(&data);
	return good;
}

static int experiments_status_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct status_options *self = filled;
	const struct experiment_asked *asked = &self->asked;
	struct error error = {0};
	struct buffer out;
	(void)count;
	if (asked->door.files.count == 0 && asked->exposures.count == 0 && asked->pipelines.count == 0)
		return rollout_view_run(session, &command_experiments_status, &asked->door, arguments[0], self->watch);
	struct arena *arena = arena_open(ARENA_BYTES);
	buffer_open(&out, OUT_BYTES_MAX);
	const bool good = (arena || error_memory(&error, ERROR_SYSTEM, "reading an experiment")) &&
			  status_make(session, self, arguments[0], arena, &out, &error);
	arena_close(arena);
	if (good)
		return command_write(session, &out);
	buffer_close(&out);
	return command_refused(session, &command_experiments_status, &error);
}

const struct command command_experiments_list = {
	.name = "experiments list",
	.summary = "Lists the experiments of files, or the rollouts of a namespace.",
	.help = "Lists each experiment that a pipeline of the files has, by name or inline, and those that are called by their own "
		"name: what the choice depends on, the pipelines, and the share of each variant. Without files it lists the "
		"rollouts of a "
		"namespace, and how far each is.\n"
		"\n"
		"  sluice experiments list -f pipelines/\n"
		"  sluice experiments list --brokers localhost:9092\n",
	.options = list_options,
	.options_size = sizeof(struct list_options),
	.group = "run",
	.run = experiments_list_run,
};

const struct command command_experiments_status = {
	.name = "experiments status",
	.arguments = "EXPERIMENT",
	.summary = "Shows how an experiment stands.",
	.help = "Shows the rollout that a keeper runs (`sluice run --control`): its phase and stage, the share, calls and errors "
		"of each choice since the weights last moved, and the last move.\n"
		"\n"
		"With -f, --exposures or --pipeline it reads exposures and feedback as `sluice experiments analyze` does, and "
		"shows the units and the present share of each variant, whether the split is as planned, the feedback that "
		"came, and the recommendation in one sentence.\n"
		"\n"
		"  sluice experiments status checkout --watch --brokers localhost:9092\n"
		"  sluice experiments status checkout -f pipelines/ --brokers localhost:9092\n",
	.options = status_options,
	.options_size = sizeof(struct status_options),
	.group = "run",
	.run = experiments_status_run,
};
