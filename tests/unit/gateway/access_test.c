/* access_test.c: Answers of a gateway to callers with tokens, keys, certificates or nothing, on a clock that the test sets. */
#include "gateway/access/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/access/access_file.h"
#include "gateway/access/jwks_source.h"
#include "tests/unit/tokens.h"

#define API_KEY "correct-horse-battery-staple"
#define PATH_BYTES 96

static char folder[64], keys_path[PATH_BYTES], api_keys_path[PATH_BYTES], policies_path[PATH_BYTES];
static EVP_PKEY *key, *next_key;
static struct buffer out, token;
static struct loop *loop;
static int64_t now_ms;
static char last_note[2048];
static size_t notes;
static struct sockaddr_storage peer;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void write_keys(EVP_PKEY *first, const char *kid)
{
	char more[64];
	snprintf(more, sizeof more, ",\"kid\":\"%s\"", kid);
	buffer_clear(&out);
	buffer_string(&out, "{\"keys\":[");
	token_jwk(&out, first, more);
	buffer_append(&out, "]}", 3);
	write_file(keys_path, out.bytes);
}

static void write_api_key(const char *name)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)API_KEY, strlen(API_KEY), digest);
	buffer_clear(&out);
	buffer_print(&out, "%s:", name);
	for (size_t i = 0; i < sizeof digest; i++)
		buffer_print(&out, "%02x", digest[i]);
	buffer_append(&out, "\n", 2);
	write_file(api_keys_path, out.bytes);
}

#define POLICIES                                                                                                                   \
	"policies:\n"                                                                                                              \
	"- {subject: [sub:alice, key:billing, certificate:CN=batch], resource: pipeline/fraud-*, verb: infer}\n"                   \
	"- {subject: anonymous, resource: '*', verb: health}\n"

static int world_open(void **state)
{
	(void)state;
	struct error error = {0};
	snprintf(folder, sizeof folder, "/tmp/sluice-access-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(keys_path, sizeof keys_path, "%s/keys.json", folder);
	snprintf(api_keys_path, sizeof api_keys_path, "%s/api-keys", folder);
	snprintf(policies_path, sizeof policies_path, "%s/policies.yaml", folder);
	buffer_open(&out, (size_t)1 << 20);
	buffer_open(&token, (size_t)1 << 20);
	key = token_key_curve("P-256");
	next_key = token_key_curve("P-256");
	write_keys(key, "one");
	write_api_key("billing");
	write_file(policies_path, POLICIES);
	now_ms = 0;
	last_note[0] = '\0';
	loop = loop_open_virtual(now_ms, &error);
	peer = (struct sockaddr_storage){.ss_family = AF_INET};
	inet_pton(AF_INET, "192.0.2.1", &((struct sockaddr_in *)&peer)->sin_addr);
	return loop ? 0 : 1;
}

static int world_close(void **state)
{
	(void)state;
	loop_close(loop);
	EVP_PKEY_free(key);
	EVP_PKEY_free(next_key);
	buffer_close(&out);
	buffer_close(&token);
	unlink(keys_path);
	unlink(api_keys_path);
	unlink(policies_path);
	return rmdir(folder);
}
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

static void note_take(void *context, enum log_level level, const char *line)
{
	notes += context == NULL;
	snprintf(last_note, sizeof last_note, "%s: %s", level == LOG_LEVEL_WARN ? "warn" : "info", line);
}

static struct access_settings everything(void)
{
	return (struct access_settings){.key_set = keys_path,
					.tokens = {.algorithms = JWT_EVERY_ALGORITHM},
					.api_keys = api_keys_path,
					.policies = policies_path,
					.certificates = true,
					.note = note_take};
}

static struct access *access_of(struct access_settings settings)
{
	struct error error = {0};
	struct access *access = access_open(loop, &settings, &error);
	if (!access)
		fail_msg("%s", error.text);
	return access;
}

static void pass_time(int64_t ms)
{
	for (int64_t end_ms = now_ms + ms; now_ms < end_ms;) {
		now_ms += 500;
		loop_wake(loop, now_ms);
	}
}

/* "Bearer" and a token of these claims. */
static struct text bearer_of(EVP_PKEY *signer, const char *kid, const char *claims)
{
	char header[128];
	snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
	struct text signed_token = token_sign(&out, JWT_ES256, signer, header, claims);
	buffer_clear(&token);
	buffer_string(&token, "Bearer ");
	buffer_text(&token, signed_token);
	return buffer_view(&token);
}

/* The same of that subject, good for an hour from the beginning. */
static struct text bearer(EVP_PKEY *signer, const char *kid, const char *subject)
{
	char claims[128];
	snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"exp\":1700007200}", subject);
	return bearer_of(signer, kid, claims);
}

static struct access_request request_of(void)
{
	return (struct access_request){
		.peer = &peer, .verb = ACCESS_INFER, .resource = {ACCESS_PIPELINE, TEXT("default"), TEXT("fraud-eu")}};
}

static struct access_answer ask(struct access *access, struct access_request request, int status, const char *words)
{
	struct access_answer answer;
	access_check(access, &request, &answer);
	if (answer.status != status || !strstr(answer.words, words))
		fail_msg("%d %s", answer.status, answer.words);
	assert_true((status == 200) == (answer.words[0] == '\0'));
	assert_true((status == 429 || status == 503) == (answer.retry_after_s > 0));
	return answer;
}

static void callers_are_known_by_what_they_show(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	struct access_request request = request_of();
	struct access_answer answer =
		ask(access, request, 401, "A token (Authorization: Bearer) or an API key (x-api-key) is required.");
	assert_string_equal(answer.challenge, "Bearer realm=\"sluice\", ApiKey realm=\"sluice\"");
	request.authorization = bearer(key, "one", "alice");
	answer = ask(access, request, 200, "");
	assert_int_equal(answer.caller.kind, ACCESS_CALLER_TOKEN);
	assert_true(text_is(answer.caller.name, "alice") && answer.caller.claims);
	assert_string_equal(answer.challenge, "");
	request.authorization = bearer(key, "one", "bob");
	answer = ask(access, request, 403,
		     "No policy allows sub:bob the verb infer on pipeline/fraud-eu in namespace default. Add a row");
	assert_non_null(strstr(answer.challenge, "error=\"insufficient_scope\""));
	assert_null(strstr(answer.challenge, "bob"));
	request = request_of();
	request.api_key = TEXT(API_KEY);
	answer = ask(access, request, 200, "");
	assert_true(answer.caller.kind == ACCESS_CALLER_KEY && text_is(answer.caller.name, "billing"));
	request.api_key = TEXT("correct-horse-battery-stapel");
	ask(access, request, 401, "API key is not known");
	request = request_of();
	request.certificate.subject = TEXT("CN=batch");
	answer = ask(access, request, 200, "");
	assert_true(answer.caller.kind == ACCESS_CALLER_CERTIFICATE && text_is(answer.caller.name, "CN=batch"));
	request.certificate.subject = TEXT("CN=other");
	ask(access, request, 403,
	    "No policy allows certificate:CN=other the verb infer on pipeline/fraud-eu in namespace default.");
	access_close(access);
}

/* A name is cut where a character begins, and what follows it stays. */
static void a_long_name_leaves_the_rest_of_a_refusal(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	struct access_request request = request_of();
	char name[400];
	memset(name, 'n', sizeof name);
	memcpy(name + 159, "\xC3\xA9", 2);
	request.certificate.subject = (struct text){name, sizeof name};
	request.resource = (struct access_resource){ACCESS_MODEL, TEXT("default"), {name, sizeof name}};
	struct access_answer answer = ask(access, request, 403, "n\xE2\x80\xA6 the verb infer on model/n");
	assert_non_null(strstr(answer.words,
			       "n\xE2\x80\xA6 in namespace default. Add a row to the file of policies, or ask who keeps it."));
	assert_true(text_is_utf8(text_of(answer.words)));
	assert_null(strstr(answer.words, "\xC3"));
	request.resource = (struct access_resource){ACCESS_SERVER, TEXT("default"), {0}};
	ask(access, request, 403, " the verb infer on server in namespace default. Add");
	access_admit(access, &request, NULL, &answer);
	assert_non_null(strstr(answer.words, " the verb infer on any resource. Add"));
	access_close(access);
}

static void a_credential_that_is_not_good_is_refused_whatever_is_open(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	struct access_request request = request_of();
	request.verb = ACCESS_HEALTH;
	ask(access, request, 200, ""); /* which everybody may */
	request.authorization = TEXT("Bearer nonsense");
	struct access_answer answer = ask(access, request, 401, "no JSON Web Token");
	assert_non_null(strstr(answer.challenge, "error=\"invalid_token\""));
	assert_non_null(strstr(answer.challenge, "error_description=\"The bearer token is no JSON Web Token"));
	assert_null(strstr(answer.challenge, "nonsense"));
	request.authorization = bearer(next_key, "one", "alice");
	ask(access, request, 401, "signature");
	request.authorization = TEXT("Basic YWxpY2U6c2VjcmV0");
	answer = ask(access, request, 401, "must be Bearer");
	assert_null(strstr(answer.challenge, "error"));
	request.authorization = TEXT("Bearer");
	ask(access, request, 401, "must be Bearer");
	request.authorization = TEXT("Bearer ");
	ask(access, request, 401, "no JSON Web Token");
	request.authorization = TEXT("");
	ask(access, request, 401, "must be Bearer");
	request = request_of();
	request.verb = ACCESS_HEALTH;
	request.api_key = TEXT("");
	ask(access, request, 401, "The API key has less than 22 characters, so a part of it is missing");
	request.api_key = TEXT("correct-horse-battery"); /* of 21 */
	ask(access, request, 401, "The API key has less than 22 characters, so a part of it is missing");
	request.api_key = TEXT(API_KEY);
	request.authorization = bearer(key, "one", "alice");
	ask(access, request, 401, "Send one of them");
	/* A token goes before a certificate, which may be that of a proxy. */
	request = request_of();
	request.certificate.subject = TEXT("CN=batch");
	request.authorization = bearer(key, "one", "bob");
	ask(access, request, 403, "No policy");
	access_close(access);
}

static void what_is_not_configured_is_not_taken(void **state)
{
	(void)state;
	struct access_request request = request_of();
	struct access *access = access_of((struct access_settings){.note = note_take});
	ask(access, request, 200, "");
	request.authorization = TEXT("Bearer whatever");
	ask(access, request, 200, ""); /* nobody asks for it */
	access_close(access);
	access = access_of((struct access_settings){.api_keys = api_keys_path});
	request = request_of();
	struct access_answer answer = ask(access, request, 401, "API key is required");
	assert_string_equal(answer.challenge, "ApiKey realm=\"sluice\"");
	request.authorization = bearer(key, "one", "alice");
	ask(access, request, 401, "No tokens are accepted");
	request = request_of();
	request.certificate.subject = TEXT("CN=batch"); /* certificates name nobody here */
	ask(access, request, 401, "API key is required");
	request.api_key = TEXT(API_KEY);
	ask(access, request, 200, ""); /* and without policies whoever is known may do everything */
	access_close(access);
	struct access_settings settings = everything();
	settings.api_keys = settings.policies = NULL;
	access = access_of(settings);
	ask(access, request, 401, "No API keys are accepted");
	request = request_of();
	answer = ask(access, request, 401, "token is required");
	assert_string_equal(answer.challenge, "Bearer realm=\"sluice\"");
	access_close(access);
	access = access_of((struct access_settings){.certificates = true});
	ask(access, request, 403, "certificate is required");
	access_close(access);
	access = access_of((struct access_settings){.policies = policies_path});
	ask(access, request, 403, "No policy allows anonymous the verb infer on pipeline/fraud-eu");
	access_close(access);
}

static void keys_of_tokens_are_rotated_without_a_pause(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	struct access_request request = request_of();
	request.authorization = bearer(key, "one", "alice");
	ask(access, request, 200, "");
	struct buffer old;
	buffer_open(&old, 4096);
	buffer_text(&old, request.authorization);
	request.authorization = bearer(next_key, "two", "alice");
	ask(access, request, 401, "does not publish"); /* the set was fetched a moment ago */
	write_keys(next_key, "two");
	request.authorization = bearer(next_key, "two", "alice"); /* write_keys() used the same buffer */
	pass_time(ACCESS_FILES_MS + 500);
	ask(access, request, 200, "");
	request.authorization = buffer_view(&old); /* though it was verified before */
	ask(access, request, 401, "does not publish");
	pass_time(2 * JWKS_PAUSE_MS);
	struct access_answer answer = ask(access, request, 503, "being fetched"); /* one is due again */
	assert_int_equal(answer.retry_after_s, 1);
	assert_string_equal(answer.challenge, "");
	request.authorization = TEXT("Bearer a.b.c"); /* which no other key would make good */
	ask(access, request, 401, "header");
	/* A file that is not good changes nothing, for an hour. */
	write_file(keys_path, "{");
	request.authorization = bearer(next_key, "two", "alice");
	pass_time(JWKS_OLD_MS_MAX - 20000);
	assert_non_null(strstr(last_note, "key set of tokens cannot be fetched"));
	ask(access, request, 200, "");
	pass_time(40000);
	ask(access, request, 503, "cannot be fetched");
	write_keys(next_key, "two");
	request.authorization = bearer(next_key, "two", "alice");
	pass_time(JWKS_PAUSE_MS);
	assert_non_null(strstr(last_note, "fetched again"));
	ask(access, request, 200, "");
	buffer_close(&old);
	access_close(access);
}

static void each_cause_of_a_failure_is_noted_once(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	static const struct {
		const char *file, *cause;
	} rows[] = {{"{", "is no JSON"}, {"{\"keys\":[7]}", "none of the 1 keys"}, {"{}", "no list `keys`"}, {"{", "is no JSON"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		notes = 0;
		write_file(keys_path, rows[i].file);
		pass_time(2 * JWKS_EVERY_MS - JWKS_PAUSE_MS);
		assert_int_equal(notes, 1);
		if (!strstr(last_note, rows[i].cause) || !strstr(last_note, keys_path) || !strstr(last_note, "correct the file") ||
		    !strstr(last_note, "warn: ") || !strstr(last_note, ", and tokens are verified with the keys of 20"))
			fail_msg("%s: not about %s", last_note, rows[i].cause);
	}
	notes = 0;
	write_keys(key, "one");
	pass_time(5 * JWKS_EVERY_MS);
	assert_int_equal(notes, 1);
	assert_non_null(strstr(last_note, "info: the key set of tokens is fetched again, after "));
	access_close(access);
}

/* Its keys are in force for an hour after they were read last. */
static void without_keys_it_is_ready_if_other_credentials_let_calls_in(void **state)
{
	(void)state;
	struct error error = {0};
	const struct access_settings all = everything();
	const struct {
		struct access_settings settings;
		const char *policies;
		bool is_ready; /* without keys */
	} rows[] = {
		{{.key_set = all.key_set}, "", false},
		{{.key_set = all.key_set, .policies = all.policies}, POLICIES, false}, /* anonymous callers ask for health alone */
		{{.key_set = all.key_set, .policies = all.policies},
		 "policies: [{subject: anonymous, resource: pipeline/open, verb: infer}]\n",
		 true},
		{{.key_set = all.key_set, .api_keys = all.api_keys}, "", true},
		{{.key_set = all.key_set, .certificates = true}, "", true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct access_settings settings = rows[i].settings;
		settings.tokens = all.tokens;
		write_file(policies_path, rows[i].policies);
		write_keys(key, "one");
		struct access *access = access_of(settings);
		assert_true(access_is_ready(access, &error)); /* with a file, from the start */
		write_file(keys_path, "{");
		pass_time(JWKS_OLD_MS_MAX - JWKS_EVERY_MS);
		assert_true(access_is_ready(access, &error));
		pass_time(2 * JWKS_EVERY_MS);
		if (access_is_ready(access, &error) != rows[i].is_ready)
			fail_msg("row %zu", i);
		write_keys(key, "one");
		pass_time(JWKS_PAUSE_MS);
		assert_true(access_is_ready(access, &error));
		access_close(access);
	}
	assert_true(access_is_ready(NULL, &error));
}

static void files_that_have_errors_are_counted(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	struct access_counts counts = access_counts(access);
	assert_true(counts.has_key_set && counts.key_set_age_ms == 0 && counts.key_fetches_failed == 0);
	write_file(keys_path, "{");
	write_file(api_keys_path, "nonsense");
	write_file(policies_path, "nonsense");
	pass_time(ACCESS_FILES_MS + 500);
	write_file(policies_path, "other nonsense");
	pass_time(ACCESS_FILES_MS + 500);
	counts = access_counts(access);
	assert_int_equal(counts.key_set_age_ms, 2 * (ACCESS_FILES_MS + 500));
	assert_true(counts.key_fetches_failed == 1 && counts.api_keys_failed == 1 && counts.policies_failed == 2);
	access_close(access);
}

static void a_known_token_is_taken_until_it_expires(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	struct access_request request = request_of();
	request.authorization = bearer(key, "one", "alice");
	ask(access, request, 200, "");
	pass_time(7199500);
	ask(access, request, 200, "");
	pass_time(500);
	ask(access, request, 401, "expired");
	access_close(access);
}

static void files_that_change_are_read_again(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	struct access_request request = request_of();
	request.api_key = TEXT(API_KEY);
	ask(access, request, 200, "");
	write_api_key("somebody");
	pass_time(ACCESS_FILES_MS);
	assert_non_null(strstr(last_note, "api-keys was read again"));
	ask(access, request, 403, "No policy");
	write_file(policies_path, "policies: [{subject: key:somebody, resource: '*', verb: infer}]");
	pass_time(ACCESS_FILES_MS);
	ask(access, request, 200, "");
	write_file(policies_path, "policies:\n- {subject: nobody, resource: '*', verb: infer}");
	pass_time(ACCESS_FILES_MS);
	assert_non_null(strstr(last_note, "policies.yaml:2 has changed and is not good, what was read before is still in force"));
	ask(access, request, 200, "");
	last_note[0] = '\0';
	unlink(policies_path);
	pass_time(10 * ACCESS_FILES_MS);
	assert_string_equal(last_note, ""); /* that is said once, and a file that is gone has not changed */
	ask(access, request, 200, "");
	access_close(access);
}

static int admit(struct access *access, const struct access_request *request)
{
	struct access_answer answer;
	access_admit(access, request, NULL, &answer);
	return answer.status;
}

static void who_is_admitted_is_charged_when_it_is_checked(void **state)
{
	(void)state;
	struct access_settings settings = everything();
	settings.rate_per_second = 2;
	struct access *access = access_of(settings);
	struct access_request request = request_of(), nobody = request_of();
	request.api_key = TEXT(API_KEY);
	request.resource.name = TEXT("another"); /* is not looked at yet */
	for (int i = 0; i < 3; i++)
		assert_int_equal(admit(access, &request), 200);
	ask(access, request, 403, "No policy");
	ask(access, request, 403, "No policy");
	assert_int_equal(admit(access, &request), 429);
	request.verb = ACCESS_METADATA; /* of which the policies say nothing for anybody */
	request.api_key = (struct text){0};
	request.authorization = bearer(key, "one", "alice");
	assert_int_equal(admit(access, &request), 403);
	assert_int_equal(admit(access, &nobody), 401);
	assert_int_equal(admit(access, &nobody), 401);
	assert_int_equal(admit(access, &nobody), 429); /* a refusal costs as much as a request */
	access_close(access);
}

static void each_caller_has_a_rate_of_its_own(void **state)
{
	(void)state;
	struct access_settings settings = everything();
	struct network proxy;
	settings.rate_per_second = 2;
	assert_true(network_read(TEXT("192.0.2.1"), &proxy));
	settings.proxies = &proxy;
	settings.proxy_count = 1;
	struct access *access = access_of(settings);
	struct access_request request = request_of(), other = request_of();
	request.api_key = TEXT(API_KEY);
	ask(access, request, 200, "");
	ask(access, request, 200, "");
	struct access_answer answer = ask(access, request, 429, "Too many requests");
	assert_int_equal(answer.retry_after_s, 1);
	assert_string_equal(answer.challenge, "");
	other.authorization = bearer(key, "one", "alice"); /* from the same address */
	ask(access, other, 200, "");
	/* Those whom nobody knows are known by their address, which the proxy says. */
	request = request_of();
	request.verb = ACCESS_HEALTH;
	request.forwarded_for = TEXT("198.51.100.1");
	ask(access, request, 200, "");
	ask(access, request, 200, "");
	ask(access, request, 429, "Too many requests");
	request.forwarded_for = TEXT("198.51.100.2");
	ask(access, request, 200, "");
	/* A forged token costs its address; once that has no more, its signature is not looked at, but known callers come in. */
	request.authorization = TEXT("Bearer a.b.c");
	ask(access, request, 401, "header");
	answer = ask(access, request, 429, "Too many requests");
	assert_string_equal(answer.challenge, "");
	other.forwarded_for = TEXT("198.51.100.2");
	ask(access, other, 200, ""); /* known before */
	other.authorization = bearer(key, "one", "carol");
	ask(access, other, 429, "Too many requests");
	pass_time(1000);
	ask(access, other, 403, "No policy");
	ask(access, other, 403, "No policy");
	ask(access, other, 429, "Too many requests"); /* before what it may do is looked at */
	access_close(access);
}

static void identities_are_those_of_callers(void **state)
{
	(void)state;
	struct access *access = access_of(everything());
	struct access_request request = request_of();
	request.certificate.subject = TEXT("billing");
	struct access_answer certificate = ask(access, request, 403, "");
	request = request_of();
	request.api_key = TEXT(API_KEY);
	struct access_answer first = ask(access, request, 200, ""), second;
	assert_memory_not_equal(&certificate.identity, &first.identity, sizeof first.identity);
	inet_pton(AF_INET, "192.0.2.77", &((struct sockaddr_in *)&peer)->sin_addr);
	second = ask(access, request, 200, "");
	assert_memory_equal(&first.identity, &second.identity, sizeof first.identity);
	/* An idempotency key belongs to the caller, and to all anonymous ones together, wherever they come from. */
	struct access_identity known;
	assert_true(access_identify(access, &request, &known));
	assert_memory_equal(&first.identity, &known, sizeof known);
	request.api_key = TEXT("not known");
	assert_false(access_identify(access, &request, &known));
	request = request_of();
	request.authorization = bearer(key, "one", "alice");
	assert_true(access_identify(access, &request, &known));
	assert_memory_not_equal(&(struct access_identity){0}, &known, sizeof known);
	/* The same subject of another issuer is another caller. */
	struct access_identity of_two[2];
	request.authorization = bearer_of(key, "one", "{\"sub\":\"alice\",\"iss\":\"a\",\"exp\":1700007200}");
	assert_true(access_identify(access, &request, &of_two[0]));
	request.authorization = bearer_of(key, "one", "{\"sub\":\"alice\",\"iss\":\"b\",\"exp\":1700007200}");
	assert_true(access_identify(access, &request, &of_two[1]));
	assert_memory_not_equal(&of_two[0], &of_two[1], sizeof known);
	assert_memory_not_equal(&of_two[0], &known, sizeof known);
	request.authorization = bearer_of(key, "one", "{\"exp\":1700007200}");
	assert_false(access_identify(access, &request, &known));
	request = request_of();
	assert_true(access_identify(access, &request, &known));
	assert_memory_equal(&(struct access_identity){0}, &known, sizeof known);
	/* For what is counted by callers, an anonymous one is its address. */
	first = ask(access, request, 401, "");
	known = access_identify_any(access, &request);
	assert_memory_equal(&first.identity, &known, sizeof known);
	request.api_key = TEXT(API_KEY);
	const struct access_identity named = access_identify_any(access, &request);
	assert_true(access_identify(access, &request, &known));
	assert_memory_equal(&named, &known, sizeof known);
	request.api_key = TEXT("not known");
	known = access_identify_any(access, &request);
	assert_memory_equal(&first.identity, &known, sizeof known);
	request = request_of();
	inet_pton(AF_INET, "192.0.2.78", &((struct sockaddr_in *)&peer)->sin_addr);
	second = ask(access, request, 401, "");
	assert_memory_not_equal(&first.identity, &second.identity, sizeof first.identity);
	access_close(access);
}

static void what_cannot_be_given_does_not_open(void **state)
{
	(void)state;
	struct access_settings rows[8];
	static const char *const words[] = {"in the clear", "keys.json", "api-keys", "policies.yaml", "rate limit", "no JSON",
					    "neither http"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		rows[i] = everything();
	rows[0].key_set = "http://auth.example/keys";
	rows[1].key_set = "/nowhere/keys.json";
	rows[2].api_keys = "/nowhere/api-keys";
	rows[3].policies = "/nowhere/policies.yaml";
	rows[4].rate_per_second = -1;
	rows[5].key_set = policies_path;
	rows[6].key_set = "ftp://auth.example/keys";
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct error error = {0};
		struct access *access = access_open(loop, &rows[i], &error);
		access_close(access);
		assert_null(access);
		assert_int_equal(error.kind, ERROR_CONFIG);
		if (!strstr(error.text, words[i]))
			fail_msg("%s: not about %s", error.text, words[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(callers_are_known_by_what_they_show),
		STORY(a_long_name_leaves_the_rest_of_a_refusal),
		STORY(a_credential_that_is_not_good_is_refused_whatever_is_open),
		STORY(what_is_not_configured_is_not_taken),
		STORY(keys_of_tokens_are_rotated_without_a_pause),
		STORY(each_cause_of_a_failure_is_noted_once),
		STORY(files_that_have_errors_are_counted),
		STORY(without_keys_it_is_ready_if_other_credentials_let_calls_in),
		STORY(a_known_token_is_taken_until_it_expires),
		STORY(files_that_change_are_read_again),
		STORY(who_is_admitted_is_charged_when_it_is_checked),
		STORY(each_caller_has_a_rate_of_its_own),
		STORY(identities_are_those_of_callers),
		STORY(what_cannot_be_given_does_not_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
