/* experiments_list.c: `sluice experiments list` and `status`: which experiments files have, and how one of them stands. */
#include "base/moment.h"
#include "base/quote.h"
#include "cli/command.h"
#include "client/control_session.h"
#include "client/experiment_data.h"
#include "client/kafka.h"
#include "message/json_write.h"
#include "plan/graph.h"
#include "view/rollout_view.h"

#define ARENA_BYTES ((size_t)32 << 30)
#define OUT_BYTES_MAX ((size_t)64 << 20)
#define PERCENT 100.0

/* ---- list ---- */

struct list_options {
	struct pipeline_target_asked asked;
	int form;
};

static const struct option list_options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct list_options, asked.files),
	 .help = "A file or folder of YAML with experiments, and the pipelines that have them. Without it the rollouts are listed "
		 "that a keeper runs."},
	PIPELINE_TARGET_ROWS(struct list_options, asked),
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
	if (control_session_open(command_workspace(session), &self->asked, &control, &error)) {
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
	struct error error = {0};
	struct spec spec;
	struct buffer out;
	(void)arguments, (void)count;
	if (self->asked.files.count == 0)
		return rollouts_list(session, self);
	bool good = spec_read_listed(&spec, self->asked.files, &options, &error);
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
