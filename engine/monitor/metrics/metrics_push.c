/* metrics_push.c: see metrics_push.h. */
#include "monitor/metrics/metrics_push.h"

#include <stdio.h>

#include "base/memory.h"
#include "net/http/http_client.h"
#include "net/loop_task.h"
#include "net/http/post.h"

#define URL_BYTES_MAX ((size_t)2048)

struct metrics_push {
	struct loop *loop;
	struct metrics_push_config config;
	struct buffer url, text;
	struct network everywhere;
	struct loop_timer timer;
	struct loop_task task;
	atomic_bool given_up;
	/* Of the push on its way; written by its thread. */
	enum post_outcome outcome;
	struct error error;
	bool fails; /* the one before did */
};

/* ---- one push ---- */

static void push_send(void *context)
{
	struct metrics_push *push = context;
	const struct post_request request = {.url = push->url.bytes,
					     .body = buffer_view(&push->text),
					     .puts = true,
					     .headers = {"Content-Type: text/plain; version=0.0.4; charset=utf-8"},
					     .allowed = &push->everywhere,
					     .allowed_count = 1,
					     .given_up = &push->given_up};
	push->error = (struct error){0};
	push->outcome = post(&request, &push->error);
}

static void metrics_push_on_sent(void *context)
{
	struct metrics_push *push = context;
	bool fails = push->outcome != POST_DELIVERED;
	char reason[URL_BYTES_MAX + ERROR_TEXT_MAX];
	if (fails == push->fails)
		return;
	push->fails = fails;
	if (fails)
		(void)snprintf(reason, sizeof reason, "%s: %s", http_url_shown(push->url.bytes), push->error.text);
	if (push->config.reported)
		push->config.reported(push->config.context, fails ? reason : NULL);
}

static void metrics_push_on_due(void *context)
{
	struct metrics_push *push = context;
	struct error error = {0};
	if (!loop_task_is_running(&push->task)) {
		buffer_clear(&push->text);
		metrics_write(&push->config.owner, EXPOSITION_TEXT, &push->text);
		if (!buffer_failed(&push->text))
			(void)loop_task_start(&push->task, push->loop, "pushes metrics", &error);
	}
	(void)loop_timer_set(push->loop, &push->timer, loop_now_ms(push->loop) + METRICS_PUSH_MS, &error);
}

/* ---- opening and closing ---- */

/* A name of a path; the Pushgateway decodes it. */
static void segment_write(struct buffer *out, const char *name)
{
	for (; *name; name++) {
		const unsigned char byte = (unsigned char)*name;
		const bool plain = strchr("-._~", byte) || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
				   (byte >= 'A' && byte <= 'Z');
		buffer_print(out, plain ? "%c" : "%%%02X", byte);
	}
}

static void url_write(struct buffer *out, const struct metrics_push_config *config)
{
	size_t length = strlen(config->address);
	while (length > 0 && config->address[length - 1] == '/')
		length--;
	buffer_print(out, "%s%.*s/metrics/job/" METRICS_PUSH_JOB "/instance/", strstr(config->address, "://") ? "" : "http://",
		     (int)length, config->address);
	segment_write(out, config->instance);
	buffer_byte(out, '\0');
}

static bool push_set_up(struct metrics_push *push, struct error *error)
{
	url_write(&push->url, &push->config);
	push->timer = (struct loop_timer){.due = metrics_push_on_due, .context = push};
	push->task = (struct loop_task){.run = push_send, .done = metrics_push_on_sent, .context = push};
	(void)network_read(TEXT("::/0"), &push->everywhere);
	if (buffer_failed(&push->url))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "the address of the Pushgateway is longer than %zu bytes",
				 URL_BYTES_MAX);
	return loop_timer_set(push->loop, &push->timer, loop_now_ms(push->loop) + METRICS_PUSH_MS, error);
}

struct metrics_push *metrics_push_open(struct loop *loop, const struct metrics_push_config *config, struct error *error)
{
	assert(loop && config->address && config->owner.write);
	struct metrics_push *push = memory_take(1, sizeof *push);
	if (!push) {
		error_memory(error, ERROR_SYSTEM, "pushing metrics");
		return NULL;
	}
	push->loop = loop;
	push->config = *config;
	buffer_open(&push->url, URL_BYTES_MAX);
	buffer_open(&push->text, METRICS_BYTES_MAX);
	if (push_set_up(push, error))
		return push;
	metrics_push_close(push);
	return NULL;
}

void metrics_push_close(struct metrics_push *push)
{
	if (!push)
		return;
	atomic_store(&push->given_up, true);
	loop_timer_stop(push->loop, &push->timer);
	loop_task_end(&push->task);
	buffer_close(&push->url);
	buffer_close(&push->text);
	memory_give(push);
}
