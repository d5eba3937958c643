/* fetch_redirect_test.c: Redirections of a fetch: from https to https alone. The servers are two of ours, with and without TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "net/http/curl_library.h"
#include "net/http/fetch.h"
#include "net/http/http_server.h"
#include "tests/unit/certificates.h"

#define TURN_MS 50

static struct certificates certificates;
static struct tls_files files;
static struct loop *loop;
static struct http_server *plain, *secure;
static pthread_t thread;
static atomic_bool ending;
static atomic_int plain_requests;

static CURL *(*usual_init)(void);

/* In place of libcurl's, for the fetch alone: the authority of these tests is not one of the system's. */
static CURL *init_with_authority(void)
{
	CURL *curl = usual_init();
	libcurl.easy_setopt(curl, CURLOPT_CAINFO, certificates.certificate[CERTIFICATE_AUTHORITY]);
	return curl;
}

/* /to-plain and /to-tls lead to /file of the two servers. */
static void serve(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	char location[64];
	(void)method, (void)body;
	if (context == &plain)
		atomic_fetch_add(&plain_requests, 1);
	if (text_is(path, "/file")) {
		http_server_answer(incoming, 200, "text/plain", TEXT("a model"), NULL, 0);
		return;
	}
	const bool to_plain = text_is(path, "/to-plain");
	(void)snprintf(location, sizeof location, "http%s://127.0.0.1:%d/file", to_plain ? "" : "s",
		       http_server_port(to_plain ? plain : secure));
	http_server_answer(incoming, 302, NULL, (struct text){0}, &(struct http_answer_header){"Location", location}, 1);
}

static void *turn(void *context)
{
	while (!atomic_load(&ending))
		(void)loop_turn(loop, TURN_MS, &(struct error){0});
	return context;
}

static int open_servers(void **state)
{
	struct http_server_config config = {.body_bytes = 1000, .connections = 10, .called = serve, .context = &plain};
	struct error error = {0};
	(void)state;
	assert_true(curl_library_load(&error));
	usual_init = libcurl.easy_init;
	libcurl.easy_init = init_with_authority;
	certificates_make(&certificates);
	files = certificates_files(&certificates, CERTIFICATE_SERVER, CERTIFICATES);
	loop = loop_open(&error);
	plain = http_server_open(loop, &config, &error);
	config.files = &files;
	config.context = &secure;
	secure = http_server_open(loop, &config, &error);
	assert_string_equal(error.text, "");
	return pthread_create(&thread, NULL, turn, NULL);
}

static int close_servers(void **state)
{
	(void)state;
	atomic_store(&ending, true);
	pthread_join(thread, NULL);
	http_server_close(plain);
	http_server_close(secure);
	loop_close(loop);
	certificates_remove(&certificates);
	return 0;
}

static struct error fetch_from(const struct http_server *server, const char *scheme, const char *path)
{
	char url[64];
	struct buffer body;
	struct error error = {0};
	const struct place place = {.file = "model.yaml", .line = 4};
	(void)snprintf(url, sizeof url, "%s://127.0.0.1:%d%s", scheme, http_server_port(server), path);
	buffer_open(&body, 1 << 20);
	if (fetch(&(struct fetch_request){.url = url}, place, &body, &error))
		assert_true(text_is(buffer_view(&body), "a model"));
	buffer_close(&body);
	return error;
}

static void from_https_to_http_is_refused_before_it_is_asked(void **state)
{
	static const char *const schemes[] = {"https", "HTTPS"};
	(void)state;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		const int before = atomic_load(&plain_requests);
		const struct error error = fetch_from(secure, schemes[i], "/to-plain");
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_int_equal(error.place.line, 4);
		assert_non_null(strstr(error.text, "redirects from https to an address without TLS"));
		assert_int_equal(atomic_load(&plain_requests), before);
	}
}

static void others_are_followed(void **state)
{
	(void)state;
	assert_string_equal(fetch_from(secure, "https", "/file").text, "");
	assert_string_equal(fetch_from(secure, "https", "/to-tls").text, "");
	assert_string_equal(fetch_from(plain, "http", "/to-tls").text, "");
	assert_string_equal(fetch_from(plain, "http", "/to-plain").text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_https_to_http_is_refused_before_it_is_asked),
		cmocka_unit_test(others_are_followed),
	};
	return cmocka_run_group_tests(tests, open_servers, close_servers);
}
