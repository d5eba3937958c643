/* http_server_fuzz.c: requests of lying clients. What comes of a head does not depend on where it was cut, and what is
 * read of it has no byte that ends a line. A server answers each request once, in their order, with answers that a strict client
 * can read; behind a refusal nothing is called.
 *
 * The first byte says how long the pieces are, the rest is what a client sends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http/http_server.h"
#include "net/http/http_wire.h"

#define BODY_BYTES 64
#define TURNS_MOST 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "ERROR: does not hold: %s\n", what);
	abort();
}

#define must(condition) hold(condition, #condition)

/* ---- heads ---- */

struct came {
	enum http_head_outcome outcome;
	struct http_head_scan scan;
	struct http_head head;
	bool is_read;
	char *bytes;
};

static void came_take(struct came *came, const char *bytes, size_t size, size_t step)
{
	came->bytes = malloc(size + 1);
	memcpy(came->bytes, bytes, size);
	came->outcome = HTTP_HEAD_MORE;
	http_head_scan_begin(&came->scan);
	for (size_t have = 0; have < size && came->outcome == HTTP_HEAD_MORE;) {
		have += step < size - have ? step : size - have;
		came->outcome = http_head_find_end(&came->scan, (struct text){came->bytes, have});
	}
	came->is_read = came->outcome == HTTP_HEAD_WHOLE && http_head_read(&came->head, &came->scan, came->bytes);
	if (came->outcome == HTTP_HEAD_REFUSED)
		must(came->scan.refusal.status >= 400 && came->scan.refusal.words);
	else if (came->outcome == HTTP_HEAD_WHOLE && !came->is_read)
		must(came->head.refusal.status >= 400 && came->head.refusal.words);
}

static void check_slice(const struct came *came, struct http_slice slice, bool decoded)
{
	struct text text = http_head_text(&came->head, slice);
	must(slice.at + (size_t)slice.length <= came->scan.end);
	for (size_t i = 0; i < text.length; i++)
		must(text.bytes[i] != '\0' && (decoded || (text.bytes[i] != '\r' && text.bytes[i] != '\n')));
}

/* What is found by the number of a name is what is found by the name. */
static void check_known(const struct http_head *head)
{
	for (unsigned name = HEADER_OTHER + 1; name < HEADER_NAMES; name++)
		for (size_t place = 0; place < 3; place++) {
			const struct text known = http_head_known_at(head, name, place);
			must(known.bytes == http_head_value_at(head, header_name_text(name), place).bytes);
			must(place != 1 || (known.bytes != NULL) == ((head->repeated & header_name_bit(name)) != 0));
		}
}

static void check_head(const struct came *came)
{
	const struct http_head *head = &came->head;
	unsigned lengths = 0, codings = 0, hosts = 0;
	check_slice(came, head->method, false);
	check_slice(came, head->path, true);
	check_slice(came, head->query, false);
	for (unsigned i = 0; i < head->field_count; i++) {
		check_slice(came, head->fields[i].name, false);
		check_slice(came, head->fields[i].value, false);
		struct text name = http_head_text(head, head->fields[i].name);
		lengths += text_equal_caseless(name, TEXT("content-length"));
		codings += text_equal_caseless(name, TEXT("transfer-encoding"));
		hosts += text_equal_caseless(name, TEXT("host"));
	}
	must(head->method.length > 0 && lengths + codings <= 1 && hosts <= 1 && (hosts == 1 || head->is_old));
	must((head->framing == HTTP_BODY_IN_CHUNKS) == (codings == 1));
	must((head->framing == HTTP_BODY_OF_LENGTH) == (lengths == 1));
	check_known(head);
}

static void read_heads(const char *bytes, size_t size, size_t step)
{
	static struct came whole, cut;
	came_take(&whole, bytes, size, size);
	came_take(&cut, bytes, size, step);
	must(whole.outcome == cut.outcome && whole.is_read == cut.is_read);
	if (whole.outcome == HTTP_HEAD_WHOLE)
		must(whole.scan.end == cut.scan.end && whole.scan.begin == cut.scan.begin);
	if (whole.is_read)
		check_head(&whole);
	free(whole.bytes);
	free(cut.bytes);
}

/* ---- a server ---- */

static struct loop *loop;
static struct http_server *server;
static int calls, in_pieces;

static void on_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	(void)context, (void)method;
	must(body.length <= BODY_BYTES);
	calls++;
	if (path.length % 3 != 1) {
		http_server_answer(incoming, 200, "text/plain", body, NULL, 0);
		return;
	}
	in_pieces++;
	http_server_begin(incoming, 200, "text/plain", NULL, 0);
	http_server_send(incoming, body);
	http_server_end(incoming);
}

static void open_server(void)
{
	struct error error = {0};
	const struct http_server_config config = {.body_bytes = BODY_BYTES, .connections = 4, .called = on_called};
	loop = loop_open(&error);
	server = http_server_open(loop, &config, &error);
	must(server != NULL);
}

/* A connection that the server closed first keeps its port for a minute: each client comes from the next of many
 * addresses. libFuzzer's alarm interrupts what waits. */
static int connected_client(void)
{
	static uint16_t clients;
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((uint16_t)http_server_port(server))},
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

static size_t converse(const char *bytes, size_t size, size_t step, char *heard, size_t room)
{
	const struct linger reset = {1, 0};
	int client = connected_client();
	size_t sent = 0, length = 0;
	for (int turn = 0;; turn++) {
		must(turn < TURNS_MOST);
		if (sent < size) {
			size_t piece = step < size - sent ? step : size - sent;
			ssize_t now = send(client, bytes + sent, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
			sent = now < 0 ? size : sent + (size_t)now;
			if (sent == size)
				shutdown(client, SHUT_WR);
		}
		must(loop_turn(loop, sent < size ? 0 : 10, &(struct error){0}));
		ssize_t got = recv(client, heard + length, room - length, MSG_DONTWAIT);
		if (got > 0)
			length += (size_t)got;
		if (got == 0 || length == room)
			break;
	}
	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset); /* no port waits for stray segments */
	close(client);
	return length;
}

/* A HEAD's answer has a length and no body, so nothing is asked of conversations with one. */
static void read_answers(const char *heard, size_t length)
{
	struct http_intake intake;
	int answers = 0, refusals = 0;
	http_intake_open(&intake, 1 << 16);
	for (size_t at = 0; at < length;) {
		size_t taken = 0;
		http_intake_begin(&intake, NULL);
		enum http_intake_outcome outcome = http_intake_take(&intake, heard + at, length - at, &taken);
		if (outcome == HTTP_INTAKE_MORE)
			outcome = http_intake_end(&intake);
		must(outcome == HTTP_INTAKE_WHOLE && refusals == 0);
		answers += intake.status == 200;
		/* One that is read to its end may keep the connection. */
		refusals += intake.status >= 400 && !intake.keeps;
		at += taken;
	}
	must(answers == calls);
	http_intake_close(&intake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char heard[1 << 20];
	if (size < 2)
		return 0;
	const char *bytes = (const char *)data + 1;
	size_t step = data[0] + 1u;
	if (!server)
		open_server();
	read_heads(bytes, size - 1, step);
	if (size > 8192)
		return 0;
	calls = in_pieces = 0;
	size_t length = converse(bytes, size - 1, step * 8, heard, sizeof heard);
	if (length < sizeof heard && !memmem(bytes, size - 1, "HEAD", 4) && in_pieces == 0)
		read_answers(heard, length);
	return 0;
}
