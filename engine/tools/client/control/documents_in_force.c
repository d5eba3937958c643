/* documents_in_force.c: see documents_in_force.h. */
#include "tools/client/control/documents_in_force.h"

const struct spec_document *documents_in_force(const struct ledger *ledger, struct arena *arena, size_t *count)
{
	const struct ledger_resource *resource;
	size_t all = 0;
	*count = 0;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		all++;
	}
	struct spec_document *documents = ARENA_ARRAY(arena, struct spec_document, all + 1);
	LIST_EACH_RESOURCE(ledger, resource)
	{
		const struct ledger_version *version = ledger_in_force(ledger, resource);
		const char *name = arena_print(arena, TEXT_FORMAT "/" TEXT_FORMAT, TEXT_ARGUMENTS(resource->kind),
					       TEXT_ARGUMENTS(resource->name));
		if (!documents || !name)
			return NULL;
		if (version && version->record.action == CONTROL_APPLY)
			documents[(*count)++] = (struct spec_document){.file = name, .text = version->record.document};
	}
	return documents;
}
