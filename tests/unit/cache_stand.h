/* cache_stand.h: a cache of replies, and its model, which is played: it answers when the story says so. */
#pragma once

#include "models/calls/cache.h"

#define CALLS_MAX 16

struct cache_stand {
	struct loop *loop;
	struct arena *arena;
	struct cache *cache; /* opened by the first call, as `model` then is */
	struct model_config model;
	struct model_address address;
	struct cache_environment environment;
	struct message message;
	struct call *asked[CALLS_MAX]; /* of the model, not answered yet */
	size_t asked_count;
	size_t answered, failed;
	bool no_memory;	      /* to ask it */
	struct call *forgets; /* when a call is answered: of the same message, which that ends */
	struct call calls[CALLS_MAX];
	size_t call_count;
	size_t told;	 /* of Redis */
	char words[256]; /* last; empty: it serves again */
};

extern struct cache_stand cache_stand;

int cache_stand_open(void **state);
int cache_stand_close(void **state);

/* The model answers what it was asked first with that tensor, or by an error. */
void cache_model_says(float number);
void cache_model_fails(enum error_kind kind);

struct call *cache_ask(float number);
struct call *cache_ask_kept(float number, int64_t kept_ms);
struct call *cache_perturb(float number);
struct call *cache_ask_hurriedly(float number); /* which does not wait for the model */
float cache_said(const struct call *call);
void cache_turn(int times);
