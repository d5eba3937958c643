/* schema.c: `sluice schema`: what each kind of YAML may hold, for editors. */
#include "spec/schema.h"

#include <string.h>

#include "base/suggest.h"
#include "cli/command.h"

#define SCHEMA_BYTES_MAX ((size_t)8 << 20)

extern const struct command command_schema;

static int schema_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	(void)filled;
	const struct resource_kind *found = NULL;
	struct suggestion suggestion = suggest_begin(text_of(count > 0 ? arguments[0] : ""));
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		if (count > 0 && strcmp(kind->name, arguments[0]) == 0)
			found = kind;
		suggest_offer(&suggestion, text_of(kind->name));
	}
	if (count > 0 && !found)
		return command_misuse(session, &command_schema, "there is no kind `%s`%s%s%s", arguments[0],
				      suggestion.nearest.bytes ? "; did you mean `" : "",
				      suggestion.nearest.bytes ? suggestion.nearest.bytes : "",
				      suggestion.nearest.bytes ? "`?" : "");
	struct buffer out;
	buffer_open(&out, SCHEMA_BYTES_MAX);
	if (found)
		schema_print(found, session->kinds, &out);
	else
		schema_print_all(session->kinds, &out);
	return command_write(session, &out);
}

const struct command command_schema = {
	.name = "schema",
	.arguments = "[KIND]",
	.summary = "Prints the JSON Schema of a kind, or of all of them.",
	.help = "Editors complete and check YAML by it. It says what can be said of each value alone; `sluice lint` says the "
		"rest.\n\n"
		"  sluice schema > sluice.schema.json\n  sluice schema Pipeline\n",
	.group = "write",
	.run = schema_run,
};
