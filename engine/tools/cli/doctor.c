/* doctor.c: `sluice doctor`: checks everything that an engine depends on, and prints advice. */
#include "tools/cli/command.h"
#include "tools/client/doctor_machine.h"
#include "tools/client/doctor_services.h"
#include "engine/setup/process_memory.h"

#define FINDINGS_BYTES_MAX ((size_t)1 << 20)

struct doctor_options {
	const char *namespace;
	struct kafka_asked kafka;
	struct name_list servers;
	int64_t workers;
	double memory_bytes;
	const char *state_folder;
	double state_bytes;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(doctor_options, namespace),
	KAFKA_ROWS(struct doctor_options, kafka),
	ROW("server", NAMES, struct doctor_options, servers, .word = "NAME=URL",
	    .help = "The address of the server or model of that name. Given several times for one name: its replicas."),
	ROW("workers", INTEGER, struct doctor_options, workers, .word = "N", .fallback = "1", .least = 1, .most = 256,
	    .help = "The value for `sluice run`."),
	MEMORY_ROW(struct doctor_options, memory_bytes, "As for `sluice run`."),
	ROW("state", TEXT, struct doctor_options, state_folder, .word = "DIR", .help = "The value for `sluice run`."),
	ROW("state-memory", QUANTITY, struct doctor_options, state_bytes, .word = "SIZE", .fallback = "1Gi",
	    .help = "The value for `sluice run`."),
	COMMAND_FORM(doctor_options, form, "text json"),
	{.type = OPTION_END},
};

struct doctor {
	struct session *session;
	const struct doctor_options *options;
	struct findings findings;
	struct revision *revision; /* NULL: no files were given */
};

static void files_examine(struct doctor *doctor, const char *const *paths, size_t count)
{
	const struct doctor_options *self = doctor->options;
	struct revision_options files = {.paths = paths,
					 .path_count = count,
					 .namespace = self->namespace,
					 .servers = self->servers,
					 .secrets = self->kafka.secrets,
					 .insecure = true,
					 .names_only = true};
	struct error error = {0};
	if (count == 0)
		return;
	doctor->revision = revision_open_in_workspace(command_workspace(doctor->session), &files, &error);
	if (doctor->revision)
		findings_add(&doctor->findings, GRADE_GOOD, "files", NULL, "%zu pipeline%s", doctor->revision->plan.count,
			     doctor->revision->plan.count == 1 ? "" : "s");
	else if (error.place.line > 0)
		findings_add(&doctor->findings, GRADE_FAULT, "files", NULL, "%s:%d:%d: %s", error.place.file, error.place.line,
			     error.place.column, error.text);
	else if (error.kind != ERROR_NONE)
		findings_add(&doctor->findings, GRADE_FAULT, "files", NULL, "%s", error.text);
	else
		findings_add(&doctor->findings, GRADE_FAULT, "files", "See above; `sluice lint` shows them too.",
			     "they have faults");
}

static int doctor_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct doctor_options *self = filled;
	struct doctor doctor = {.session = session, .options = self, .findings = {.arena = session->arena}};
	const struct machine_needs needs = {.workers = (size_t)self->workers,
					    .memory_bytes =
						    (double)memory_choose((size_t)self->memory_bytes, memory_cgroup_limit(""), 1),
					    .state_folder = self->state_folder,
					    .state_bytes = self->state_bytes};
	int misuse = command_servers_misused(session, &self->servers);
	if (misuse)
		return misuse;
	files_examine(&doctor, arguments, count);
	services_examine(&self->kafka, doctor.revision, &doctor.findings);
	machine_examine(&needs, &doctor.findings);
	struct buffer out;
	buffer_open(&out, FINDINGS_BYTES_MAX);
	findings_print(&doctor.findings, self->form == OUTPUT_JSON, session->colour, &out);
	int code = command_write(session, &out);
	if (doctor.findings.failed || findings_count(&doctor.findings, GRADE_FAULT) > 0)
		code = EXIT_FAULTS;
	revision_close(doctor.revision);
	return code;
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[FILE]...",
	.summary = "Checks everything that an engine needs, and says what to do.",
	.help = "Checks brokers, rights, topics, groups, the schema registry, models, librdkafka, limits, memory, clock and "
		"disk, as `sluice run` with these options would use them. It changes nothing. A fault prevents an engine from "
		"running; a warning does not. Without files it checks only the brokers and the machine.\n"
		"\n"
		"  sluice doctor -f runtime.yaml -f pipelines/ --state /var/lib/sluice\n"
		"  sluice doctor --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct doctor_options),
	.group = "look",
	.run = doctor_run,
};
