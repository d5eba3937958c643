/* held_model.h: a model on a server of its own, which answers when it is let: {"y": [NUMBER]}. It runs in a thread of its own. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "net/http/http_server.h"
#include "models/calls/caller.h"

#define HELD_MAX 1024 /* calls that are held; further ones are answered */

struct held_model {
	struct loop *loop;
	struct http_server *server;
	pthread_t thread;
	atomic_bool open, ending;
	atomic_int number;
	atomic_size_t called;
	struct http_incoming *held[HELD_MAX];
	size_t held_count;
	const char *name;
	char url[128];
	struct model_address address;
	struct model_config config;
};

void held_model_open(struct held_model *model, const char *name, int number);
void held_model_close(struct held_model *model);
