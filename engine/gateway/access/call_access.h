/* call_access.h: Access check of one call of a gateway, for all protocols: authenticates the caller by the headers of
 * the call, and authorizes the call's target.
 *
 * A front end passes in a function that reads the headers. To be called before anything is produced.
 */
#pragma once

#include "gateway/access/access.h"
#include "gateway/calls/call_setup.h"

#define CALL_SUBJECT_BYTES_MAX 1024 /* of the names in a certificate; a longer one is not accepted */

struct call_credentials { /* of one call, borrowed */
	/* Value of the header's first line (`place` 0), its second, and so on; bytes NULL: it has no more lines. */
	struct text (*header)(const void *context, enum header_name name, size_t place);
	const void *context;
	const struct sockaddr_storage *peer;
	struct tls_peer certificate; /* as in struct access_request */
};

/* The resource of a call: the target that call_target_find() finds. If there is no such target, a pipeline or a model
 * of the name in the request. */
struct access_resource call_resource(const struct call_source *source, const struct call_name *asked);

/* The identity of the caller of a call that was allowed. All zeros: it is anonymous, or `access` is NULL. False: the caller
 * cannot be recognised again. */
bool call_access_identify(struct access *access, const struct call_credentials *credentials, struct access_identity *identity);

/* The same of any caller (access_identify_any()); `access` is not NULL. Lines of X-Forwarded-For are joined in the arena. */
struct access_identity call_access_identify_any(struct access *access, const struct call_credentials *credentials,
						struct arena *arena);

/* Value of EXPLAIN_CALLER_HEADER for that caller, in the arena. Empty: it is anonymous, or cannot be recognised, or `access` is
 * NULL. */
struct text call_access_caller(struct access *access, const struct call_credentials *credentials, struct arena *arena);

/* Checks a call before its message comes, as access_admit(). The answer is that of call_access_check(). */
void call_access_admit(struct access *access, const struct call_credentials *credentials, enum access_verb verb,
		       const struct access_resource *resource, struct arena *arena, struct access_answer *answer);

/* Checks a call. `access` NULL: everybody may do everything. Statuses in addition to those of access_check(): 400 for
 * a credential that is sent twice, and 500 if memory ran out. Several lines of X-Forwarded-For are one list, joined
 * in the arena. */
void call_access_check(struct access *access, const struct call_credentials *credentials, enum access_verb verb,
		       struct access_resource resource, struct arena *arena, struct access_answer *answer);
