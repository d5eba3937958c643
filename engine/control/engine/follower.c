/* follower.c: see follower.h. */
#include "control/engine/follower.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "control/engine/change_results.h"
#include "control/engine/condition_board.h"
#include "control/engine/control_view.h"
#include "control/engine/control_watch.h"
#include "control/engine/feed_relay.h"
#include "control/engine/rollout_relay.h"
#include "control/engine/status_writer.h"
#include "net/loop_task.h"

/* The present task. */
struct preparation {
	struct loop_task task;
	uint64_t generation;
	int64_t begun_ms; /* of the loop's clock */
	struct control_documents documents;
	struct revision *revision; /* its result; NULL: `error` has the reason */
	struct error error;
};

/* The task that opens a view after the former one could not be read any more. */
struct rejoining {
	struct loop_task task;
	struct control_view *view; /* its result; NULL: `error` has the reason */
	struct error error;
	int64_t due_ms; /* of the loop's clock: not before then */
};

struct follower {
	const struct follower_config *config;
	struct engine *engine;
	struct loop *loop; /* NULL: not started */
	struct control_view_config view_config;
	struct control_view *view;
	struct rejoining rejoining;
	int bell; /* of the readers of the view */
	struct watch bell_watch;
	struct control_watch *watch; /* NULL: not started, or there is none */
	struct status_writer_config writer_config;
	struct status_writer writer;
	struct loop_timer timer;
	struct document_names names;
	struct preparation preparation;
	struct list results; /* struct change_result */
	uint64_t generation; /* whose documents the engine runs */
	struct control_documents running;
	struct control_documents prepared; /* of `prepared_revision` */
	struct revision *prepared_revision; /* NULL: none */
	struct condition_board *board;
	struct rollout_relay relay;
	struct feed_relay *feed; /* NULL: not started, or the namespace has none */
	bool must_reread;
	int64_t retry_ms; /* of the loop's clock: not before then */
	char failure[ERROR_TEXT_MAX * 2]; /* why the documents in force do not run; "": they do */
	char unserved[ERROR_TEXT_MAX]; /* why the gateway does not serve; "": it does */
	int64_t serve_ms; /* of the loop's clock: not before then */
	bool is_stale;
	uint64_t refused;
	char cut_off[ERROR_TEXT_MAX]; /* why `control` or `status` cannot be read; "": they can */
	int64_t started_ms, sequence;
	int64_t report_due_ms;
};

static void follower_look(struct follower *follower);

/* ---- reports ---- */

static void tally_send(struct follower *follower)
{
	const struct engine_tallies tally = {.namespace = text_of(follower->config->namespace),
					     .engine = text_of(follower->config->engine),
					     .started_ms = follower->started_ms};
	status_writer_tally(&follower->writer, &follower->relay, engine_rollouts(follower->engine), tally);
}

static void rollouts_look(struct follower *follower)
{
	struct error error = {0};
	if (!rollout_relay_look(&follower->relay, &follower->view->reader.ledger, engine_rollouts(follower->engine), &error))
		log_say(follower->config->log, LOG_LEVEL_ERROR, NULL, "a rollout cannot move here: %s", error.text);
}

/* The keeper needs the latest report only, and the next one follows within a second. So a lost one does no harm. An
 * engine that is cut off does not report: changes would wait for it. */
static void report_send(struct follower *follower, bool stopped)
{
	if (follower->cut_off[0] && !stopped)
		return;
	const struct engine_report report = {.namespace = text_of(follower->config->namespace),
					     .engine = text_of(follower->config->engine),
					     .started_ms = follower->started_ms,
					     .sequence = ++follower->sequence,
					     .stopped = stopped};
	status_writer_report(&follower->writer, report, &follower->results);
}

static void conditions_send(struct follower *follower, bool stopped)
{
	const struct board_state state = {
		.failure = follower->failure,
		.unserved = follower->unserved,
		.unfed = follower->feed ? feed_relay_failure(follower->feed) : "",
		.cut_off = follower->cut_off,
		.differs = follower->watch ? control_watch_difference(follower->watch) : "",
		.waiting = change_results_waiting(&follower->results),
		.is_stale = follower->is_stale,
		.topics = follower->config->topics,
		.models = follower->config->models,
		.mover = follower->config->mover};
	struct engine_conditions conditions;
	if (condition_board_look(follower->board, follower->engine, &follower->running, &state, time_of_day_ms(), stopped,
				 &conditions))
		status_writer_conditions(&follower->writer, &conditions);
}

/* ---- tasks ---- */

static void prepared_drop(struct follower *follower)
{
	revision_close(follower->prepared_revision);
	follower->prepared_revision = NULL;
	control_documents_close(&follower->prepared);
}

static void failure_note(struct follower *follower, const struct error *error)
{
	char before[sizeof follower->failure];
	memcpy(before, follower->failure, sizeof before);
	change_reason_print(error, follower->failure, sizeof follower->failure);
	follower->retry_ms = loop_now_ms(follower->loop) + FOLLOWER_RETRY_MS;
	if (strcmp(before, follower->failure) != 0)
		log_say(follower->config->log, LOG_LEVEL_ERROR, NULL, "the documents in force cannot run: %s. %s",
			follower->failure,
			follower->running.count > 0 ? "The running version is unchanged"
						    : "This engine runs nothing until they can; it tries again every 5 s");
}

/* The gateway is served apart from the documents: its port may be in use while they run. */
static void serve_look(struct follower *follower)
{
	const struct follower_work *work = &follower->config->work;
	struct error error = {0};
	if (!work->serve || loop_now_ms(follower->loop) < follower->serve_ms)
		return;
	follower->serve_ms = loop_now_ms(follower->loop) + FOLLOWER_RETRY_MS;
	if (work->serve(work->context, &error)) {
		follower->unserved[0] = '\0';
		return;
	}
	if (strcmp(follower->unserved, error.text) != 0)
		log_say(follower->config->log, LOG_LEVEL_ERROR, NULL,
			"the gateway does not serve: %s. It is tried again every %d s", error.text, FOLLOWER_RETRY_MS / 1000);
	(void)snprintf(follower->unserved, sizeof follower->unserved, "%s", error.text);
}

/* Takes the revision and its documents. */
static void follower_activate(struct follower *follower, struct revision *revision, struct control_documents *documents,
			      uint64_t generation)
{
	struct error error = {0};
	follower->must_reread = false;
	if (!follower->config->work.activate(follower->config->work.context, revision, &error)) {
		control_documents_close(documents);
		failure_note(follower, &error);
		return;
	}
	control_documents_close(&follower->running);
	follower->running = *documents;
	follower->generation = generation;
	follower->failure[0] = '\0';
	follower->serve_ms = 0;
	serve_look(follower);
	*documents = (struct control_documents){0};
	log_say(follower->config->log, LOG_LEVEL_INFO, NULL, "the documents in force are running: %zu resources",
		follower->running.count);
	(void)loop_timer_set(follower->loop, &follower->timer, loop_now_ms(follower->loop), &error); /* conditions change */
}

static void preparation_run(void *context)
{
	struct follower *follower = context;
	struct preparation *preparation = &follower->preparation;
	const struct follower_work *work = &follower->config->work;
	preparation->revision = work->compile(work->context, &preparation->documents, &preparation->error);
}

static void preparation_fail(struct follower *follower, struct change_result *result, const struct error *error)
{
	const int64_t patience_ms = follower->config->patience_ms > 0 ? follower->config->patience_ms : FOLLOWER_PATIENCE_MS;
	if (change_result_fail(result, error, loop_now_ms(follower->loop), patience_ms))
		log_say(follower->config->log, LOG_LEVEL_WARN, NULL, "change %" PRId64 " %s: %s", result->change,
			result->state == CHANGE_WAITS ? "waits" : "cannot run here", result->why);
}

static void preparation_end(struct follower *follower)
{
	struct preparation *preparation = &follower->preparation;
	struct change_result *result =
		change_result_take(&follower->results, preparation->documents.change, preparation->begun_ms);
	if (result && preparation->revision) {
		result->state = CHANGE_IS_PREPARED;
		log_say(follower->config->log, LOG_LEVEL_INFO, NULL, "change %" PRId64 " is prepared", result->change);
		prepared_drop(follower);
		follower->prepared_revision = preparation->revision;
		follower->prepared = preparation->documents;
		report_send(follower, false);
		return;
	}
	if (result)
		preparation_fail(follower, result, &preparation->error);
	revision_close(preparation->revision);
	control_documents_close(&preparation->documents);
	report_send(follower, false);
}

static void on_prepared(void *context)
{
	struct follower *follower = context;
	struct preparation *preparation = &follower->preparation;
	if (preparation->documents.change != CONTROL_IN_FORCE) {
		preparation_end(follower);
	} else if (!preparation->revision) {
		follower->must_reread = false;
		failure_note(follower, &preparation->error);
		control_documents_close(&preparation->documents);
	} else if (preparation->generation == control_reader_generation(&follower->view->reader)) {
		follower_activate(follower, preparation->revision, &preparation->documents, preparation->generation);
	} else {
		revision_close(preparation->revision);
		control_documents_close(&preparation->documents);
	}
	preparation->revision = NULL;
	preparation->documents = (struct control_documents){0};
	follower_look(follower);
}

/* Takes the documents. */
static void preparation_start(struct follower *follower, struct control_documents *documents)
{
	struct error error = {0};
	follower->preparation = (struct preparation){
		.task = {.run = preparation_run, .done = on_prepared, .context = follower},
		.generation = control_reader_generation(&follower->view->reader),
		.begun_ms = loop_now_ms(follower->loop),
		.documents = *documents,
	};
	*documents = (struct control_documents){0};
	if (loop_task_start(&follower->preparation.task, follower->loop, "prepares documents", &error))
		return;
	failure_note(follower, &error);
	control_documents_close(&follower->preparation.documents);
}

/* Whether `control` has no change at all, while documents run: it was deleted, and created again. */
static bool control_is_blank(const struct follower *follower, struct error *error)
{
	if (follower->running.count == 0 || follower->view->reader.ledger.changes.first)
		return false;
	error_set(error, ERROR_CONFIG, PLACE_NONE,
		  "%s was created again, and has none; those that ran before continue. Apply all files of the namespace in one "
		  "`sluice apply`: what is not among them stops then",
		  follower->config->control);
	return true;
}

/* Switches to the documents in force, if they are others than the running ones. False: the engine cannot, now. */
static bool follow_in_force(struct follower *follower)
{
	struct error error = {0};
	struct control_documents wanted = {0};
	uint64_t generation = control_reader_generation(&follower->view->reader);
	if (control_is_blank(follower, &error)) {
		failure_note(follower, &error);
		follower->retry_ms = 0; /* it follows the first change at once */
		return false;
	}
	if (!control_reader_is_whole(&follower->view->reader, &error) ||
	    !control_documents_open(&wanted, &follower->view->reader, CONTROL_IN_FORCE, &follower->names, &error)) {
		failure_note(follower, &error);
		return false;
	}
	if (!follower->must_reread && control_documents_equal(&wanted, &follower->running)) {
		follower->generation = generation;
		follower->failure[0] = '\0';
	} else if (!follower->must_reread && follower->prepared_revision &&
		   control_documents_equal(&wanted, &follower->prepared)) {
		struct revision *revision = follower->prepared_revision;
		follower->prepared_revision = NULL;
		control_documents_close(&follower->prepared);
		follower_activate(follower, revision, &wanted, generation);
	} else {
		preparation_start(follower, &wanted);
	}
	control_documents_close(&wanted);
	return true;
}

/* Decides what is next: first what is in force, then what would be. */
static void follower_look(struct follower *follower)
{
	struct error error = {0};
	struct control_documents documents = {0};
	if (loop_task_is_running(&follower->preparation.task) || engine_is_stopping(follower->engine))
		return;
	change_results_sweep(&follower->results, &follower->view->reader.ledger);
	bool is_behind = follower->must_reread || follower->failure[0] ||
			 control_reader_generation(&follower->view->reader) != follower->generation;
	if (is_behind && loop_now_ms(follower->loop) >= follower->retry_ms)
		(void)follow_in_force(follower);
	int64_t change =
		change_results_next(&follower->results, &follower->view->reader.ledger, loop_now_ms(follower->loop));
	if (loop_task_is_running(&follower->preparation.task) || change == CONTROL_IN_FORCE)
		return;
	if (control_documents_open(&documents, &follower->view->reader, change, &follower->names, &error))
		preparation_start(follower, &documents);
}

/* ---- what is read ---- */

static void refused_log(struct follower *follower)
{
	uint64_t refused = control_reader_refused(&follower->view->reader);
	if (refused == follower->refused)
		return;
	follower->refused = refused;
	log_say(follower->config->log, LOG_LEVEL_WARN, NULL, "%s: %" PRIu64 " records were refused; the last: %s",
		follower->config->control, refused, follower->view->reader.last_refused.text);
}

/* The keeper does not wait for this engine until it reads again. */
static void follower_cut_off(struct follower *follower, const struct error *error)
{
	report_send(follower, true);
	(void)snprintf(follower->cut_off, sizeof follower->cut_off, "%s", error->text);
	follower->rejoining.due_ms = loop_now_ms(follower->loop) + FOLLOWER_RETRY_MS;
	if (follower->config->work.lost)
		follower->config->work.lost(follower->config->work.context);
	log_say(follower->config->log, LOG_LEVEL_ERROR, NULL,
		"the control plane cannot be read: %s. The engine continues with the documents that it runs, and reads again in "
		"%d s",
		error->text, FOLLOWER_RETRY_MS / 1000);
}

static void follower_on_bell(void *context, uint32_t events)
{
	struct follower *follower = context;
	struct error error = {0};
	(void)events;
	bell_quiet(follower->bell);
	if (follower->cut_off[0])
		return;
	if (!control_view_read(follower->view, follower->bell, &error))
		follower_cut_off(follower, &error);
	refused_log(follower);
	rollouts_look(follower);
	follower_look(follower);
}

/* ---- after it was cut off ---- */

static void view_ring(struct follower *follower)
{
	reader_ring(follower->view->control, follower->bell);
	reader_ring(follower->view->status, follower->bell);
	bell_ring(follower->bell); /* for records that came before */
}

static void rejoin_run(void *context)
{
	struct follower *follower = context;
	follower->rejoining.view = control_view_open(&follower->view_config, &follower->rejoining.error);
}

static void on_rejoined(void *context)
{
	struct follower *follower = context;
	struct rejoining *rejoining = &follower->rejoining;
	if (!rejoining->view) {
		rejoining->due_ms = loop_now_ms(follower->loop) + FOLLOWER_RETRY_MS;
		return;
	}
	control_view_close(follower->view);
	follower->view = rejoining->view;
	rejoining->view = NULL;
	follower->cut_off[0] = '\0';
	follower->refused = 0;
	follower->relay.records = UINT64_MAX;
	/* Activations are counted anew: no count of the former view is one of this. */
	follower->generation = follower->preparation.generation = UINT64_MAX;
	log_say(follower->config->log, LOG_LEVEL_INFO, NULL, "the control plane is read again");
	view_ring(follower);
}

static void rejoin_look(struct follower *follower)
{
	struct rejoining *rejoining = &follower->rejoining;
	if (follower->watch && control_watch_is_lost(follower->watch))
		return;
	if (!follower->cut_off[0] || loop_task_is_running(&rejoining->task) || loop_now_ms(follower->loop) < rejoining->due_ms)
		return;
	*rejoining = (struct rejoining){.task = {.run = rejoin_run, .done = on_rejoined, .context = follower},
					.due_ms = loop_now_ms(follower->loop) + FOLLOWER_RETRY_MS};
	(void)loop_task_start(&rejoining->task, follower->loop, "reads the control plane", &rejoining->error);
}

/* ---- time ---- */

static void stale_look(struct follower *follower)
{
	bool is_stale = control_reader_is_stale(&follower->view->reader, clock_ms());
	if (is_stale && !follower->is_stale)
		log_say(follower->config->log, LOG_LEVEL_WARN, NULL,
			"the keeper has not reported for %d s: changes wait. The engine continues with the documents that it runs",
			KEEPER_STALE_MS / 1000);
	if (!is_stale && follower->is_stale)
		log_say(follower->config->log, LOG_LEVEL_INFO, NULL, "the keeper reports again");
	follower->is_stale = is_stale;
}

static void state_note(const struct follower *follower)
{
	*follower->config->state = (struct control_state){
		.namespace = follower->config->namespace,
		.is_stale = follower->is_stale,
		.silent_ms = clock_ms() - follower->view->reader.beat_ms,
		.is_behind = control_reader_generation(&follower->view->reader) != follower->generation,
		.resources = (double)follower->running.count,
		.unready = (double)condition_board_unready(follower->board),
		.refused = control_reader_refused(&follower->view->reader),
		.feed_delay_seconds = NAN,
	};
	if (follower->feed)
		feed_relay_note(follower->feed, follower->config->state);
}

/* Kafka says nothing of a topic that is gone, and fetches from it for ever: what is read there later begins anew. */
static void lost_look(struct follower *follower)
{
	struct error lost = {0};
	if (!follower->watch || follower->cut_off[0] || !control_watch_is_lost(follower->watch))
		return;
	error_set(&lost, ERROR_SYSTEM, PLACE_NONE, "%s", control_watch_difference(follower->watch));
	follower_cut_off(follower, &lost);
}

static void follower_on_tick(void *context)
{
	struct follower *follower = context;
	struct error error = {0};
	int64_t now_ms = loop_now_ms(follower->loop);
	stale_look(follower);
	lost_look(follower);
	rejoin_look(follower);
	if (now_ms >= follower->report_due_ms) {
		follower->report_due_ms = now_ms + FOLLOWER_REPORT_MS;
		report_send(follower, false);
		tally_send(follower);
	}
	follower_look(follower);
	serve_look(follower);
	conditions_send(follower, false);
	state_note(follower);
	int64_t due_ms = now_ms + condition_board_pause_ms(follower->board, clock_ms());
	if (due_ms > follower->report_due_ms)
		due_ms = follower->report_due_ms;
	(void)loop_timer_set(follower->loop, &follower->timer, due_ms, &error);
}

/* ---- opening and closing ---- */

static bool topics_open(struct follower *follower, struct error *error)
{
	const struct follower_config *config = follower->config;
	follower->writer_config = (struct status_writer_config){.brokers = config->brokers,
								.producer = config->producer,
								.batches = config->batches,
								.topic = config->status,
								.log = config->log};
	follower->view_config = (struct control_view_config){.brokers = config->brokers,
							     .namespace = config->namespace,
							     .control = config->control,
							     .status = config->status,
							     .consumer = config->consumer,
							     .take_alert_report = config->take_alert_report,
							     .alerts = config->alerts};
	return (follower->view = control_view_open(&follower->view_config, error)) &&
	       status_writer_open(&follower->writer, &follower->writer_config, error);
}

struct follower *follower_open(const struct follower_config *config, struct error *error)
{
	struct follower *follower = memory_take(1, sizeof *follower);
	if (!follower) {
		error_memory(error, ERROR_SYSTEM, "following the control plane");
		return NULL;
	}
	follower->config = config;
	follower->bell = -1;
	follower->started_ms = time_of_day_ms();
	config->state->namespace = config->namespace;
	follower->board = condition_board_open(config->namespace, config->engine, follower->started_ms, error);
	if (follower->board && document_names_open(&follower->names, config->names, error) &&
	    topics_open(follower, error) && (follower->bell = bell_open(error)) >= 0)
		return follower;
	error_memory(error, ERROR_SYSTEM, "following the control plane");
	follower_close(follower);
	return NULL;
}

bool follower_start(struct follower *follower, struct engine *engine, struct error *error)
{
	follower->engine = engine;
	follower->bell_watch = (struct watch){.ready = follower_on_bell, .context = follower};
	follower->timer = (struct loop_timer){.due = follower_on_tick, .context = follower};
	if (!loop_watch(engine_loop(engine), &follower->bell_watch, follower->bell, EPOLLIN, error))
		return false;
	follower->loop = engine_loop(engine);
	const struct feed_relay_config feed = {.brokers = follower->config->brokers,
					       .topic = follower->config->feed,
					       .consumer = follower->config->consumer,
					       .log = follower->config->log,
					       .verdicts = engine_board(engine),
					       .take_alert = follower->config->take_alert_record,
					       .alerts = follower->config->alerts};
	if (feed.topic && !(follower->feed = feed_relay_open(&feed, follower->loop, error)))
		return false;
	const struct control_watch_config watch = {.brokers = follower->config->brokers,
						   .properties = follower->config->consumer,
						   .topics = follower->config->topics_of_control,
						   .every_ms = follower->config->watch_ms,
						   .log = follower->config->log};
	if (watch.topics && !(follower->watch = control_watch_open(&watch, follower->loop, error)))
		return false;
	view_ring(follower);
	return loop_timer_set(follower->loop, &follower->timer, loop_now_ms(follower->loop), error);
}

const char *follower_unready(const struct follower *follower)
{
	if (follower->failure[0] || follower->unserved[0])
		return follower->failure[0] ? follower->failure : follower->unserved;
	return follower->running.count > 0 ? "no pipeline is in force; `sluice apply` one"
					   : "no documents are in force yet; `sluice apply` the files of the namespace";
}

void follower_reread(struct follower *follower)
{
	follower->must_reread = true;
	follower->retry_ms = 0;
	follower_look(follower);
}

static void follower_stop(struct follower *follower)
{
	loop_timer_stop(follower->loop, &follower->timer);
	loop_unwatch(follower->loop, &follower->bell_watch);
	feed_relay_close(follower->feed);
	follower->feed = NULL;
	control_watch_close(follower->watch);
	follower->watch = NULL;
	if (loop_task_is_running(&follower->preparation.task)) {
		follower->config->work.give_up(follower->config->work.context);
		loop_task_end(&follower->preparation.task);
		revision_close(follower->preparation.revision);
		control_documents_close(&follower->preparation.documents);
	}
	if (loop_task_is_running(&follower->rejoining.task)) {
		loop_task_end(&follower->rejoining.task);
		control_view_close(follower->rejoining.view);
	}
	report_send(follower, true);
	conditions_send(follower, true);
}

void follower_close(struct follower *follower)
{
	if (!follower)
		return;
	if (follower->loop)
		follower_stop(follower);
	while (follower->results.first)
		change_result_drop(LIST_OWNER(follower->results.first, struct change_result, node));
	prepared_drop(follower);
	control_documents_close(&follower->running);
	status_writer_close(&follower->writer);
	if (follower->bell >= 0)
		close(follower->bell);
	control_view_close(follower->view);
	condition_board_close(follower->board);
	document_names_close(&follower->names);
	memory_give(follower);
}
