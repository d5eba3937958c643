/* lint.c: `sluice lint`: all faults of YAML files, in one run, without starting anything. */
#include "base/clock.h"
#include "base/file.h"
#include "tools/cli/command.h"
#include "gateway/access/access_policy_check.h"
#include "engine/setup/spec_check.h"
#include "compiler/yaml/fault_codes.h"

#define LINT_BYTES_MAX ((size_t)64 << 20) /* of the output: FAULTS_MAX faults with their lines fit */

struct lint_options {
	const char *kind;
	const char *policies;
	bool strict;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	ROW("kind", TEXT, struct lint_options, kind,
	    .help = "The kind of documents that have none: SeldonDeployment, HealthChecks, Performance, Targets, ..."),
	ROW("policies", TEXT, struct lint_options, policies, .word = "FILE",
	    .help = "The policies of a gateway of these files (`sluice help policies`): warns of entries that match nothing."),
	ROW("strict", FLAG, struct lint_options, strict, .help = "Warnings make the check fail too; notes never do."),
	COMMAND_FORM(lint_options, form, "text json"),
	{.type = OPTION_END},
};

static void print_summary(const struct spec *spec, struct buffer *out)
{
	size_t errors = faults_count(spec->faults, SEVERITY_ERROR), warnings = faults_count(spec->faults, SEVERITY_WARNING);
	size_t count = 0;
	for (size_t i = 0; i < spec->count; i++)
		count += !spec->resources[i]->made_of;
	buffer_print(out, "%zu %s: ", count, count == 1 ? "resource" : "resources");
	if (errors + warnings == 0)
		buffer_string(out, "no faults\n");
	else
		buffer_print(out, "%zu %s, %zu %s\n", errors, errors == 1 ? "error" : "errors", warnings,
			     warnings == 1 ? "warning" : "warnings");
}

static int lint_report(struct session *session, const struct lint_options *self, const struct spec *spec)
{
	struct buffer out;
	buffer_open(&out, LINT_BYTES_MAX);
	if (self->form == OUTPUT_JSON) {
		faults_print_json(spec->faults, &out);
	} else {
		faults_print_text(spec->faults, &out, (struct fault_look){session->colour, session->columns});
		print_summary(spec, &out);
	}
	bool faults = faults_count(spec->faults, SEVERITY_ERROR) > 0 ||
		      (self->strict && faults_count(spec->faults, SEVERITY_WARNING) > 0);
	int code = command_write(session, &out);
	return faults ? EXIT_FAULTS : code;
}

/* ---- policies ---- */

static void on_idle_policy(void *context, struct place place, const char *words)
{
	fault_add(context, CODE_IDLE_POLICY, place, NULL, "%s", words);
}

/* Reads policies, and adds their entries that match nothing to the faults, whose places borrow from them. With errors in the files
 * it is not known what these serve. NULL: `error` has the reason. */
static struct access_policy *policies_check(const struct lint_options *self, const struct session *session, struct spec *spec,
					    struct error *error)
{
	const struct models_metadata none = {0};
	const struct plan_options planning = {.kinds = session->kinds, .metadata = &none, .models_served = true};
	struct plan plan;
	struct text text;
	if (!file_read(self->policies, ACCESS_POLICY_BYTES_MAX + 1, spec->arena, &text, error))
		return NULL;
	struct access_policy *policies = access_policy_read(self->policies, text, error);
	if (!policies || faults_count(spec->faults, SEVERITY_ERROR) > 0)
		return policies;
	if (plan_make(spec, &planning, spec->arena, &plan, error)) {
		faults_know(spec->faults, self->policies, text);
		access_policy_check(policies, &plan, on_idle_policy, spec->faults);
		return policies;
	}
	access_policy_close(policies);
	return NULL;
}

static int lint_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct lint_options *self = filled;
	struct spec spec;
	struct error error = {0};
	if (!spec_open(&spec, &error))
		return command_failed(session, &error);
	/* Policies name the Models and Experiments that a gateway serves by pipelines of their own. */
	const struct spec_options reading = {
		.kinds = session->kinds, .kind = self->kind, .model_pipelines = self->policies != NULL};
	struct access_policy *policies = NULL;
	int code;
	if (spec_read(&spec, arguments, count, &reading, &error) && spec_check(&spec, true, &error) &&
	    (!self->policies || (policies = policies_check(self, session, &spec, &error)))) {
		spec_check_silences(&spec, time_of_day_ms());
		code = lint_report(session, self, &spec);
	} else {
		code = command_refused(session, &error);
	}
	spec_close(&spec);
	access_policy_close(policies);
	return code;
}

const struct command command_lint = {
	.name = "lint",
	.arguments = "FILE...",
	.summary = "Checks YAML files: every fault, with its place and what to do.",
	.help = "A FILE may be a folder (its .yaml and .yml files; if it has none, those of the folders in it) or `-` "
		"(standard input). Errors stop every other command too. Warnings report what sluice does not support yet, and "
		"files that do not exist yet. Notes report what has no effect here. `sluice help CODE` explains a fault.\n\n"
		"  sluice lint pipelines/\n  sluice lint --strict -o json pipeline.yaml\n  sluice lint --kind Targets "
		"targets.yaml\n",
	.options = options,
	.options_size = sizeof(struct lint_options),
	.group = "write",
	.run = lint_run,
};
