/* grpc_fuzz.c: a lying server's bytes into the gRPC client, a lying client's into the server,
 * over loopback: nothing crashes, leaks or hangs, every call is told once, and one without a
 * status has its error. The first byte chooses the side; the rest is commands, so that
 * frames are well formed often enough to come far: see say_all().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/grpc/grpc.h"
#include "net/grpc/grpc_reflection.h"
#include "net/grpc/grpc_server.h"
#include "net/listen.h"
#include "models/server/inference_proto.h"
#include "models/server/seldon_proto.h"

#define CALLS 3
#define TURNS_MOST 2000
#define WAITING_MOST 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;

static void hold(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "ERROR: does not hold: %s (%s)\n", what, strerror(errno));
	abort();
}

#define must(condition) hold(condition, #condition)

static void turn(int timeout_ms)
{
	must(loop_turn(loop, timeout_ms, &(struct error){0}));
}

/* ---- commands ---- */

struct script {
	const uint8_t *bytes;
	size_t left;
	uint8_t out[1 << 16];
	size_t length;
};

static unsigned take(struct script *script)
{
	if (script->left == 0)
		return 0;
	script->left--;
	return *script->bytes++;
}

static void put(struct script *script, const void *bytes, size_t length)
{
	if (length <= sizeof script->out - script->length) {
		memcpy(script->out + script->length, bytes, length);
		script->length += length;
	}
}

static void put_frame(struct script *script, unsigned type, unsigned flags, unsigned id, const void *payload, size_t length)
{
	const uint8_t head[] = {0, (uint8_t)(length >> 8), (uint8_t)length, (uint8_t)type, (uint8_t)flags, 0, 0, 0, (uint8_t)id};
	put(script, head, sizeof head);
	put(script, payload, length);
}

static size_t put_pair(uint8_t *out, const char *name, const char *value)
{
	size_t length = 0;
	out[length++] = 0;
	for (const char *const *text = (const char *const[]){name, value, NULL}; *text; text++) {
		out[length++] = (uint8_t)strlen(*text);
		memcpy(out + length, *text, strlen(*text));
		length += strlen(*text);
	}
	return length;
}

/* Headers that make sense, one pair for each bit of `which`. */
static void put_headers(struct script *script, int from_server, const char *path, unsigned which, unsigned flags, unsigned id)
{
	static const char *const of_server[][2] = {{":status", "200"},	       {"content-type", "application/grpc"},
						   {"grpc-status", "0"},       {"grpc-message", "a%20b%"},
						   {"grpc-status", "5"},       {":status", "503"},
						   {"content-type", "a/html"}, {"grpc-encoding", "gzip"}};
	const char *const of_client[][2] = {
		{":method", "POST"},	 {":scheme", "http"}, {":path", path},		    {"content-type", "application/grpc"},
		{"grpc-timeout", "20m"}, {"te", "trailers"},  {"grpc-timeout", "9999999H"}, {":authority", "x"}};
	uint8_t payload[512];
	size_t length = 0;
	for (unsigned i = 0; i < 8; i++)
		if (which & 1u << i)
			length += from_server ? put_pair(payload + length, of_server[i][0], of_server[i][1])
					      : put_pair(payload + length, of_client[i][0], of_client[i][1]);
	put_frame(script, 1, flags | 4, id, payload, length);
}

/* A command is what, stream, flags and a number: 0 a message of so many bytes, 1 and 2 headers
 * by the bits of the number, of a call or of a conversation, 3 so many bytes as they are; else a frame of that type, with so
 * many bytes of the input. */
static void say_all(struct script *script, int from_server)
{
	while (script->left > 0) {
		unsigned what = take(script), id = take(script), flags = take(script), number = take(script);
		size_t length = number < script->left ? number : script->left;
		uint8_t message[5 + 255] = {0, 0, 0, 0, (uint8_t)number};
		switch (what) {
		case 0:
			put_frame(script, 0, flags, id, message, 5 + number);
			break;
		case 1:
		case 2:
			put_headers(script, from_server, what == 1 ? "/wait" : "/talk", number, flags, id);
			break;
		case 3:
			put(script, script->bytes, length);
			break;
		default:
			put_frame(script, what % 12, flags, id, script->bytes, length);
		}
		if (what >= 3) {
			script->bytes += length;
			script->left -= length;
		}
	}
}

static void end(int socket)
{
	setsockopt(socket, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
	close(socket);
}

static void say(int socket, const struct script *script)
{
	ssize_t sent = send(socket, script->out, script->length, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)sent; /* the other side may have hung up: that is one of the things it may do */
}

/* ---- the client, and a server that lies ---- */

static int listener, listener_port;
static size_t told;

static void on_done(struct grpc_call *call, const struct grpc_reply *reply)
{
	int *times = call->context;
	must(++*times == 1);
	must(reply->status >= 0 || (reply->error.kind != ERROR_NONE && reply->error.text[0]));
	must(reply->status != 0 || reply->body.length <= 200);
	told++;
}

static void lie_to_client(struct script *script)
{
	const struct grpc_limits limits = {
		.streams = 2, .connections = 1, .connection_idle_s = 1, .reply_bytes = 200, .connect_ms = 50, .silence_ms = 50};
	static char address[32];
	static const struct text body = {"hello", 5};
	struct error error = {0};
	struct grpc_call calls[CALLS];
	int times[CALLS] = {0};
	size_t connections = 0;
	struct grpc *grpc = grpc_open(loop, &limits, NULL, &error);
	must(grpc != NULL);
	told = 0;
	snprintf(address, sizeof address, "127.0.0.1:%d", listener_port);
	for (size_t i = 0; i < CALLS; i++) {
		calls[i] = (struct grpc_call){.address = address,
					      .path = "/a.B/C",
					      .body = &body,
					      .body_count = 1,
					      .timeout_ms = 100,
					      .done = on_done,
					      .context = &times[i]};
		must(grpc_start(grpc, &calls[i], &error));
	}
	for (int turns = 0; told < CALLS; turns++) {
		must(turns < TURNS_MOST);
		turn(1);
		int socket = accept(listener, NULL, NULL);
		if (socket < 0)
			continue;
		if (connections++ == 0) {
			const uint8_t greeting[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
			ssize_t sent = send(socket, greeting, sizeof greeting, MSG_NOSIGNAL);
			must(sent == sizeof greeting);
			for (int i = 0; i < 4; i++)
				turn(0); /* the calls go out */
			say(socket, script);
			shutdown(socket, SHUT_WR);
			for (int i = 0; i < 4; i++)
				turn(0);
		}
		end(socket);
	}
	grpc_close(grpc);
}

/* ---- the server, and a client that lies ---- */

static struct grpc_server *server;
static struct grpc_request *waiting[WAITING_MOST];
static size_t waiting_count;

static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context;
	if (text_is(path, "/wait") && body.length % 2 && waiting_count < WAITING_MOST) {
		waiting[waiting_count++] = request;
	} else {
		grpc_request_add_field(request, TEXT("X-Body"), body);
		grpc_server_answer(request, body.length % 3 == 0 ? 0 : 5, TEXT("as it is"), body);
	}
}

static bool on_asked_whether_conversation(void *context, struct grpc_request *request, struct text path, int *status,
					  const char **words)
{
	(void)context;
	if (grpc_request_metadata(request, "te", 1).bytes) {
		*status = 7;
		*words = "twice";
	}
	return text_is(path, "/talk");
}

/* Messages of a conversation that are answered later. */
static struct {
	struct grpc_request *request;
	size_t bytes;
} open_messages[WAITING_MOST];
static size_t open_count;

static void open_messages_answer(size_t left)
{
	for (; open_count > left; open_count--)
		grpc_conversation_answer(open_messages[open_count - 1].request, open_messages[open_count - 1].bytes, TEXT("later"));
}

static bool on_message(void *context, struct grpc_request *request, struct text path, struct text message)
{
	static const struct proto_file *const files[] = {&inference_file, &health_file, &seldon_file, &protobuf_struct_file, NULL};
	struct buffer answer;
	(void)context, (void)path;
	if (message.length % 4 == 3 && open_count < WAITING_MOST) {
		open_messages[open_count].request = request;
		open_messages[open_count++].bytes = message.length;
		if (message.bytes[0] == 'f')
			grpc_conversation_finish(request, 14, "enough");
		return true;
	}
	buffer_open(&answer, SIZE_MAX);
	const bool good = grpc_reflection_answer(files, message, &answer);
	if (good)
		grpc_conversation_answer(request, message.length, buffer_view(&answer));
	buffer_close(&answer);
	return good;
}

/* The fuzzer's alarm may ring meanwhile. */
static void connect_to(int caller, const struct sockaddr_in *address)
{
	int result;
	do
		result = connect(caller, (const struct sockaddr *)address, sizeof *address);
	while (result != 0 && (errno == EINTR || errno == EALREADY));
	must(result == 0 || errno == EISCONN);
}

static void lie_to_server(struct script *script)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					    .sin_port = htons((uint16_t)grpc_server_port(server))};
	static char heard[1 << 16];
	int caller = socket(AF_INET, SOCK_STREAM, 0);
	connect_to(caller, &address);
	say(caller, script);
	for (int i = 0; i < 4; i++) {
		turn(0);
		while (recv(caller, heard, sizeof heard, MSG_DONTWAIT) > 0)
			;
		if (i == 2) { /* some are answered while their caller is there */
			open_messages_answer(open_count / 2);
			for (size_t half = waiting_count / 2; waiting_count > half;)
				grpc_server_answer(waiting[--waiting_count], 0, (struct text){0}, TEXT("x"));
		}
	}
	end(caller);
	turn(1);
	turn(0);
	open_messages_answer(0);
	while (waiting_count > 0)
		grpc_server_answer(waiting[--waiting_count], 0, (struct text){0}, TEXT("x"));
}

static void set_up(void)
{
	struct error error = {0};
	const struct grpc_server_config config = {.message_bytes = 200,
						  .metadata_bytes = 120,
						  .streams = 10,
						  .connections = 100,
						  .called = on_called,
						  .converses = on_asked_whether_conversation,
						  .received = on_message};
	loop = loop_open(&error);
	must(loop != NULL);
	server = grpc_server_open(loop, &config, &error);
	listener = listen_open(NULL, &listener_port, &error);
	must(server && listener >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	static struct script script;
	if (!loop)
		set_up();
	if (size == 0)
		return 0;
	script.bytes = data + 1;
	script.left = size - 1;
	script.length = 0;
	if (data[0] % 4 == 1)
		put(&script, preface, sizeof preface); /* with the NUL that ends the frame's head */
	say_all(&script, data[0] % 2 == 0);
	if (data[0] % 2 == 0)
		lie_to_client(&script);
	else
		lie_to_server(&script);
	return 0;
}
