/* held_model.c: see held_model.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/held_model.h"

static void model_answer(const struct held_model *model, struct http_incoming *asked)
{
	char body[200];
	const int length = snprintf(body, sizeof body,
				    "{\"model_name\":\"%s\",\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\","
				    "\"data\":[%d]}]}",
				    model->name, atomic_load(&model->number));
	http_server_answer(asked, 200, "application/json", (struct text){body, (size_t)length}, NULL, 0);
}

static void model_called(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	struct held_model *model = context;
	(void)method, (void)path, (void)body;
	if (atomic_load(&model->open) || model->held_count == HELD_MAX)
		model_answer(model, asked);
	else
		model->held[model->held_count++] = asked;
	atomic_fetch_add(&model->called, 1);
}

static void *model_run(void *context)
{
	struct held_model *model = context;
	struct error error = {0};
	while (!atomic_load(&model->ending) && loop_turn(model->loop, 5, &error))
		while (atomic_load(&model->open) && model->held_count > 0)
			model_answer(model, model->held[--model->held_count]);
	return NULL;
}

void held_model_open(struct held_model *model, const char *name, int number)
{
	struct error error = {0};
	*model = (struct held_model){.name = name};
	atomic_store(&model->number, number);
	model->loop = loop_open(&error);
	const struct http_server_config config = {
		.body_bytes = 1 << 16, .connections = 100, .called = model_called, .context = model};
	model->server = http_server_open(model->loop, &config, &error);
	assert_non_null(model->server);
	snprintf(model->url, sizeof model->url, "http://127.0.0.1:%d/v2/models/%s/infer", http_server_port(model->server), name);
	model->address = (struct model_address){.url = model->url};
	model->config = (struct model_config){.name = name, .addresses = {1, &model->address}};
	assert_int_equal(pthread_create(&model->thread, NULL, model_run, model), 0);
}

void held_model_close(struct held_model *model)
{
	atomic_store(&model->ending, true);
	pthread_join(model->thread, NULL);
	http_server_close(model->server);
	loop_close(model->loop);
}
