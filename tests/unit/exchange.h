/* exchange.h: a request and its answer, for tests of the formats. */
#pragma once

#include "message/formats/format.h"

/* What a test sends and what became of it. The headers stay from one request to the
 * next. */
struct exchange {
	struct message message;
	struct error error;
	struct buffer out;
	bool taken;
};

/* cmocka's setup and teardown: the state is a struct exchange. */
int exchange_open(void **state);
int exchange_close(void **state);
#define BEHAVIOUR(test) cmocka_unit_test_setup_teardown(test, exchange_open, exchange_close)

/* The first tensor of the request; NULL when it was refused. */
const struct tensor *exchange_sent(struct exchange *exchange, struct text body);
const struct tensor *first_sent(struct exchange *exchange, const char *body);

/* Fails the test unless the body is refused with an INPUT error that says `why`. */
void assert_refused(struct exchange *exchange, const char *body, const char *why);

/* The request's own tensors as its answer, in its format; or the error's text. */
const char *answered(struct exchange *exchange);

/* The body of an error. */
const char *answered_error(struct exchange *exchange, enum error_kind kind, const char *text);
