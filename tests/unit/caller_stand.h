/* caller_stand.h: calls of a model `m` over HTTP, and its server on the same loop, which has one
 * line of a script for each request, in the order they come, and says it whole or byte by byte. */
#pragma once

#include "models/calls/caller.h"

#define CALLER_STAND_CALLS 8
#define CALLER_STAND_CONNECTIONS 64

struct said {
	int status;	   /* of a head that goes before the bytes; 0: they are all of it */
	const char *bytes; /* NULL: none */
	size_t length;	   /* 0: as their NUL says */
	size_t piece;	   /* so many each millisecond; 0: all at once */
	bool closes;	   /* behind them */
};

#define SAYS(code, body) {.status = (code), .bytes = (body)}
#define HANGS_UP {.closes = true} /* without a word */
#define IS_SILENT {0}

struct caller_stand {
	struct loop *loop;
	/* The server: */
	struct watch listener;
	struct caller_stand_connection {
		struct watch watch;
		struct caller_stand *stand;
		char request[4096];
		size_t heard;
		char made[4096]; /* a head and its bytes */
		struct said answer;
		size_t said;
		struct loop_timer timer;
	} connections[CALLER_STAND_CONNECTIONS];
	size_t connection_count;
	const struct said *script;
	size_t script_length; /* whose last line is repeated */
	size_t requests, questions;
	char last_request[4096];
	const char *metadata; /* the answer to GET /v2; every other GET is answered `ready` */
	/* The caller, which is opened with the first call, so that a story may configure it: */
	struct caller *caller;
	struct arena *arena;
	struct message message;
	struct call calls[CALLER_STAND_CALLS];
	char order[CALLER_STAND_CALLS + 1]; /* calls that were answered, by number */
	char base[64], url[96];
	struct model_address address;
	struct model_config model; /* two calls at once */
	struct caller_config config;
	char told[64]; /* "away ", "back " and "left ", as they came */
	char why[300]; /* the model is away */
};

void caller_stand_open(struct caller_stand *stand);
void caller_stand_close(struct caller_stand *stand);

/* The script for what comes from now on; borrowed. */
#define caller_stand_plays(stand, ...)                                                                                             \
	caller_stand_play(stand, (const struct said[]){__VA_ARGS__},                                                               \
			  sizeof((const struct said[]){__VA_ARGS__}) / sizeof(struct said))
void caller_stand_play(struct caller_stand *stand, const struct said *script, size_t length);

void caller_stand_ensure(struct caller_stand *stand);
struct call *caller_stand_begin(struct caller_stand *stand, size_t number);
void caller_stand_turn(struct caller_stand *stand, int wait_ms);
void caller_stand_wait(struct caller_stand *stand, size_t answered); /* since the script was given */
