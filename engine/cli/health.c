/* health.c: `sluice health`: whether one engine is healthy, by its own status; for the health checks of containers. */
#include <inttypes.h>

#include "base/clock.h"
#include "cli/command.h"
#include "client/kafka.h"
#include "log/reader.h"
#include "message/json_write.h"
#include "observe/status.h"
#include "runtime/liveness.h"

#define HEALTH_TEXT_MAX 4096
#define LOOK_MS 100
#define ANSWER_MS 2000 /* so long a process that turns has answered, however busy its machine is */
#define HEALTH_WHY_BYTES 512

struct health_options {
	struct pipeline_target_asked asked;
	const char *instance;
	const char *socket;
	int64_t within_ns;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct health_options, asked),
	PIPELINE_TARGET_ROWS(struct health_options, asked),
	ROW("instance", TEXT, struct health_options, instance,
	    .help = "The engine's name, as given to `sluice run --instance`; default: the name of this host."),
	ROW("socket", TEXT, struct health_options, socket, .word = "PATH",
	    .help = "Checks the process itself, without Kafka: the path of `sluice run --health-socket`."),
	ROW("within", DURATION, struct health_options, within_ns, .word = "TIME", .fallback = "30s",
	    .help = "With --socket: the longest time that the main loop or a worker may be blocked."),
	COMMAND_FORM(health_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_health;

/* The reports of the engine since the start of this command, one for each pipeline. */
struct engine_health {
	const char *instance;
	struct text first; /* the pipeline of the first report; when it is reported again, all have been */
	bool whole;
	size_t pipelines, ready, failing, slow, held_up;
	struct text waiting, why;	 /* one that is not ready */
	struct text failing_one, reason; /* one whose results are errors */
	struct text slow_one, slow_why;	 /* one that calls a slow model */
	struct text held_one, held_why;	 /* one that is ready, and whose requests wait for a model */
};

static bool take(struct engine_health *reports, struct text json, struct arena *arena, struct error *error)
{
	struct status status;
	struct error strange = {0};
	const char *kept = arena_copy(arena, json.bytes, json.length);
	if (!kept)
		return error_memory(error, ERROR_SYSTEM, "reading the status");
	if (!status_read((struct text){kept, json.length}, arena, &status, &strange) ||
	    !text_equal(status.instance, text_of(reports->instance)) || time_of_day_ms() - status.at_ms > STATUS_STALE_MS)
		return true;
	reports->whole = reports->pipelines > 0 && text_equal(status.pipeline, reports->first);
	if (reports->whole)
		return true;
	if (reports->pipelines++ == 0)
		reports->first = status.pipeline;
	if (text_is(status.state, "failing")) {
		reports->failing++;
		reports->failing_one = status.pipeline, reports->reason = status.why;
	}
	if (text_is(status.state, "slow")) {
		reports->slow++;
		reports->slow_one = status.pipeline, reports->slow_why = status.why;
	}
	if (status.ready && text_is(status.state, "waiting")) {
		reports->held_up++;
		reports->held_one = status.pipeline, reports->held_why = status.why;
	}
	if (status.ready)
		reports->ready++;
	else
		reports->waiting = status.pipeline, reports->why = status.why;
	return true;
}

/* An engine speaks of all its pipelines each second: who has said nothing for as long as a
 * status holds is not well. */
static bool listen(struct engine_health *reports, const struct pipeline_target *target, struct arena *arena, struct error *error)
{
	const struct reader_config config = {
		.brokers = target->kafka.brokers, .topic = target->status, .properties = target->kafka.consumer};
	struct reader *reader = reader_open(&config, error);
	int64_t until_ns = clock_ns() + (int64_t)STATUS_STALE_MS * NS_PER_MS;
	bool good = reader;
	while (good && !reports->whole && clock_ns() < until_ns) {
		struct record record;
		good = reader_next(reader, LOOK_MS, &record, error);
		if (!good || !record.held)
			continue;
		good = take(reports, record.value, arena, error);
		record_release(&record);
	}
	reader_close(reader);
	return good;
}

static bool is_well(const struct engine_health *reports)
{
	return reports->pipelines > 0 && reports->ready == reports->pipelines;
}

static int say_json(struct session *session, const struct engine_health *reports)
{
	struct buffer text;
	buffer_open(&text, HEALTH_TEXT_MAX);
	buffer_print(&text, "{\"instance\":");
	json_write_string(&text, text_of(reports->instance));
	buffer_print(&text, ",\"well\":%s,\"pipelines\":%zu,\"ready\":%zu,\"failing\":%zu,\"waiting\":%zu,\"slow\":%zu}\n",
		     is_well(reports) ? "true" : "false", reports->pipelines, reports->ready, reports->failing, reports->held_up,
		     reports->slow);
	return command_write(session, &text);
}

static int say(struct session *session, const struct engine_health *reports, const struct pipeline_target *target, int form)
{
	int code = is_well(reports) ? EXIT_GOOD : EXIT_FAULTS;
	if (form == OUTPUT_JSON)
		return say_json(session, reports) == EXIT_GOOD ? code : EXIT_FAULTS;
	if (reports->pipelines == 0)
		command_note(session, "%s has not reported on %s for %d ms; is it running, and under this name?", reports->instance,
			     target->status, STATUS_STALE_MS);
	else if (!is_well(reports))
		command_note(session, "%s: %zu of %zu pipelines are not ready; " TEXT_FORMAT ": " TEXT_FORMAT, reports->instance,
			     reports->pipelines - reports->ready, reports->pipelines, TEXT_ARGUMENTS(reports->waiting),
			     TEXT_ARGUMENTS(reports->why));
	else
		fprintf(session->out, "%s is healthy: %zu of %zu pipelines ready\n", reports->instance, reports->ready,
			reports->pipelines);
	if (reports->failing > 0)
		command_note(session, "%s: %zu of %zu pipelines are failing; " TEXT_FORMAT ": " TEXT_FORMAT, reports->instance,
			     reports->failing, reports->pipelines, TEXT_ARGUMENTS(reports->failing_one),
			     TEXT_ARGUMENTS(reports->reason));
	if (reports->held_up > 0)
		command_note(session, "%s: requests of %zu of %zu pipelines wait; " TEXT_FORMAT ": " TEXT_FORMAT, reports->instance,
			     reports->held_up, reports->pipelines, TEXT_ARGUMENTS(reports->held_one),
			     TEXT_ARGUMENTS(reports->held_why));
	if (reports->slow > 0)
		command_note(session, "%s: %zu of %zu pipelines are slow; " TEXT_FORMAT ": " TEXT_FORMAT, reports->instance,
			     reports->slow, reports->pipelines, TEXT_ARGUMENTS(reports->slow_one),
			     TEXT_ARGUMENTS(reports->slow_why));
	return code;
}

/* ---- liveness ---- */

static int say_alive_json(struct session *session, const struct liveness_report *report, bool well)
{
	struct buffer text;
	buffer_open(&text, HEALTH_TEXT_MAX);
	buffer_print(&text, "{\"instance\":");
	json_write_string(&text, text_of(report->instance));
	buffer_print(&text, ",\"alive\":%s,\"running\":%s,\"mainMs\":%" PRId64, well ? "true" : "false",
		     report->is_running ? "true" : "false", report->main_ms);
	buffer_print(&text, ",\"workers\":%zu,\"workerMs\":%" PRId64 "}\n", report->workers, report->worker_ms);
	return command_write(session, &text);
}

static int ask_process(struct session *session, const struct health_options *self)
{
	struct liveness_report report;
	struct error error = {0};
	char why[HEALTH_WHY_BYTES];
	if (!liveness_ask(self->socket, ANSWER_MS, &report, &error))
		return command_refused(session, &command_health, &error);
	bool well = liveness_is_well(&report, self->within_ns / NS_PER_MS, why, sizeof why);
	if (self->form == OUTPUT_JSON)
		(void)say_alive_json(session, &report, well);
	if (!well)
		command_note(session, "%s: %s", report.instance, why);
	else if (self->form == OUTPUT_TEXT && report.is_running)
		fprintf(session->out, "%s is alive: its main loop and %zu worker%s run\n", report.instance, report.workers,
			report.workers == 1 ? "" : "s");
	else if (self->form == OUTPUT_TEXT)
		fprintf(session->out, "%s is alive: it is starting or stopping\n", report.instance);
	return well ? EXIT_GOOD : EXIT_FAULTS;
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct health_options *self = filled;
	struct error error = {0};
	struct pipeline_target target = {0};
	struct engine_health reports = {.instance = engine_name(self->instance, session->arena, &error)};
	(void)arguments, (void)count;
	int code;
	if (self->socket)
		return ask_process(session, self);
	if (!reports.instance || !pipeline_target_open(command_workspace(session), &self->asked, NULL, &target, &error))
		code = command_refused(session, &command_health, &error);
	else if (!listen(&reports, &target, session->arena, &error))
		code = command_failed(session, &error);
	else
		code = say(session, &reports, &target, self->form);
	pipeline_target_close(&target);
	return code;
}

const struct command command_health = {
	.name = "health",
	.summary = "Checks whether one engine is healthy, for health checks of containers.",
	.help = "Each second, an engine reports the state of its pipelines on the status topic of its namespace. This command "
		"waits for a report of the engine. The exit code is 0 if all its pipelines are ready, and 1 if one is not, or "
		"if there is no report for three seconds. It prints on standard error what the engine waits for. A pipeline "
		"whose results are all errors, that calls a slow model, or whose requests wait for an unreachable one, is printed "
		"too, but does not make the engine unhealthy: a restart would not help. Use this check for readiness. It needs "
		"Kafka.\n\nWith --socket the command checks the process on this machine, without Kafka. Use this check for "
		"liveness. The exit code is 1 if the process is frozen or has "
		"ended, or if its main loop or a worker has been blocked for longer than --within. An engine that is starting, "
		"or whose Kafka is unreachable, is alive.\n"
		"\n"
		"  sluice health --brokers localhost:9092 --instance engine-1\n"
		"  sluice health --socket /run/sluice/health\n",
	.options = options,
	.options_size = sizeof(struct health_options),
	.group = "run",
	.run = run,
};
