/* gateway_follower.c: see gateway_follower.h. */
#include "gateway/gateway_follower.h"

#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "control/engine/change_results.h"
#include "control/engine/control_view.h"
#include "control/engine/control_watch.h"
#include "kafka/kafka_wait.h"
#include "net/loop_task.h"

#define LOOK_MS 1000

struct gateway_follower {
	const struct gateway_follower_config *config;
	struct loop *loop; /* NULL: not started */
	struct control_view_config view_config;
	struct control_view *view;
	int bell; /* of the readers of the view */
	struct watch bell_watch;
	struct loop_timer timer;
	struct control_watch_config watch_config;
	struct control_watch *watch;
	struct document_names names;
	struct loop_task task;
	struct kafka_wait wait; /* of the task */
	struct error error;	/* of the task */
	struct control_view *next_view; /* its result */
	struct control_documents documents; /* that it compiles */
	struct revision *revision; /* its result */
	uint64_t compiled; /* generation of what the task compiles */
	uint64_t served;   /* generation of what is served, when `has_served` */
	bool has_served;
	bool must_reread; /* also while a task compiles what was read before */
	bool is_lost;	  /* the view cannot be read any more */
	int64_t retry_ms; /* of the loop's clock: not before then */
	char failure[ERROR_TEXT_MAX * 2]; /* why what is in force is not served; "": it is */
};

static void gateway_follower_look(struct gateway_follower *follower);

static void gateway_follower_fail(struct gateway_follower *follower, const struct error *error, const char *what)
{
	char words[sizeof follower->failure];
	change_reason_print(error, words, sizeof words);
	follower->retry_ms = loop_now_ms(follower->loop) + GATEWAY_FOLLOWER_RETRY_MS;
	if (strcmp(words, follower->failure) != 0)
		log_say(follower->config->log, LOG_LEVEL_ERROR, NULL, "%s: %s. %s; it is tried again every %d s", what, words,
			follower->has_served ? "The gateway serves what it served before" : "The gateway serves nothing until then",
			GATEWAY_FOLLOWER_RETRY_MS / 1000);
	memcpy(follower->failure, words, sizeof words);
}

/* ---- what is in force ---- */

static void gateway_compile_run(void *context)
{
	struct gateway_follower *follower = context;
	kafka_wait_bound(&follower->wait);
	follower->revision = follower->config->compile(follower->config->context, &follower->documents, &follower->error);
	kafka_wait_bound(NULL);
}

static void gateway_compile_on_done(void *context)
{
	struct gateway_follower *follower = context;
	const size_t count = follower->documents.count;
	control_documents_close(&follower->documents);
	if (!follower->revision ||
	    !follower->config->serve(follower->config->context, follower->revision, &follower->error)) {
		revision_close(follower->revision);
		gateway_follower_fail(follower, &follower->error, "the documents in force cannot be served");
	} else {
		follower->served = follower->compiled;
		follower->has_served = true;
		follower->failure[0] = '\0';
		log_say(follower->config->log, LOG_LEVEL_INFO, NULL, "the documents in force are served: %zu resources", count);
	}
	follower->revision = NULL;
	gateway_follower_look(follower);
}

static void task_begin(struct gateway_follower *follower, void (*run)(void *context), void (*done)(void *context),
		       const char *purpose)
{
	struct error error = {0};
	follower->error = (struct error){0};
	follower->task = (struct loop_task){.run = run, .done = done, .context = follower};
	if (loop_task_start(&follower->task, follower->loop, purpose, &error))
		return;
	control_documents_close(&follower->documents);
	gateway_follower_fail(follower, &error, "the documents in force cannot be served");
}

/* ---- after the view could not be read ---- */

static void view_ring(const struct gateway_follower *follower)
{
	reader_ring(follower->view->control, follower->bell);
	reader_ring(follower->view->status, follower->bell);
	bell_ring(follower->bell); /* for records that came before */
}

static void view_open_run(void *context)
{
	struct gateway_follower *follower = context;
	kafka_wait_bound(&follower->wait);
	follower->next_view = control_view_open(&follower->view_config, &follower->error);
	kafka_wait_bound(NULL);
}

static void view_on_opened(void *context)
{
	struct gateway_follower *follower = context;
	follower->retry_ms = loop_now_ms(follower->loop) + GATEWAY_FOLLOWER_RETRY_MS;
	if (!follower->next_view)
		return;
	control_view_close(follower->view);
	follower->view = follower->next_view;
	follower->next_view = NULL;
	follower->is_lost = false;
	follower->retry_ms = 0;
	follower->served = UINT64_MAX; /* activations are counted anew */
	log_say(follower->config->log, LOG_LEVEL_INFO, NULL, "the control plane is read again");
	view_ring(follower);
}

static void gateway_follower_lose(struct gateway_follower *follower, const char *words)
{
	if (!follower->is_lost)
		log_say(follower->config->log, LOG_LEVEL_ERROR, NULL,
			"the control plane cannot be read: %s. The gateway continues with what it serves, and reads again in %d s",
			words, GATEWAY_FOLLOWER_RETRY_MS / 1000);
	follower->is_lost = true;
	follower->retry_ms = loop_now_ms(follower->loop) + GATEWAY_FOLLOWER_RETRY_MS;
}

/* ---- the loop ---- */

/* A `control` that was created again, and has no change yet, puts nothing in force. */
static bool is_behind(const struct gateway_follower *follower)
{
	const struct control_reader *reader = &follower->view->reader;
	const bool is_blank = !reader->ledger.changes.first;
	return !is_blank && (!follower->has_served || follower->must_reread ||
			     control_reader_generation(reader) != follower->served);
}

static void gateway_follower_look(struct gateway_follower *follower)
{
	struct error error = {0};
	if (loop_task_is_running(&follower->task) || loop_now_ms(follower->loop) < follower->retry_ms)
		return;
	if (follower->is_lost) {
		if (!control_watch_is_lost(follower->watch))
			task_begin(follower, view_open_run, view_on_opened, "reads the control plane");
		return;
	}
	if (!is_behind(follower))
		return;
	if (follower->must_reread)
		follower->served = UINT64_MAX; /* so that it is tried again where it fails */
	follower->must_reread = false;
	follower->compiled = control_reader_generation(&follower->view->reader);
	if (control_reader_is_whole(&follower->view->reader, &error) &&
	    control_documents_open(&follower->documents, &follower->view->reader, CONTROL_IN_FORCE, &follower->names, &error))
		task_begin(follower, gateway_compile_run, gateway_compile_on_done, "prepares documents");
	else
		gateway_follower_fail(follower, &error, "the documents in force cannot be served");
}

static void gateway_follower_on_bell(void *context, uint32_t events)
{
	struct gateway_follower *follower = context;
	struct error error = {0};
	(void)events;
	bell_quiet(follower->bell);
	if (follower->is_lost)
		return;
	if (!control_view_read(follower->view, follower->bell, &error))
		gateway_follower_lose(follower, error.text);
	gateway_follower_look(follower);
}

static void gateway_follower_on_tick(void *context)
{
	struct gateway_follower *follower = context;
	struct error ignored = {0};
	if (!follower->is_lost && control_watch_is_lost(follower->watch))
		gateway_follower_lose(follower, control_watch_difference(follower->watch));
	gateway_follower_look(follower);
	(void)loop_timer_set(follower->loop, &follower->timer, loop_now_ms(follower->loop) + LOOK_MS, &ignored);
}

/* ---- opening and closing ---- */

struct gateway_follower *gateway_follower_open(const struct gateway_follower_config *config, struct error *error)
{
	assert(config->compile && config->serve);
	struct gateway_follower *follower = memory_take(1, sizeof *follower);
	if (!follower)
		return error_null(error_memory(error, ERROR_SYSTEM, "following the control plane"));
	follower->config = config;
	follower->bell = -1;
	follower->view_config = (struct control_view_config){.brokers = config->brokers,
							     .namespace = config->namespace,
							     .control = config->topics.control,
							     .status = config->topics.status,
							     .consumer = config->consumer};
	follower->watch_config = (struct control_watch_config){
		.brokers = config->brokers, .properties = config->consumer, .topics = &config->topics, .log = config->log};
	if (document_names_open(&follower->names, config->names, error) &&
	    (follower->view = control_view_open(&follower->view_config, error)) && (follower->bell = bell_open(error)) >= 0)
		return follower;
	gateway_follower_close(follower);
	return NULL;
}

bool gateway_follower_start(struct gateway_follower *follower, struct loop *loop, struct error *error)
{
	follower->bell_watch = (struct watch){.ready = gateway_follower_on_bell, .context = follower};
	follower->timer = (struct loop_timer){.due = gateway_follower_on_tick, .context = follower};
	if (!loop_watch(loop, &follower->bell_watch, follower->bell, EPOLLIN, error))
		return false;
	follower->loop = loop;
	follower->watch = control_watch_open(&follower->watch_config, loop, error);
	if (!follower->watch)
		return false;
	view_ring(follower);
	return loop_timer_set(loop, &follower->timer, loop_now_ms(loop) + LOOK_MS, error);
}

void gateway_follower_close(struct gateway_follower *follower)
{
	if (!follower)
		return;
	if (follower->loop) {
		loop_timer_stop(follower->loop, &follower->timer);
		loop_unwatch(follower->loop, &follower->bell_watch);
		control_watch_close(follower->watch);
		atomic_store(&follower->wait.stopping, true);
		loop_task_end(&follower->task);
	}
	revision_close(follower->revision);
	control_documents_close(&follower->documents);
	control_view_close(follower->next_view);
	control_view_close(follower->view);
	document_names_close(&follower->names);
	if (follower->bell >= 0)
		close(follower->bell);
	memory_give(follower);
}

void gateway_follower_reread(struct gateway_follower *follower)
{
	follower->must_reread = true;
	follower->retry_ms = 0;
	gateway_follower_look(follower);
}

const char *gateway_follower_unready(const struct gateway_follower *follower)
{
	if (follower->failure[0])
		return follower->failure;
	if (follower->has_served)
		return "no pipeline is in force; `sluice apply` one";
	return "no documents are in force yet; `sluice apply` the files of the namespace";
}
