/* schema.c: `sluice schema`: the schema of each kind of YAML, for editors, and those of the records in topics. */
#include "compiler/resources/schema.h"

#include "tools/cli/command.h"
#include "message/avro/schemas.h"

#define SCHEMA_BYTES_MAX ((size_t)8 << 20)

struct schema_options {
	int form; /* JSON either way */
};

static const struct option options[] = {
	COMMAND_FORM(schema_options, form, "text json"),
	{.type = OPTION_END},
};

static int schema_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	(void)filled;
	struct error error = {0};
	const char *record = count > 0 ? schema_json(arguments[0]) : NULL;
	const struct resource_kind *found = count > 0 && !record ? resource_kind_find(arguments[0], &error) : NULL;
	if (count > 0 && !record && !found)
		return command_refused(session, &error);
	struct buffer out;
	buffer_open(&out, SCHEMA_BYTES_MAX);
	if (record)
		buffer_string(&out, record);
	else if (found)
		schema_print(found, session->kinds, &out);
	else
		schema_print_all(session->kinds, &out);
	return command_write(session, &out);
}

const struct command command_schema = {
	.name = "schema",
	.arguments = "[KIND|RECORD]",
	.summary = "Prints the JSON Schema of resources, or the Avro schema of a record.",
	.help = "Editors use it to complete and check YAML. It checks each value alone; `sluice lint` checks the rest.\n\n"
		"  sluice schema > sluice.schema.json\n"
		"  sluice schema Pipeline\n"
		"  sluice schema exposure > exposure.avsc\n\n"
		"Records are `request`, `response`, `error`, `exposure`, `feedback`, `outcome`, `policy`, `drift_score`, "
		"`alert`, `explanation`, `importance`, and others of which schemas/README.md names the topics.",
	.options = options,
	.options_size = sizeof(struct schema_options),
	.group = "write",
	.run = schema_run,
};
