/* shared_port_fuzz.c: exchanges of a lying client over HTTP/2 with a port that serves gRPC and HTTP. Nothing crashes, leaks or
 * hangs. Each stream that the client opened is answered at most once: no frame follows its end, and its headers can be read.
 *
 * The input is commands, so that frames are well formed often enough to come far: see command_run().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"

#define BODY_BYTES 256
#define HEAD_BYTES 9
#define LATER_MOST 8
#define STREAMS 512 /* identifiers from 1 on */
#define STREAMS_ALLOWED 8
#define TURNS_MOST 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME_DATA, FRAME_HEADERS, FRAME_PRIORITY, FRAME_RESET, FRAME_SETTINGS, FRAME_PUSH, FRAME_PING, FRAME_GOAWAY, FRAME_WINDOW,
       FRAME_CONTINUATION };
enum { FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8, FLAG_PRIORITY = 32 };

static void hold(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "ERROR: does not hold: %s (%s)\n", what, strerror(errno));
	abort();
}

#define must(condition) hold(condition, #condition)

/* ---- the servers ---- */

static struct loop *loop;
static struct http_server *http;
static struct grpc_server *server;
static struct http_incoming *later[LATER_MOST];
static size_t later_count;

static void on_http(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	(void)context, (void)method;
	must(body.length <= BODY_BYTES);
	if (text_is(path, "/pieces")) {
		http_server_begin(incoming, 200, "text/plain", NULL, 0);
		http_server_send(incoming, body);
		http_server_end(incoming);
	} else if (text_is(path, "/later") && later_count < LATER_MOST) {
		later[later_count++] = incoming;
	} else {
		http_server_answer(incoming, text_is(path, "/empty") ? 204 : 200, "text/plain", body, NULL, 0);
	}
}

static void on_grpc(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context;
	must(body.length <= BODY_BYTES);
	grpc_server_answer(request, text_is(path, "/refuse") ? 5 : 0, TEXT("no"), body);
}

static void servers_open(void)
{
	struct error error = {0};
	const struct http_server_config of_http = {.adopts = true, .body_bytes = BODY_BYTES, .connections = 4, .called = on_http};
	struct grpc_server_config of_grpc = {.message_bytes = BODY_BYTES,
					     .metadata_bytes = 1024,
					     .streams = STREAMS_ALLOWED,
					     .connections = 4,
					     .called = on_grpc};
	loop = loop_open(&error);
	http = http_server_open(loop, &of_http, &error);
	of_grpc.http = http;
	server = grpc_server_open(loop, &of_grpc, &error);
	must(server != NULL);
}

static void turn(int timeout_ms)
{
	must(loop_turn(loop, timeout_ms, &(struct error){0}));
}

static void later_answer(void)
{
	while (later_count > 0)
		http_server_answer(later[--later_count], 200, "text/plain", TEXT("late"), NULL, 0);
}

/* ---- what the client sends ---- */

struct script {
	const uint8_t *bytes;
	size_t left;
	int32_t next_id;
	bool opened[STREAMS];
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

static void put(struct script *script, const void *bytes, size_t count)
{
	if (count > sizeof script->out - script->length)
		return;
	memcpy(script->out + script->length, bytes, count);
	script->length += count;
}

static void put_number(struct script *script, uint32_t number, unsigned bytes)
{
	while (bytes-- > 0)
		put(script, &(uint8_t){(uint8_t)(number >> (8 * bytes))}, 1);
}

static void put_frame(struct script *script, unsigned type, unsigned flags, uint32_t id, const void *payload, size_t count)
{
	if (HEAD_BYTES + count > sizeof script->out - script->length)
		return;
	put_number(script, (uint32_t)count, 3);
	put_number(script, type, 1);
	put_number(script, flags, 1);
	put_number(script, id, 4);
	put(script, payload, count);
	if (type == FRAME_HEADERS && id < STREAMS)
		script->opened[id] = true;
}

static size_t field_write(uint8_t *out, const char *name, const char *value)
{
	const size_t name_length = strlen(name), length = strlen(value);
	out[0] = 0;
	out[1] = (uint8_t)name_length;
	memcpy(out + 2, name, name_length);
	out[2 + name_length] = (uint8_t)length;
	memcpy(out + 3 + name_length, value, length);
	return 3 + name_length + length;
}

/* The head of a request, of which the bits choose what it has. */
static void put_request(struct script *script)
{
	static const char *const methods[] = {"GET", "POST", "HEAD", "DELETE", "PUT", "OPTIONS", "PROPFINDPROPFINDPROPFIND", "G T"};
	static const char *const paths[] = {"/", "/pieces", "/later", "/empty", "/refuse", "/%00", "*", "x?y"};
	static const char *const types[] = {"text/plain", "application/grpc", "application/grpc+proto", ""};
	static const char *const added[][2] = {
		{"content-length", "5"}, {"content-length", "9999999999999999999999"}, {"te", "trailers"}, {"host", "others"},
		{"transfer-encoding", "chunked"}, {"grpc-timeout", "1n"}, {"expect", "100-continue"}, {"X-Upper", "a"},
		{"a", "b\r\nc: d"}, {":path", "/two"}};
	const unsigned first = take(script), second = take(script), third = take(script);
	uint8_t head[512];
	size_t length = field_write(head, ":method", methods[first % 8]);
	length += field_write(head + length, ":scheme", "http");
	length += field_write(head + length, ":path", paths[first / 8 % 8]);
	length += field_write(head + length, ":authority", "us");
	if (second & 4)
		length += field_write(head + length, "content-type", types[second / 8 % 4]);
	if (second & 32)
		length += field_write(head + length, added[third % 10][0], added[third % 10][1]);
	if (second & 64)
		length += field_write(head + length, added[third / 10 % 10][0], added[third / 10 % 10][1]);
	const uint32_t id = second & 128 ? third % STREAMS : (uint32_t)script->next_id;
	script->next_id += second & 128 ? 0 : 2;
	put_frame(script, FRAME_HEADERS, (second & 1) | (second & 2 ? 0 : FLAG_END_HEADERS), id, head, length);
}

/* Bytes of the input as a payload. */
static void put_bytes(struct script *script, unsigned type, unsigned flags, uint32_t id)
{
	size_t count = take(script);
	count = count < script->left ? count : script->left;
	put_frame(script, type, flags, id, script->bytes, count);
	script->bytes += count;
	script->left -= count;
}

static uint32_t stream_of(struct script *script)
{
	return (uint32_t)(script->next_id - 2 * (int32_t)(take(script) % 4)) & INT32_MAX;
}

static void command_run(struct script *script)
{
	const unsigned command = take(script);
	uint8_t payload[8] = {0};
	switch (command % 12) {
	case 0:
	case 1:
		put_request(script);
		break;
	case 2:
	case 3:
		put_bytes(script, FRAME_DATA, take(script) & (FLAG_END_STREAM | FLAG_PADDED), stream_of(script));
		break;
	case 4: /* a message of gRPC */
		put_frame(script, FRAME_DATA, command / 12 & 1, stream_of(script), "\0\0\0\0\2hi", 7);
		break;
	case 5:
		put_bytes(script, FRAME_CONTINUATION, take(script) & FLAG_END_HEADERS, stream_of(script));
		break;
	case 6:
		put_frame(script, FRAME_RESET, 0, stream_of(script), payload, 4);
		break;
	case 7: /* a setting: windows of 0, tables of 0, large frames */
		payload[1] = (uint8_t)(take(script) % 8);
		payload[4] = (uint8_t)take(script);
		payload[5] = (uint8_t)take(script);
		put_frame(script, FRAME_SETTINGS, take(script) & 1, 0, payload, 6);
		break;
	case 8:
		put_frame(script, FRAME_PING, take(script) & 1, 0, payload, 8);
		break;
	case 9:
		memset(payload, (int)take(script), 4);
		put_frame(script, FRAME_WINDOW, 0, take(script) & 1 ? 0 : stream_of(script), payload, 4);
		break;
	case 10:
		put_bytes(script, take(script) % 12, take(script), stream_of(script));
		break;
	case 11: /* waits for what comes of it */
		put_frame(script, 0xff, 0, 0, "", 0);
		break;
	}
}

/* ---- what it hears ---- */

struct heard {
	uint8_t bytes[1 << 20];
	size_t length, at;
	bool ended[STREAMS];
	nghttp2_hd_inflater *inflater;
};

static void headers_read(struct heard *heard, const uint8_t *bytes, size_t length)
{
	for (;;) {
		nghttp2_nv pair;
		int flags = 0;
		const ssize_t count = nghttp2_hd_inflate_hd2(heard->inflater, &pair, &flags, bytes, length, 1);
		must(count >= 0);
		bytes += count;
		length -= (size_t)count;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			must(pair.namelen > 0 && memchr(pair.value, '\n', pair.valuelen) == NULL);
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			break;
		must(count > 0 || flags & NGHTTP2_HD_INFLATE_EMIT);
	}
	nghttp2_hd_inflate_end_headers(heard->inflater);
}

static void frames_read(struct heard *heard, const struct script *script)
{
	while (heard->length - heard->at >= HEAD_BYTES) {
		const uint8_t *head = heard->bytes + heard->at;
		const size_t count = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
		const uint32_t id = (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
		if (heard->length - heard->at < HEAD_BYTES + count)
			break;
		must(head[3] <= FRAME_CONTINUATION && head[3] != FRAME_PUSH && id <= INT32_MAX);
		if (head[3] == FRAME_HEADERS || head[3] == FRAME_DATA) {
			must(id < STREAMS && script->opened[id] && !heard->ended[id]);
			heard->ended[id] = head[4] & FLAG_END_STREAM;
		}
		if (head[3] == FRAME_HEADERS) {
			must((head[4] & FLAG_END_HEADERS) && !(head[4] & (FLAG_PADDED | FLAG_PRIORITY)));
			headers_read(heard, head + HEAD_BYTES, count);
		}
		heard->at += HEAD_BYTES + count;
	}
}

/* Each client comes from the next of many addresses, as in http_server_fuzz.c. */
static int connected_client(void)
{
	static uint16_t clients;
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((uint16_t)grpc_server_port(server))},
				 from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + clients++)};
	int client = socket(AF_INET, SOCK_STREAM, 0), outcome;
	must(setsockopt(client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int)) == 0);
	must(bind(client, (const struct sockaddr *)&from, sizeof from) == 0);
	do
		outcome = connect(client, (const struct sockaddr *)&at, sizeof at);
	while (outcome != 0 && (errno == EINTR || errno == EALREADY));
	must(outcome == 0 || errno == EISCONN);
	return client;
}

/* False: the server has closed the connection. */
static bool hear(int client, struct heard *heard, const struct script *script)
{
	const ssize_t got = recv(client, heard->bytes + heard->length, sizeof heard->bytes - heard->length, MSG_DONTWAIT);
	if (got > 0)
		heard->length += (size_t)got;
	frames_read(heard, script);
	return got > 0 || (got < 0 && errno != ECONNRESET);
}

static void flush(int client, struct script *script, struct heard *heard)
{
	if (send(client, script->out, script->length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		script->left = 0;
	script->length = 0;
	turn(0);
	turn(0);
	(void)hear(client, heard, script);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script script;
	static struct heard heard;
	const struct linger reset = {1, 0};
	if (size > 4096)
		return 0;
	if (!server)
		servers_open();
	memset(&script, 0, sizeof script);
	script.bytes = data;
	script.left = size;
	script.next_id = 1;
	heard.length = heard.at = 0;
	memset(heard.ended, 0, sizeof heard.ended);
	must(nghttp2_hd_inflate_new(&heard.inflater) == 0);
	int client = connected_client();
	put(&script, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	put_frame(&script, FRAME_SETTINGS, 0, 0, "", 0);
	while (script.left > 0) {
		const unsigned command = *script.bytes;
		command_run(&script);
		if (command % 12 == 11 || script.length > sizeof script.out / 2)
			flush(client, &script, &heard);
	}
	flush(client, &script, &heard);
	later_answer();
	turn(0);
	shutdown(client, SHUT_WR);
	for (int turns = 0; hear(client, &heard, &script) && heard.length < sizeof heard.bytes; turns++) {
		must(turns < TURNS_MOST);
		turn(5);
		later_answer();
	}
	nghttp2_hd_inflate_del(heard.inflater);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(client);
	return 0;
}
