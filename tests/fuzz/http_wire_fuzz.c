/* http_wire_fuzz.c: the answers of lying servers, and addresses that are none. What comes of an
 * answer does not depend on where it was cut, stays within its limits, and its framing is plain;
 * what is taken for an address puts no line of its own into a request.
 *
 * The first byte says how long the pieces are, the rest is an answer, and an address.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/http_wire.h"

#define BODY_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "ERROR: does not hold: %s\n", what);
	abort();
}

#define must(condition) hold(condition, #condition)

struct came {
	enum http_intake_outcome outcome;
	size_t taken;
};

static struct came take(struct http_intake *intake, const char *bytes, size_t size, size_t step)
{
	struct came came = {HTTP_INTAKE_MORE, 0};
	http_intake_begin(intake, "x-wanted");
	for (size_t at = 0; at < size && came.outcome == HTTP_INTAKE_MORE; at += step) {
		size_t taken = 0, piece = step < size - at ? step : size - at;
		came.outcome = http_intake_take(intake, bytes + at, piece, &taken);
		must(taken <= piece && (taken == piece || came.outcome != HTTP_INTAKE_MORE));
		came.taken += taken;
	}
	if (came.outcome == HTTP_INTAKE_MORE)
		came.outcome = http_intake_end(intake);
	must(came.outcome != HTTP_INTAKE_MORE);
	must(intake->body.length <= BODY_BYTES && intake->value.length <= HTTP_HEAD_BYTES_MAX);
	return came;
}

static void compare(const struct http_intake *a, struct came came_a, const struct http_intake *b, struct came came_b)
{
	must(came_a.outcome == came_b.outcome);
	must(a->status == b->status && a->heard == b->heard);
	must(a->fault == b->fault && a->fault != ERROR_SYSTEM);
	must(a->words == b->words || strcmp(a->words, b->words) == 0);
	if (came_a.outcome != HTTP_INTAKE_WHOLE)
		return;
	must(a->status >= 200 && a->status <= 999);
	must(came_a.taken == came_b.taken);
	must(a->keeps == b->keeps && a->has_value == b->has_value);
	must(text_equal(buffer_view(&a->body), buffer_view(&b->body)));
	must(text_equal(buffer_view(&a->value), buffer_view(&b->value)));
}

/* A request of an address has the lines that it should have, and no other. */
static void ask(const char *bytes, size_t size)
{
	char text[4096];
	struct url url;
	struct error error = {0};
	struct buffer head;
	size_t lines = 0;
	if (size >= sizeof text)
		return;
	memcpy(text, bytes, size);
	text[size] = '\0';
	if (!url_read(text, &url, &error)) {
		must(error.kind == ERROR_REMOTE && error.text[0]);
		return;
	}
	must(url.host.length > 0 && url.port.length > 0 && url.authority.length > 0);
	buffer_open(&head, 1 << 16);
	http_head_write(&head, &url, &(struct http_request){.url = text});
	must(!buffer_failed(&head));
	for (size_t i = 0; i < head.length; i++) {
		unsigned char byte = (unsigned char)head.bytes[i];
		must(byte >= ' ' || byte == '\r' || byte == '\n');
		lines += byte == '\n';
	}
	must(lines == (url.login.bytes ? 5 : 4));
	buffer_close(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_intake whole, cut;
	if (size == 0)
		return 0;
	const char *bytes = (const char *)data + 1;
	http_intake_open(&whole, BODY_BYTES);
	http_intake_open(&cut, BODY_BYTES);
	struct came came = take(&whole, bytes, size - 1, size);
	compare(&whole, came, &cut, take(&cut, bytes, size - 1, data[0] + 1u));
	if (size < 2048)
		compare(&whole, came, &cut, take(&cut, bytes, size - 1, 1));
	http_intake_close(&whole);
	http_intake_close(&cut);
	ask(bytes, size - 1);
	return 0;
}
