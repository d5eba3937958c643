/* access.c: see access.h. */
#include "gateway/access/access.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/number/duration.h"
#include "base/number/number.h"
#include "gateway/access/access_file.h"
#include "gateway/access/api_keys.h"
#include "gateway/access/jwks_source.h"
#include "gateway/access/jwt_cache.h"

/* Removes the last item of a comma-separated list, and returns it without spaces around it. */
static struct text last_item(struct text *list)
{
	const char *comma = memrchr(list->bytes, ',', list->length);
	size_t begin = comma ? (size_t)(comma - list->bytes) + 1 : 0;
	const struct text item = {list->bytes + begin, list->length - begin};
	list->length = comma ? begin - 1 : 0;
	return text_trimmed(item, " \t");
}

/* Reads an address, or one with a port behind it: 192.0.2.1:80, [2001:db8::1]:80. Brackets may be alone. */
static bool hop_read(struct text hop, struct sockaddr_storage *address)
{
	struct text host = hop;
	const char *end = memrchr(hop.bytes, ':', hop.length);
	const bool has_brackets = hop.length > 0 && hop.bytes[0] == '[';
	int64_t port = 1;
	if (end && (has_brackets ? end[-1] == ']' : !memchr(hop.bytes, ':', (size_t)(end - hop.bytes)))) {
		host.length = (size_t)(end - hop.bytes);
		if (!number_read_int64(text_from(hop, host.length + 1), &port))
			return false;
	}
	if (has_brackets && (host.length < 2 || host.bytes[host.length - 1] != ']'))
		return false;
	if (has_brackets)
		host = (struct text){host.bytes + 1, host.length - 2};
	return port > 0 && port <= PORT_MOST && network_address_read(host, address) &&
	       (!has_brackets || address->ss_family == AF_INET6);
}

struct peer_address access_address_find(const struct sockaddr_storage *peer, struct text forwarded,
					const struct network *proxies, size_t count)
{
	struct sockaddr_storage address = *peer, next;
	for (size_t hop = 0; hop < ACCESS_HOPS_MAX && forwarded.length > 0 && networks_have(proxies, count, &address); hop++) {
		if (!hop_read(last_item(&forwarded), &next))
			break;
		address = next;
	}
	return peer_address_of(&address);
}

#define KEY_WAIT_S 1 /* a fetch takes less, or fails after JWKS_FETCH_MS */
#define REALM "realm=\"sluice\""
#define NOTE_BYTES (ERROR_TEXT_MAX + 128)
#define FILE_ARENA_BYTES (2 * API_KEYS_FILE_BYTES_MAX)
#define FAR_MS 86400000 /* longest Retry-After */
#define WORDS_NAME_BYTES_MAX 160 /* of a caller or a resource in a refusal */
#define REFUSAL_BYTES 768
#define CUT "\xE2\x80\xA6" /* an ellipsis */
#define KEY_TOO_SHORT "The API key has less than 22 characters, so a part of it is missing. Send all of it."

struct access {
	struct loop *loop;
	struct access_settings settings;
	struct jwks_source *keys;
	struct jwt_cache *tokens;
	struct access_file api_keys_file, policies_file;
	uint64_t api_keys_failed, policies_failed;
	struct api_keys *api_keys;
	struct access_policy *policies;
	struct access_rate *rate;
	struct loop_timer timer;
	char refusal[REFUSAL_BYTES]; /* the words of the last one that had to be composed */
};

/* ---- opening, and files that change ---- */

/* Reads a file of keys or of policies, and replaces the loaded one if the new one is valid. */
static bool access_file_load(struct access *access, struct access_file *file, struct error *error)
{
	struct text text;
	struct api_keys *keys = NULL;
	struct access_policy *policies = NULL;
	bool has_keys = file == &access->api_keys_file;
	size_t bytes_max = has_keys ? API_KEYS_FILE_BYTES_MAX : ACCESS_POLICY_BYTES_MAX;
	struct arena *arena = arena_open(FILE_ARENA_BYTES);
	bool is_read = arena || error_memory(error, ERROR_SYSTEM, "reading who may come in");
	is_read = is_read && access_file_read(file, bytes_max, arena, &text, error);
	if (is_read && has_keys)
		keys = api_keys_read(file->path, text, error);
	else if (is_read)
		policies = access_policy_read(file->path, text, error);
	arena_close(arena);
	if (keys) {
		api_keys_close(access->api_keys);
		access->api_keys = keys;
	}
	if (policies) {
		access_policy_close(access->policies);
		access->policies = policies;
	}
	if (!keys && !policies)
		(*(has_keys ? &access->api_keys_failed : &access->policies_failed))++;
	return keys || policies;
}

const struct access_policy *access_policies(const struct access *access)
{
	return access->policies;
}

static void access_file_follow(struct access *access, struct access_file *file)
{
	struct error error = {0};
	char line[NOTE_BYTES];
	if (!access_file_changed(file))
		return;
	const bool is_loaded = access_file_load(access, file, &error);
	if (is_loaded)
		snprintf(line, sizeof line, "%s was read again", file->path);
	else
		snprintf(line, sizeof line, "%s:%u has changed and is not good, what was read before is still in force: %s",
			 file->path, error.place.line, error.text);
	access->settings.note(access->settings.context, is_loaded ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, line);
}

static void access_files_follow(void *context)
{
	struct access *access = context;
	struct error error = {0};
	access_file_follow(access, &access->api_keys_file);
	access_file_follow(access, &access->policies_file);
	if (!loop_timer_set(access->loop, &access->timer, loop_now_ms(access->loop) + ACCESS_FILES_MS, &error))
		access->settings.note(access->settings.context, LOG_LEVEL_WARN, error.text);
}

bool access_reread(struct access *access, struct error *error)
{
	struct error later = {0};
	bool good = !access->keys || jwks_source_reread(access->keys, error);
	if (access->api_keys_file.path && !access_file_load(access, &access->api_keys_file, good ? error : &later))
		good = false;
	if (access->policies_file.path && !access_file_load(access, &access->policies_file, good ? error : &later))
		good = false;
	return good;
}

struct access_counts access_counts(const struct access *access)
{
	if (!access)
		return (struct access_counts){0};
	const struct jwks_source_counts keys = access->keys ? jwks_source_counts(access->keys) : (struct jwks_source_counts){-1, 0};
	return (struct access_counts){.has_key_set = access->keys != NULL,
				      .key_set_age_ms = keys.age_ms,
				      .key_fetches_failed = keys.failures,
				      .api_keys_failed = access->api_keys_failed,
				      .policies_failed = access->policies_failed};
}

/* Whether calls without a token may be allowed. */
static bool access_has_others(const struct access *access)
{
	static const struct access_caller nobody = {.kind = ACCESS_CALLER_NOBODY};
	return access->api_keys || access->settings.certificates ||
	       (access->policies && access_policy_allows(access->policies, &nobody, NULL, ACCESS_INFER));
}

bool access_is_ready(const struct access *access, struct error *error)
{
	return !access || !access->keys || jwks_source_keys(access->keys) || access_has_others(access) ||
	       error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "the keys that tokens are verified with were not fetched yet, or not for an hour; the log of this gateway "
			 "has the reason");
}

static void keys_changed(void *context)
{
	struct access *access = context;
	jwt_cache_clear(access->tokens);
}

static void keys_note(void *context, enum log_level level, const char *line)
{
	const struct access *access = context;
	access->settings.note(access->settings.context, level, line);
}

static void access_note_nobody(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

static bool access_tokens_open(struct access *access, struct error *error)
{
	const struct access_settings *settings = &access->settings;
	const struct jwks_source_settings source = {.uri = settings->key_set,
						    .tls = settings->key_set_tls,
						    .changed = keys_changed,
						    .note = keys_note,
						    .context = access};
	assert(settings->tokens.algorithms != 0 && settings->tokens.skew_ms >= 0 && settings->tokens.skew_ms <= JWT_SKEW_MS_MAX);
	access->tokens = jwt_cache_open(error);
	if (!access->tokens)
		return false;
	access->keys = jwks_source_open(access->loop, &source, error);
	return access->keys != NULL;
}

static bool access_limits_open(struct access *access, struct error *error)
{
	double per_second = access->settings.rate_per_second;
	int64_t burst = access->settings.rate_burst;
	if (burst == 0)
		burst = per_second < 1 ? 1 : (int64_t)per_second;
	access->rate = access_rate_open(per_second, burst, error);
	return access->rate != NULL;
}

struct access *access_open(struct loop *loop, const struct access_settings *settings, struct error *error)
{
	struct access *access = memory_take(1, sizeof *access);
	if (!access)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening who may come in"));
	access->loop = loop;
	access->settings = *settings;
	access->settings.note = settings->note ? settings->note : access_note_nobody;
	access->api_keys_file.path = settings->api_keys;
	access->policies_file.path = settings->policies;
	access->timer = (struct loop_timer){.due = access_files_follow, .context = access};
	if ((!settings->key_set || access_tokens_open(access, error)) &&
	    (!settings->api_keys || access_file_load(access, &access->api_keys_file, error)) &&
	    (!settings->policies || access_file_load(access, &access->policies_file, error)) &&
	    (settings->rate_per_second == 0 || access_limits_open(access, error)) &&
	    loop_timer_set(loop, &access->timer, loop_now_ms(loop) + ACCESS_FILES_MS, error))
		return access;
	access_close(access);
	return NULL;
}

void access_close(struct access *access)
{
	if (!access)
		return;
	loop_timer_stop(access->loop, &access->timer);
	jwks_source_close(access->keys);
	jwt_cache_close(access->tokens);
	api_keys_close(access->api_keys);
	access_policy_close(access->policies);
	access_rate_close(access->rate);
	memory_give(access);
}

/* ---- a request ---- */

static_assert(API_KEY_BYTES_LEAST == 22, "KEY_TOO_SHORT has the number");

struct access_question {
	struct access *access;
	const struct access_request *request;
	struct access_answer *answer;
	struct access_identity address;
};

static struct access_identity access_identity_of(enum access_caller_kind kind, const void *bytes, size_t length)
{
	struct access_identity identity;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	const unsigned char tag = (unsigned char)kind;
	static_assert(ACCESS_IDENTITY_BYTES == SHA256_DIGEST_LENGTH, "an identity is a digest");
	SHA256(bytes, length, digest);
	digest[0] ^= tag; /* a key and a certificate of the same name are two callers */
	memcpy(identity.bytes, digest, sizeof digest);
	return identity;
}

/* A subject belongs to its issuer: two issuers may have the same one. */
static struct access_identity access_identity_of_caller(const struct access_caller *caller)
{
	const char *issuer = caller->claims ? json_string_value(json_object_get(caller->claims, "iss")) : NULL;
	unsigned char digests[2 * SHA256_DIGEST_LENGTH];
	if (!issuer)
		return access_identity_of(caller->kind, caller->name.bytes, caller->name.length);
	SHA256((const unsigned char *)issuer, strlen(issuer), digests);
	SHA256((const unsigned char *)caller->name.bytes, caller->name.length, digests + SHA256_DIGEST_LENGTH);
	return access_identity_of(caller->kind, digests, sizeof digests);
}

/* Sets the status and the reason. Always false, for the return of a check. */
static bool access_refuse(struct access_question *question, int status, const char *words)
{
	question->answer->status = status;
	question->answer->words = words;
	return false;
}

/* The authentication schemes that the gateway accepts (RFC 9110, 11.6.1; RFC 6750, 3). */
static void access_challenge_write(struct access_question *question, const char *code)
{
	const struct access *access = question->access;
	struct access_answer *answer = question->answer;
	if (!access->keys) {
		snprintf(answer->challenge, sizeof answer->challenge, "%s", access->api_keys ? "ApiKey " REALM : "");
		return;
	}
	const char *more = access->api_keys ? ", ApiKey " REALM : "";
	if (code)
		snprintf(answer->challenge, sizeof answer->challenge, "Bearer " REALM ", error=\"%s\", error_description=\"%s\"%s",
			 code, answer->words, more);
	else
		snprintf(answer->challenge, sizeof answer->challenge, "Bearer " REALM "%s", more);
}

/* What no row of the policies allows, in the words of such a row. */
static const char *access_refusal_write(struct access *access, const struct access_caller *caller,
					const struct access_resource *resource, enum access_verb verb)
{
	static const char *const prefixes[] = {[ACCESS_CALLER_NOBODY] = "anonymous",
					       [ACCESS_CALLER_TOKEN] = "sub:",
					       [ACCESS_CALLER_KEY] = "key:",
					       [ACCESS_CALLER_CERTIFICATE] = "certificate:"};
	const struct access_resource asked = resource ? *resource : (struct access_resource){.name = {0}};
	const struct text subject = text_beginning(caller->name, WORDS_NAME_BYTES_MAX),
			  name = text_beginning(asked.name, WORDS_NAME_BYTES_MAX);
	const struct text within = text_beginning(asked.namespace, WORDS_NAME_BYTES_MAX);
	(void)snprintf(access->refusal, sizeof access->refusal,
		       "No policy allows %s" TEXT_FORMAT "%s the verb %s on %s%s" TEXT_FORMAT "%s%s" TEXT_FORMAT
		       ". Add a row to the file of policies, or ask who keeps it.",
		       prefixes[caller->kind], TEXT_ARGUMENTS(subject), subject.length < caller->name.length ? CUT : "",
		       access_verb_name(verb), resource ? access_kind_name(asked.kind) : "any resource", name.length > 0 ? "/" : "",
		       TEXT_ARGUMENTS(name), name.length < asked.name.length ? CUT : "", within.length > 0 ? " in namespace " : "",
		       TEXT_ARGUMENTS(within));
	return access->refusal;
}

static bool access_refuse_token(struct access_question *question, const char *words)
{
	access_refuse(question, 401, words);
	access_challenge_write(question, "invalid_token");
	return false;
}

/* Whether refusals have used up the rate limit of the address. Its tokens are then not verified, so a flood of forged
 * tokens does not cost a signature check each. */
static bool address_is_spent(struct access_question *question)
{
	const struct access *access = question->access;
	return access->rate && access_rate_is_spent(access->rate, &question->address, loop_now_ms(access->loop));
}

/* The issuer may have changed its keys just now; the token may be good when they have come. */
static bool key_wait(struct access_question *question)
{
	question->answer->retry_after_s = KEY_WAIT_S;
	return access_refuse(question, 503, "The key of the token is being fetched. Try again in a moment.");
}

static bool access_token_check(struct access_question *question, struct text token)
{
	struct access *access = question->access;
	struct access_answer *answer = question->answer;
	const struct jwt *jwt = NULL;
	int64_t now_ms = loop_time_of_day_ms(access->loop);
	const struct jwks *keys = jwks_source_keys(access->keys);
	if (!keys) {
		answer->retry_after_s = JWKS_FETCH_MS / MS_PER_S;
		return access_refuse(question, 503, "The keys that tokens are verified with cannot be fetched. Try again later.");
	}
	if (address_is_spent(question) && !jwt_cache_has(access->tokens, token, now_ms))
		return access_refuse(question, 429, ""); /* access_rate_charge() sets the text and the wait */
	enum jwt_refusal refusal = jwt_cache_verify(access->tokens, token, keys, &access->settings.tokens, now_ms, &jwt);
	if (refusal != JWT_TAKEN) {
		if (refusal == JWT_UNKNOWN_KEY && jwks_source_want(access->keys))
			return key_wait(question);
		return access_refuse_token(question, jwt_refusal_words(refusal));
	}
	answer->caller = (struct access_caller){.kind = ACCESS_CALLER_TOKEN, .name = jwt->subject, .claims = jwt->claims};
	return true;
}

static bool authorization_check(struct access_question *question)
{
	struct text value = question->request->authorization;
	static const struct text scheme = {"Bearer ", 7};
	if (!question->access->keys) {
		access_refuse(question, 401, "No tokens are accepted here (Authorization).");
		access_challenge_write(question, NULL);
		return false;
	}
	if (value.length < scheme.length || !text_equal_caseless((struct text){value.bytes, scheme.length}, scheme)) {
		access_refuse(question, 401, "Authorization must be Bearer and a JSON Web Token.");
		access_challenge_write(question, NULL);
		return false;
	}
	value = text_from(value, scheme.length);
	while (value.length > 0 && value.bytes[0] == ' ')
		value = text_from(value, 1);
	return access_token_check(question, value);
}

static bool access_api_key_check(struct access_question *question)
{
	const struct access *access = question->access;
	struct text name = access->api_keys ? api_keys_find(access->api_keys, question->request->api_key) : (struct text){0};
	if (name.bytes) {
		question->answer->caller = (struct access_caller){.kind = ACCESS_CALLER_KEY, .name = name};
		return true;
	}
	access_refuse(question, 401,
		      !access->api_keys						? "No API keys are accepted here (x-api-key)."
		      : question->request->api_key.length < API_KEY_BYTES_LEAST ? KEY_TOO_SHORT
										: "The API key is not known.");
	access_challenge_write(question, NULL);
	return false;
}

/* Sets the caller in the answer; a request without credentials is anonymous. False: a credential is not valid. */
static bool access_caller_find(struct access_question *question)
{
	const struct access_request *request = question->request;
	bool is_open = !question->access->keys && !question->access->api_keys; /* neither is configured, so both are ignored */
	if (request->authorization.bytes && request->api_key.bytes && !is_open) {
		access_refuse(question, 401, "The request has a token and an API key. Send one of them.");
		access_challenge_write(question, NULL);
		return false;
	}
	if (request->authorization.bytes && !is_open)
		return authorization_check(question);
	if (request->api_key.bytes && !is_open)
		return access_api_key_check(question);
	const struct tls_peer *peer = &request->certificate;
	if ((peer->uri.bytes || peer->subject.bytes) && question->access->settings.certificates)
		question->answer->caller = (struct access_caller){.kind = ACCESS_CALLER_CERTIFICATE,
								  .name = peer->uri.bytes ? peer->uri : peer->subject,
								  .subject = peer->subject};
	return true;
}

/* Charges the rate limit. False: it is used up, and `answer` has the time to wait. A refusal costs as much as a
 * request. */
static bool access_rate_charge(struct access_question *question)
{
	struct access *access = question->access;
	struct access_answer *answer = question->answer;
	int64_t wait_ms = access->rate ? access_rate_take(access->rate, &answer->identity, loop_now_ms(access->loop)) : 0;
	if (wait_ms == 0 && answer->status != 429)
		return true;
	wait_ms = wait_ms > FAR_MS ? FAR_MS : wait_ms;
	answer->challenge[0] = '\0';
	answer->retry_after_s = wait_ms == 0 ? 1 : (wait_ms + MS_PER_S - 1) / MS_PER_S;
	return access_refuse(question, 429, "Too many requests of this caller. Wait, as Retry-After says.");
}

static bool access_policy_check(struct access_question *question, const struct access_resource *resource)
{
	struct access *access = question->access;
	const struct access_request *request = question->request;
	const struct access_caller *caller = &question->answer->caller;
	bool is_guarded = access->keys || access->api_keys || access->settings.certificates;
	if (access->policies ? access_policy_allows(access->policies, caller, resource, request->verb)
			     : !is_guarded || caller->kind != ACCESS_CALLER_NOBODY)
		return true;
	if (caller->kind != ACCESS_CALLER_NOBODY) {
		access_refuse(question, 403, "No policy allows this caller to do that.");
		access_challenge_write(question, caller->kind == ACCESS_CALLER_TOKEN ? "insufficient_scope" : NULL);
		question->answer->words = access_refusal_write(access, caller, resource, request->verb);
		return false;
	}
	if (!access->keys && !access->api_keys)
		return access_refuse(question, 403,
				     is_guarded ? "A client certificate is required."
						: access_refusal_write(access, caller, resource, request->verb));
	access_refuse(question, 401,
		      !access->api_keys ? "A token is required (Authorization: Bearer)."
		      : !access->keys	? "An API key is required (x-api-key)."
					: "A token (Authorization: Bearer) or an API key (x-api-key) is required.");
	access_challenge_write(question, NULL);
	return false;
}

static struct access_identity access_identity_of_address(const struct access *access, const struct access_request *request)
{
	const struct peer_address address =
		access_address_find(request->peer, request->forwarded_for, access->settings.proxies, access->settings.proxy_count);
	return access_identity_of(ACCESS_CALLER_NOBODY, address.bytes, sizeof address.bytes);
}

/* Begins the answer. False: a credential is not valid. */
static bool access_question_begin(struct access_question *question)
{
	struct access_answer *answer = question->answer;
	*answer = (struct access_answer){.status = 200, .words = ""};
	question->address = access_identity_of_address(question->access, question->request);
	bool is_good = access_caller_find(question);
	const struct access_caller *caller = &answer->caller;
	answer->identity = caller->name.bytes ? access_identity_of_caller(caller) : question->address;
	return is_good;
}

void access_admit(struct access *access, const struct access_request *request, const struct access_resource *resource,
		  struct access_answer *answer)
{
	struct access_question question = {.access = access, .request = request, .answer = answer};
	const bool may = access_question_begin(&question) && access_policy_check(&question, resource);
	if (!may || (access->rate && access_rate_is_spent(access->rate, &answer->identity, loop_now_ms(access->loop))))
		access_rate_charge(&question);
}

void access_check(struct access *access, const struct access_request *request, struct access_answer *answer)
{
	struct access_question question = {.access = access, .request = request, .answer = answer};
	const bool is_good = access_question_begin(&question);
	if (access_rate_charge(&question) && is_good)
		access_policy_check(&question, &request->resource);
}

bool access_identify(struct access *access, const struct access_request *request, struct access_identity *identity)
{
	struct access_answer answer = {.status = 200, .words = ""};
	struct access_question question = {.access = access, .request = request, .answer = &answer};
	const struct access_caller *caller = &answer.caller;
	*identity = (struct access_identity){0};
	if (!access_caller_find(&question))
		return false;
	if (caller->name.bytes)
		*identity = access_identity_of_caller(caller);
	return caller->name.bytes || caller->kind == ACCESS_CALLER_NOBODY;
}

struct access_identity access_identify_any(struct access *access, const struct access_request *request)
{
	static const struct access_identity nobody;
	struct access_identity identity;
	const bool is_known = access_identify(access, request, &identity) && memcmp(&identity, &nobody, sizeof identity) != 0;
	return is_known ? identity : access_identity_of_address(access, request);
}
