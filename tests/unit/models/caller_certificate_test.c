/* caller_certificate_test.c: Certificates of callers at a server with TLS: those that their authority has revoked, and the names in
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/http/http.h"
#include "net/http/http_server.h"
#include "tests/unit/certificates.h"

#define HOUR_SECONDS 3600
#define TURN_MS 20
#define WAIT_MS 10000

static struct certificates certificates;

struct stand {
	struct loop *loop;
	struct http_server *server;
	struct http *http;
	struct tls_files files, ours;
	struct http_request request;
	char url[64];
	char names[128]; /* the caller's, as the server had them: its subject and its URI */
	bool is_told;
	int status;
	struct error error;
};

static int stand_open(void **state)
{
	static struct stand stand;
	stand = (struct stand){.loop = loop_open(&(struct error){0})};
	certificates_make(&certificates);
	*state = &stand;
	return 0;
}

static int stand_close(void **state)
{
	struct stand *stand = *state;
	http_close(stand->http);
	http_server_close(stand->server);
	loop_close(stand->loop);
	certificates_remove(&certificates);
	return 0;
}

static void server_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	struct stand *stand = context;
	char names[64];
	const struct tls_peer peer = http_incoming_certificate(incoming, names, sizeof names);
	(void)method, (void)path, (void)body;
	snprintf(stand->names, sizeof stand->names, TEXT_FORMAT " " TEXT_FORMAT, TEXT_ARGUMENTS(peer.subject),
		 TEXT_ARGUMENTS(peer.uri));
	http_server_answer(incoming, 200, "text/plain", TEXT("hello"), NULL, 0);
}

static void on_replied(struct http_request *request, const struct http_reply *reply)
{
	struct stand *stand = request->context;
	stand->is_told = true;
	stand->status = (int)reply->status;
	stand->error = reply->error;
}

/* `revocations` NULL: it reads no list. */
static bool serve(struct stand *stand, const char *revocations, struct error *error)
{
	stand->files = certificates_files(&certificates, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY);
	stand->files.revocations = revocations;
	const struct http_server_config config = {
		.files = &stand->files, .body_bytes = 100, .connections = 10, .called = server_called, .context = stand};
	stand->server = http_server_open(stand->loop, &config, error);
	return stand->server != NULL;
}

/* By a connection of its own. */
static void ask_as(struct stand *stand, enum certificate ours)
{
	struct error error = {0};
	http_close(stand->http);
	stand->ours = certificates_files(&certificates, ours, CERTIFICATE_AUTHORITY);
	const struct http_limits limits = {
		.connections_a_host = 1, .connection_idle_s = 60, .reply_bytes = 100, .connect_ms = 2000, .tls = &stand->ours};
	stand->http = http_open(stand->loop, &limits, &error);
	assert_string_equal(error.text, "");
	snprintf(stand->url, sizeof stand->url, "https://127.0.0.1:%d/", http_server_port(stand->server));
	stand->request = (struct http_request){.url = stand->url, .timeout_ms = WAIT_MS, .done = on_replied, .context = stand};
	stand->is_told = false;
	stand->status = 0;
	assert_true(http_start(stand->http, &stand->request, &error));
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !stand->is_told;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, TURN_MS, &error));
	}
}

static void expect_refused(struct stand *stand, enum certificate ours, const char *words)
{
	ask_as(stand, ours);
	assert_int_equal(stand->status, 0);
	if (!strstr(stand->error.text, words))
		assert_string_equal(stand->error.text, words);
}

static void expect_taken(struct stand *stand, enum certificate ours)
{
	ask_as(stand, ours);
	assert_string_equal(stand->error.text, "");
	assert_int_equal(stand->status, 200);
}

static void a_revoked_certificate_is_refused_and_others_are_not(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	certificates_revoke(&certificates, CERTIFICATE_AUTHORITY, CERTIFICATE_CLIENT, HOUR_SECONDS);
	assert_true(serve(stand, certificates.revoked, &error));
	expect_refused(stand, CERTIFICATE_CLIENT, "certificate revoked");
	expect_taken(stand, CERTIFICATE_WORKLOAD);
	certificates_revoke(&certificates, CERTIFICATE_AUTHORITY, CERTIFICATE_WORKLOAD, HOUR_SECONDS);
	assert_true(http_server_reload(stand->server, &stand->files, &error));
	expect_taken(stand, CERTIFICATE_CLIENT);
	expect_refused(stand, CERTIFICATE_WORKLOAD, "certificate revoked");
}

static void without_lists_none_is_refused(void **state)
{
	struct stand *stand = *state;
	certificates_revoke(&certificates, CERTIFICATE_AUTHORITY, CERTIFICATE_CLIENT, HOUR_SECONDS);
	assert_true(serve(stand, NULL, &(struct error){0}));
	expect_taken(stand, CERTIFICATE_CLIENT);
}

static void a_certificate_whose_authority_has_no_list_is_refused(void **state)
{
	struct stand *stand = *state;
	certificates_revoke(&certificates, CERTIFICATE_STRANGER, CERTIFICATES, HOUR_SECONDS);
	assert_true(serve(stand, certificates.revoked, &(struct error){0}));
	expect_refused(stand, CERTIFICATE_CLIENT, "unknown ca");
}

static void certificates_are_refused_when_their_list_has_expired(void **state)
{
	struct stand *stand = *state;
	certificates_revoke(&certificates, CERTIFICATE_AUTHORITY, CERTIFICATES, 3);
	assert_true(serve(stand, certificates.revoked, &(struct error){0}));
	const int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS;
	do {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		ask_as(stand, CERTIFICATE_CLIENT);
	} while (stand->status == 200);
	expect_refused(stand, CERTIFICATE_CLIENT, "certificate expired");
}

/* RFC 5280, 6.3.3: without a current list nobody knows whether a certificate is revoked. */
static void a_list_that_cannot_be_used_is_named(void **state)
{
	struct stand *stand = *state;
	certificates_revoke(&certificates, CERTIFICATE_AUTHORITY, CERTIFICATES, -1);
	const struct {
		const char *file, *words;
	} rows[] = {{certificates.revoked, "has expired"},
		    {"/nowhere.pem", "the file of revocations `/nowhere.pem`"},
		    {certificates.certificate[CERTIFICATE_AUTHORITY], "the file of revocations `"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error error = {0};
		assert_false(serve(stand, rows[i].file, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		if (!strstr(error.text, rows[i].words))
			assert_string_equal(error.text, rows[i].words);
	}
}

/* SPIFFE X.509-SVID, 2: a certificate has exactly one URI. */
static void a_caller_is_known_by_its_subject_and_its_uri(void **state)
{
	static const struct {
		enum certificate ours;
		const char *names;
	} rows[] = {{CERTIFICATE_CLIENT, "CN=client "},
		    {CERTIFICATE_WORKLOAD, "CN=workload spiffe://example/batch"},
		    {CERTIFICATE_WORKLOADS, "CN=workloads "},
		    {CERTIFICATE_PRETENDER, "CN=pretender "}};
	struct stand *stand = *state;
	assert_true(serve(stand, NULL, &(struct error){0}));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		expect_taken(stand, rows[i].ours);
		assert_string_equal(stand->names, rows[i].names);
	}
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)
	const struct CMUnitTest tests[] = {
		STORY(a_revoked_certificate_is_refused_and_others_are_not),
		STORY(without_lists_none_is_refused),
		STORY(a_certificate_whose_authority_has_no_list_is_refused),
		STORY(certificates_are_refused_when_their_list_has_expired),
		STORY(a_list_that_cannot_be_used_is_named),
		STORY(a_caller_is_known_by_its_subject_and_its_uri),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
