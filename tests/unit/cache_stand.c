/* cache_stand.c: see cache_stand.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "cache_stand.h"
#include "payloads.h"
#include "models/calls/memo.h"

struct cache_stand cache_stand;

/* ---- the model ---- */

static bool on_ask(void *context, struct call *call, struct error *error)
{
	(void)context;
	if (cache_stand.no_memory)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	cache_stand.asked[cache_stand.asked_count++] = call;
	return true;
}

static void on_forget(void *context, struct call *call)
{
	(void)context;
	for (size_t i = 0; i < cache_stand.asked_count; i++)
		if (cache_stand.asked[i] == call)
			cache_stand.asked[i--] = cache_stand.asked[--cache_stand.asked_count];
}

static void on_answered(void *context, struct call *call)
{
	(void)context;
	struct call *forgotten = cache_stand.forgets;
	cache_stand.answered++;
	cache_stand.failed += call->error.kind != ERROR_NONE;
	cache_stand.forgets = NULL;
	if (forgotten)
		cache_forget(cache_stand.cache, forgotten);
}

static void on_told(void *context, const char *words)
{
	(void)context;
	cache_stand.told++;
	snprintf(cache_stand.words, sizeof cache_stand.words, "%s", words ? words : "");
}

/* The model answers what it was asked first with that tensor. */
void cache_model_says(float number)
{
	struct call *call = cache_stand.asked[0];
	on_forget(NULL, call);
	struct payload *reply = payload_of_number(cache_stand.arena, "y", number);
	reply->model_name = TEXT("m");
	call->reply = reply;
	cache_answered(cache_stand.cache, call);
}

void cache_model_fails(enum error_kind kind)
{
	struct call *call = cache_stand.asked[0];
	on_forget(NULL, call);
	error_set(&call->error, kind, PLACE_NONE, "no");
	cache_answered(cache_stand.cache, call);
}

/* ---- set-up ---- */

int cache_stand_open(void **state)
{
	(void)state;
	struct error error = {0};
	cache_stand = (struct cache_stand){.loop = loop_open(&error), .arena = arena_open((size_t)1 << 20)};
	cache_stand.address = (struct model_address){.model = "m"};
	cache_stand.model = (struct model_config){
		.name = "m", .addresses = {1, &cache_stand.address}, .cache = {.backend = CACHE_MEMORY, .ttl_ms = 60000}};
	cache_stand.environment =
		(struct cache_environment){.ask = on_ask,
					   .forget = on_forget,
					   .answered = on_answered,
					   .reported = on_told,
					   .memo = memo_open((size_t)32 << 20)};
	cache_stand.message = (struct message){.arena = cache_stand.arena};
	return 0;
}

int cache_stand_close(void **state)
{
	(void)state;
	cache_close(cache_stand.cache);
	memo_close(cache_stand.environment.memo);
	loop_close(cache_stand.loop);
	arena_close(cache_stand.arena);
	return 0;
}

static struct call *call_begin(float number, struct call made)
{
	struct error error = {0};
	struct call *call = &cache_stand.calls[cache_stand.call_count++];
	made.name = "m";
	made.request = payload_of_number(cache_stand.arena, "x", number);
	made.message = &cache_stand.message;
	*call = made;
	if (!cache_stand.cache)
		cache_stand.cache = cache_open(cache_stand.loop, &cache_stand.model, &cache_stand.environment, &error);
	assert_true(cache_call(cache_stand.cache, call, &error));
	return call;
}

struct call *cache_ask_kept(float number, int64_t kept_ms)
{
	return call_begin(number, (struct call){.kept_ms = kept_ms});
}

struct call *cache_perturb(float number)
{
	return call_begin(number, (struct call){.once = true, .uncached = true});
}

struct call *cache_ask_hurriedly(float number)
{
	return call_begin(number, (struct call){.outage_fails = true});
}

struct call *cache_ask(float number)
{
	return cache_ask_kept(number, 0);
}

void cache_turn(int times)
{
	for (int i = 0; i < times; i++)
		assert_true(loop_turn(cache_stand.loop, 10, &(struct error){0}));
}

float cache_said(const struct call *call)
{
	assert_string_equal(call->error.text, "");
	return *(const float *)call->reply->tensors.items[0]->data;
}
