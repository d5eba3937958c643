/* health.c: `sluice health`: whether one engine is healthy, by its own status; for the health checks of containers. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/quote.h"
#include "tools/cli/command.h"
#include "tools/client/engine_health.h"
#include "message/json/json_write.h"
#include "observe/status.h"
#include "engine/run/liveness.h"

#define HEALTH_TEXT_MAX 4096
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

static int health_print_json(struct session *session, const struct engine_health *health)
{
	struct buffer text;
	buffer_open(&text, HEALTH_TEXT_MAX);
	buffer_print(&text, "{\"instance\":");
	json_write_string(&text, text_of(health->instance));
	buffer_print(&text,
		     ",\"well\":%s,\"pipelines\":%zu,\"ready\":%zu,\"failing\":%zu,\"waiting\":%zu,\"slow\":%zu,"
		     "\"unobserved\":%zu}\n",
		     engine_is_healthy(health) ? "true" : "false", health->pipelines, health->ready, health->failing,
		     health->held_up, health->slow, health->unobserved);
	return command_write(session, &text);
}

static int health_print(struct session *session, const struct engine_health *health, const struct pipeline_target *target, int form)
{
	int code = engine_is_healthy(health) ? EXIT_GOOD : EXIT_FAULTS;
	if (form == OUTPUT_JSON)
		return health_print_json(session, health) == EXIT_GOOD ? code : EXIT_FAULTS;
	if (health->pipelines == 0)
		command_note(session, "%s has not reported on %s for %d ms; is it running, and under this name?", health->instance,
			     target->status, STATUS_STALE_MS);
	else if (!engine_is_healthy(health))
		command_note(session, "%s: %zu of %zu pipelines are not ready; %s: %s", health->instance,
			     health->pipelines - health->ready, health->pipelines, text_shown(health->waiting, session->arena),
			     text_shown(health->why, session->arena));
	else
		fprintf(session->out, "%s is healthy: %zu of %zu pipelines ready\n", health->instance, health->ready,
			health->pipelines);
	if (health->failing > 0)
		command_note(session, "%s: %zu of %zu pipelines are failing; %s: %s", health->instance, health->failing,
			     health->pipelines, text_shown(health->failing_one, session->arena),
			     text_shown(health->reason, session->arena));
	if (health->held_up > 0)
		command_note(session, "%s: requests of %zu of %zu pipelines wait; %s: %s", health->instance, health->held_up,
			     health->pipelines, text_shown(health->held_one, session->arena),
			     text_shown(health->held_why, session->arena));
	if (health->slow > 0)
		command_note(session, "%s: %zu of %zu pipelines are slow; %s: %s", health->instance, health->slow,
			     health->pipelines, text_shown(health->slow_one, session->arena),
			     text_shown(health->slow_why, session->arena));
	if (health->unobserved > 0)
		command_note(session, "%s: observers of %zu of %zu pipelines stand still; %s: %s", health->instance,
			     health->unobserved, health->pipelines, text_shown(health->unobserved_one, session->arena),
			     text_shown(health->unobserved_why, session->arena));
	return code;
}

/* ---- liveness ---- */

static int liveness_print_json(struct session *session, const struct liveness_report *report, bool well)
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

static int process_check(struct session *session, const struct health_options *self)
{
	struct liveness_report report;
	struct error error = {0};
	char why[HEALTH_WHY_BYTES];
	if (!liveness_ask(self->socket, ANSWER_MS, &report, &error))
		return command_refused(session, &error);
	bool well = liveness_is_well(&report, self->within_ns / NS_PER_MS, why, sizeof why);
	if (self->form == OUTPUT_JSON)
		(void)liveness_print_json(session, &report, well);
	if (!well)
		command_note(session, "%s: %s", report.instance, why);
	else if (self->form == OUTPUT_TEXT && report.is_running)
		fprintf(session->out, "%s is alive: its main loop and %zu worker%s run\n", report.instance, report.workers,
			report.workers == 1 ? "" : "s");
	else if (self->form == OUTPUT_TEXT)
		fprintf(session->out, "%s is alive: it is starting or stopping\n", report.instance);
	return well ? EXIT_GOOD : EXIT_FAULTS;
}

static int health_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct health_options *self = filled;
	struct error error = {0};
	struct pipeline_target target = {0};
	struct engine_health health = {.instance = engine_name(self->instance, session->arena, &error)};
	(void)arguments, (void)count;
	int code;
	if (self->socket)
		return process_check(session, self);
	if (!health.instance || !pipeline_target_open(command_workspace(session), &self->asked, NULL, &target, &error))
		code = command_refused(session, &error);
	else if (!engine_health_read(&health, &target, session->arena, &error))
		code = command_failed(session, &error);
	else
		code = health_print(session, &health, &target, self->form);
	pipeline_target_close(&target);
	return code;
}

const struct command command_health = {
	.name = "health",
	.summary = "Checks whether one engine is healthy, for health checks of containers.",
	.help = "Each second, an engine reports on the status topic of its namespace how many pipelines it has, and which of them "
		"are not well. This command waits for a report of the engine. The exit code is 0 if all its pipelines are ready, "
		"and 1 if one is not, or if there is no report for three seconds. It prints on standard error what the engine "
		"waits for. A pipeline whose results are all errors, that calls a slow model, or whose requests wait for an "
		"unreachable one, is printed too, but does not make the engine unhealthy: a restart would not help. Use this check "
		"for readiness. It needs Kafka.\n\n"
		"With --socket the command checks the process on this machine, without Kafka. Use this check for liveness. The "
		"exit code is 1 if the process is frozen or has ended, or if its main loop or a worker has been blocked for longer "
		"than --within. An engine that is starting, or whose Kafka is unreachable, is alive.\n"
		"\n"
		"  sluice health --brokers localhost:9092 --instance engine-1\n"
		"  sluice health --socket /run/sluice/health\n",
	.options = options,
	.options_size = sizeof(struct health_options),
	.group = "run",
	.run = health_run,
};
