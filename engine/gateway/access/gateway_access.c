/* gateway_access.c: see gateway_access.h. */
#include "gateway/access/gateway_access.h"

#include "base/number/duration.h"

#define ARENA_BYTES ((size_t)1 << 20) /* of a command line */

/* ---- options ---- */

static const char **texts_of(const struct name_list *names, struct arena *arena)
{
	const char **texts = ARENA_ARRAY(arena, const char *, names->count + 1);
	for (size_t i = 0; texts && i < names->count; i++)
		texts[i] = names->items[i].text;
	return texts;
}

static bool algorithms_read(const struct name_list *names, unsigned *algorithms, struct error *error)
{
	*algorithms = names->count == 0 ? JWT_EVERY_ALGORITHM : 0;
	for (size_t i = 0; i < names->count; i++) {
		enum jwt_algorithm algorithm = jwt_algorithm_find(text_of(names->items[i].text));
		if (algorithm == JWT_ALGORITHMS)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "`--algorithm %s` is none that a public key verifies; take some of " JWT_ALGORITHM_WORDS,
					 names->items[i].text);
		*algorithms |= 1u << algorithm;
	}
	return true;
}

static bool proxies_read(const struct name_list *names, struct access_settings *settings, struct arena *arena, struct error *error)
{
	struct network *proxies = ARENA_ARRAY(arena, struct network, names->count + 1);
	if (!proxies)
		return error_memory(error, ERROR_SYSTEM, "reading proxies");
	for (size_t i = 0; i < names->count; i++)
		if (!network_read(text_of(names->items[i].text), &proxies[i]))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "`--proxy %s` is neither an address nor a network; write 10.0.0.1, or 10.0.0.0/8 with no "
					 "bits set after the first 8",
					 names->items[i].text);
	settings->proxies = proxies;
	settings->proxy_count = names->count;
	return true;
}

static bool tokens_read(const struct gateway_access_asked *asked, struct jwt_rules *tokens, struct arena *arena,
			struct error *error)
{
	tokens->audiences = texts_of(&asked->audiences, arena);
	tokens->audience_count = asked->audiences.count;
	tokens->issuers = texts_of(&asked->issuers, arena);
	tokens->issuer_count = asked->issuers.count;
	tokens->skew_ms = asked->skew_ns / NS_PER_MS;
	if (!tokens->audiences || !tokens->issuers)
		return error_memory(error, ERROR_SYSTEM, "reading the rules of tokens");
	return (tokens->skew_ms <= JWT_SKEW_MS_MAX ||
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "`--clock-skew` is more than 5 minutes: tokens would be taken that expired long ago; lower it")) &&
	       algorithms_read(&asked->algorithms, &tokens->algorithms, error);
}

/* Checks for options that have no effect without another one. */
static bool options_fit(const struct gateway_access_asked *asked, const struct access_settings *settings, struct error *error)
{
	bool rules = asked->audiences.count > 0 || asked->issuers.count > 0 || asked->algorithms.count > 0;
	if ((rules || asked->key_set_authorities) && !settings->key_set)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "there are rules for tokens, and nothing says which keys sign them; add `--jwks`");
	return asked->rate_burst == 0 || asked->rate_per_second > 0 ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "`--burst` without `--rate` limits nothing; add `--rate`");
}

static void on_note(void *context, enum log_level level, const char *line)
{
	if (level >= LOG_LEVEL_WARN)
		workspace_warn(context, "%s", line);
	else
		workspace_note(context, "%s", line);
}

bool gateway_access_open(struct gateway_access *access, const struct gateway_access_asked *asked,
			 const struct listening_asked *listening, const struct protection *protection,
			 const struct workspace *workspace, struct error *error)
{
	struct error lacking = {0};
	struct access_settings *settings = &access->settings;
	struct arena *arena = arena_open(ARENA_BYTES);
	*access = (struct gateway_access){.arena = arena,
					  .key_set_tls = {.authorities = asked->key_set_authorities},
					  .settings = {.key_set = asked->key_set,
						       .api_keys = asked->api_keys,
						       .policies = asked->policies,
						       .certificates = listening->files.authorities != NULL,
						       .rate_per_second = asked->rate_per_second,
						       .rate_burst = asked->rate_burst,
						       .note = on_note,
						       .context = (void *)workspace}};
	if (!arena)
		return error_memory(error, ERROR_SYSTEM, "reading who may call");
	if (!tokens_read(asked, &settings->tokens, arena, error) || !proxies_read(&asked->proxies, settings, arena, error))
		return false;
	if (!access_settings_complete(settings, protection, listening->files.certificate != NULL, &lacking)) {
		if (!listening->insecure) {
			*error = lacking;
			return false;
		}
		workspace_note(workspace, "--insecure-ignore-security: %s", lacking.text);
	}
	if (settings->key_set && !(settings->key_set = arena_copy(arena, settings->key_set, strlen(settings->key_set))))
		return error_memory(error, ERROR_SYSTEM, "reading who may call");
	settings->key_set_tls = asked->key_set_authorities ? &access->key_set_tls : NULL;
	access->asks = access_settings_ask(settings);
	access->wanted = access->asks || settings->rate_per_second > 0 ? settings : NULL;
	return options_fit(asked, settings, error);
}

void gateway_access_close(struct gateway_access *access)
{
	arena_close(access->arena);
	*access = (struct gateway_access){0};
}

/* ---- comparison and checks ---- */

static bool texts_equal(const char *one, const char *other)
{
	return one == other || (one && other && strcmp(one, other) == 0);
}

/* The options cannot change while the command runs. Among the settings, only this one comes from the files. */
bool gateway_access_equal(const struct gateway_access *access, const struct gateway_access *other)
{
	return texts_equal(access->settings.key_set, other->settings.key_set);
}

bool gateway_access_check_host(const struct gateway_access *access, const struct listening_asked *listening, struct error *error)
{
	return access->asks || listening_check_host(listening, "callers are not authenticated",
						    "name --jwks, --api-keys, or --authorities of their certificates", error);
}
