/* http_stand.h: the HTTP client, and a server that is played by hand: it hears what was sent on each
 * connection (guest.h), and says, keeps back, or breaks off what a story wants. */
#pragma once

#include "guest.h"
#include "net/http/http.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define HELLO OK "Content-Length: 5\r\n\r\nhello"
#define HEAD_ENDS "\r\n\r\n"
#define HTTP_STAND_REQUESTS 6
#define HTTP_STAND_TURNS_MAX 500

struct asking {
	struct http_request request;
	struct http_stand *stand;
	size_t told;
	struct http_reply reply;
	char body[64]; /* as much of it as fits */
	char header[64];
	uint32_t sum; /* of all of it */
	void (*then)(struct asking *asked);
};

struct http_stand {
	struct loop *loop;
	struct http *http;
	struct http_limits limits; /* before the first request */
	int listener, port;
	char url[64];
	struct asking asked[HTTP_STAND_REQUESTS];
};

/* cmocka's setup and teardown: the state is a struct http_stand. */
int http_stand_open(void **state);
int http_stand_close(void **state);
#define STORY(name) cmocka_unit_test_setup_teardown(name, http_stand_open, http_stand_close)

void http_stand_turn(struct http_stand *stand);
uint32_t http_stand_sum(struct text text);
void http_stand_done(struct http_request *request, const struct http_reply *reply);

/* A GET, or what the story has made of its request by then. */
struct asking *http_stand_ask(struct http_stand *stand, size_t number);
void http_stand_await(struct http_stand *stand, struct asking *asked);

/* The next connection. */
struct guest let_in(struct http_stand *stand);
bool comes_another(struct http_stand *stand, struct guest *guest);
void assert_nobody_knocks(struct http_stand *stand);
void http_stand_reset(struct guest *guest); /* closes it with one */

/* The head of a request has come. */
void assert_asked(const struct guest *guest);
void answer_hello(const struct guest *guest);
struct guest kept_connection(struct http_stand *stand); /* that has served a request */

void assert_hello(struct http_stand *stand, struct asking *asked);
void assert_unanswered(struct http_stand *stand, struct asking *asked, enum http_stage stage, const char *words);
