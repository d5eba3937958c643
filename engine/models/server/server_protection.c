/* server_protection.c: see server_protection.h. */
#include "models/server/server_protection.h"

#define ANYWAY "--insecure-ignore-security"

bool server_protection_check(const struct protection *protection, const struct tls_files *files, struct error *error)
{
	if (security_part_is_wanted(&protection->encryption) && !files)
		return error_set(error, ERROR_CONFIG, protection->encryption.here,
				 "connections are to be encrypted, and there is no certificate; name one by --certificate, and its "
				 "key by --key, or serve without by " ANYWAY);
	if (security_part_is_wanted(&protection->authentication) && (!files || !files->authorities))
		return error_set(error, ERROR_CONFIG, protection->authentication.here,
				 "callers are to be authenticated, and this server reads no tokens; name --authorities of their "
				 "certificates, or serve everybody by " ANYWAY);
	return !security_part_is_wanted(&protection->authorization) ||
	       error_set(error, ERROR_CONFIG, protection->authorization.here,
			 "policies are to say who may call what, and this server has none; put a gateway in front of it, and serve "
			 "everybody by " ANYWAY " where only the engine can reach it");
}
