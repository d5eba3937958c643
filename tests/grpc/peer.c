/* peer.c: our gRPC server and our client as programs, for another implementation to talk to;
 * see interop.py.
 *
 *   peer serve FOLDER        prints its port, and serves until its input ends; then it drains
 *   peer call ADDRESS FOLDER each line of its input is `PATH TIMEOUT_MS BYTES COUNT`: so many
 *                            calls, 64 at once, with messages of so many bytes; when all are
 *                            told it prints `ANSWERED REFUSED LOST STATUS WORDS`, the last two
 *                            of the last that was refused by the server, or lost on the way
 *
 * FOLDER holds authority.pem, certificate.pem and key.pem, and `-` stands for none: no TLS.
 * The server echoes, but for the paths /test.Peer/Refuse and /test.Peer/Wait. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/number/number.h"
#include "net/grpc/grpc.h"
#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"

#define AT_ONCE 64
#define MESSAGE_BYTES ((size_t)32 << 20)
#define LATER_MS 1000
#define AGAIN_MOST 1000

static char authorities[256], certificate[256], key[256];
static struct tls_files files = {.authorities = authorities, .certificate = certificate, .key = key};
static const struct tls_files *secure; /* NULL: without TLS */
static struct loop *loop;
static bool ended; /* the input */

static void die(const char *words)
{
	fprintf(stderr, "peer: %s\n", words);
	exit(1);
}

static void take_folder(const char *folder)
{
	if (strcmp(folder, "-") == 0)
		return;
	snprintf(authorities, sizeof authorities, "%s/authority.pem", folder);
	snprintf(certificate, sizeof certificate, "%s/certificate.pem", folder);
	snprintf(key, sizeof key, "%s/key.pem", folder);
	secure = &files;
}

static void turn(void)
{
	struct error error = {0};
	if (!loop_turn(loop, 100, &error))
		die(error.text);
}

/* ---- the server ---- */

struct later {
	struct loop_timer timer;
	struct grpc_request *request;
	bool used;
};

static void on_later(void *context)
{
	struct later *later = context;
	grpc_server_answer(later->request, GRPC_OK, (struct text){0}, TEXT("later"));
	later->used = false;
}

/* Kept for a while: for the caller's deadline, or for a door that is shut meanwhile. */
static void keep(struct grpc_request *request)
{
	static struct later places[AT_ONCE];
	struct error error = {0};
	for (size_t i = 0; i < AT_ONCE; i++) {
		struct later *later = &places[i];
		if (later->used)
			continue;
		*later = (struct later){.timer = {.due = on_later, .context = later}, .request = request, .used = true};
		if (!loop_timer_set(loop, &later->timer, loop_now_ms(loop) + LATER_MS, &error))
			die(error.text);
		return;
	}
	grpc_server_answer(request, GRPC_RESOURCE_EXHAUSTED, TEXT("too many wait"), (struct text){0});
}

static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context;
	if (text_is(path, "/test.Peer/Refuse"))
		grpc_server_answer(request, GRPC_NOT_FOUND, TEXT("kein Modell \"größe\": 100%\n"), body);
	else if (text_is(path, "/test.Peer/Wait"))
		keep(request);
	else
		grpc_server_answer(request, GRPC_OK, (struct text){0}, body);
}

static void on_input(void *context, uint32_t events)
{
	(void)events;
	char bytes[64];
	ssize_t count = read(0, bytes, sizeof bytes);
	ended = count == 0;
	if (ended)
		loop_unwatch(loop, context);
}

static void serve(void)
{
	static struct watch input = {.ready = on_input, .context = &input};
	struct error error = {0};
	const struct grpc_server_config config = {
		.files = secure, .message_bytes = MESSAGE_BYTES, .streams = 100, .connections = 100, .called = on_called};
	struct grpc_server *server = grpc_server_open(loop, &config, &error);
	if (!server || !loop_watch(loop, &input, 0, EPOLLIN, &error))
		die(error.text);
	printf("%d\n", grpc_server_port(server));
	fflush(stdout);
	while (!ended)
		turn();
	while (!grpc_server_drain(server))
		turn();
	grpc_server_close(server);
}

/* ---- the client ---- */

static char message[MESSAGE_BYTES];
static struct text body;
static struct grpc *client;
static int64_t to_begin, under_way, again_left, answered, refused, lost;
static int last_status;
static char last_words[ERROR_TEXT_MAX];

static void on_done(struct grpc_call *call, const struct grpc_reply *reply)
{
	struct error error = {0};
	bool same =
		reply->body.length == body.length && (body.length == 0 || memcmp(reply->body.bytes, body.bytes, body.length) == 0);
	/* One that the server has not seen (its listener went as the connection came) may go again at once. */
	if (reply->status < 0 && reply->unprocessed && !reply->timed_out && again_left > 0) {
		again_left--;
		if (!grpc_start(client, call, &error))
			die(error.text);
		return;
	}
	under_way--;
	if (reply->status == GRPC_OK && same) {
		answered++;
	} else {
		refused += reply->status >= 0;
		lost += reply->status < 0;
		last_status = reply->status;
		snprintf(last_words, sizeof last_words, TEXT_FORMAT,
			 TEXT_ARGUMENTS(reply->status < 0 ? text_of(reply->error.text) : reply->words));
	}
	if (to_begin == 0)
		return;
	to_begin--;
	under_way++;
	if (!grpc_start(client, call, &error))
		die(error.text);
}

static void carry_out(const char *address, const char *path, int64_t timeout_ms)
{
	static struct grpc_call slots[AT_ONCE];
	struct error error = {0};
	answered = refused = lost = last_status = 0;
	last_words[0] = '\0';
	again_left = AGAIN_MOST;
	for (size_t i = 0; i < AT_ONCE && to_begin > 0; i++, to_begin--, under_way++) {
		slots[i] = (struct grpc_call){.address = address,
					      .tls = secure != NULL,
					      .path = path,
					      .body = &body,
					      .body_count = 1,
					      .timeout_ms = timeout_ms,
					      .done = on_done};
		if (!grpc_start(client, &slots[i], &error))
			die(error.text);
	}
	while (under_way > 0)
		turn();
	for (char *end; (end = strchr(last_words, '\n'));)
		*end = ' '; /* one line it is */
	printf("%lld %lld %lld %d %s\n", (long long)answered, (long long)refused, (long long)lost, last_status, last_words);
	fflush(stdout);
}

static void call(const char *address)
{
	const struct grpc_limits limits = {
		.streams = AT_ONCE, .connections = 1, .connection_idle_s = 60, .reply_bytes = MESSAGE_BYTES, .connect_ms = 5000};
	struct error error = {0};
	char path[64], line[256];
	long long timeout_ms, bytes, count;
	client = grpc_open(loop, &limits, secure, &error);
	if (!client)
		die(error.text);
	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (char)(i * 31 >> 3);
	while (fgets(line, sizeof line, stdin)) {
		if (sscanf(line, "%63s %lld %lld %lld", path, &timeout_ms, &bytes, &count) != 4)
			die("a line is PATH TIMEOUT_MS BYTES COUNT");
		body = (struct text){message, (size_t)bytes};
		to_begin = count;
		carry_out(address, path, timeout_ms);
	}
	grpc_close(client);
}

int main(int count, char **words)
{
	struct error error = {0};
	loop = loop_open(&error);
	if (!loop)
		die(error.text);
	if (count == 3 && strcmp(words[1], "serve") == 0) {
		take_folder(words[2]);
		serve();
	} else if (count == 4 && strcmp(words[1], "call") == 0) {
		take_folder(words[3]);
		call(words[2]);
	} else {
		die("peer serve FOLDER | peer call ADDRESS FOLDER");
	}
	loop_close(loop);
	return 0;
}
