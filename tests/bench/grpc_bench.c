/* grpc_bench.c: Cost of a unary gRPC call for the client and for the server. Each is a thread with a loop of its own;
 * they are connected over loopback.
 *
 *   grpc_bench STREAMS CALLS [BYTES [tls FOLDER]]
 *
 * Prints microseconds of processor time a call, of the client's thread and of the server's,
 * and calls a second. STREAMS calls are in flight at once, with messages of BYTES (112) both
 * ways, which are checked. FOLDER holds certificate.pem and key.pem of 127.0.0.1. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number/number.h"
#include "net/grpc/grpc.h"
#include "net/grpc/grpc_server.h"
#include "tests/bench/clock.h"

#define STREAMS_MOST 1024

static char message[1 << 24];
static size_t message_bytes = 112;
static struct tls_files files;

static void die(const char *words)
{
	fprintf(stderr, "grpc_bench: %s\n", words);
	exit(1);
}

/* ---- the server ---- */

struct host {
	int port;
	sem_t listens; /* posted once port is known: to look for it again and again would count as instructions of calls */
	atomic_bool stop;
	double ns;
};

static void echo(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context, (void)path;
	grpc_server_answer(request, 0, (struct text){0}, body);
}

static void *serve(void *context)
{
	struct host *host = context;
	struct error error = {0};
	const struct grpc_server_config config = {.files = files.certificate ? &files : NULL,
						  .message_bytes = sizeof message,
						  .streams = STREAMS_MOST,
						  .connections = 8,
						  .called = echo};
	struct loop *loop = loop_open(&error);
	struct grpc_server *server = loop ? grpc_server_open(loop, &config, &error) : NULL;
	if (!server)
		die(error.text);
	host->port = grpc_server_port(server);
	sem_post(&host->listens);
	while (!atomic_load(&host->stop) && loop_turn(loop, 100, &error))
		;
	host->ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	grpc_server_close(server);
	loop_close(loop);
	return NULL;
}

/* ---- the client ---- */

static struct grpc *client;
static int64_t to_begin, under_way;

static void on_done(struct grpc_call *call, const struct grpc_reply *reply)
{
	struct error error = {0};
	if (reply->status != 0)
		die(reply->status < 0 ? reply->error.text : "the server refused");
	if (reply->body.length != message_bytes || memcmp(reply->body.bytes, message, message_bytes) != 0)
		die("an answer is not what was sent");
	under_way--;
	if (to_begin == 0)
		return;
	to_begin--;
	under_way++;
	if (!grpc_start(client, call, &error))
		die(error.text);
}

static void run(struct loop *loop, const char *address, size_t streams, int64_t calls)
{
	static struct grpc_call slots[STREAMS_MOST];
	const struct text body = {message, message_bytes};
	struct error error = {0};
	to_begin = calls;
	for (size_t i = 0; i < streams && to_begin > 0; i++, to_begin--, under_way++) {
		slots[i] = (struct grpc_call){.address = address,
					      .tls = files.certificate,
					      .path = "/inference.GRPCInferenceService/ModelInfer",
					      .body = &body,
					      .body_count = 1,
					      .timeout_ms = 30000,
					      .done = on_done};
		if (!grpc_start(client, &slots[i], &error))
			die(error.text);
	}
	while (under_way > 0)
		if (!loop_turn(loop, -1, &error))
			die(error.text);
}

static int64_t number_of(const char *word, int64_t most)
{
	int64_t number;
	if (!number_read_int64(text_of(word), &number) || number < 1 || number > most)
		die("STREAMS, CALLS and BYTES are numbers; see its first comment");
	return number;
}

static void read_files(const char *folder)
{
	static char certificate[4096], key[4096];
	snprintf(certificate, sizeof certificate, "%s/certificate.pem", folder);
	snprintf(key, sizeof key, "%s/key.pem", folder);
	files = (struct tls_files){.certificate = certificate, .key = key};
}

int main(int count, char **words)
{
	if (count != 3 && count != 4 && count != 6)
		die("grpc_bench STREAMS CALLS [BYTES [tls FOLDER]]");
	size_t streams = (size_t)number_of(words[1], STREAMS_MOST);
	int64_t calls = number_of(words[2], INT64_MAX);
	if (count > 3)
		message_bytes = (size_t)number_of(words[3], sizeof message);
	if (count > 5)
		read_files(words[5]);
	const struct tls_files trusted = {.authorities = files.certificate};
	const struct grpc_limits limits = {
		.streams = streams, .connections = 1, .connection_idle_s = 60, .reply_bytes = sizeof message, .connect_ms = 5000};
	struct host host = {0};
	struct error error = {0};
	pthread_t thread = 0;
	for (size_t i = 0; i < message_bytes; i++)
		message[i] = (char)(i * 7);
	if (sem_init(&host.listens, 0, 0) != 0 || pthread_create(&thread, NULL, serve, &host) != 0)
		die("no thread for the server");
	sem_wait(&host.listens);
	char address[32];
	snprintf(address, sizeof address, "127.0.0.1:%d", host.port);
	struct loop *loop = loop_open(&error);
	client = loop ? grpc_open(loop, &limits, files.certificate ? &trusted : NULL, &error) : NULL;
	if (!client)
		die(error.text);
	run(loop, address, streams, (int64_t)streams * 4); /* warm */
	double cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), wall_ns = clock_ns(CLOCK_MONOTONIC);
	run(loop, address, streams, calls);
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	wall_ns = clock_ns(CLOCK_MONOTONIC) - wall_ns;
	grpc_close(client);
	loop_close(loop);
	atomic_store(&host.stop, true);
	pthread_join(thread, NULL);
	printf("%.2f us a call in the client, %.2f us in the server, %.0f calls/s\n", cpu_ns / (double)calls / 1e3,
	       host.ns / (double)(calls + (int64_t)streams * 4) / 1e3, (double)calls / wall_ns * 1e9);
	return 0;
}
