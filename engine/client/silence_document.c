/* silence_document.c: Silence of an alert as a document: YAML that is proposed, or written as a file. */
#include "client/silence_document.h"

#include "base/clock.h"
#include "message/json_write.h"

static void yaml_member(struct buffer *out, const char *name, const char *value)
{
	buffer_print(out, "  %s: ", name);
	json_write_string(out, text_of(value)); /* which is YAML too */
	buffer_byte(out, '\n');
}

bool silence_document_make(struct silence_document *document, const struct silence_asked *self, struct arena *arena,
			   struct error *error)
{
	const char *author = control_author_name(self->author, arena);
	buffer_open(&document->text, SILENCE_BYTES_MAX);
	const char *full = arena_print(arena, "%s%s%s%s%s", self->pipeline ? self->pipeline : "", self->pipeline ? "-" : "",
				       self->alert, self->group ? "-" : "", self->group ? self->group : "");
	if (!author || !full)
		return error_memory(error, ERROR_SYSTEM, "making a silence");
	resource_name_make(full, document->name);
	moment_print(time_of_day_ms() + self->for_ns / NS_PER_MS + MS_PER_S - 1, document->until); /* of a begun second, its end */
	buffer_print(&document->text, "apiVersion: %s\nkind: Silence\nmetadata: {name: %s}\nspec:\n", SLUICE_KINDS,
		     document->name[0] ? document->name : "silence");
	yaml_member(&document->text, "alert", self->alert);
	if (self->pipeline)
		yaml_member(&document->text, "pipeline", self->pipeline);
	if (self->group)
		yaml_member(&document->text, "group", self->group);
	yaml_member(&document->text, "until", document->until);
	yaml_member(&document->text, "reason", self->author->reason);
	yaml_member(&document->text, "author", author);
	return !buffer_failed(&document->text) ||
	       error_set(error, ERROR_LIMIT, PLACE_NONE, "the silence has more than %zu KiB; shorten its reason",
			 SILENCE_BYTES_MAX >> 10);
}
