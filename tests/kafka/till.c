/* till.c: a model server that can do only so much: for tests of overload.
 *
 *   till ABREAST MS
 *
 * Answers inference requests of the Open Inference Protocol by HTTP, on a free port of
 * loopback, which it prints. ABREAST of them are worked on at a time, MS milliseconds each;
 * the others wait in order, however many they are, as they do before a real server. It does
 * not know that a caller has gone before the work is done: GET /counts says how often it
 * worked, how often for nobody, and how often for a call of more than one row. It answers 1 to each row.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/http_server.h"

#define ABREAST_MOST 256
#define WAITING_MOST 65536
#define CONNECTIONS 1024
#define ROWS_MOST 65536
#define BODY_BYTES (1 << 22)

struct till_call {
	struct http_incoming *incoming; /* NULL: none */
	size_t rows;
};

struct clerk {
	struct loop_timer timer;
	struct till_call asked;
};

static struct till {
	struct loop *loop;
	size_t abreast;
	int64_t work_ms;
	struct clerk clerks[ABREAST_MOST];
	struct till_call waiting[WAITING_MOST]; /* a ring */
	size_t first, count;
	unsigned long worked, wasted, large;
} till;

static void die(const char *words)
{
	fprintf(stderr, "till: %s\n", words);
	exit(1);
}

static void answer(struct http_incoming *asked, const char *body)
{
	http_server_answer(asked, 200, "application/json", text_of(body), NULL, 0);
}

static void begin(struct clerk *clerk, struct till_call asked)
{
	struct error error = {0};
	clerk->asked = asked;
	if (!loop_timer_set(till.loop, &clerk->timer, loop_now_ms(till.loop) + till.work_ms, &error))
		die(error.text);
}

/* The first number of the first shape in a request. */
static size_t rows_of(struct text body)
{
	const char *shape = memmem(body.bytes, body.length, "\"shape\":[", 9);
	const size_t rows = shape ? strtoul(shape + 9, NULL, 10) : 1;
	return rows >= 1 && rows <= ROWS_MOST ? rows : 1;
}

static void answer_rows(struct http_incoming *asked, size_t rows)
{
	static char body[2 * ROWS_MOST + 128];
	int length = snprintf(body, sizeof body,
			      "{\"model_name\":\"till\",\"outputs\":[{\"name\":\"sum\",\"shape\":[%zu],"
			      "\"datatype\":\"FP64\",\"data\":[1",
			      rows);
	for (size_t i = 1; i < rows; i++) {
		body[length++] = ',';
		body[length++] = '1';
	}
	(void)snprintf(body + length, sizeof body - (size_t)length, "]}]}");
	answer(asked, body);
}

static void on_done(void *context)
{
	struct clerk *clerk = context;
	const struct till_call asked = clerk->asked;
	clerk->asked = (struct till_call){0};
	till.worked++;
	till.large += asked.rows > 1;
	till.wasted += http_incoming_is_over(asked.incoming);
	answer_rows(asked.incoming, asked.rows);
	if (till.count == 0)
		return;
	const struct till_call next = till.waiting[till.first];
	till.first = (till.first + 1) % WAITING_MOST;
	till.count--;
	begin(clerk, next);
}

static void on_called(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context;
	if (text_is(path, "/counts")) {
		char words[96];
		(void)snprintf(words, sizeof words, "worked=%lu wasted=%lu large=%lu\n", till.worked, till.wasted, till.large);
		answer(asked, words);
		return;
	}
	if (!text_is(method, "POST")) {
		answer(asked, "{\"name\":\"till\",\"versions\":[],\"platform\":\"\",\"inputs\":[],\"outputs\":[]}");
		return;
	}
	const struct till_call call = {asked, rows_of(body)};
	for (size_t i = 0; i < till.abreast; i++)
		if (!till.clerks[i].asked.incoming) {
			begin(&till.clerks[i], call);
			return;
		}
	if (till.count == WAITING_MOST)
		die("too many wait");
	till.waiting[(till.first + till.count++) % WAITING_MOST] = call;
}

int main(int argc, char **argv)
{
	struct error error = {0};
	if (argc != 3)
		die("usage: till ABREAST MS");
	till.abreast = strtoul(argv[1], NULL, 10);
	till.work_ms = strtol(argv[2], NULL, 10);
	if (till.abreast < 1 || till.abreast > ABREAST_MOST || till.work_ms < 1)
		die("1 to 256 abreast, of a millisecond or more");
	for (size_t i = 0; i < till.abreast; i++)
		till.clerks[i].timer = (struct loop_timer){.due = on_done, .context = &till.clerks[i]};
	const struct http_server_config config = {.body_bytes = BODY_BYTES, .connections = CONNECTIONS, .called = on_called};
	till.loop = loop_open(&error);
	struct http_server *server = till.loop ? http_server_open(till.loop, &config, &error) : NULL;
	if (!server)
		die(error.text);
	printf("http://127.0.0.1:%d\n", http_server_port(server));
	(void)fflush(stdout);
	while (loop_turn(till.loop, -1, &error))
		;
	die(error.text);
}
