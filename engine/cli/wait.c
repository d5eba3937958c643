/* wait.c: `sluice wait`: waits until engines run the newest version of a resource. */
#include "base/clock.h"
#include "cli/command.h"
#include "client/control_session.h"
#include "client/kafka.h"
#include "control/condition_table.h"
#include "message/json_write.h"
#include "view/resource_view.h"

#define FOLLOW_MS 50
#define WAIT_WORDS_MAX 640
#define ANSWER_BYTES_MAX ((size_t)64 << 10)

enum wait_state { WAIT_READY, WAIT_ACTIVE };
static const char *const states[] = {"ready", "active"};

struct wait_options {
	struct pipeline_target_asked asked;
	int state;
	int64_t timeout_ns;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct wait_options, asked),
	PIPELINE_TARGET_ROWS(struct wait_options, asked),
	ROW("for", CHOICE, struct wait_options, state, .choices = "ready active", .fallback = "ready",
	    .help = "`ready`: all engines run it, and a request that is sent now is answered. `active`: the keeper has put it in "
		    "force."),
	ROW("timeout", DURATION, struct wait_options, timeout_ns, .word = "TIME", .fallback = "90s",
	    .help = "How long to wait. The keeper gives engines 60 s to prepare a change."),
	COMMAND_FORM(wait_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_wait;

struct version_wait {
	const struct wait_options *options;
	struct resource_reference reference;
	struct control_session control;
	struct condition_table table;
	int64_t version;	       /* that is waited for */
	char missing[WAIT_WORDS_MAX]; /* what is not so yet */
};

/* Whether all live engines run that version and are ready. `missing` is set if not. */
static bool engines_are_ready(struct version_wait *waiting)
{
	const struct condition_source *source;
	size_t live = 0;
	(void)snprintf(waiting->missing, sizeof waiting->missing, "no engine of namespace `%s` reports",
		       waiting->control.config.namespace);
	LIST_EACH_SOURCE(&waiting->table, source)
	{
		if (!condition_source_is_live(&waiting->table, source))
			continue;
		live++;
		const struct engine_condition *condition =
			condition_of(source, text_of(waiting->reference.kind), text_of(waiting->reference.name));
		if (condition && condition->ready && condition->version >= waiting->version)
			continue;
		(void)snprintf(waiting->missing, sizeof waiting->missing,
			       "engine `" TEXT_FORMAT "` runs version %lld: " TEXT_FORMAT " " TEXT_FORMAT,
			       TEXT_ARGUMENTS(source->engine), condition ? (long long)condition->version : 0,
			       TEXT_ARGUMENTS(condition ? condition->what : TEXT("")),
			       TEXT_ARGUMENTS(condition ? condition->why : TEXT("")));
		return false;
	}
	return live > 0;
}

/* Sets `done` when the state is reached. False: it will not be. */
static bool state_look(struct version_wait *waiting, const struct ledger_resource *resource, bool *done, struct error *error)
{
	const struct ledger *ledger = applier_ledger(waiting->control.applier);
	const struct ledger_version *version = ledger_version_find(resource, waiting->version);
	struct text why = {0};
	enum change_phase phase = version ? version_phase(ledger, version, &why) : CHANGE_FAILED;
	if (phase == CHANGE_FAILED)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "version %lld of `%s/%s` failed: " TEXT_FORMAT,
				 (long long)waiting->version, waiting->reference.kind, waiting->reference.name,
				 TEXT_ARGUMENTS(why.length > 0 ? why : TEXT("`sluice history` has the reason")));
	(void)snprintf(waiting->missing, sizeof waiting->missing, "engines are preparing it");
	*done = phase == CHANGE_ACTIVE && (waiting->options->state == WAIT_ACTIVE || engines_are_ready(waiting));
	return true;
}

/* Reads what has arrived, or waits a moment for more. All conditions that have arrived are read: a namespace of many
 * pipelines writes hundreds of records a second. */
static bool state_follow(struct version_wait *waiting, struct error *error)
{
	bool needs_conditions = waiting->options->state == WAIT_READY;
	return applier_follow(waiting->control.applier, needs_conditions ? 0 : FOLLOW_MS, error) &&
	       (!needs_conditions || condition_table_follow(&waiting->table, FOLLOW_MS, error));
}

static bool state_wait(struct version_wait *waiting, struct error *error)
{
	const int64_t until_ms = clock_ms() + waiting->options->timeout_ns / NS_PER_MS;
	for (bool done = false; !done;) {
		const struct ledger_resource *resource = control_session_find(&waiting->control, waiting->reference, error);
		if (!resource || !state_look(waiting, resource, &done, error))
			return false;
		if (!done && clock_ms() >= until_ms)
			return error_set(error, ERROR_LIMIT, PLACE_NONE, "version %lld of `%s/%s` is not %s after %lld s: %s",
					 (long long)waiting->version, waiting->reference.kind, waiting->reference.name,
					 states[waiting->options->state],
					 (long long)(waiting->options->timeout_ns / NS_PER_S), waiting->missing);
		if (!done && !state_follow(waiting, error))
			return false;
	}
	return true;
}

static bool wait_open(struct session *session, struct version_wait *waiting, const char *word, struct error *error)
{
	const struct control_session *control = &waiting->control;
	const struct ledger_resource *resource = control_session_open_at(command_workspace(session), &waiting->options->asked, word,
									 &waiting->control, &waiting->reference, error);
	if (!resource)
		return false;
	const struct control_version *newest = &ledger_newest(resource)->record;
	waiting->version = newest->version;
	if (newest->action == CONTROL_DELETE && waiting->options->state == WAIT_READY)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "`%s/%s` is deleted by version %lld; `--for active` waits until that is in force",
				 waiting->reference.kind, waiting->reference.name, (long long)newest->version);
	return waiting->options->state == WAIT_ACTIVE ||
	       condition_table_open(&waiting->table, control->kafka.brokers, control->kafka.consumer,
				    control->config.topics.status, control->config.namespace, error);
}

static int wait_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct version_wait waiting = {.options = filled};
	struct error error = {0};
	struct buffer out;
	int code;
	(void)count;
	if (wait_open(session, &waiting, arguments[0], &error) && state_wait(&waiting, &error)) {
		const char *state = states[waiting.options->state];
		buffer_open(&out, ANSWER_BYTES_MAX);
		if (session->form == OUTPUT_JSON) {
			json_write_member(&out, "{", "kind", text_of(waiting.reference.kind));
			json_write_member(&out, ", ", "name", text_of(waiting.reference.name));
			buffer_print(&out, ", \"version\": %lld, \"state\": \"%s\"}\n", (long long)waiting.version, state);
		} else {
			buffer_print(&out, "%s/%s version %lld is %s\n", waiting.reference.kind, waiting.reference.name,
				     (long long)waiting.version, state);
		}
		code = command_write(session, &out);
	} else {
		code = command_refused(session, &command_wait, &error);
	}
	condition_table_close(&waiting.table);
	control_session_close(&waiting.control);
	return code;
}

const struct command command_wait = {
	.name = "wait",
	.arguments = "KIND/NAME",
	.summary = "Waits until engines run the newest version of a resource.",
	.help = "It waits for the version that is the newest one when the command starts. It ends at once, with the reason, when "
		"that version fails.\n\n"
		"  sluice apply -f fraud.yaml && sluice wait pipeline/fraud --timeout 2m\n",
	.options = options,
	.options_size = sizeof(struct wait_options),
	.group = "deploy",
	.run = wait_run,
};
