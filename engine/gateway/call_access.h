/* call_access.h: Access check of one call of a gateway, the same for all protocols: from the headers of the call and
 * what it asks for, to a verdict.
 *
 * A front end passes in how its headers are found. To be called before anything is produced.
 */
#ifndef SLUICE_GATEWAY_CALL_ACCESS_H
#define SLUICE_GATEWAY_CALL_ACCESS_H

#include "gateway/access.h"
#include "gateway/call_setup.h"

struct call_credentials { /* of one call, borrowed */
	/* Value of the header's first line (`place` 0), its second, and so on; bytes NULL: there are no more. */
	struct text (*header)(const void *context, const char *name, size_t place);
	const void *context;
	const struct sockaddr_storage *peer;
	struct text certificate; /* as in struct access_request */
};

/* What a call asks for: the target that call_target_find() finds. Of a name that it does not find, a pipeline or a
 * model of that name. */
struct access_resource call_resource(const struct call_source *source, const struct call_name *asked);

/* Checks a call. `access` NULL: everybody may do everything. Besides the statuses of access_check(): 400 for a
 * credential that is sent twice, and 500 if memory ran out. Several lines of X-Forwarded-For are one list, joined in
 * the arena. */
void call_access_check(struct access *access, const struct call_credentials *credentials, enum access_verb verb,
		       struct access_resource resource, struct arena *arena, struct access_answer *answer);

#endif
