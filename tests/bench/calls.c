/* calls.c: Latency of a call of a gateway by HTTP, from when it is due to the end of its answer.
 *
 *   calls -p PORT -n PIPELINE -r A_SECOND -s SECONDS [-c CONNECTIONS] [-u SECONDS]
 *
 * Calls are JSON FP32[1,16] with ids 0, 1, 2..., each with a key, sent when they are due by one of CONNECTIONS (64) that are kept.
 * One that finds none free waits, and its time counts from when it was due: a stall is not hidden. The first second (-u: or as
 * many) is not counted. Prints p50, p95, p99 and the longest, in milliseconds, and how many had another answer than their own.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "observe/histogram.h"
#include "tests/kafka/load.h"

#define CONNECTIONS_MOST 256
#define ANSWER_BYTES 8192
#define HEAD_BYTES 512
#define PATIENCE_S 30 /* with the answer to a call */

struct line {
	int socket;
	long number; /* of its call; -1: it is free */
	size_t length;
	char answer[ANSWER_BYTES];
};

struct run {
	const char *pipeline;
	long port, rate, seconds, uncounted, connections, count;
	double began_s;
	long next, answered, wrong;
	struct buffer body;
	struct histogram us;
	uint64_t longest_us;
	struct line lines[CONNECTIONS_MOST];
	struct pollfd polled[CONNECTIONS_MOST];
};

static double due_s(const struct run *run, long number)
{
	return run->began_s + (double)number / (double)run->rate;
}

static int line_open(const struct run *run)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)run->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;
	int one = socket(AF_INET, SOCK_STREAM, 0);
	if (one < 0 || connect(one, (const struct sockaddr *)&address, sizeof address) ||
	    setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on))
		die("no connection to port %ld: %s", run->port, strerror(errno));
	return one;
}

static void line_send(struct run *run, struct line *line, long number)
{
	char head[HEAD_BYTES];
	load_encode_json(number, LOAD_ELEMENTS, true, &run->body);
	int length =
		snprintf(head, sizeof head,
			 "POST /v2/pipelines/%s/infer HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nsluice-key: %s\r\n"
			 "Content-Length: %zu\r\n\r\n",
			 run->pipeline, load_key(number % LOAD_KEYS).text, run->body.length);
	const struct iovec parts[] = {{head, (size_t)length}, {run->body.bytes, run->body.length}};
	const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = 2};
	if (sendmsg(line->socket, &message, MSG_NOSIGNAL) != (ssize_t)(parts[0].iov_len + parts[1].iov_len))
		die("a call cannot be sent: %s", strerror(errno));
	line->number = number;
	line->length = 0;
}

/* Of a whole answer; 0: more is to come. */
static size_t answer_length(const struct line *line)
{
	const char *end = strstr(line->answer, "\r\n\r\n"), *length = strcasestr(line->answer, "\r\ncontent-length:");
	if (!end)
		return 0;
	size_t whole = (size_t)(end - line->answer) + 4 +
		       (length && length < end ? strtoul(length + sizeof "\r\ncontent-length:" - 1, NULL, 10) : 0);
	return line->length >= whole ? whole : 0;
}

static void line_end(struct run *run, struct line *line)
{
	char id[64];
	double took_s = now_s(CLOCK_MONOTONIC) - due_s(run, line->number);
	uint64_t us = took_s > 0 ? (uint64_t)(took_s * 1e6) : 0;
	(void)snprintf(id, sizeof id, "\"id\":\"%ld\"", line->number);
	run->answered++;
	run->wrong += strncmp(line->answer, "HTTP/1.1 200", 12) != 0 || !strstr(line->answer, id);
	if (line->number >= run->rate * run->uncounted) {
		histogram_record(&run->us, us);
		run->longest_us = us > run->longest_us ? us : run->longest_us;
	}
	line->number = -1;
}

static void line_read(struct run *run, struct line *line)
{
	ssize_t got = recv(line->socket, line->answer + line->length, sizeof line->answer - 1 - line->length, 0);
	if (got <= 0)
		die("a connection ended amid its call: %s", got == 0 ? "closed, or the answer is too long" : strerror(errno));
	line->length += (size_t)got;
	line->answer[line->length] = '\0';
	if (line->number >= 0 && answer_length(line) > 0)
		line_end(run, line);
}

static void send_due(struct run *run)
{
	for (long i = 0; i < run->connections && run->next < run->count && due_s(run, run->next) <= now_s(CLOCK_MONOTONIC); i++)
		if (run->lines[i].number < 0)
			line_send(run, &run->lines[i], run->next++);
}

static void await_something(struct run *run)
{
	double left_s = run->next < run->count ? due_s(run, run->next) - now_s(CLOCK_MONOTONIC) : PATIENCE_S;
	bool is_full = true;
	for (long i = 0; i < run->connections; i++)
		is_full &= run->lines[i].number >= 0;
	if (is_full || left_s < 0)
		left_s = is_full ? PATIENCE_S : 0;
	const struct timespec wait = {(time_t)left_s, (long)((left_s - (double)(time_t)left_s) * 1e9)};
	int ready = ppoll(run->polled, (nfds_t)run->connections, &wait, NULL);
	if (ready == 0 && left_s >= PATIENCE_S)
		die("%ld calls have no answer", run->count - run->answered);
	for (long i = 0; i < run->connections && ready > 0; i++)
		if (run->polled[i].revents)
			line_read(run, &run->lines[i]);
}

int main(int argc, char **argv)
{
	static struct run run = {.rate = 1000, .seconds = 6, .uncounted = 1, .connections = 64};
	const struct letter letters[] = {{'p', .number = &run.port},
					 {'n', .word = &run.pipeline},
					 {'r', .number = &run.rate},
					 {'s', .number = &run.seconds},
					 {'c', .number = &run.connections},
					 {'u', .number = &run.uncounted},
					 {0}};
	letters_read(argc, argv, letters);
	if (!run.port || !run.pipeline || run.rate < 1 || run.uncounted < 1 || run.seconds <= run.uncounted ||
	    run.connections < 1 || run.connections > CONNECTIONS_MOST)
		die("%s", "calls -p PORT -n PIPELINE -r A_SECOND -s SECONDS [-c CONNECTIONS] [-u SECONDS]");
	run.count = run.rate * run.seconds;
	buffer_open(&run.body, 1 << 20);
	for (long i = 0; i < run.connections; i++) {
		run.lines[i].socket = line_open(&run);
		run.lines[i].number = -1;
		run.polled[i] = (struct pollfd){.fd = run.lines[i].socket, .events = POLLIN};
	}
	run.began_s = now_s(CLOCK_MONOTONIC) + 0.1;
	while (run.answered < run.count) {
		send_due(&run);
		await_something(&run);
	}
	printf("p50=%.2f p95=%.2f p99=%.2f longest=%.2f lost=%ld\n", (double)histogram_quantile(&run.us, 0.5) / 1e3,
	       (double)histogram_quantile(&run.us, 0.95) / 1e3, (double)histogram_quantile(&run.us, 0.99) / 1e3,
	       (double)run.longest_us / 1e3, run.wrong);
	for (long i = 0; i < run.connections; i++)
		close(run.lines[i].socket);
	buffer_close(&run.body);
	return 0;
}
