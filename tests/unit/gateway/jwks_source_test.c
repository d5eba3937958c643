/* jwks_source_test.c: a key set that comes by HTTP from a server that is played by hand: well, late, and not at all. */
#include "gateway/access/jwks_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/http_stand.h"
#include "tests/unit/tokens.h"

static size_t changes;
static char last_note[2048];
static enum log_level last_level;

static void change_count(void *context)
{
	(void)context;
	changes++;
}

static void note_take(void *context, enum log_level level, const char *line)
{
	(void)context;
	last_level = level;
	snprintf(last_note, sizeof last_note, "%s", line);
}

static struct jwks_source *source_opened(const struct http_stand *stand, const char *uri)
{
	struct error error = {0};
	const struct jwks_source_settings settings = {.uri = uri, .changed = change_count, .note = note_take};
	struct jwks_source *source = jwks_source_open(stand->loop, &settings, &error);
	if (!source)
		fail_msg("%s", error.text);
	changes = 0;
	last_note[0] = '\0';
	return source;
}

static struct jwks_source *source_at(const struct http_stand *stand, const char *url)
{
	struct jwks_source *source = source_opened(stand, url);
	assert_null(jwks_source_keys(source)); /* opening waits for nobody */
	return source;
}

static struct jwks_source *source_of(const struct http_stand *stand)
{
	return source_at(stand, stand->url);
}

/* The server's answer, with all of a body. */
static void guest_answer(const struct guest *guest, const char *status, const char *body)
{
	struct buffer out;
	buffer_open(&out, JWKS_BYTES_MAX * 2);
	buffer_print(&out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
	buffer_byte(&out, '\0');
	guest_say(guest, out.bytes);
	buffer_close(&out);
}

static void turn_until_told(struct http_stand *stand, const struct jwks_source *source)
{
	for (int i = 0; i < HTTP_STAND_TURNS_MAX && !last_note[0] && !jwks_source_keys(source); i++)
		http_stand_turn(stand);
}

static void a_key_set_comes_by_http(void **state)
{
	struct http_stand *stand = *state;
	struct jwks_source *source = source_of(stand);
	struct buffer json;
	EVP_PKEY *key = token_key_curve("P-256");
	buffer_open(&json, 4096);
	buffer_string(&json, "{\"keys\":[{\"kty\":\"oct\"},{\"kty\":\"oct\"},{\"kty\":\"RSA\"},");
	token_jwk(&json, key, ",\"kid\":\"a\"");
	buffer_append(&json, "]}", 3);
	struct guest guest = let_in(stand);
	const char *heard = guest_hear(&guest, HEAD_ENDS);
	assert_non_null(heard);
	assert_non_null(strstr(heard, "GET /x HTTP/1.1\r\n"));
	assert_true(jwks_source_want(source)); /* the one that is under way */
	guest_answer(&guest, "200 OK", json.bytes);
	turn_until_told(stand, source);
	const struct jwks *keys = jwks_source_keys(source);
	assert_non_null(keys);
	assert_int_equal(keys->count, 1);
	assert_int_equal(changes, 1);
	assert_string_equal(last_note, "3 keys of tokens are left out: 2 of an unknown type 1 malformed");
	assert_false(jwks_source_want(source)); /* within ten seconds no other is fetched */
	for (int i = 0; i < 10; i++)
		http_stand_turn(stand);
	assert_nobody_knocks(stand);
	guest_close(&guest);
	jwks_source_close(source);
	buffer_close(&json);
	EVP_PKEY_free(key);
}

static void set_write(const char *path, const char *json)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(json, file) >= 0 && fclose(file) == 0);
}

static void an_issuer_withdraws_all_keys_by_an_empty_set(void **state)
{
	struct http_stand *stand = *state;
	char path[] = "/tmp/sluice-jwks-XXXXXX";
	struct error error = {0};
	struct buffer json;
	EVP_PKEY *key = token_key_curve("P-256");
	buffer_open(&json, 4096);
	buffer_string(&json, "{\"keys\":[");
	token_jwk(&json, key, ",\"kid\":\"a\"");
	buffer_append(&json, "]}", 3);
	int file = mkstemp(path);
	assert_true(file >= 0);
	close(file);
	set_write(path, json.bytes);
	struct jwks_source *source = source_opened(stand, path);
	assert_int_equal(jwks_source_keys(source)->count, 1);
	set_write(path, "{\"keys\":[]}");
	changes = 0;
	assert_true(jwks_source_reread(source, &error));
	assert_int_equal(jwks_source_keys(source)->count, 0);
	assert_int_equal(changes, 1);
	assert_string_equal(last_note, "the key set of tokens is empty, so all tokens are refused");
	assert_int_equal(last_level, LOG_LEVEL_WARN);
	jwks_source_close(source);
	unlink(path);
	buffer_close(&json);
	EVP_PKEY_free(key);
}

static void what_is_no_key_set_is_noted(void **state)
{
	struct http_stand *stand = *state;
	char secret[sizeof stand->url + sizeof "?secret"];
	snprintf(secret, sizeof secret, "%s?secret", stand->url);
	static const struct {
		const char *status, *body, *note;
	} rows[] = {{"503 Service Unavailable", "", "answered 503"},
		    {"302 Found", "", "answered 302"},
		    {"200 OK", "<html>", "no JSON"},
		    {"200 OK", "{\"keys\":[{\"kty\":\"oct\"}]}", "none of the 1 keys"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct jwks_source *source = source_at(stand, secret);
		struct guest guest = let_in(stand);
		assert_non_null(guest_hear(&guest, HEAD_ENDS));
		guest_answer(&guest, rows[i].status, rows[i].body);
		turn_until_told(stand, source);
		if (!strstr(last_note, rows[i].note))
			fail_msg("%s: not about %s", last_note, rows[i].note);
		assert_non_null(strstr(last_note, stand->url)); /* as far as it is no secret */
		assert_null(strstr(last_note, "secret"));
		assert_non_null(strstr(last_note, "; it fails since 20"));
		assert_non_null(
			strstr(last_note, ", and all tokens are refused (503) meanwhile; check that address (--jwks, or jwksUri)"));
		assert_int_equal(last_level, LOG_LEVEL_WARN);
		assert_null(jwks_source_keys(source));
		assert_int_equal(changes, 0);
		guest_close(&guest);
		jwks_source_close(source);
	}
}

static void a_server_that_hangs_up_is_noted_and_a_source_may_close_meanwhile(void **state)
{
	struct http_stand *stand = *state;
	struct jwks_source *source = source_of(stand);
	struct guest guest = let_in(stand);
	assert_non_null(guest_hear(&guest, HEAD_ENDS));
	guest_close(&guest);
	turn_until_told(stand, source);
	assert_non_null(strstr(last_note, "the key set of tokens cannot be fetched"));
	jwks_source_close(source);
	source = source_of(stand);
	guest = let_in(stand);
	jwks_source_close(source); /* while its request is under way */
	http_stand_turn(stand);
	guest_close(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_key_set_comes_by_http),
		STORY(an_issuer_withdraws_all_keys_by_an_empty_set),
		STORY(what_is_no_key_set_is_noted),
		STORY(a_server_that_hangs_up_is_noted_and_a_source_may_close_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
