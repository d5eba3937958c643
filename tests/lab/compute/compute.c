/* compute.c: `sluice compute`: numeric methods, run on cases from a file, for comparison with other implementations. */
#include "tools/cli/command.h"
#include "compute/compute_cases.h"

#define LIST_BYTES_MAX ((size_t)1 << 20)

struct compute_options {
	bool list;
	int form;
};

static const struct option options[] = {
	ROW("list", FLAG, struct compute_options, list, .help = "Lists the families and their methods, with definitions."),
	{.name = "format",
	 .letter = 'o',
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct compute_options, form),
	 .choices = "text json",
	 .fallback = "text",
	 .help = "The format of the list. Results are always JSON, one in each line."},
	{.type = OPTION_END},
};

static int families_list(struct session *session, const struct compute_family *only, enum output_form form)
{
	struct buffer out;
	buffer_open(&out, LIST_BYTES_MAX);
	compute_families_print(only, form == OUTPUT_JSON, &out);
	return command_write(session, &out);
}

static int compute_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct compute_options *self = filled;
	struct error error = {0};
	struct text nearest = {0};
	const struct compute_family *family = count > 0 ? compute_family_find(arguments[0], &nearest) : NULL;
	if (nearest.bytes)
		return command_misuse(session, "no family is called `%s`; did you mean `" TEXT_FORMAT "`?",
				      arguments[0], TEXT_ARGUMENTS(nearest));
	if (count > 0 && !family)
		return command_misuse(session, "no family is called `%s`; `sluice compute --list` lists them", arguments[0]);
	if (self->list)
		return families_list(session, family, (enum output_form)self->form);
	if (!family)
		return command_misuse(session, "the family is missing; `sluice compute --list` lists them");
	struct compute_cases cases = {.workspace = command_workspace(session),
				      .family = family,
				      .file = count > 1 ? arguments[1] : "-",
				      .out = session->out};
	if (!compute_cases_run(&cases, &error))
		return command_refused(session, &error);
	return cases.failed == 0 ? EXIT_GOOD : EXIT_FAULTS;
}

const struct command command_compute = {
	.name = "compute",
	.arguments = "[FAMILY] [FILE]",
	.summary = "Runs numeric methods on cases from a file, to check their results.",
	.help = "A file has cases with `name`, `input` and `params`: as a list under `cases`, or one in each line. Without a "
		"file, or with `-`, they come from standard input. For each case one line is written: "
		"`{\"name\":...,\"result\":{...}}`. A case that fails has no line: its error is on standard error. A line that is "
		"not JSON is reported by its number. A misspelt parameter is an error too; `--list` "
		"prints the parameters. The other cases still run, and the exit code is 1.\n\n"
		"  sluice compute --list\n"
		"  echo '{\"name\": \"five\", \"input\": {\"x\": [3, 1, 4, 1, 5]}, \"params\": {\"q\": [0.5]}}' |\n"
		"      sluice compute sketches\n",
	.options = options,
	.options_size = sizeof(struct compute_options),
	.group = "look",
	.run = compute_run,
};
