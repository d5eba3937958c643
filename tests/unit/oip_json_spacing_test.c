/* oip_json_spacing_test.c: requests of the Open Inference Protocol written closely, as most programs
 * do, and loosely, as people do. */
#include "message/oip_json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "exchange.h"

/* `body` with `blanks` behind each colon and comma that stands in no string. */
static const char *spread(const char *body, const char *blanks, char *out)
{
	char *at = out;
	bool quoted = false;
	for (; *body; body++) {
		quoted ^= *body == '"';
		*at++ = *body;
		for (const char *blank = blanks; !quoted && (*body == ':' || *body == ',') && *blank; blank++)
			*at++ = *blank;
	}
	*at = '\0';
	return out;
}

static const char *const spacings[] = {"", " ", "  ", "\n\t"};

#define TENSOR(parts) "{\"inputs\":[{" parts "}]}"
#define X "\"name\":\"x\""
#define FP32 "\"datatype\":\"FP32\""

static void blanks_between_the_parts_change_nothing(void **state)
{
	static const char *const bodies[] = {
		"{\"id\":\"7\",\"inputs\":[{" X ",\"shape\":[1,3]," FP32 ",\"data\":[0.5,-12.25,7]}]}",
		"{\"inputs\":[{" FP32 ",\"data\":[0.5,-12.25,7],\"shape\":[3]," X "}],\"id\":\"7\"}",
		"{\"a\":1,\"inputs\":[{" X ",\"b\":[{}],\"shape\":[3]," FP32 ",\"data\":[0.5,-1.225e1,7]}]}",
		TENSOR("\"name\":\"\\u0078\",\"shape\":[3],\"data\":[0.5,-12.25,7],\"d\\u0061tatype\":\"FP32\""),
	};
	char body[512];
	for (size_t i = 0; i < sizeof spacings / sizeof *spacings; i++) {
		for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
			const struct tensor *x = first_sent(*state, spread(bodies[k], spacings[i], body));
			assert_non_null(x);
			assert_true(text_is(x->name, "x") && x->count == 3 && x->shape[x->rank - 1] == 3);
			const float *data = x->data;
			assert_true(data[0] == 0.5F && data[1] == -12.25F && data[2] == 7);
		}
	}
}

static void blanks_between_the_parts_mend_nothing(void **state)
{
	static const struct {
		const char *body;
		const char *why;
	} rows[] = {
		{TENSOR(X "," X ",\"shape\":[1]," FP32 ",\"data\":[0.5]"), "name occurs twice"},
		{TENSOR(X ",\"shape\":[1]," FP32 "," FP32 ",\"data\":[0.5]"), "datatype occurs twice"},
		{TENSOR(X ",\"shape\":[2],\"shape\":[1]," FP32 ",\"data\":[0.5]"), "shape occurs twice"},
		{TENSOR(X ",\"shape\":[1]," FP32 ",\"data\":[0.5],\"data\":[0.5]"), "data occurs twice"},
		{"{\"inputs\":[{" X ",\"shape\":[1]," FP32 ",\"data\":[0.5]}],\"inputs\":[]}", "inputs occurs twice"},
		{TENSOR(X ",\"shape\":[01]," FP32 ",\"data\":[0.5]"), "JSON"},
		{TENSOR(X ",\"shape\":[1,]," FP32 ",\"data\":[0.5]"), "JSON"},
		{TENSOR(X ",\"shape\":[1.5]," FP32 ",\"data\":[0.5]"), "whole numbers"},
		{TENSOR(X ",\"shape\":[3]," FP32 ",\"data\":[0.5,00.5,1.5]"), "JSON"},
		{TENSOR(X ",\"shape\":[3]," FP32 ",\"data\":[0.5,1.,1.5]"), "JSON"},
		{TENSOR(X ",\"shape\":[3]," FP32 ",\"data\":[0.5,1.5]"), "2 elements"},
		{TENSOR(X ",\"shape\":[1]," FP32 ",\"data\":[0.5,1.5]"), "more than the 1 elements"},
		{TENSOR(X ",\"shape\":[1]," FP32 ",\"data\":[0.5,]"), "JSON"},
		{"{,\"inputs\":[{" X ",\"shape\":[1]," FP32 ",\"data\":[0.5]}]}", "JSON"},
		{TENSOR("," X ",\"shape\":[1]," FP32 ",\"data\":[0.5]"), "JSON"},
		{TENSOR(X "\"shape\":[1]," FP32 ",\"data\":[0.5]"), "JSON"},
		{TENSOR(X ",\"shape\":[1]," FP32 ",\"data\":[0.5],"), "JSON"},
		{"{\"inputs\":[{" X ",\"shape\":[1]," FP32 ",\"data\":[0.5]}", "JSON"},
	};
	char body[512];
	for (size_t i = 0; i < sizeof spacings / sizeof *spacings; i++)
		for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
			assert_refused(*state, spread(rows[k].body, spacings[i], body), rows[k].why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(blanks_between_the_parts_change_nothing),
		BEHAVIOUR(blanks_between_the_parts_mend_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
