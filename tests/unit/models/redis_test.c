/* The client of Redis with a real server, which asks for a password, in the clear and through TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/calls/redis.h"
#include "tests/unit/certificates.h"

#define PATIENCE_MS 15000
#define LIST(...) ((const char *[]){__VA_ARGS__, NULL})

struct stand {
	struct certificates certificates;
	pid_t server;
	char plain[32], secured[32]; /* addresses */
	struct loop *loop;
	struct redis_config config;
	struct redis *redis;
	size_t told;
	char words[256]; /* the last; empty: it is there */
	bool found;
	char value[64];
};

static struct stand stand;

/* ---- the server ---- */

static int free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int taken = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(taken, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &length), 0);
	close(taken);
	return ntohs(address.sin_port);
}

static void serve(void)
{
	char port[8], tls_port[8];
	int plain = free_port(), secured = free_port();
	snprintf(port, sizeof port, "%d", plain);
	snprintf(tls_port, sizeof tls_port, "%d", secured);
	snprintf(stand.plain, sizeof stand.plain, "127.0.0.1:%d", plain);
	snprintf(stand.secured, sizeof stand.secured, "127.0.0.1:%d", secured);
	const char **words = LIST("redis-server", "--port", port, "--tls-port", tls_port, "--bind", "127.0.0.1", "--requirepass",
				  "open sesame", "--save", "", "--tls-auth-clients", "no", "--tls-cert-file",
				  stand.certificates.certificate[CERTIFICATE_SERVER], "--tls-key-file",
				  stand.certificates.key[CERTIFICATE_SERVER], "--tls-ca-cert-file",
				  stand.certificates.certificate[CERTIFICATE_AUTHORITY], "--logfile", "/dev/null");
	stand.server = fork();
	if (stand.server == 0) {
		execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
}

static bool server_is_installed(void)
{
	return system("command -v redis-server >/dev/null") == 0;
}

static int open_stand(void **state)
{
	(void)state;
	stand = (struct stand){0};
	certificates_make(&stand.certificates);
	if (server_is_installed())
		serve();
	return 0;
}

static int close_stand(void **state)
{
	(void)state;
	if (stand.server > 0) {
		kill(stand.server, SIGTERM);
		waitpid(stand.server, NULL, 0);
	}
	certificates_remove(&stand.certificates);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	stand.loop = loop_open(&(struct error){0});
	stand.told = 0;
	stand.words[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	redis_close(stand.redis);
	loop_close(stand.loop);
	stand.redis = NULL;
	return 0;
}

/* ---- the client ---- */

static void on_told(void *context, const char *words)
{
	(void)context;
	stand.told++;
	snprintf(stand.words, sizeof stand.words, "%s", words ? words : "");
}

static void on_found(void *context, struct text value)
{
	(void)context;
	stand.found = true;
	snprintf(stand.value, sizeof stand.value, "%.*s", (int)value.length, value.bytes ? value.bytes : "");
}

static void open_client(const char *address, const char *login, enum certificate authority)
{
	struct error error = {0};
	if (stand.server == 0)
		skip();
	stand.config = (struct redis_config){.address = address,
					     .login = login,
					     .tls = authority != CERTIFICATES,
					     .files = certificates_files(&stand.certificates, CERTIFICATES, authority),
					     .reported = on_told};
	stand.redis = redis_open(stand.loop, &stand.config, &error);
	assert_string_equal(error.text, "");
}

static void turn_until(bool (*enough)(void))
{
	for (int64_t until_ms = loop_now_ms(stand.loop) + PATIENCE_MS; !enough();) {
		assert_true(loop_now_ms(stand.loop) < until_ms);
		assert_true(loop_turn(stand.loop, 20, &(struct error){0}));
	}
}

static bool is_found(void)
{
	return stand.found;
}

/* Once the server is there: what is asked before is answered with nothing. */
static bool is_kept(void)
{
	stand.found = false;
	redis_set(stand.redis, TEXT("key"), TEXT("value"), 60000);
	if (!redis_get(stand.redis, TEXT("key"), on_found, NULL))
		return false;
	turn_until(is_found);
	return strcmp(stand.value, "value") == 0;
}

static bool is_refused(void)
{
	return strstr(stand.words, "WRONGPASS") || strstr(stand.words, "NOAUTH") || strstr(stand.words, "certificate");
}

static void expect_refusal(const char *words)
{
	(void)redis_get(stand.redis, TEXT("key"), on_found, NULL);
	turn_until(is_refused);
	assert_non_null(strstr(stand.words, words));
	assert_null(redis_get(stand.redis, TEXT("key"), on_found, NULL));
}

/* ---- stories ---- */

static void values_are_kept_by_a_password(void **state)
{
	(void)state;
	open_client(stand.plain, "open sesame", CERTIFICATES);
	turn_until(is_kept);
	assert_string_equal(stand.words, "");
}

static void values_are_kept_by_a_name_and_a_password(void **state)
{
	(void)state;
	open_client(stand.plain, "default:open sesame", CERTIFICATES);
	turn_until(is_kept);
}

static void a_wrong_password_is_told_once(void **state)
{
	(void)state;
	open_client(stand.plain, "sesame", CERTIFICATES);
	expect_refusal("WRONGPASS");
	size_t told = stand.told;
	for (int64_t until_ms = loop_now_ms(stand.loop) + 500; loop_now_ms(stand.loop) < until_ms;)
		assert_true(loop_turn(stand.loop, 20, &(struct error){0}));
	assert_int_equal(stand.told, told);
}

static void a_missing_password_is_told(void **state)
{
	(void)state;
	open_client(stand.plain, NULL, CERTIFICATES);
	expect_refusal("NOAUTH");
}

static void values_are_kept_through_tls(void **state)
{
	(void)state;
	open_client(stand.secured, "open sesame", CERTIFICATE_AUTHORITY);
	turn_until(is_kept);
}

static void a_server_that_cannot_prove_itself_is_not_spoken_to(void **state)
{
	(void)state;
	open_client(stand.secured, "open sesame", CERTIFICATE_STRANGER);
	expect_refusal("its certificate is not valid");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(values_are_kept_by_a_password), STORY(values_are_kept_by_a_name_and_a_password),
		STORY(a_wrong_password_is_told_once), STORY(a_missing_password_is_told),
		STORY(values_are_kept_through_tls),   STORY(a_server_that_cannot_prove_itself_is_not_spoken_to),
	};
	return cmocka_run_group_tests(tests, open_stand, close_stand);
}
