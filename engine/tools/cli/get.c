/* get.c: `sluice get`: the resources that a namespace has accepted. */
#include "base/number/moment.h"
#include "base/quote.h"
#include "tools/cli/command.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "tools/client/control/resource_choice.h"
#include "control/engine/condition_table.h"
#include "tools/view/resource_list.h"

#define GET_BYTES_MAX ((size_t)256 << 20)
#define ROW_BYTES_MAX ((size_t)16 << 20)
#define SETTLE_MS 1500 /* an engine reports each second */
#define WATCH_MS 500

struct get_options {
	struct pipeline_target_asked asked;
	struct name_list labels;
	bool watch;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct get_options, asked),
	PIPELINE_TARGET_ROWS(struct get_options, asked),
	ROW("selector", NAMES, struct get_options, labels, .letter = 'l', .word = "SELECTOR",
	    .help = "Only resources with these labels of their metadata, as in `kubectl`: KEY=VALUE, KEY!=VALUE, `KEY in (A, B)`, "
		    "`KEY notin (A, B)`, KEY, `!KEY`, with commas between. All of them must hold. `!=` and `notin` also select "
		    "what lacks the label."),
	ROW("watch", FLAG, struct get_options, watch,
	    .help = "Continues, and prints a resource again when its version or state changes, until it is interrupted."),
	COMMAND_FORM(get_options, form, "text json yaml wide name"),
	{.type = OPTION_END},
};

struct getting {
	struct session *session;
	const struct get_options *options;
	struct resource_choice choice;
	struct resource_list list;
	struct buffer out;
	struct condition_table conditions; /* with -o wide: of the engines */
};

static void deletions_note(struct getting *getting, const struct ledger *ledger)
{
	const struct ledger_resource *last = getting->choice.deleted_last;
	char moment[MOMENT_BYTES];
	if (!last)
		return;
	const struct control_version *newest = resource_view(ledger, last).newest;
	moment_print(newest->time_ms, moment);
	const char *kind = text_shown(last->kind, getting->session->arena), *name = text_shown(last->name, getting->session->arena);
	command_note(
		getting->session,
		"deleted: %zu, the last %s/%s at %s by %s (as stated)%s%s; `sluice history %s/%s` lists its versions, and `sluice "
		"rollback` brings one back",
		getting->choice.deleted, kind, name, moment, text_shown(newest->author, getting->session->arena),
		newest->reason.length > 0 ? ": " : "", text_shown(newest->reason, getting->session->arena), kind, name);
}

static void views_print(struct getting *getting, const struct ledger *ledger)
{
	const struct ledger_resource *resource;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		const struct resource_view view = resource_view(ledger, resource);
		resource_choice_count(&getting->choice, &view);
		if (resource_choice_is_due(&getting->choice, ledger, &view))
			resource_list_add(&getting->list, &view);
		arena_reset(getting->list.arena);
	}
}

static int views_watch(struct getting *getting, const struct control_session *control)
{
	struct error error = {0};
	for (;;) {
		if (buffer_failed(&getting->out))
			return command_write(getting->session, &getting->out);
		(void)fwrite(getting->out.bytes, 1, getting->out.length, getting->session->out);
		buffer_clear(&getting->out);
		if (fflush(getting->session->out) != 0)
			break; /* nobody reads it any more */
		if (!applier_follow(control->applier, WATCH_MS, &error))
			break;
		views_print(getting, applier_ledger(control->applier));
	}
	buffer_close(&getting->out);
	return error.kind == ERROR_NONE ? EXIT_GOOD : command_failed(getting->session, &error);
}

static int get_print(struct session *session, struct getting *getting, const struct control_session *control)
{
	const struct ledger *ledger = applier_ledger(control->applier);
	struct error error = {0};
	buffer_open(&getting->out, GET_BYTES_MAX);
	views_print(getting, ledger);
	if (getting->options->watch)
		return views_watch(getting, control);
	resource_list_end(&getting->list);
	if (getting->list.shown == 0 && getting->choice.wanted.name) {
		buffer_close(&getting->out);
		if (control_session_find(control, getting->choice.wanted, &error))
			error_set(&error, ERROR_CONFIG, PLACE_NONE, "`%s/%s` is deleted; `sluice history` lists its versions",
				  getting->choice.wanted.kind, getting->choice.wanted.name);
		return command_refused(session, &error);
	}
	if (getting->list.shown == 0 && getting->options->form == RESOURCE_LIST_TEXT)
		command_note(session, "namespace `%s` has no such resource", ledger->namespace);
	if (getting->options->form == RESOURCE_LIST_TEXT || getting->options->form == RESOURCE_LIST_WIDE)
		deletions_note(getting, ledger);
	return command_write_lines(session, &getting->out);
}

/* -o wide shows conditions too; --watch does not, since it prints changes of resources alone. */
static bool conditions_read(struct getting *getting, const struct control_session *control, struct error *error)
{
	return getting->options->form != RESOURCE_LIST_WIDE || getting->options->watch ||
	       (condition_table_open(&getting->conditions, control->kafka.brokers, control->kafka.consumer,
				     control->config.topics.status, control->config.namespace, error) &&
		condition_table_settle(&getting->conditions, SETTLE_MS, error));
}

static int get_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct getting getting = {.session = session, .options = filled};
	getting.choice = (struct resource_choice){.watch = getting.options->watch, .arena = session->arena};
	struct control_session control = {0};
	struct error error = {0};
	int code;
	getting.list = (struct resource_list){.form = (enum resource_list_form)getting.options->form,
					      .conditions = &getting.conditions,
					      .arena = arena_open(ROW_BYTES_MAX),
					      .out = &getting.out};
	if (!getting.list.arena) {
		error_memory(&error, ERROR_SYSTEM, "listing resources");
		return command_failed(session, &error);
	}
	if (label_selector_read(&getting.options->labels, session->arena, &getting.choice.labels, &error) &&
	    (count == 0 || resource_reference_read(arguments[0], false, &getting.choice.wanted, &error)) &&
	    control_session_open(command_workspace(session), &getting.options->asked, &control, &error) &&
	    conditions_read(&getting, &control, &error))
		code = get_print(session, &getting, &control);
	else
		code = command_refused(session, &error);
	arena_close(getting.list.arena);
	condition_table_close(&getting.conditions);
	control_session_close(&control);
	return code;
}

const struct command command_get = {
	.name = "get",
	.arguments = "[KIND[/NAME]]",
	.summary = "Lists the resources that a namespace has accepted.",
	.help = "VERSION is the version in force, which engines run. STATE says whether a newer one is being prepared, or has "
		"failed; the version before it, if there is one, then stays in force. Deleted resources are counted below the "
		"list, with the last one, its author and reason. `-o wide` adds the reasons of changes. Below each resource it "
		"lists the engines in which the resource is not ready, or slow, with the reason; at the end, engines that run no "
		"version of any. `sluice describe` shows one resource in full. `-o yaml` prints the documents in force as they "
		"were applied.\n\n"
		"  sluice get --brokers localhost:9092\n  sluice get pipelines -o wide\n  sluice get pipeline/fraud -o yaml\n"
		"  sluice get -l 'team=risk,tier in (gold, silver)'\n",
	.options = options,
	.options_size = sizeof(struct get_options),
	.group = "deploy",
	.run = get_run,
};
