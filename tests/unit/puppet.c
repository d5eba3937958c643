/* puppet.c: frames of HTTP/2 written by hand; see puppet.h. */
#include "tests/unit/puppet.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFACE_BYTES (sizeof PUPPET_PREFACE - 1)
#define HEAD_BYTES 9
#define HEADERS_BYTES (64 << 10)
#define FRAME_BYTES ((size_t)16384) /* what every peer takes */

static void big_endian(unsigned char *out, uint32_t number, int bytes)
{
	for (int i = 0; i < bytes; i++)
		out[i] = (unsigned char)(number >> (8 * (bytes - 1 - i)));
}

static uint32_t number_at(const unsigned char *bytes, int count)
{
	uint32_t number = 0;
	for (int i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* ---- saying ---- */

void puppet_hold(const struct puppet_line *line, bool held)
{
	assert_int_equal(setsockopt(line->watch.descriptor, IPPROTO_TCP, TCP_CORK, &(int){held}, sizeof(int)), 0);
}

void puppet_say(struct puppet_line *line, const void *bytes, size_t length)
{
	if (line->watch.descriptor >= 0)
		assert_int_equal(send(line->watch.descriptor, bytes, length, MSG_NOSIGNAL), length);
}

void puppet_frame(struct puppet_line *line, int type, int flags, int32_t id, const void *payload, size_t length)
{
	unsigned char head[HEAD_BYTES];
	big_endian(head, (uint32_t)length, 3);
	head[3] = (unsigned char)type;
	head[4] = (unsigned char)flags;
	big_endian(head + 5, (uint32_t)id, 4);
	puppet_say(line, head, sizeof head);
	if (length > 0)
		puppet_say(line, payload, length);
}

void puppet_number(struct puppet_line *line, int type, int32_t id, uint32_t number)
{
	unsigned char payload[4];
	big_endian(payload, number, 4);
	puppet_frame(line, type, 0, id, payload, sizeof payload);
}

void puppet_settings(struct puppet_line *line, uint32_t streams)
{
	unsigned char payload[12];
	big_endian(payload, 3, 2);
	big_endian(payload + 2, streams, 4);
	big_endian(payload + 6, 4, 2);
	big_endian(payload + 8, 1u << 30, 4); /* a window that is never full */
	puppet_frame(line, FRAME_SETTINGS, 0, 0, payload, sizeof payload);
}

void puppet_goaway(struct puppet_line *line, int32_t last_id, uint32_t code, const char *words)
{
	unsigned char payload[256];
	big_endian(payload, (uint32_t)last_id, 4);
	big_endian(payload + 4, code, 4);
	memcpy(payload + 8, words, strlen(words));
	puppet_frame(line, FRAME_GOAWAY, 0, 0, payload, 8 + strlen(words));
}

static size_t put_text(unsigned char *out, const char *text)
{
	size_t length = strlen(text), at = 0;
	out[at++] = (unsigned char)(length < 127 ? length : 127);
	if (length >= 127) { /* in sevens of bits, the lowest first (RFC 7541, 5.1) */
		size_t left = length - 127;
		for (; left >= 128; left /= 128)
			out[at++] = (unsigned char)(left % 128 + 128);
		out[at++] = (unsigned char)left;
	}
	memcpy(out + at, text, length);
	return at + length;
}

void puppet_headers(struct puppet_line *line, int32_t id, int flags, ...)
{
	static unsigned char payload[HEADERS_BYTES];
	size_t length = 0, sent = 0;
	va_list pairs;
	va_start(pairs, flags);
	for (const char *name; (name = va_arg(pairs, const char *));) {
		payload[length++] = 0; /* a literal that no table remembers */
		length += put_text(payload + length, name);
		const char *value = va_arg(pairs, const char *);
		assert_in_range(length + strlen(value), 0, sizeof payload - 256);
		length += put_text(payload + length, value);
	}
	va_end(pairs);
	for (int type = FRAME_HEADERS; length - sent > FRAME_BYTES; type = FRAME_CONTINUATION, flags = 0, sent += FRAME_BYTES)
		puppet_frame(line, type, flags, id, payload + sent, FRAME_BYTES);
	puppet_frame(line, sent ? FRAME_CONTINUATION : FRAME_HEADERS, flags | FLAG_END_HEADERS, id, payload + sent, length - sent);
}

void puppet_begin_answer(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, ":status", "200", "content-type", "application/grpc+proto", NULL);
}

void puppet_message(struct puppet_line *line, int32_t id, const char *message)
{
	unsigned char payload[1024] = {0};
	size_t length = strlen(message);
	big_endian(payload + 1, (uint32_t)length, 4);
	memcpy(payload + 5, message, length);
	puppet_frame(line, FRAME_DATA, 0, id, payload, 5 + length);
}

void puppet_trailers(struct puppet_line *line, int32_t id, const char *status, const char *words)
{
	puppet_headers(line, id, FLAG_END_STREAM, "grpc-status", status, words ? "grpc-message" : NULL, words, NULL);
}

void puppet_answer(struct puppet_line *line, int32_t id, const char *message)
{
	puppet_begin_answer(line, id);
	puppet_message(line, id, message);
	puppet_trailers(line, id, "0", NULL);
}

void puppet_hang_up(struct puppet_line *line)
{
	if (line->watch.descriptor < 0)
		return;
	loop_unwatch(line->puppet->loop, &line->watch);
	close(line->watch.descriptor);
	line->watch.descriptor = -1;
	free(line->bytes);
	line->bytes = NULL;
	if (line->inflater)
		nghttp2_hd_inflate_del(line->inflater);
	line->inflater = NULL;
}

/* ---- hearing ---- */

static void note(struct puppet *puppet, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct puppet *puppet, const char *format, ...)
{
	size_t length = strlen(puppet->heard);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(puppet->heard + length, sizeof puppet->heard - length, format, arguments);
	va_end(arguments);
}

static void note_headers(struct puppet_line *line, int32_t id, const unsigned char *payload, size_t length)
{
	for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
		nghttp2_nv pair;
		ssize_t taken = nghttp2_hd_inflate_hd2(line->inflater, &pair, &flags, payload, length, 1);
		assert_true(taken >= 0);
		payload += taken;
		length -= (size_t)taken;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			note(line->puppet, "%d %s: %s\n", id, (const char *)pair.name, (const char *)pair.value);
	}
	nghttp2_hd_inflate_end_headers(line->inflater);
}

static void note_frame(struct puppet_line *line, int type, int flags, int32_t id, const unsigned char *payload, size_t length)
{
	if (type == FRAME_HEADERS)
		note_headers(line, id, payload, length);
	if (type == FRAME_DATA)
		note(line->puppet, "%d data %zu\n", id, length);
	if (type == FRAME_RESET)
		note(line->puppet, "%d reset %u\n", id, number_at(payload, 4));
	if (type == FRAME_GOAWAY)
		note(line->puppet, "goaway %u %u\n", number_at(payload, 4), number_at(payload + 4, 4));
	if ((type == FRAME_HEADERS || type == FRAME_DATA) && (flags & FLAG_END_STREAM))
		note(line->puppet, "%d end\n", id);
}

static void hear_frame(struct puppet_line *line, int type, int flags, int32_t id, const unsigned char *payload, size_t length)
{
	struct puppet *puppet = line->puppet;
	puppet->resets += type == FRAME_RESET;
	puppet->pings += type == FRAME_PING && !(flags & FLAG_ACK);
	puppet->goaways += type == FRAME_GOAWAY;
	puppet->head_bytes = type == FRAME_HEADERS ? length : puppet->head_bytes;
	if (line->inflater)
		note_frame(line, type, flags, id, payload, length);
	if (type == FRAME_WINDOW && id != 0)
		puppet->widened_bytes += number_at(payload, 4);
	if (type == FRAME_RESET)
		puppet->last_reset_code = number_at(payload, 4);
	if (type == FRAME_SETTINGS && !(flags & FLAG_ACK) && !puppet->mute)
		puppet_frame(line, FRAME_SETTINGS, FLAG_ACK, 0, NULL, 0);
	if (type == FRAME_PING && !(flags & FLAG_ACK) && !puppet->mute)
		puppet_frame(line, FRAME_PING, FLAG_ACK, 0, payload, length);
	if (type != FRAME_DATA || line->inflater)
		return;
	puppet->data_bytes += (int64_t)length;
	if (length > 0 && !puppet->stingy)
		puppet_number(line, FRAME_WINDOW, 0, (uint32_t)length);
	if (!(flags & FLAG_END_STREAM))
		return;
	assert_in_range(puppet->asked_count, 0, PUPPET_STREAMS - 1);
	puppet->ids[puppet->asked_count++] = id;
	if (puppet->asked)
		puppet->asked(line, id);
}

static size_t hear_one(struct puppet_line *line, const unsigned char *bytes, size_t length)
{
	if (!line->greeted) {
		if (length < PREFACE_BYTES)
			return 0;
		assert_memory_equal(bytes, PUPPET_PREFACE, PREFACE_BYTES);
		line->greeted = 1;
		return PREFACE_BYTES;
	}
	size_t payload = length < HEAD_BYTES ? 0 : number_at(bytes, 3);
	if (length < HEAD_BYTES + payload)
		return 0;
	hear_frame(line, bytes[3], bytes[4], (int32_t)number_at(bytes + 5, 4), bytes + HEAD_BYTES, payload);
	return HEAD_BYTES + payload;
}

static void on_bytes(void *context, uint32_t events)
{
	(void)events;
	struct puppet_line *line = context;
	if (line->capacity - line->length < 65536) {
		line->capacity = line->capacity * 2 + 65536;
		line->bytes = realloc(line->bytes, line->capacity);
		assert_non_null(line->bytes);
	}
	ssize_t got = recv(line->watch.descriptor, line->bytes + line->length, line->capacity - line->length, 0);
	if (got <= 0) {
		if (line->inflater)
			note(line->puppet, "closed\n");
		puppet_hang_up(line);
		return;
	}
	line->length += (size_t)got;
	size_t taken = 0, now;
	while (line->bytes && (now = hear_one(line, line->bytes + taken, line->length - taken)) > 0)
		taken += now;
	line->length -= taken;
	if (line->bytes)
		memmove(line->bytes, line->bytes + taken, line->length);
}

static struct puppet_line *add_line(struct puppet *puppet, int socket)
{
	assert_in_range(puppet->line_count, 0, PUPPET_LINES - 1);
	struct puppet_line *line = &puppet->lines[puppet->line_count++];
	*line = (struct puppet_line){.watch = {.ready = on_bytes, .context = line}, .puppet = puppet};
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* small frames go at once */
	assert_true(loop_watch(puppet->loop, &line->watch, socket, EPOLLIN, &(struct error){0}));
	return line;
}

static void on_line(void *context, uint32_t events)
{
	(void)events;
	struct puppet *puppet = context;
	struct puppet_line *line = add_line(puppet, accept(puppet->listener.descriptor, NULL, NULL));
	if (!puppet->mute)
		puppet_settings(line, puppet->streams);
}

int puppet_open(struct puppet *puppet, struct loop *loop)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, PUPPET_LINES), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	puppet->loop = loop;
	puppet->listener = (struct watch){.ready = on_line, .context = puppet};
	assert_true(loop_watch(loop, &puppet->listener, listener, EPOLLIN, &(struct error){0}));
	return ntohs(address.sin_port);
}

struct puppet_line *puppet_dial(struct puppet *puppet, int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	int caller = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(caller, (const struct sockaddr *)&address, sizeof address), 0);
	struct puppet_line *line = add_line(puppet, caller);
	line->greeted = 1;
	assert_int_equal(nghttp2_hd_inflate_new(&line->inflater), 0);
	puppet_say(line, PUPPET_PREFACE, PREFACE_BYTES);
	puppet_settings(line, 100);
	return line;
}

void puppet_hang_up_all(struct puppet *puppet)
{
	for (size_t i = 0; i < puppet->line_count; i++)
		puppet_hang_up(&puppet->lines[i]);
}

void puppet_close(struct puppet *puppet)
{
	puppet_hang_up_all(puppet);
	loop_unwatch(puppet->loop, &puppet->listener);
	close(puppet->listener.descriptor);
}
