/* proxy.c: stands between clients and one broker, reads the heads of Kafka's requests, and
 * does to them what a bad network does, when it is told to.
 *
 *   proxy FRONT BACK CONTROL     ports on loopback: clients come to FRONT and get to BACK
 *
 * It prints "ready" and serves until it is killed. On CONTROL it takes lines, and answers
 * each with "ok" when it is done:
 *
 *   hold API    the next request of that number goes no further, nor does what follows it; -1: none is to be held
 *   await       answers when what was to be held, is, and the broker has answered what was released
 *   cut         the client whose request was held last loses its connection; the request
 *               stays held, as a packet on its way does
 *   release     the request that is held longest goes on to the broker
 *   lose API    the next answer to such a request is lost, and its connection with it
 *   disown      in each connection the second answer on what a group has committed says that the broker is no coordinator,
 *               until "own"; "await" answers when one has
 *   own
 *   break       every connection is reset
 *   freeze      nothing comes through any connection that there is, and nobody is told, as when
 *               a machine loses its power; new ones are served
 *   refuse      new connections are closed at once, until "accept"
 *   accept
 *   delay MS    everything takes so much longer from now on, in each direction
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX 256
#define CONTROLS_MAX 16
#define LINE_MAX_BYTES 64
#define READ_BYTES 65536
#define OFFSET_FETCH 9
#define OFFSET_FETCH_BY_GROUPS 8 /* from this version on an answer has a list of groups, and two lists of tags at its end */
#define NOT_COORDINATOR 16
#define FRAME_HEAD 12 /* length, number of the api, its version, correlation id */
#define NO_API (-1)

/* Bytes on their way, behind `sent`; those before `ripe` may go. */
struct stream {
	unsigned char *bytes;
	size_t length, capacity, sent, ripe, scanned;
	int64_t due_ms; /* when what came last may go: with a delay everything waits as long */
};

struct pair {
	int client, broker; /* -1: closed */
	struct stream up, down;
	bool held, frozen;
	bool owed;	 /* the broker has not answered what was released after its client had gone */
	int64_t held_at; /* which of the held came first */
	bool loses;	 /* the answer to `lost_id` is to be lost */
	uint32_t lost_id;
	int fetches;  /* questions for what a group has committed */
	bool disowns; /* the answer to `disowned_id` is to say that */
	uint32_t disowned_id;
	size_t disowned_end; /* bytes of it behind the code of its error */
};

static struct pair pairs[PAIRS_MAX];
static struct control {
	int socket;
	size_t length;
	char line[LINE_MAX_BYTES];
	bool awaits;
} controls[CONTROLS_MAX];

static int hold_api = NO_API, lose_api = NO_API, delay_ms;
static int64_t held_count;
static bool refusing;
static bool disowning, awaits_disowned;
static struct sockaddr_in back;

static _Noreturn void die(const char *what)
{
	perror(what);
	_exit(1);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- sockets ---- */

static void make_quick(int socket)
{
	int yes = 1;
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
}

static int listen_on(const char *port)
{
	struct sockaddr_in address = loopback(port);
	int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64))
		die(port);
	return listener;
}

/* With a reset, as from a box in between that has forgotten it. */
static void hang_up(int *socket)
{
	const struct linger at_once = {1, 0};
	if (*socket < 0)
		return;
	setsockopt(*socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(*socket);
	*socket = -1;
}

static void pair_close(struct pair *pair)
{
	hang_up(&pair->client);
	hang_up(&pair->broker);
	free(pair->up.bytes);
	free(pair->down.bytes);
	*pair = (struct pair){.client = -1, .broker = -1};
}

static void pair_open(int listener)
{
	int client = accept(listener, NULL, NULL);
	struct pair *pair = pairs;
	while (pair < pairs + PAIRS_MAX && (pair->client >= 0 || pair->broker >= 0))
		pair++;
	int broker = socket(AF_INET, SOCK_STREAM, 0);
	if (refusing || client < 0 || pair == pairs + PAIRS_MAX || connect(broker, (struct sockaddr *)&back, sizeof back)) {
		hang_up(&client);
		hang_up(&broker);
		return;
	}
	make_quick(client);
	make_quick(broker);
	*pair = (struct pair){.client = client, .broker = broker};
}

/* ---- bytes ---- */

static uint32_t number_at(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool stream_read(struct stream *stream, int from)
{
	if (stream->capacity - stream->length < READ_BYTES) {
		size_t left = stream->length - stream->sent;
		if (stream->sent > 0)
			memmove(stream->bytes, stream->bytes + stream->sent, left);
		stream->ripe -= stream->sent;
		stream->scanned -= stream->sent;
		stream->length = left;
		stream->sent = 0;
		if (stream->capacity - left < READ_BYTES) {
			stream->capacity = stream->capacity * 2 + READ_BYTES;
			stream->bytes = realloc(stream->bytes, stream->capacity);
			if (!stream->bytes)
				die("realloc");
		}
	}
	ssize_t count = recv(from, stream->bytes + stream->length, READ_BYTES, 0);
	if (count <= 0)
		return count < 0 && (errno == EAGAIN || errno == EINTR);
	stream->length += (size_t)count;
	stream->due_ms = now_ms() + delay_ms;
	return true;
}

static bool stream_write(struct stream *stream, int to)
{
	if (stream->sent == stream->ripe || now_ms() < stream->due_ms)
		return true;
	ssize_t count = send(to, stream->bytes + stream->sent, stream->ripe - stream->sent, MSG_NOSIGNAL);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR;
	stream->sent += (size_t)count;
	return true;
}

/* The whole frame behind what was looked at already, or NULL. */
static const unsigned char *next_frame(const struct stream *stream, size_t *size)
{
	const unsigned char *frame = stream->bytes + stream->scanned;
	size_t there = stream->length - stream->scanned;
	if (there < FRAME_HEAD)
		return NULL;
	*size = number_at(frame) + (size_t)4;
	return there >= *size ? frame : NULL;
}

/* ---- what is done to requests and answers ---- */

static void look_at_requests(struct pair *pair)
{
	const unsigned char *frame;
	size_t size;
	while (!pair->held && (frame = next_frame(&pair->up, &size))) {
		int api = frame[4] << 8 | frame[5];
		if (api == hold_api) {
			hold_api = NO_API;
			pair->held = true;
			pair->held_at = ++held_count;
			return;
		}
		if (api == lose_api) {
			lose_api = NO_API;
			pair->loses = true;
			pair->lost_id = number_at(frame + 8);
		}
		if (disowning && api == OFFSET_FETCH && ++pair->fetches == 2) {
			pair->disowns = true;
			pair->disowned_id = number_at(frame + 8);
			pair->disowned_end = (frame[6] << 8 | frame[7]) >= OFFSET_FETCH_BY_GROUPS ? 2 : 1;
		}
		pair->up.scanned += size;
		pair->up.ripe = pair->up.scanned;
	}
}

/* The code of the error is the last of the answer, before its tags. */
static void disown(struct pair *pair, size_t size)
{
	unsigned char *code = pair->down.bytes + pair->down.scanned + size - pair->disowned_end - 2;
	code[0] = 0;
	code[1] = NOT_COORDINATOR;
	pair->disowns = awaits_disowned = false;
}

/* False: this is the answer to be lost. */
static bool look_at_answers(struct pair *pair)
{
	const unsigned char *frame;
	size_t size;
	while ((pair->loses || pair->disowns) && (frame = next_frame(&pair->down, &size))) {
		if (pair->loses && number_at(frame + 4) == pair->lost_id)
			return false;
		if (pair->disowns && number_at(frame + 4) == pair->disowned_id)
			disown(pair, size);
		pair->down.scanned += size;
		pair->down.ripe = pair->down.scanned;
	}
	if (!pair->loses && !pair->disowns)
		pair->down.scanned = pair->down.ripe = pair->down.length;
	return true;
}

static struct pair *held_pair(bool latest)
{
	struct pair *found = NULL;
	for (struct pair *pair = pairs; pair < pairs + PAIRS_MAX; pair++)
		if (pair->held && (!found || (pair->held_at > found->held_at) == latest))
			found = pair;
	return found;
}

/* Behind a client that is gone nothing follows the request that was held. */
static void release(struct pair *pair)
{
	size_t size;
	if (!pair)
		return;
	pair->held = false;
	pair->owed = pair->client < 0;
	if (next_frame(&pair->up, &size))
		pair->up.ripe = pair->up.scanned += size;
	if (pair->client >= 0)
		look_at_requests(pair);
}

/* Whether nothing is to be held, or to be answered. */
static bool settled(void)
{
	for (const struct pair *pair = pairs; pair < pairs + PAIRS_MAX; pair++)
		if (pair->owed)
			return false;
	return hold_api == NO_API && !awaits_disowned;
}

/* ---- control ---- */

static void answer(struct control *control)
{
	if (send(control->socket, "ok\n", 3, MSG_NOSIGNAL) != 3)
		hang_up(&control->socket);
}

static void obey(struct control *control)
{
	char word[LINE_MAX_BYTES] = "";
	int number = 0;
	struct pair *held;
	(void)sscanf(control->line, "%15s %d", word, &number);
	if (strcmp(word, "hold") == 0)
		hold_api = number;
	else if (strcmp(word, "lose") == 0)
		lose_api = number;
	else if (strcmp(word, "delay") == 0)
		delay_ms = number;
	else if (strcmp(word, "refuse") == 0 || strcmp(word, "accept") == 0)
		refusing = word[0] == 'r';
	else if (strcmp(word, "disown") == 0 || strcmp(word, "own") == 0)
		disowning = awaits_disowned = word[0] == 'd';
	else if (strcmp(word, "cut") == 0 && (held = held_pair(true)))
		hang_up(&held->client);
	else if (strcmp(word, "release") == 0)
		release(held_pair(false));
	else if (strcmp(word, "break") == 0)
		for (struct pair *pair = pairs; pair < pairs + PAIRS_MAX; pair++)
			pair_close(pair);
	else if (strcmp(word, "freeze") == 0)
		for (struct pair *pair = pairs; pair < pairs + PAIRS_MAX; pair++)
			pair->frozen = pair->client >= 0;
	control->awaits = strcmp(word, "await") == 0;
	if (!control->awaits)
		answer(control);
}

static void control_read(struct control *control)
{
	char byte;
	ssize_t count;
	while ((count = recv(control->socket, &byte, 1, MSG_DONTWAIT)) == 1) {
		if (byte != '\n' && control->length < sizeof control->line - 1) {
			control->line[control->length++] = byte;
			continue;
		}
		control->line[control->length] = '\0';
		control->length = 0;
		obey(control);
	}
	if (count == 0)
		hang_up(&control->socket);
}

static void control_open(int listener)
{
	int socket = accept(listener, NULL, NULL);
	for (struct control *control = controls; control < controls + CONTROLS_MAX; control++) {
		if (control->socket < 0) {
			*control = (struct control){.socket = socket};
			return;
		}
	}
	hang_up(&socket);
}

/* ---- the loop ---- */

/* What is read while there is a delay leaves before more is read. */
static short wanted(const struct stream *in, const struct stream *out)
{
	bool full = delay_ms > 0 && in->sent < in->ripe;
	bool due = out->sent < out->ripe && now_ms() >= out->due_ms;
	return (short)((full ? 0 : POLLIN) | (due ? POLLOUT : 0));
}

/* Each is false when that side is gone. */
static bool client_serve(struct pair *pair, short events)
{
	if (pair->client < 0) {
		pair->down.sent = pair->down.ripe; /* nobody is there to hear it */
		return true;
	}
	if (events & ~POLLOUT && !stream_read(&pair->up, pair->client))
		return false;
	look_at_requests(pair);
	return stream_write(&pair->down, pair->client);
}

static bool broker_serve(struct pair *pair, short events)
{
	if (events & ~POLLOUT && !stream_read(&pair->down, pair->broker))
		return false;
	if (events & POLLIN)
		pair->owed = false;
	return look_at_answers(pair) && stream_write(&pair->up, pair->broker);
}

static void pair_serve(struct pair *pair, short client, short broker)
{
	bool broker_there = broker_serve(pair, broker);
	if (broker_there && client_serve(pair, client))
		return;
	if (broker_there && pair->held)
		hang_up(&pair->client); /* what is held outlives its sender */
	else
		pair_close(pair);
}

static void turn(const int listeners[2])
{
	static struct pollfd polled[2 + CONTROLS_MAX + 2 * PAIRS_MAX];
	struct pollfd *at = polled;
	for (int i = 0; i < 2; i++)
		*at++ = (struct pollfd){.fd = listeners[i], .events = POLLIN};
	for (int i = 0; i < CONTROLS_MAX; i++)
		*at++ = (struct pollfd){.fd = controls[i].socket, .events = POLLIN};
	for (int i = 0; i < PAIRS_MAX; i++) {
		const struct pair *pair = &pairs[i];
		*at++ = (struct pollfd){.fd = pair->frozen ? -1 : pair->client, .events = wanted(&pair->up, &pair->down)};
		*at++ = (struct pollfd){.fd = pair->frozen ? -1 : pair->broker, .events = wanted(&pair->down, &pair->up)};
	}
	if (poll(polled, (nfds_t)(at - polled), delay_ms > 0 ? 1 : 1000) < 0 && errno != EINTR)
		die("poll");
	at = polled + 2 + CONTROLS_MAX;
	for (int i = 0; i < PAIRS_MAX; i++, at += 2)
		if (pairs[i].broker >= 0 && at[1].fd == pairs[i].broker)
			pair_serve(&pairs[i], at[0].revents, at[1].revents);
	for (int i = 0; i < CONTROLS_MAX; i++)
		if (controls[i].socket >= 0 && polled[2 + i].revents)
			control_read(&controls[i]);
	if (polled[0].revents)
		pair_open(listeners[0]);
	if (polled[1].revents)
		control_open(listeners[1]);
	for (int i = 0; i < CONTROLS_MAX; i++)
		if (controls[i].socket >= 0 && controls[i].awaits && settled()) {
			controls[i].awaits = false;
			answer(&controls[i]);
		}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "proxy: which ports? proxy FRONT BACK CONTROL\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < PAIRS_MAX; i++)
		pairs[i] = (struct pair){.client = -1, .broker = -1};
	for (int i = 0; i < CONTROLS_MAX; i++)
		controls[i].socket = -1;
	back = loopback(argv[2]);
	const int listeners[] = {listen_on(argv[1]), listen_on(argv[3])};
	printf("ready\n");
	fflush(stdout);
	for (;;)
		turn(listeners);
}
