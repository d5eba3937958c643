/* http_server_bench.c: Cost of the HTTP server.
 *
 *   http_server_bench head N        reads the head of a request as curl sends it, and writes that of an answer, N times
 *   http_server_bench long-head N   the same of Python's requests
 *   http_server_bench serve N       N requests over one connection of loopback, with a body of 112 bytes both ways
 *   http_server_bench idle COUNT    holds COUNT connections on which one request was answered; prints its mebibytes
 *   http_server_bench idle-tls COUNT   the same with TLS
 *
 * `serve` counts the kernel's callers on both sides: the client is a blocking socket, and writes and reads by hand.
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number/number.h"
#include "net/http/http_head.h"
#include "net/http/http_server.h"

#define BODY_BYTES 112
#define LINE "POST /v2/models/classifier/infer HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
#define REST "Content-Type: application/json\r\nContent-Length: 112\r\n\r\n"
#define HEAD LINE "User-Agent: curl/7.88.1\r\nAccept: */*\r\n" REST
#define LONG_HEAD                                                                                                                  \
	LINE "User-Agent: python-requests/2.31.0\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"                    \
	     "Connection: keep-alive\r\n" REST

static void die(const char *words)
{
	fprintf(stderr, "http_server_bench: %s\n", words);
	exit(1);
}

/* ---- heads alone ---- */

static void read_and_write_heads(struct text request, int64_t count)
{
	static struct http_head head;
	static struct http_head_scan scan;
	struct buffer in, out;
	buffer_open(&in, HTTP_REQUEST_HEAD_BYTES_MAX);
	buffer_open(&out, 4096);
	for (int64_t i = 0; i < count; i++) {
		http_head_scan_begin(&scan);
		buffer_clear(&in);
		buffer_clear(&out);
		if (http_head_find_end(&scan, request) != HTTP_HEAD_WHOLE)
			die("the head has no end");
		buffer_append(&in, request.bytes, scan.end);
		if (!http_head_read(&head, &scan, in.bytes) || head.length != BODY_BYTES)
			die("the head is refused");
		http_answer_head_write(&out, &(struct http_answer_head){.status = 200,
									.content_type = "application/json",
									.body_bytes = BODY_BYTES,
									.date = "Sun, 06 Nov 1994 08:49:37 GMT"});
	}
	buffer_close(&in);
	buffer_close(&out);
}

/* ---- a server ---- */

static void echo(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path;
	http_server_answer(incoming, 200, "application/json", body, NULL, 0);
}

/* `files` NULL: without TLS. */
static struct http_server *open_server(struct loop *loop, const struct tls_files *files)
{
	struct error error = {0};
	const struct http_server_config config = {.files = files, .body_bytes = 1 << 20, .connections = 20000, .called = echo};
	struct http_server *server = loop ? http_server_open(loop, &config, &error) : NULL;
	if (!server)
		die(error.text);
	return server;
}

static int dial(int port)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	int opened = socket(AF_INET, SOCK_STREAM, 0);
	if (opened < 0 || connect(opened, (const struct sockaddr *)&at, sizeof at) != 0)
		die("no connection to the server");
	return opened;
}

static void ask(int socket)
{
	static const char request[sizeof HEAD - 1 + BODY_BYTES] = HEAD;
	if (send(socket, request, sizeof request, 0) != sizeof request)
		die("a request could not be sent");
}

static void hear(int socket)
{
	char reply[4096];
	ssize_t got = recv(socket, reply, sizeof reply, 0);
	if (got < BODY_BYTES || memcmp(reply, "HTTP/1.1 200", 12) != 0)
		die("an answer is none");
}

static void serve(int64_t count)
{
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	struct http_server *server = open_server(loop, NULL);
	int client = dial(http_server_port(server));
	char byte;
	for (int64_t i = 0; i < count; i++) {
		ask(client);
		while (recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
			if (!loop_turn(loop, 100, &error))
				die(error.text);
		hear(client);
	}
	close(client);
	http_server_close(server);
	loop_close(loop);
}

/* ---- TLS ---- */

static char folder[] = "/tmp/sluice-bench-XXXXXX", certificate[64], key[64];
static const struct tls_files files = {.certificate = certificate, .key = key};

static void make_certificate(void)
{
	char command[400];
	if (!mkdtemp(folder))
		die("no folder for a certificate");
	snprintf(certificate, sizeof certificate, "%s/cert.pem", folder);
	snprintf(key, sizeof key, "%s/key.pem", folder);
	snprintf(command, sizeof command,
		 "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=bench -keyout %s -out %s "
		 "2>/dev/null",
		 key, certificate);
	if (system(command) != 0)
		die("openssl makes no certificate");
}

static void remove_certificate(void)
{
	unlink(certificate);
	unlink(key);
	rmdir(folder);
}

/* The session is forgotten, so that the caller is small; its socket stays. */
static void ask_by_tls(SSL_CTX *context, int socket)
{
	static const char request[sizeof HEAD - 1 + BODY_BYTES] = HEAD;
	char reply[4096];
	SSL *session = SSL_new(context);
	if (!session || !SSL_set_fd(session, socket) || SSL_connect(session) != 1 ||
	    SSL_write(session, request, sizeof request) != sizeof request || SSL_read(session, reply, sizeof reply) < BODY_BYTES ||
	    memcmp(reply, "HTTP/1.1 200", 12) != 0)
		die("an answer by TLS is none");
	SSL_free(session);
}

/* ---- idle connections, of another process ---- */

static void raise_descriptors(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void hold_connections(int port, int64_t count, bool with_tls, int told)
{
	SSL_CTX *context = with_tls ? SSL_CTX_new(TLS_client_method()) : NULL;
	raise_descriptors();
	for (int64_t i = 0; i < count; i++) {
		int client = dial(port);
		if (with_tls) {
			ask_by_tls(context, client);
			continue;
		}
		ask(client);
		hear(client);
	}
	if (write(told, "", 1) != 1)
		die("the server is gone");
	pause();
}

static double own_mebibytes(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		die("/proc/self/statm cannot be read");
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static void on_told(void *context, uint32_t events)
{
	(void)events;
	*(bool *)context = true;
}

static void idle(int64_t count, bool with_tls)
{
	int pipes[2];
	bool done = false;
	struct error error = {0};
	raise_descriptors();
	struct loop *loop = loop_open(&error);
	if (with_tls)
		make_certificate();
	struct http_server *server = open_server(loop, with_tls ? &files : NULL);
	if (with_tls)
		remove_certificate();
	if (pipe(pipes) != 0)
		die("no pipe");
	pid_t child = fork();
	if (child == 0)
		hold_connections(http_server_port(server), count, with_tls, pipes[1]);
	struct watch watch = {.ready = on_told, .context = &done};
	if (child < 0 || !loop_watch(loop, &watch, pipes[0], 1, &error))
		die("no client");
	double before = own_mebibytes();
	while (!done)
		if (!loop_turn(loop, 100, &error))
			die(error.text);
	printf("%.1f MiB for %lld connections, %.1f before\n", own_mebibytes(), (long long)count, before);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	loop_unwatch(loop, &watch);
	http_server_close(server);
	loop_close(loop);
}

int main(int argument_count, char **arguments)
{
	int64_t count;
	if (argument_count != 3 || !number_read_int64(text_of(arguments[2]), &count) || count < 1)
		die("http_server_bench head|long-head|serve|idle COUNT");
	if (strcmp(arguments[1], "head") == 0)
		read_and_write_heads(TEXT(HEAD), count);
	else if (strcmp(arguments[1], "long-head") == 0)
		read_and_write_heads(TEXT(LONG_HEAD), count);
	else if (strcmp(arguments[1], "serve") == 0)
		serve(count);
	else if (strcmp(arguments[1], "idle") == 0)
		idle(count, false);
	else if (strcmp(arguments[1], "idle-tls") == 0)
		idle(count, true);
	else
		die("there are `head`, `long-head`, `serve`, `idle` and `idle-tls`");
	return 0;
}
