/* The HTTP client with servers that send more answers than they have requests: a surplus answer is
 * never taken for the next request's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/certificates.h"
#include "tests/unit/http_stand.h"

#define WRONG OK "Content-Length: 5\r\n\r\nwrong"
#define PATIENCE_MS 30000 /* handshakes are slow under valgrind */
#define ECHOES(id, body) OK "X-Id: " id "\r\nContent-Length: 5\r\n\r\n" body

/* ---- what has arrived before the next request is sent ---- */

/* No turn of the loop has told it. */
static void a_surplus_answer_that_has_just_arrived_is_not_taken(void **state)
{
	struct http_stand *stand = *state;
	for (int closes = 0; closes < 2; closes++) {
		struct guest guest = kept_connection(stand);
		guest_say(&guest, WRONG);
		if (closes)
			guest_close(&guest);
		struct asking *asked = http_stand_ask(stand, 1);
		struct guest another = let_in(stand);
		answer_hello(&another);
		assert_hello(stand, asked);
		if (!closes) {
			assert_string_equal(guest_hear(&guest, ""), ""); /* nothing was sent on it, and it is closed */
			guest_close(&guest);
		}
		guest_close(&another);
		http_stand_turn(stand);
	}
}

/* An idle connection that nothing has come on is taken in its place. */
static void one_connection_with_a_surplus_answer_spoils_no_other(void **state)
{
	struct http_stand *stand = *state;
	struct guest guests[2];
	for (size_t i = 0; i < 2; i++) {
		http_stand_ask(stand, i);
		guests[i] = let_in(stand);
	}
	for (size_t i = 0; i < 2; i++) {
		answer_hello(&guests[i]);
		assert_hello(stand, &stand->asked[i]);
	}
	guest_say(&guests[1], WRONG); /* the one that is used next */
	struct asking *asked = http_stand_ask(stand, 2);
	answer_hello(&guests[0]);
	assert_hello(stand, asked);
	assert_nobody_knocks(stand);
	for (size_t i = 0; i < 2; i++)
		guest_close(&guests[i]);
}

/* ---- through TLS ---- */

struct secure_guest {
	struct guest guest;
	SSL *session;
};

static struct secure_guest let_in_securely(struct http_stand *stand, SSL_CTX *context)
{
	struct secure_guest secure = {let_in(stand), SSL_new(context)};
	int turns = 0;
	assert_int_equal(fcntl(secure.guest.socket, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(setsockopt(secure.guest.socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
	assert_int_equal(SSL_set_fd(secure.session, secure.guest.socket), 1);
	while (SSL_accept(secure.session) != 1) {
		assert_in_range(turns++, 0, HTTP_STAND_TURNS_MAX);
		http_stand_turn(stand);
	}
	return secure;
}

static void hear_request(struct http_stand *stand, const struct secure_guest *secure)
{
	char heard[1024] = "";
	int turns = 0;
	for (size_t length = 0, count; !strstr(heard, HEAD_ENDS);) {
		assert_in_range(turns++, 0, HTTP_STAND_TURNS_MAX);
		if (SSL_read_ex(secure->session, heard + length, sizeof heard - 1 - length, &count) != 1)
			http_stand_turn(stand);
		else
			length += count;
	}
}

static void say_securely(const struct secure_guest *secure, const char *words)
{
	assert_int_equal(SSL_write(secure->session, words, (int)strlen(words)), strlen(words));
}

static void close_securely(struct secure_guest *secure)
{
	SSL_free(secure->session);
	guest_close(&secure->guest);
}

static SSL_CTX *open_server(const struct certificates *certificates)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	const char *certificate = certificates->certificate[CERTIFICATE_SERVER], *key = certificates->key[CERTIFICATE_SERVER];
	assert_int_equal(SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM), 1);
	return context;
}

static void ask_next(struct asking *asked)
{
	http_stand_ask(asked->stand, 1);
}

/* The surplus answer is a record of its own, which the client has not read when the first answer is told. */
static void a_surplus_answer_through_tls_is_not_taken(void **state)
{
	struct http_stand *stand = *state;
	struct certificates certificates;
	char url[64];
	certificates_make(&certificates);
	SSL_CTX *context = open_server(&certificates);
	const struct tls_files files = certificates_files(&certificates, CERTIFICATES, CERTIFICATE_AUTHORITY);
	snprintf(url, sizeof url, "https://127.0.0.1:%d/x", stand->port);
	stand->limits.tls = &files;
	stand->limits.connect_ms = PATIENCE_MS;
	for (size_t i = 0; i < 2; i++)
		stand->asked[i].request = (struct http_request){.url = url, .timeout_ms = PATIENCE_MS};
	struct asking *asked = http_stand_ask(stand, 0);
	struct secure_guest secure = let_in_securely(stand, context);
	for (int i = 0; i < 2; i++) { /* the connection is kept, though TLS sends records of its own */
		hear_request(stand, &secure);
		say_securely(&secure, HELLO);
		assert_hello(stand, asked);
		asked = http_stand_ask(stand, 0);
	}
	asked->then = ask_next;
	hear_request(stand, &secure);
	say_securely(&secure, HELLO);
	say_securely(&secure, WRONG);
	assert_hello(stand, asked);
	struct secure_guest another = let_in_securely(stand, context);
	hear_request(stand, &another);
	say_securely(&another, HELLO);
	assert_hello(stand, &stand->asked[1]);
	close_securely(&secure);
	close_securely(&another);
	SSL_CTX_free(context);
	certificates_remove(&certificates);
}

/* ---- what arrives after the next request was sent ---- */

/* The id of a request and of an answer stands in the header X-Id. */
static enum http_echo check_header(const struct http_request *request, long status, struct text body, struct text header)
{
	(void)body;
	assert_int_equal(status, 200);
	if (!header.bytes)
		return HTTP_ECHO_NONE;
	return text_equal(header, text_of(request->headers[0] + strlen("X-Id: "))) ? HTTP_ECHO_OWN : HTTP_ECHO_OTHER;
}

static struct asking *ask_with_id(struct http_stand *stand, const char *header)
{
	stand->asked[0].request =
		(struct http_request){.headers = {header, NULL}, .wanted_header = "X-Id", .check_echo = check_header};
	return http_stand_ask(stand, 0);
}

static struct guest echoing_connection(struct http_stand *stand)
{
	struct asking *asked = ask_with_id(stand, "X-Id: 1");
	struct guest guest = let_in(stand);
	assert_asked(&guest);
	guest_say(&guest, ECHOES("1", "hello"));
	assert_hello(stand, asked);
	return guest;
}

static void an_answer_with_the_id_of_another_request_is_not_taken(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = echoing_connection(stand);
	struct asking *asked = ask_with_id(stand, "X-Id: 2");
	assert_asked(&guest);
	guest_say(&guest, ECHOES("1", "wrong"));
	assert_string_equal(guest_hear(&guest, ""), "");
	guest_close(&guest);
	guest = let_in(stand);
	assert_asked(&guest);
	guest_say(&guest, ECHOES("2", "hello"));
	assert_hello(stand, asked);
	assert_string_equal(asked->header, "2");
	guest_close(&guest);
}

/* Its end is that of its connection, which is then lost as any other is. */
static void nor_where_it_ends_with_its_connection(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = echoing_connection(stand);
	struct asking *asked = ask_with_id(stand, "X-Id: 2");
	assert_asked(&guest);
	guest_say(&guest, OK "X-Id: 1\r\n\r\nwrong");
	guest_close(&guest);
	guest = let_in(stand);
	assert_asked(&guest);
	guest_close(&guest);
	assert_unanswered(stand, asked, HTTP_SENT, "gave no answer: the server closed the connection");
	assert_null(asked->reply.header.bytes);
	assert_nobody_knocks(stand);
}

static void a_server_without_ids_of_ours_is_asked_once_on_one_connection(void **state)
{
	static const char *const answers[] = {ECHOES("a", "hello"), HELLO, ECHOES("b", "hello"), ECHOES("1", "hello"), HELLO};
	struct http_stand *stand = *state;
	struct guest guest = {stand->loop, -1};
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct asking *asked = ask_with_id(stand, "X-Id: 1");
		if (i == 0)
			guest = let_in(stand);
		assert_asked(&guest);
		guest_say(&guest, answers[i]);
		assert_hello(stand, asked);
	}
	assert_nobody_knocks(stand);
	guest_close(&guest);
}

/* Several servers behind one address may differ in that: the new connection has echoed nothing. */
static void a_request_is_sent_anew_once(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = echoing_connection(stand);
	struct asking *asked = ask_with_id(stand, "X-Id: 2");
	assert_asked(&guest);
	guest_say(&guest, ECHOES("x", "wrong"));
	guest_close(&guest);
	guest = let_in(stand);
	assert_asked(&guest);
	guest_say(&guest, ECHOES("y", "hello"));
	assert_hello(stand, asked);
	guest_close(&guest);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets in a way that raises it */
	const struct CMUnitTest tests[] = {
		STORY(a_surplus_answer_that_has_just_arrived_is_not_taken),
		STORY(one_connection_with_a_surplus_answer_spoils_no_other),
		STORY(a_surplus_answer_through_tls_is_not_taken),
		STORY(an_answer_with_the_id_of_another_request_is_not_taken),
		STORY(nor_where_it_ends_with_its_connection),
		STORY(a_server_without_ids_of_ours_is_asked_once_on_one_connection),
		STORY(a_request_is_sent_anew_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
