/* access_settings.c: see access_settings.h. */
#include "gateway/access_settings.h"

bool access_settings_ask(const struct access_settings *settings)
{
	return settings->key_set || settings->api_keys || settings->policies || settings->certificates;
}

bool access_settings_complete(struct access_settings *settings, const struct runtime_spec *runtime, bool has_tls,
			      struct error *error)
{
	bool needs_tokens = security_part_is_wanted(&runtime->authentication);
	if (!settings->key_set && needs_tokens)
		settings->key_set = runtime->authentication.file;
	if (needs_tokens && !settings->key_set)
		return error_set(error, ERROR_CONFIG, runtime->authentication.here,
				 "callers are to show tokens, and nothing says which keys sign them; set jwksUri");
	if (security_part_is_wanted(&runtime->authorization) && !settings->policies)
		return error_set(error, ERROR_CONFIG, runtime->authorization.here,
				 "policies are to say who may call what, and ConfigMap `%s` cannot be read here; name their file",
				 runtime->authorization.file ? runtime->authorization.file : "policies");
	if (security_part_is_wanted(&runtime->encryption) && !has_tls)
		return error_set(error, ERROR_CONFIG, runtime->encryption.here,
				 "connections are to be encrypted, and there is no certificate; name one, and its key");
	if (settings->tokens.algorithms == 0) {
		settings->tokens.algorithms = JWT_EVERY_ALGORITHM;
		settings->tokens.skew_ms = settings->tokens.skew_ms > 0 ? settings->tokens.skew_ms : JWT_SKEW_MS_DEFAULT;
	}
	return true;
}
