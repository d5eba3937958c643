/* stub_failures.c: Stubs that are slow, fail, or send invalid replies. */
#include <math.h>

#include "models/server/stub_call.h"

/* The stub that the option `then` names, with the same options. */
static void answer_then(const struct stub_call *call, struct stub_reply *reply)
{
	struct text name = stub_text(call, "then", STUB_THEN_USUAL);
	const struct stub_row *row = call->stub->then;
	if (!row || row->answer == stub_slow || row->answer == stub_flaky) {
		stub_refuse(call, reply, "the stub's option `then` names no stub that may follow: " TEXT_FORMAT,
			    TEXT_ARGUMENTS(name));
		return;
	}
	row->answer(call, reply);
}

static void fail_with(const struct stub_call *call, struct stub_reply *reply, double code)
{
	struct text text = stub_text(call, "text", "");
	reply->status = (int)code;
	reply->words = text;
	if (text.length == 0)
		reply->words = text_of(arena_print(call->arena, "stub failure %d", reply->status));
}

void stub_slow(const struct stub_call *call, struct stub_reply *reply)
{
	reply->delay_ms = (int64_t)stub_number(call, "ms", 0);
	answer_then(call, reply);
}

void stub_fail(const struct stub_call *call, struct stub_reply *reply)
{
	fail_with(call, reply, stub_number(call, "code", 500));
}

/* Whether it is the Mth call of its request, the 2Mth, and so on. */
static bool is_each(const struct stub_call *call, double every)
{
	return every >= 1 && fmod((double)(call->earlier + 1), floor(every)) == 0;
}

void stub_flaky(const struct stub_call *call, struct stub_reply *reply)
{
	if ((double)call->earlier < stub_number(call, "fails", 0) || is_each(call, stub_number(call, "every", 0)))
		fail_with(call, reply, stub_number(call, "code", 503));
	else
		answer_then(call, reply);
}

void stub_hang(const struct stub_call *call, struct stub_reply *reply)
{
	(void)call;
	reply->silent = true;
}

#define OUTPUT_OF(datatype, data)                                                                                                  \
	"{\"model_name\":\"x\",\"outputs\":[{\"name\":\"OUTPUT\",\"datatype\":\"" datatype "\",\"shape\":[4],\"data\":" data "}]}"

void stub_badreply(const struct stub_call *call, struct stub_reply *reply)
{
	static const struct mode {
		const char *name;
		const char *body;
	} modes[] = {
		{"count", OUTPUT_OF("FP32", "[1,2,3]")},
		{"notjson", "}{"},
		{"empty", ""},
		{"datatype", OUTPUT_OF("FLOAT99", "[1,2,3,4]")},
		{"truncated", "{\"model_name\":\"x\",\"outputs\":["},
		{"html", "<html><body>Bad Gateway</body></html>"},
		{"nooutputs", "{\"model_name\":\"x\"}"},
	};
	struct text wanted = stub_text(call, "mode", "count");
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		if (!text_is(wanted, modes[i].name))
			continue;
		reply->payload = NULL;
		reply->body = text_of(modes[i].body);
		reply->cut = strcmp(modes[i].name, "truncated") == 0;
		return;
	}
	stub_refuse(call, reply, "the stub's option `mode` is none that badreply knows: " TEXT_FORMAT, TEXT_ARGUMENTS(wanted));
}
