/* access_settings.c: see access_settings.h. */
#include "gateway/access/access_settings.h"

bool access_settings_ask(const struct access_settings *settings)
{
	return settings->key_set || settings->api_keys || settings->policies || settings->certificates;
}

bool access_settings_complete(struct access_settings *settings, const struct protection *protection, bool has_tls,
			      struct error *error)
{
	bool needs_tokens = security_part_is_wanted(&protection->authentication);
	if (!settings->key_set && security_part_is_wanted(&protection->other_keys))
		return error_set(
			error, ERROR_CONFIG, protection->other_keys.here,
			"callers are to show tokens by the keys of `%s`, and of `%s` in another document; a gateway has one "
			"set: name the same in both, or one by --jwks",
			protection->other_keys.file, protection->authentication.file);
	if (!settings->key_set && needs_tokens)
		settings->key_set = protection->authentication.file;
	if (needs_tokens && !settings->key_set)
		return error_set(error, ERROR_CONFIG, protection->authentication.here,
				 "callers are to show tokens, and nothing says which keys sign them; set jwksUri");
	if (security_part_is_wanted(&protection->authorization) && !settings->policies)
		return error_set(error, ERROR_CONFIG, protection->authorization.here,
				 "policies are to say who may call what, and ConfigMap `%s` cannot be read here; name their file",
				 protection->authorization.file ? protection->authorization.file : "policies");
	if (security_part_is_wanted(&protection->encryption) && !has_tls)
		return error_set(error, ERROR_CONFIG, protection->encryption.here,
				 "connections are to be encrypted, and there is no certificate; name one, and its key");
	if (settings->tokens.algorithms == 0) {
		settings->tokens.algorithms = JWT_EVERY_ALGORITHM;
		settings->tokens.skew_ms = settings->tokens.skew_ms > 0 ? settings->tokens.skew_ms : JWT_SKEW_MS_DEFAULT;
	}
	return true;
}
