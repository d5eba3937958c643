/* experiments_rollout.c: `sluice experiments rollout`: the stages of an experiment's rollout, and what each must show. */
#include "base/suggest.h"
#include "tools/cli/command.h"
#include "tools/client/data/experiments_rehearsal.h"
#include "compiler/resources/experiment_walk.h"
#include "tools/view/report/rollout_plan_view.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)

struct explain_rollout {
	struct experiment_asked asked;
	bool dry_run;
	int form;
};

static const struct option rollout_options[] = {
	ROW("dry-run", FLAG, struct explain_rollout, dry_run,
	    .help = "Shows what the rollout would have done with the requests that the topics have. All options but -f, -n and -o "
		    "are for this."),
	EXPERIMENT_YAML_ROW(struct explain_rollout, asked),
	EXPERIMENT_TOPIC_ROWS(struct explain_rollout, asked),
	COMMAND_FORM(explain_rollout, form, "text json"),
	{.type = OPTION_END},
};

static int experiment_missing(struct session *session, const struct spec *spec, const char *name)
{
	struct suggestion meant = suggest_begin(text_of(name));
	struct error error = {0};
	struct experiment_walk walk = experiment_walk_begin(spec);
	struct experiment_found found;
	while (experiment_walk_next(&walk, session->arena, &found))
		suggest_offer(&meant, text_of(found.name));
	if (meant.nearest.bytes)
		error_set(&error, ERROR_CONFIG, PLACE_NONE, "the files have no experiment `%s`; did you mean `" TEXT_FORMAT "`?",
			  name, TEXT_ARGUMENTS(meant.nearest));
	else
		error_set(&error, ERROR_CONFIG, PLACE_NONE,
			  "the files have no experiment `%s`, and shares of a step or of a SeldonDeployment have no rollout; "
			  "`sluice experiments list -f` lists what they have",
			  name);
	return command_failed(session, &error);
}

static int rollout_explain(struct session *session, const struct explain_rollout *self, const char *name, const struct spec *spec)
{
	struct rollout_plan plan;
	struct error error = {0};
	struct buffer out;
	const struct experiment_spec *experiment = experiment_named(spec, name, session->arena);
	if (!experiment)
		return experiment_missing(session, spec, name);
	if (!rollout_plan_make(experiment, &plan, &error))
		return command_failed(session, &error);
	buffer_open(&out, OUT_BYTES_MAX);
	if (self->form == OUTPUT_JSON)
		rollout_plan_print_json(name, &plan, &out);
	else
		rollout_plan_print(name, &plan, &out);
	return command_write(session, &out);
}

/* What it would have done with the requests of topics. */
static bool rollout_rehearse(struct session *session, const void *filled, const char *name, struct arena *arena, struct buffer *out,
			     struct error *error)
{
	const struct explain_rollout *self = filled;
	return experiments_rehearse(command_workspace(session), name, &self->asked, self->form == OUTPUT_JSON, arena, out, error);
}

/* What else would be given, and not heeded. */
static int asked_check(struct session *session, const struct explain_rollout *self)
{
	const struct experiment_asked *asked = &self->asked;
	if (asked->target.files.count == 0)
		return command_misuse(session, "it needs the experiment's files: -f FILE");
	if (!self->dry_run && (asked->pipelines.count > 0 || asked->since || asked->until || asked->window_ns > 0))
		return command_misuse(session, "--pipeline, --since, --until and --window are for --dry-run");
	return EXIT_GOOD;
}

static int experiments_rollout_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct explain_rollout *self = filled;
	const struct spec_options options = {
		.kinds = session->kinds, .namespace = self->asked.target.namespace, .model_pipelines = true};
	struct error error = {0};
	struct spec spec;
	(void)count;
	int code = asked_check(session, self);
	if (code != EXIT_GOOD || self->dry_run)
		return code == EXIT_GOOD ? command_report(session, rollout_rehearse, self, arguments[0]) : code;
	if (!spec_read_listed(&spec, self->asked.target.files, &options, &error))
		code = command_refused(session, &error);
	else if (faults_count(spec.faults, SEVERITY_ERROR) > 0)
		code = command_faults_only(session, spec.faults);
	else
		code = rollout_explain(session, self, arguments[0], &spec);
	spec_close(&spec);
	return code;
}

const struct command command_experiments_rollout = {
	.name = "experiments rollout",
	.arguments = "EXPERIMENT",
	.summary = "Explains the stages of an experiment's rollout.",
	.help = "Reads `progressiveDeployment`, `promotionPolicy`, `successCriteria` and `onInconclusive`, and shows for each "
		"stage the share of the candidates, how long it lasts, what each candidate must show before the next stage, and "
		"what rolls back. For a limit of errors or latency it also shows how many requests are needed at least to "
		"establish it; for a promotionThreshold, how often it alone promotes a candidate that is equal to the default.\n"
		"\n"
		"  sluice experiments rollout checkout -f experiments/\n"
		"  sluice experiments rollout checkout -f experiments/ --dry-run --since 2026-01-31T09:30Z\n"
		"\n"
		"With --dry-run it reads the exposures, answers and feedback of the pipelines that have the experiment, and shows "
		"which moves the rollout would have made, when, and why: as if it had begun with the first of these requests. "
		"Requests are not split again, so each stage is judged with the traffic that its candidates had. The exposures "
		"must have been written (`exposures: full`), or answers carry them (`thin`). It assumes that each approval is "
		"given, and that each webhook confirms.\n",
	.options = rollout_options,
	.options_size = sizeof(struct explain_rollout),
	.group = "run",
	.run = experiments_rollout_run,
};
