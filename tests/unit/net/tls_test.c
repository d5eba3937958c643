/* Calls through TLS, by gRPC and by HTTP: who is believed, and what is said of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/grpc/grpc.h"
#include "net/grpc/grpc_server.h"
#include "net/http/http.h"
#include "net/http/http_server.h"
#include "net/listen.h"
#include "tests/unit/certificates.h"
#include "tests/unit/guest.h"
#include "tests/unit/puppet.h"

#define NONE CERTIFICATES
#define HANDSHAKE_MS 1000

static struct certificates certificates;

struct vault {
	struct loop *loop;
	struct grpc_server *server;
	struct http_server *http_server;
	struct grpc *grpc;
	struct http *http;
	struct http_request request;
	struct tls_files server_files, files;
	char address[64];
	int told;
	int status;
	size_t length;
	struct error error;
};

static int make_certificates(void **state)
{
	(void)state;
	certificates_make(&certificates);
	return 0;
}

static int remove_certificates(void **state)
{
	(void)state;
	certificates_remove(&certificates);
	return 0;
}

static int set_up(void **state)
{
	static struct vault vault;
	vault = (struct vault){.loop = loop_open(&(struct error){0})};
	*state = &vault;
	return 0;
}

static int tear_down(void **state)
{
	struct vault *vault = *state;
	grpc_close(vault->grpc);
	http_close(vault->http);
	grpc_server_close(vault->server);
	http_server_close(vault->http_server);
	loop_close(vault->loop);
	return 0;
}

static void turn_until_told(struct vault *vault)
{
	for (int64_t until = loop_now_ms(vault->loop) + 10000; !vault->told;) {
		assert_true(loop_now_ms(vault->loop) < until);
		assert_true(loop_turn(vault->loop, 20, &(struct error){0}));
	}
}

/* ---- gRPC ---- */

static void echo(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context, (void)path;
	grpc_server_answer(request, 0, (struct text){0}, body);
}

static void on_done(struct grpc_call *call, const struct grpc_reply *reply)
{
	struct vault *vault = call->context;
	vault->told++;
	vault->status = reply->status;
	vault->length = reply->body.length;
	vault->error = reply->error;
}

static void open_grpc_server(struct vault *vault, enum certificate ours, enum certificate authority)
{
	struct error error = {0};
	vault->server_files = certificates_files(&certificates, ours, authority);
	const struct grpc_server_config config = {
		.files = &vault->server_files, .message_bytes = (size_t)32 << 20, .streams = 10, .connections = 10, .called = echo};
	vault->server = grpc_server_open(vault->loop, &config, &error);
	assert_string_equal(error.text, "");
	snprintf(vault->address, sizeof vault->address, "127.0.0.1:%d", grpc_server_port(vault->server));
}

static void call_as(struct vault *vault, enum certificate ours, enum certificate authority, struct text body)
{
	static struct grpc_call call;
	static struct text part;
	const struct grpc_limits limits = {
		.streams = 10, .connections = 1, .connection_idle_s = 60, .reply_bytes = (size_t)32 << 20, .connect_ms = 2000};
	struct error error = {0};
	vault->files = certificates_files(&certificates, ours, authority);
	vault->grpc = grpc_open(vault->loop, &limits, &vault->files, &error);
	assert_string_equal(error.text, "");
	part = body;
	call = (struct grpc_call){.address = vault->address,
				  .tls = true,
				  .path = "/a.B/C",
				  .body = &part,
				  .body_count = 1,
				  .timeout_ms = 10000,
				  .done = on_done,
				  .context = vault};
	assert_true(grpc_start(vault->grpc, &call, &error));
	turn_until_told(vault);
}

static void assert_refused(const struct vault *vault, const char *words)
{
	assert_int_equal(vault->error.kind, ERROR_REMOTE);
	if (!strstr(vault->error.text, words))
		assert_string_equal(vault->error.text, words);
}

static void a_server_that_its_authority_vouches_for_is_believed(void **state)
{
	open_grpc_server(*state, CERTIFICATE_SERVER, NONE);
	call_as(*state, NONE, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_int_equal(((struct vault *)*state)->status, 0);
	assert_int_equal(((struct vault *)*state)->length, 5);
}

static void sixteen_mebibytes_go_both_ways(void **state)
{
	static char much[16 << 20];
	open_grpc_server(*state, CERTIFICATE_SERVER, NONE);
	call_as(*state, NONE, CERTIFICATE_AUTHORITY, (struct text){much, sizeof much});
	assert_int_equal(((struct vault *)*state)->length, sizeof much);
}

static void a_stranger_is_not_believed(void **state)
{
	open_grpc_server(*state, CERTIFICATE_STRANGER, NONE);
	call_as(*state, NONE, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_refused(*state, "its certificate is not valid: self-signed certificate");
}

static void a_server_of_another_name_is_not_believed(void **state)
{
	open_grpc_server(*state, CERTIFICATE_ELSEWHERE, NONE);
	call_as(*state, NONE, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_refused(*state, "its certificate is not valid: IP address mismatch");
}

static void a_name_is_held_against_the_certificate(void **state)
{
	struct vault *vault = *state;
	open_grpc_server(vault, CERTIFICATE_ELSEWHERE, NONE);
	snprintf(vault->address, sizeof vault->address, "localhost:%d", grpc_server_port(vault->server));
	call_as(vault, NONE, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_refused(vault, "its certificate is not valid: hostname mismatch");
}

static void a_caller_with_a_certificate_is_let_in(void **state)
{
	open_grpc_server(*state, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY);
	call_as(*state, CERTIFICATE_CLIENT, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_int_equal(((struct vault *)*state)->status, 0);
}

static void a_caller_without_one_is_not_let_in(void **state)
{
	open_grpc_server(*state, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY);
	call_as(*state, NONE, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_refused(*state, "certificate required");
}

static void a_caller_with_a_strangers_is_not_let_in(void **state)
{
	open_grpc_server(*state, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY);
	call_as(*state, CERTIFICATE_STRANGER, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_refused(*state, "127.0.0.1");
	assert_int_equal(((struct vault *)*state)->status, -1);
}

static void a_server_without_tls_is_named(void **state)
{
	struct vault *vault = *state;
	struct puppet puppet = {.streams = 10};
	snprintf(vault->address, sizeof vault->address, "127.0.0.1:%d", puppet_open(&puppet, vault->loop));
	call_as(vault, NONE, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_refused(vault, "TLS failed: wrong version number");
	puppet_close(&puppet);
}

static void files_that_cannot_be_used_are_named(void **state)
{
	struct vault *vault = *state;
	const struct {
		struct tls_files files;
		const char *words;
	} rows[] = {
		{{.authorities = "/nowhere.pem"}, "`/nowhere.pem`"},
		{{.certificate = certificates.certificate[CERTIFICATE_CLIENT]}, "the key is missing"},
		{{.key = certificates.key[CERTIFICATE_CLIENT]}, "the certificate is missing"},
		{{.certificate = certificates.key[CERTIFICATE_CLIENT], .key = certificates.key[CERTIFICATE_CLIENT]},
		 "the certificate `"},
		{{.certificate = certificates.certificate[CERTIFICATE_CLIENT], .key = certificates.key[CERTIFICATE_SERVER]},
		 "the key `"},
	};
	const struct grpc_limits limits = {.streams = 1, .connections = 1};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error error = {0};
		assert_null(grpc_open(vault->loop, &limits, &rows[i].files, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		if (!strstr(error.text, rows[i].words))
			assert_string_equal(error.text, rows[i].words);
		const struct http_limits http = {.connections_a_host = 1, .tls = &rows[i].files};
		struct error again = {0};
		assert_null(http_open(vault->loop, &http, &again));
		assert_int_equal(again.kind, ERROR_CONFIG);
		assert_string_equal(again.text, error.text);
	}
}

static void a_server_needs_a_certificate(void **state)
{
	struct vault *vault = *state;
	struct error error = {0};
	const struct tls_files files = {.authorities = certificates.certificate[CERTIFICATE_AUTHORITY]};
	const struct grpc_server_config config = {.files = &files, .streams = 1, .connections = 1, .called = echo};
	assert_null(grpc_server_open(vault->loop, &config, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
}

/* ---- HTTP ---- */

static void answer(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path;
	http_server_answer(asked, 200, "text/plain", body.length ? body : TEXT("hello"), NULL, 0);
}

static void on_replied(struct http_request *request, const struct http_reply *reply)
{
	struct vault *vault = request->context;
	vault->told++;
	vault->status = (int)reply->status;
	vault->length = reply->body.length;
	vault->error = reply->error;
}

static void ask_again(struct vault *vault)
{
	vault->told = 0;
	assert_true(http_start(vault->http, &vault->request, &(struct error){0}));
	turn_until_told(vault);
}

/* As `ours`, to a port of 127.0.0.1. */
static void ask_port_over_https(struct vault *vault, int port, enum certificate ours, enum certificate authority)
{
	struct error error = {0};
	vault->files = certificates_files(&certificates, ours, authority);
	const struct http_limits limits = {.connections_a_host = 1,
					   .connection_idle_s = 60,
					   .reply_bytes = 16 << 20,
					   .connect_ms = 2000,
					   .tls = &vault->files};
	vault->http = http_open(vault->loop, &limits, &error);
	assert_string_equal(error.text, "");
	snprintf(vault->address, sizeof vault->address, "https://127.0.0.1:%d/", port);
	vault->request = (struct http_request){
		.url = vault->address, .content_type = "text/plain", .timeout_ms = 10000, .done = on_replied, .context = vault};
	ask_again(vault);
}

static void open_http_server(struct vault *vault, enum certificate theirs, enum certificate wanted,
			     void (*called)(void *, struct http_incoming *, struct text, struct text, struct text))
{
	struct error error = {0};
	vault->server_files = certificates_files(&certificates, theirs, wanted);
	const struct http_server_config config = {
		.files = &vault->server_files, .body_bytes = 16 << 20, .connections = 10,
		.head_ms = HANDSHAKE_MS, .called = called};
	vault->http_server = http_server_open(vault->loop, &config, &error);
	assert_string_equal(error.text, "");
}

static void ask_over_https(struct vault *vault, enum certificate theirs, enum certificate authority)
{
	open_http_server(vault, theirs, NONE, answer);
	ask_port_over_https(vault, http_server_port(vault->http_server), NONE, authority);
}

/* By a connection of its own. */
static void ask_anew(struct vault *vault, enum certificate ours, enum certificate authority)
{
	http_close(vault->http);
	vault->http = NULL;
	ask_port_over_https(vault, http_server_port(vault->http_server), ours, authority);
}

static void http_asks_its_callers_for_certificates(void **state)
{
	struct vault *vault = *state;
	open_http_server(vault, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY, answer);
	ask_anew(vault, CERTIFICATE_CLIENT, CERTIFICATE_AUTHORITY);
	assert_string_equal(vault->error.text, "");
	assert_int_equal(vault->status, 200);
	ask_anew(vault, NONE, CERTIFICATE_AUTHORITY);
	assert_int_equal(vault->status, 0);
	ask_anew(vault, CERTIFICATE_STRANGER, CERTIFICATE_AUTHORITY);
	assert_int_equal(vault->status, 0);
}

static void a_certificate_changes_while_the_server_runs(void **state)
{
	struct vault *vault = *state;
	struct error error = {0};
	ask_over_https(vault, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY);
	assert_int_equal(vault->status, 200);
	const struct tls_files other = certificates_files(&certificates, CERTIFICATE_STRANGER, NONE);
	assert_true(http_server_reload(vault->http_server, &other, &error));
	ask_again(vault); /* a connection that was open goes on */
	assert_int_equal(vault->status, 200);
	ask_anew(vault, NONE, CERTIFICATE_AUTHORITY);
	assert_refused(vault, "certificate");
	ask_anew(vault, NONE, CERTIFICATE_STRANGER);
	assert_int_equal(vault->status, 200);
}

static void a_certificate_with_anothers_key_is_refused_and_the_old_one_stays(void **state)
{
	struct vault *vault = *state;
	struct error error = {0}, again = {0};
	const struct tls_files mixed = {.certificate = certificates.certificate[CERTIFICATE_SERVER],
					.key = certificates.key[CERTIFICATE_CLIENT]};
	ask_over_https(vault, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY);
	assert_false(http_server_reload(vault->http_server, &mixed, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "is not that of the certificate"));
	assert_non_null(strstr(error.text, mixed.key));
	ask_anew(vault, NONE, CERTIFICATE_AUTHORITY);
	assert_int_equal(vault->status, 200);
	open_grpc_server(vault, CERTIFICATE_SERVER, NONE);
	assert_false(grpc_server_reload(vault->server, &mixed, &again));
	assert_string_equal(again.text, error.text);
	vault->told = 0;
	call_as(vault, NONE, CERTIFICATE_AUTHORITY, TEXT("hello"));
	assert_int_equal(vault->status, 0);
}

/* A caller over TLS that sends one request and, when it is told, leaves: with the alert that announces it. */
struct leaver {
	int port;
	int leaves;	  /* the end of a pipe: its closing tells */
	bool stays;	  /* to read: it only ends its side */
	char heard[1024]; /* then */
};

static void leaver_listen(struct leaver *leaver, SSL *session)
{
	size_t length = 0;
	for (int got; (got = SSL_read(session, leaver->heard + length, (int)(sizeof leaver->heard - 1 - length))) > 0;)
		length += (size_t)got;
}

static void *leaver_run(void *context)
{
	static const char asks[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	struct leaver *leaver = context;
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)leaver->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION); /* no tickets: unread, they would make its close a reset */
	SSL *session = SSL_new(tls);
	int socket_of = socket(AF_INET, SOCK_STREAM, 0);
	char byte;
	bool good = connect(socket_of, (const struct sockaddr *)&address, sizeof address) == 0 &&
		    SSL_set_fd(session, socket_of) == 1 && SSL_connect(session) == 1 &&
		    SSL_write(session, asks, sizeof asks - 1) == sizeof asks - 1;
	ssize_t told = read(leaver->leaves, &byte, 1);
	SSL_shutdown(session);
	if (leaver->stays) {
		shutdown(socket_of, SHUT_WR);
		leaver_listen(leaver, session);
	}
	close(socket_of);
	SSL_free(session);
	SSL_CTX_free(tls);
	return good && told == 0 ? context : NULL;
}

static struct http_incoming *held;

static void hold(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path, (void)body;
	held = asked;
}

/* Whether its request is over some time after it has left. */
static bool leaver_is_noticed(struct vault *vault, struct leaver *leaver, int64_t wait_ms)
{
	int pipes[2];
	pthread_t thread;
	void *result;
	held = NULL;
	open_http_server(vault, CERTIFICATE_SERVER, NONE, hold);
	assert_int_equal(pipe(pipes), 0);
	leaver->port = http_server_port(vault->http_server);
	leaver->leaves = pipes[0];
	assert_int_equal(pthread_create(&thread, NULL, leaver_run, leaver), 0);
	for (int64_t until_ms = loop_now_ms(vault->loop) + 10000; !held && loop_now_ms(vault->loop) < until_ms;)
		assert_true(loop_turn(vault->loop, 20, &(struct error){0}));
	assert_non_null(held);
	assert_false(http_incoming_is_over(held));
	close(pipes[1]);
	int64_t until_ms = loop_now_ms(vault->loop) + wait_ms;
	while (!http_incoming_is_over(held) && loop_now_ms(vault->loop) < until_ms)
		assert_true(loop_turn(vault->loop, 20, &(struct error){0}));
	const bool is_over = http_incoming_is_over(held);
	http_server_answer(held, 200, "text/plain", TEXT("late"), NULL, 0);
	for (int64_t end_ms = loop_now_ms(vault->loop) + 10000; !http_server_drain(vault->http_server);) {
		assert_true(loop_now_ms(vault->loop) < end_ms);
		assert_true(loop_turn(vault->loop, 20, &(struct error){0}));
	}
	http_server_close(vault->http_server);
	vault->http_server = NULL;
	pthread_join(thread, &result);
	close(pipes[0]);
	assert_ptr_equal(result, leaver);
	return is_over;
}

static void a_caller_that_leaves_is_noticed_through_tls(void **state)
{
	struct leaver leaver = {0};
	assert_true(leaver_is_noticed(*state, &leaver, 10000));
}

static void a_caller_that_ends_its_side_of_tls_is_answered(void **state)
{
	struct leaver leaver = {.stays = true};
	assert_false(leaver_is_noticed(*state, &leaver, 100));
	assert_memory_equal(leaver.heard, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(leaver.heard, "\r\n\r\nlate"));
}

static void a_handshake_that_does_not_begin_ends(void **state)
{
	struct vault *vault = *state;
	char byte;
	open_http_server(vault, CERTIFICATE_SERVER, NONE, answer);
	struct guest guest = guest_open(vault->loop, http_server_port(vault->http_server));
	int64_t begun_ms = loop_now_ms(vault->loop);
	assert_non_null(guest_hear(&guest, ""));
	assert_true(loop_now_ms(vault->loop) - begun_ms < HANDSHAKE_MS + 1000);
	assert_int_equal(recv(guest.socket, &byte, 1, 0), 0);
	guest_close(&guest);
}

static void https_goes_to_a_server_that_its_authority_vouches_for(void **state)
{
	struct vault *vault = *state;
	ask_over_https(vault, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY);
	assert_string_equal(vault->error.text, "");
	assert_int_equal(vault->status, 200);
	assert_int_equal(vault->length, 5);
}

static void sixteen_mebibytes_go_both_ways_over_https(void **state)
{
	static char much[16 << 20];
	struct vault *vault = *state;
	ask_over_https(vault, CERTIFICATE_SERVER, CERTIFICATE_AUTHORITY);
	vault->request.body = (struct text){much, sizeof much};
	ask_again(vault);
	assert_string_equal(vault->error.text, "");
	assert_int_equal(vault->status, 200);
	assert_int_equal(vault->length, sizeof much);
}

static void https_does_not_go_to_a_stranger(void **state)
{
	ask_over_https(*state, CERTIFICATE_STRANGER, CERTIFICATE_AUTHORITY);
	assert_refused(*state, "certificate");
}

static void https_does_not_go_to_a_server_of_another_name(void **state)
{
	ask_over_https(*state, CERTIFICATE_ELSEWHERE, CERTIFICATE_AUTHORITY);
	assert_refused(*state, "127.0.0.1");
}

static void https_believes_nobody_by_default_but_the_systems_authorities(void **state)
{
	ask_over_https(*state, CERTIFICATE_SERVER, NONE);
	assert_refused(*state, "certificate");
}

static char offered[32]; /* protocols, as ALPN writes them */

static int note_offer(SSL *session, const unsigned char **chosen, unsigned char *length, const unsigned char *list,
		      unsigned int list_length, void *context)
{
	(void)session, (void)chosen, (void)length, (void)context;
	snprintf(offered, sizeof offered, "%.*s", (int)list_length, (const char *)list);
	return SSL_TLSEXT_ERR_NOACK;
}

/* A server of one connection, which wants a certificate: answers each request with the name on it. */
static void *ask_who_is_there(void *context)
{
	const int *listener = context;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate_chain_file(tls, certificates.certificate[CERTIFICATE_SERVER]);
	SSL_CTX_use_PrivateKey_file(tls, certificates.key[CERTIFICATE_SERVER], SSL_FILETYPE_PEM);
	SSL_CTX_load_verify_file(tls, certificates.certificate[CERTIFICATE_AUTHORITY]);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_alpn_select_cb(tls, note_offer, NULL);
	SSL *session = SSL_new(tls);
	int socket = accept(*listener, NULL, NULL);
	SSL_set_fd(session, socket);
	if (SSL_accept(session) == 1) {
		char request[1024], name[32] = "", reply[128];
		X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(session)), NID_commonName, name,
					  sizeof name);
		while (SSL_read(session, request, sizeof request) > 0)
			SSL_write(session, reply,
				  snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(name),
					   name));
		SSL_shutdown(session);
	}
	SSL_free(session);
	close(socket);
	SSL_CTX_free(tls);
	return NULL;
}

/* Twice: the second time nobody else would be let in. */
static void ask_as(struct vault *vault, enum certificate ours)
{
	pthread_t thread;
	int port = 0, listener = listen_open(NULL, &port, &(struct error){0});
	assert_true(listener >= 0);
	assert_int_equal(fcntl(listener, F_SETFL, 0), 0); /* the thread may wait */
	assert_int_equal(pthread_create(&thread, NULL, ask_who_is_there, &listener), 0);
	ask_port_over_https(vault, port, ours, CERTIFICATE_AUTHORITY);
	if (vault->status == 200) {
		assert_true(loop_turn(vault->loop, 20, &(struct error){0})); /* the server's tickets come in between */
		ask_again(vault);
	}
	http_close(vault->http);
	vault->http = NULL;
	pthread_join(thread, NULL);
	close(listener);
}

static void https_shows_our_certificate_and_keeps_its_connection(void **state)
{
	struct vault *vault = *state;
	ask_as(vault, CERTIFICATE_CLIENT);
	assert_string_equal(offered, "\x08http/1.1");
	assert_string_equal(vault->error.text, "");
	assert_int_equal(vault->status, 200);
	assert_int_equal(vault->length, strlen("client"));
}

static void https_without_a_certificate_is_not_let_in_where_one_is_wanted(void **state)
{
	ask_as(*state, NONE);
	assert_refused(*state, "127.0.0.1");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_server_that_its_authority_vouches_for_is_believed),
		STORY(sixteen_mebibytes_go_both_ways),
		STORY(a_stranger_is_not_believed),
		STORY(a_server_of_another_name_is_not_believed),
		STORY(a_name_is_held_against_the_certificate),
		STORY(a_caller_with_a_certificate_is_let_in),
		STORY(a_caller_without_one_is_not_let_in),
		STORY(a_caller_with_a_strangers_is_not_let_in),
		STORY(a_server_without_tls_is_named),
		STORY(files_that_cannot_be_used_are_named),
		STORY(a_server_needs_a_certificate),
		STORY(https_goes_to_a_server_that_its_authority_vouches_for),
		STORY(http_asks_its_callers_for_certificates),
		STORY(a_caller_that_leaves_is_noticed_through_tls),
		STORY(a_caller_that_ends_its_side_of_tls_is_answered),
		STORY(a_certificate_changes_while_the_server_runs),
		STORY(a_certificate_with_anothers_key_is_refused_and_the_old_one_stays),
		STORY(a_handshake_that_does_not_begin_ends),
		STORY(sixteen_mebibytes_go_both_ways_over_https),
		STORY(https_does_not_go_to_a_stranger),
		STORY(https_does_not_go_to_a_server_of_another_name),
		STORY(https_shows_our_certificate_and_keeps_its_connection),
		STORY(https_without_a_certificate_is_not_let_in_where_one_is_wanted),
		STORY(https_believes_nobody_by_default_but_the_systems_authorities),
	};
	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
