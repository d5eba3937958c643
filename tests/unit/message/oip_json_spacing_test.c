/* oip_json_spacing_test.c: requests of the Open Inference Protocol written closely, as most programs
 * do, and loosely, as people do. */
#include "message/formats/oip_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/exchange.h"
#include "message/json/tensor_json.h"

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

/* `body` with a long member at its end: what looks ahead has enough to look at. */
static const char *lengthen(const char *body, char *out)
{
	static const char member[] = ",\"pad\":\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\"}";
	size_t length = strlen(body) - 1;
	memcpy(out, body, length);
	memcpy(out + length, member, sizeof member);
	return out;
}

static const char *const spacings[] = {"", " ", "  ", "\n\t"};

#define TENSOR(parts) "{\"inputs\":[{" parts "}]}"
#define X "\"name\":\"x\""
#define FP32 "\"datatype\":\"FP32\""
#define BYTES "\"datatype\":\"BYTES\""

static void blanks_between_the_parts_change_nothing(void **state)
{
	static const char *const bodies[] = {
		"{\"id\":\"7\",\"inputs\":[{" X ",\"shape\":[1,3]," FP32 ",\"data\":[0.5,-12.25,7]}]}",
		"{\"inputs\":[{" FP32 ",\"data\":[0.5,-12.25,7],\"shape\":[3]," X "}],\"id\":\"7\"}",
		"{\"a\":1,\"inputs\":[{" X ",\"b\":[{}],\"shape\":[3]," FP32 ",\"data\":[0.5,-1.225e1,7]}]}",
		TENSOR("\"name\":\"\\u0078\",\"shape\":[3],\"data\":[0.5,-12.25,7],\"d\\u0061tatype\":\"FP32\""),
	};
	char body[512], longer[640];
	for (size_t i = 0; i < 2 * sizeof spacings / sizeof *spacings; i++) {
		for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
			spread(bodies[k], spacings[i / 2], body);
			const struct tensor *x = first_sent(*state, i % 2 ? lengthen(body, longer) : body);
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
	char body[512], longer[640];
	for (size_t i = 0; i < sizeof spacings / sizeof *spacings; i++)
		for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
			assert_refused(*state, spread(rows[k].body, spacings[i], body), rows[k].why);
			assert_refused(*state, lengthen(body, longer), rows[k].why);
		}
}

static void names_of_any_length_are_read_whole(void **state)
{
	for (int length = 1; length < 40; length++) {
		char body[512], longer[640];
		(void)snprintf(body, sizeof body, TENSOR("\"name\":\"%0*d\",\"shape\":[1]," FP32 ",\"data\":[0.5]"), length, 7);
		const struct tensor *x = first_sent(*state, lengthen(body, longer));
		assert_non_null(x);
		assert_int_equal(x->name.length, length);
		assert_int_equal(x->name.bytes[length - 1], '7');
	}
}

/* Dimensions of many digits are no less than they say. */
static void dimensions_of_any_length_are_read_whole(void **state)
{
	static const char *const shapes[] = {"12345678", "123456789", "1234567890", "9,9,9999999", "99999999999999999999"};
	char body[512], longer[640];
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		(void)snprintf(body, sizeof body, TENSOR(X ",\"shape\":[%s]," FP32 ",\"data\":[0.5]"), shapes[i]);
		assert_refused(*state, lengthen(body, longer), i < 4 ? "its shape" : "whole numbers");
	}
}

/* Texts of all lengths, one of them with an escape at every place in turn, are what they say, however near they stand to the
 * body's end; and leave as they came. */
static void texts_are_read_and_written_whole(void **state)
{
	for (int length = 0; length < 36; length++) {
		for (int escape = 0; escape <= length; escape++) {
			char body[512], longer[640], plain[40], written[80];
			memset(plain, 'a' + length % 26, sizeof plain);
			plain[length] = '\0';
			(void)snprintf(written, sizeof written, "%.*s\\n%s", escape, plain, plain + escape);
			(void)snprintf(body, sizeof body,
				       TENSOR(X ",\"shape\":[4]," BYTES ",\"data\":[\"%s\",%s\"%s\",\"%s\",\"\"]"), plain,
				       length % 2 ? " " : "", written, plain);
			const struct tensor *x = first_sent(*state, escape % 2 ? lengthen(body, longer) : body);
			assert_non_null(x);
			const struct text *data = x->data;
			assert_true(text_is(data[0], plain) && text_is(data[2], plain) && data[3].length == 0);
			assert_int_equal(data[1].length, length + 1);
			assert_int_equal(data[1].bytes[escape], '\n');
			struct buffer out;
			buffer_open(&out, 4096);
			tensor_json_write_flat(&out, x, BYTES_AS_TEXT);
			char wanted[512];
			int size = snprintf(wanted, sizeof wanted, "[\"%s\",\"%s\",\"%s\",\"\"]", plain, written, plain);
			assert_int_equal(out.length, size);
			assert_memory_equal(out.bytes, wanted, (size_t)size);
			buffer_close(&out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(blanks_between_the_parts_change_nothing),
		BEHAVIOUR(blanks_between_the_parts_mend_nothing),
		BEHAVIOUR(names_of_any_length_are_read_whole),
		BEHAVIOUR(dimensions_of_any_length_are_read_whole),
		BEHAVIOUR(texts_are_read_and_written_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
