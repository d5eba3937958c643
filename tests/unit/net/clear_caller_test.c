/* clear_caller_test.c: callers of a port with TLS that speak HTTP in clear text are told so, and those that offer HTTP/1.0 are
 * served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"
#include "net/link.h"
#include "tests/unit/certificates.h"
#include "tests/unit/guest.h"

#define TURNS_MAX 500
#define HEAD_MS 1000
#define GET "GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n"

static struct certificates certificates;

struct clear_stand {
	struct loop *loop;
	struct tls_files files;
	struct http_server *http;
	struct grpc_server *grpc; /* whose port the other shares; NULL: it has its own */
	int port;
};

static void answer(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path, (void)body;
	http_server_answer(asked, 200, "text/plain", TEXT("hello"), NULL, 0);
}

static void stand_open(struct clear_stand *stand, bool shares)
{
	struct error error = {0};
	*stand = (struct clear_stand){.loop = loop_open(&error),
				      .files = certificates_files(&certificates, CERTIFICATE_SERVER, CERTIFICATES)};
	const struct http_server_config http = {.files = shares ? NULL : &stand->files,
						.adopts = shares,
						.body_bytes = 1000,
						.connections = 4,
						.head_ms = HEAD_MS,
						.called = answer};
	stand->http = http_server_open(stand->loop, &http, &error);
	assert_string_equal(error.text, "");
	const struct grpc_server_config grpc = {.files = &stand->files,
						.message_bytes = 1000,
						.metadata_bytes = 8000,
						.streams = 4,
						.connections = 4,
						.http = stand->http};
	if (shares)
		stand->grpc = grpc_server_open(stand->loop, &grpc, &error);
	assert_string_equal(error.text, "");
	stand->port = shares ? grpc_server_port(stand->grpc) : http_server_port(stand->http);
}

static void stand_close(struct clear_stand *stand)
{
	http_server_close(stand->http);
	grpc_server_close(stand->grpc);
	loop_close(stand->loop);
}

/* A reset can overtake what was said before. */
static void assert_closed_without_reset(const struct guest *guest)
{
	char byte;
	ssize_t got = -1;
	errno = EAGAIN;
	for (int turns = 0; turns < TURNS_MAX && got < 0 && errno == EAGAIN; turns++) {
		guest_turn(guest);
		got = recv(guest->socket, &byte, sizeof byte, MSG_DONTWAIT);
	}
	assert_int_equal(got, 0);
	int number = 0; /* of a reset that followed */
	socklen_t length = sizeof number;
	guest_turn(guest);
	assert_int_equal(getsockopt(guest->socket, SOL_SOCKET, SO_ERROR, &number, &length), 0);
	assert_int_equal(number, 0);
}

static uint64_t rejected(const struct clear_stand *stand)
{
	return (stand->grpc ? grpc_server_counts(stand->grpc) : http_server_counts(stand->http)).rejected;
}

static void assert_told(bool shares, const char *request)
{
	struct clear_stand stand;
	stand_open(&stand, shares);
	struct guest guest = guest_open(stand.loop, stand.port);
	const char *heard = guest_ask(&guest, request, "}");
	assert_non_null(heard);
	assert_ptr_equal(strstr(heard, "HTTP/1.1 400 Bad Request\r\n"), heard);
	assert_non_null(strstr(heard, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(heard, "\r\n\r\n{\"error\":\"this port accepts TLS alone; ask it by https\""));
	assert_closed_without_reset(&guest);
	guest_close(&guest);
	assert_int_equal(rejected(&stand), 1);
	stand_close(&stand);
}

static void who_speaks_in_clear_text_is_told_so(void **state)
{
	static const char *const methods[] = {"HEAD",  "PUT",	  "OPTIONS",  "DELETE",	 "PATCH",
					      "TRACE", "CONNECT", "PROPFIND", "M-SEARCH"};
	(void)state;
	assert_told(false, GET);
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		char request[64];
		snprintf(request, sizeof request, "%s /v2 HTTP/1.1\r\nHost: x\r\n\r\n", methods[i]);
		assert_told(i % 2 == 0, request);
	}
	assert_told(false, "POST /v2/models/a/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
	assert_told(true, GET);
}

static void the_length_of_what_it_is_told_is_right(void **state)
{
	struct clear_stand stand;
	(void)state;
	stand_open(&stand, false);
	struct guest guest = guest_open(stand.loop, stand.port);
	const char *heard = guest_ask(&guest, GET, "}");
	assert_non_null(heard);
	const char *length = strstr(heard, "Content-Length: "), *body = strstr(heard, "\r\n\r\n");
	assert_non_null(length);
	assert_int_equal(strtol(length + strlen("Content-Length: "), NULL, 10), strlen(body + 4));
	guest_close(&guest);
	stand_close(&stand);
}

/* Neither TLS nor HTTP: nothing is said, as before. */
static void who_speaks_otherwise_is_told_nothing(void **state)
{
	static const char *const others[] = {"hello, is there anybody?\r\n", "PROXY TCP4 127.0.0.1 127.0.0.1 51000 443\r\n"};
	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct clear_stand stand;
		stand_open(&stand, false);
		struct guest guest = guest_open(stand.loop, stand.port);
		guest_say(&guest, others[i]);
		const char *heard = guest_hear(&guest, "");
		assert_non_null(heard); /* it is closed */
		assert_null(strstr(heard, "HTTP"));
		guest_close(&guest);
		assert_int_equal(rejected(&stand), 0);
		stand_close(&stand);
	}
}

/* Also if its first bytes come one by one. */
static void who_speaks_http2_in_clear_text_is_told_so(void **state)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	(void)state;
	for (int shares = 0; shares < 2; shares++) {
		struct clear_stand stand;
		stand_open(&stand, shares);
		struct guest guest = guest_open(stand.loop, stand.port);
		for (size_t i = 0; i < 4; i++) {
			guest_say(&guest, (const char[]){preface[i], '\0'});
			guest_turn(&guest);
		}
		const char *heard = guest_ask(&guest, preface + 4, "}");
		assert_non_null(heard);
		assert_ptr_equal(strstr(heard, "HTTP/1.1 400 Bad Request\r\n"), heard);
		assert_closed_without_reset(&guest);
		guest_close(&guest);
		assert_int_equal(rejected(&stand), 1);
		stand_close(&stand);
	}
}

static enum link_outcome shake_hands_as(const struct clear_stand *stand, const char *protocol)
{
	struct error error = {0};
	const struct tls_files files = certificates_files(&certificates, CERTIFICATES, CERTIFICATE_AUTHORITY);
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)stand->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct ssl_ctx_st *tls = tls_open_client(&files, protocol, &error);
	struct link link = LINK_NONE;
	enum link_outcome outcome = LINK_LATER;
	assert_true(link_dial(&link, (const struct sockaddr *)&address, sizeof address, &error));
	assert_true(link_secure(&link, tls, "127.0.0.1", &error));
	link.any_protocol = true;
	for (int turns = 0; turns < TURNS_MAX && outcome == LINK_LATER; turns++) {
		assert_true(loop_turn(stand->loop, 2, &error));
		outcome = link_establish(&link, &error);
	}
	link_close(&link);
	tls_close(tls);
	return outcome;
}

/* As `curl --http1.0` does. */
static void a_caller_may_offer_http_1_0(void **state)
{
	(void)state;
	for (int shares = 0; shares < 2; shares++) {
		struct clear_stand stand;
		stand_open(&stand, shares);
		assert_int_equal(shake_hands_as(&stand, "http/1.0"), LINK_DONE);
		assert_int_equal(shake_hands_as(&stand, "http/1.1"), LINK_DONE);
		assert_int_equal(shake_hands_as(&stand, "h2"), shares ? LINK_DONE : LINK_BROKEN);
		assert_int_equal(shake_hands_as(&stand, "spdy/3"), LINK_BROKEN);
		stand_close(&stand);
	}
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_speaks_in_clear_text_is_told_so),	cmocka_unit_test(the_length_of_what_it_is_told_is_right),
		cmocka_unit_test(who_speaks_otherwise_is_told_nothing), cmocka_unit_test(who_speaks_http2_in_clear_text_is_told_so),
		cmocka_unit_test(a_caller_may_offer_http_1_0),
	};
	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
