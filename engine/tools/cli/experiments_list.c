/* experiments_list.c: `sluice experiments list`: the experiments of files, or the rollouts of a namespace. */
#include "base/clock.h"
#include "tools/cli/command.h"
#include "tools/client/control/control_session.h"
#include "tools/client/data/experiment_data.h"
#include "tools/client/kafka.h"
#include "tools/client/data/policy_topics.h"
#include "compiler/plan/plan.h"
#include "tools/view/report/experiment_list.h"
#include "tools/view/report/rollout_view.h"
#include "tools/view/report/traffic_view.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)

struct list_options {
	struct pipeline_target_asked asked;
	int form;
};

static const struct option list_options[] = {
	ROW("file", NAMES, struct list_options, asked.files, .letter = 'f',
	    .help = "A file or folder of YAML with experiments, and the pipelines that have them. Without it the rollouts are "
		    "listed that a keeper runs, and the Experiments without stages and SeldonDeployments whose traffic is shared."),
	PIPELINE_TARGET_ROWS(struct list_options, asked),
	COMMAND_FORM(list_options, form, "text json"),
	{.type = OPTION_END},
};

/* Rollouts, and experiments without stages. */
static void experiments_print(struct session *session, const struct control_session *control,
			      const struct published_policies *policies, struct buffer *out)
{
	const struct document_checker checker = {.kinds = session->kinds, .namespace = control->config.namespace};
	const struct ledger *ledger = applier_ledger(control->applier);
	const bool json = session->form == OUTPUT_JSON;
	const struct traffic_view view = {ledger, NULL, &checker, session->arena, json, policies, time_of_day_ms()};
	const size_t count = rollouts_view_print(ledger, json, session->arena, out) + traffic_views_print(&view, out);
	if (count == 0 && !json)
		buffer_string(out, "no rollouts\n");
}

/* Those of the control plane. */
static int rollouts_list(struct session *session, const struct list_options *self)
{
	struct control_session control = {0};
	struct error error = {0};
	struct buffer out;
	int code;
	struct published_policies policies;
	if (control_session_open(command_workspace(session), &self->asked, &control, &error) &&
	    policy_topics_read(command_workspace(session), &control, NULL, session->arena, &policies, &error)) {
		buffer_open(&out, OUT_BYTES_MAX);
		experiments_print(session, &control, &policies, &out);
		code = command_write(session, &out);
	} else {
		code = command_refused(session, &error);
	}
	control_session_close(&control);
	return code;
}

/* Whether there are pipelines of their names may depend on what the engines were given. */
static void pipelines_note(struct session *session, const struct spec *spec)
{
	const struct resource *pipeline;
	for (size_t at = 0; (pipeline = spec_next(spec, RESOURCE_PIPELINE, &at));) {
		const char *model = plan_model_of_servers(spec, pipeline, session->arena);
		if (model)
			command_note(session, PLAN_MODEL_OF_SERVERS_WORDS, pipeline->name.text, model, model, model);
	}
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
	} else if (good && (experiment_list_read(&list, &spec) || error_memory(&error, ERROR_SYSTEM, "listing experiments"))) {
		if (self->form == OUTPUT_JSON)
			experiment_list_print_json(&list, &out);
		else
			experiment_list_print(&list, &out);
		code = command_write(session, &out);
		pipelines_note(session, &spec);
	} else {
		buffer_close(&out);
		code = command_refused(session, &error);
	}
	spec_close(&spec);
	return code;
}

const struct command command_experiments_list = {
	.name = "experiments list",
	.summary = "Lists the experiments of files, or the rollouts of a namespace.",
	.help = "Lists each experiment that a pipeline of the files has, by name or inline, and those that are called by their own "
		"name: what the choice depends on, the pipelines, and the share of each variant. Without files it lists the "
		"rollouts of a namespace, and how far each is.\n"
		"\n"
		"  sluice experiments list -f pipelines/\n"
		"  sluice experiments list --brokers localhost:9092\n",
	.options = list_options,
	.options_size = sizeof(struct list_options),
	.group = "run",
	.run = experiments_list_run,
};
