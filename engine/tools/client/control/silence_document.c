/* silence_document.c: Silence of an alert as a document: YAML that is proposed, or written as a file. */
#include "tools/client/control/silence_document.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "message/json/json_write.h"

#define TARGET_DIGITS 12					/* hexadecimal ones, of the hash of what is silenced */
#define NAME_LEFT (RESOURCE_NAME_BYTES - 1 - 1 - TARGET_DIGITS) /* before a dash and them */

static void yaml_member(struct buffer *out, const char *name, const char *value)
{
	buffer_print(out, "  %s: ", name);
	json_write_string(out, text_of(value)); /* which is YAML too */
	buffer_byte(out, '\n');
}

static uint64_t part_hash(const char *part, uint64_t before)
{
	const uint8_t is_given = part != NULL;
	return hash_text_next(text_of(part), hash_bytes(&is_given, sizeof is_given, before));
}

/* Whether it ends as a name with the hash of a target does. */
static bool has_hash(const char *name)
{
	const size_t length = strlen(name);
	return length > TARGET_DIGITS && name[length - TARGET_DIGITS - 1] == '-' &&
	       strspn(name + length - TARGET_DIGITS, "0123456789abcdef") == TARGET_DIGITS;
}

/* Only an alert alone, whose name can be that of a resource, is named by it. All else could have the name of another target
 * (pipeline `a` with alert `b`, alert `a-b`, group `b` of alert `a`), which then ends with a hash of all three. */
static bool name_make(const struct silence_asked *self, struct arena *arena, char name[RESOURCE_NAME_BYTES])
{
	const char *full = arena_print(arena, "%s%s%s%s%s", self->pipeline ? self->pipeline : "", self->pipeline ? "-" : "",
				       self->alert, self->group ? "-" : "", self->group ? self->group : "");
	char mended[RESOURCE_NAME_BYTES];
	if (!full)
		return false;
	resource_name_make(full, mended);
	if (!self->pipeline && !self->group && mended[0] && strcmp(mended, full) == 0 && !has_hash(mended)) {
		memcpy(name, mended, sizeof mended);
		return true;
	}
	const uint64_t target = part_hash(self->group, part_hash(self->alert, part_hash(self->pipeline, 0)));
	snprintf(name, RESOURCE_NAME_BYTES, "%.*s-%0*" PRIx64, NAME_LEFT, mended[0] ? mended : "silence", TARGET_DIGITS,
		 target >> (64 - 4 * TARGET_DIGITS));
	return true;
}

bool silence_document_make(struct silence_document *document, const struct silence_asked *self, struct arena *arena,
			   struct error *error)
{
	const char *author = control_author_name(self->author, arena);
	buffer_open(&document->text, SILENCE_BYTES_MAX);
	if (!author || !name_make(self, arena, document->name))
		return error_memory(error, ERROR_SYSTEM, "making a silence");
	moment_print(time_of_day_ms() + self->for_ns / NS_PER_MS + MS_PER_S - 1, document->until); /* of a begun second, its end */
	buffer_print(&document->text, "apiVersion: %s\nkind: Silence\nmetadata: {name: %s}\nspec:\n", SLUICE_KINDS, document->name);
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
