/* silence_document.h: Silence of an alert as a document: YAML that is proposed, or written as a file. For `sluice alerts silence`.
 */
#pragma once

#include "base/number/moment.h"
#include "tools/client/control/control_session.h"

#define SILENCE_BYTES_MAX ((size_t)64 << 10)

struct silence_asked {
	const char *alert, *pipeline, *group; /* the last two: NULL: any */
	const struct control_author *author;  /* with a reason */
	int64_t for_ns;			      /* from now */
};

/* A Silence as a document. Another one of the same pipeline, alert and group has the same name, so it replaces this one; one of
 * anything else has another name. */
struct silence_document {
	char name[RESOURCE_NAME_BYTES], until[MOMENT_BYTES];
	struct buffer text; /* closed by the caller, in any case */
};

/* CONFIG or LIMIT: it is too long. */
bool silence_document_make(struct silence_document *document, const struct silence_asked *asked, struct arena *arena,
			   struct error *error);
