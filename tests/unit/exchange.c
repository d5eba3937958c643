/* exchange.c: see exchange.h. */
#include "exchange.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LIMIT ((size_t)1 << 24)

int exchange_open(void **state)
{
	static struct exchange exchange;
	exchange = (struct exchange){.message.arena = arena_open(LIMIT)};
	buffer_open(&exchange.out, LIMIT);
	*state = &exchange;
	return exchange.message.arena ? 0 : -1;
}

int exchange_close(void **state)
{
	struct exchange *exchange = *state;
	buffer_close(&exchange->out);
	arena_close(exchange->message.arena);
	return 0;
}

const struct tensor *exchange_sent(struct exchange *exchange, struct text body)
{
	struct headers headers = exchange->message.headers;
	exchange->message = (struct message){.arena = exchange->message.arena, .headers = headers};
	exchange->error = (struct error){0};
	exchange->taken = message_decode(&exchange->message, body, NULL, &exchange->error);
	if (exchange->taken)
		assert_int_equal(exchange->error.kind, ERROR_NONE);
	return exchange->taken ? exchange->message.payload.tensors.items[0] : NULL;
}

const struct tensor *first_sent(struct exchange *exchange, const char *body)
{
	return exchange_sent(exchange, text_of(body));
}

void assert_refused(struct exchange *exchange, const char *body, const char *why)
{
	(void)first_sent(exchange, body);
	if (exchange->taken)
		fail_msg("taken: %s", body);
	assert_int_equal(exchange->error.kind, ERROR_INPUT);
	if (!strstr(exchange->error.text, why))
		fail_msg("%s\nwas refused with: %s\nwhich does not say: %s", body, exchange->error.text, why);
}

const char *answered(struct exchange *exchange)
{
	struct answer answer = {.payload = &exchange->message.payload};
	buffer_clear(&exchange->out);
	if (!answer_encode(&exchange->message, &answer, NULL, NULL, &exchange->out, &exchange->error))
		return exchange->error.text;
	buffer_byte(&exchange->out, '\0');
	return exchange->out.bytes;
}

const char *answered_error(struct exchange *exchange, enum error_kind kind, const char *text)
{
	struct error error = {0};
	struct answer answer = {.error = &error};
	(void)error_set(&error, kind, PLACE_NONE, "%s", text);
	buffer_clear(&exchange->out);
	assert_true(answer_encode(&exchange->message, &answer, NULL, NULL, &exchange->out, &exchange->error));
	buffer_byte(&exchange->out, '\0');
	return exchange->out.bytes;
}
