/* alerts.c: `sluice alerts list` and `test`: the alerts of files, and a notice to their receivers. */
#include "base/clock.h"
#include "base/quote.h"
#include "base/suggest.h"
#include "cli/alert_settings.h"
#include "message/json_write.h"
#include "plan/plan.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)

/* An alert of the files. */
struct listed_alert {
	const struct resource *resource;
	const struct alert_spec *spec;
};

struct alert_list {
	size_t count;
	struct listed_alert *items;
};

#define FILE_HELP "A file or folder of YAML with the pipelines."

/* ---- reading ---- */

static struct item_list alerts_of(const struct resource *resource)
{
	if (resource->kind->type != RESOURCE_PIPELINE || !resource->spec || !resource->name.text)
		return (struct item_list){0};
	return ((const struct pipeline_spec *)resource->spec)->alerts;
}

static bool list_alerts(const struct spec *spec, struct arena *arena, struct alert_list *list)
{
	size_t count = 0;
	for (size_t i = 0; i < spec->count; i++)
		count += alerts_of(spec->resources[i]).count;
	*list = (struct alert_list){.items = ARENA_ARRAY(arena, struct listed_alert, count + 1)};
	for (size_t i = 0; list->items && i < spec->count; i++) {
		const struct item_list alerts = alerts_of(spec->resources[i]);
		for (size_t j = 0; j < alerts.count; j++)
			list->items[list->count++] =
				(struct listed_alert){spec->resources[i], &((const struct alert_spec *)alerts.items)[j]};
	}
	return list->items;
}

/* Opens the spec with its alerts. Not EXIT_GOOD: it was said why, and the spec is closed. */
static int alerts_read(struct session *session, const struct command *command, struct name_list files, const char *namespace,
		       struct spec *spec, struct alert_list *list)
{
	const struct spec_options options = {.kinds = session->kinds, .namespace = namespace};
	const char **paths = ARENA_ARRAY(session->arena, const char *, files.count + 1);
	struct error error = {0};
	for (size_t i = 0; paths && i < files.count; i++)
		paths[i] = files.items[i].text;
	if (!paths || !spec_open(spec, &error)) {
		error_memory(&error, ERROR_SYSTEM, "reading files");
		return command_failed(session, &error);
	}
	int code = EXIT_GOOD;
	if (!spec_read(spec, paths, files.count, &options, &error))
		code = command_refused(session, command, &error);
	else if (faults_count(spec->faults, SEVERITY_ERROR) > 0)
		code = command_faults_only(session, spec->faults);
	else if (!list_alerts(spec, session->arena, list)) {
		error_memory(&error, ERROR_SYSTEM, "listing alerts");
		code = command_failed(session, &error);
	}
	if (code != EXIT_GOOD)
		spec_close(spec);
	return code;
}

static struct text condition_of(const struct alert_spec *spec)
{
	return spec->condition ? expression_source(spec->condition) : text_of(spec->absent.text);
}

/* The receiver of an action: its URL, or its first recipient. */
static const char *receiver_of(const struct alert_action *action)
{
	return action->type == ALERT_EMAIL ? action->recipients.items[0].text : action->url;
}

static const char *action_name(const struct alert_action *action)
{
	return action->type == ALERT_EMAIL ? "email" : "webhook";
}

/* ---- list ---- */

struct alerts_list_options {
	struct name_list files;
	const char *namespace;
	int form;
};

static const struct option list_options[] = {
	ROW("file", NAMES, struct alerts_list_options, files, .letter = 'f', .required = true, .help = FILE_HELP),
	COMMAND_NAMESPACE(alerts_list_options, namespace),
	COMMAND_FORM(alerts_list_options, form, "text json"),
	{.type = OPTION_END},
};

static void duration_append(const char *word, int64_t ns, struct buffer *out)
{
	char duration[DURATION_TEXT_MAX];
	if (ns <= 0)
		return;
	duration_print(ns, duration);
	buffer_print(out, " %s %s", word, duration);
}

static void list_print(const struct alert_list *list, struct arena *arena, struct buffer *out)
{
	if (list->count == 0)
		buffer_string(out, "no alerts\n");
	for (size_t i = 0; i < list->count; i++) {
		const struct alert_spec *spec = list->items[i].spec;
		const struct alert_action *actions = spec->actions.items;
		buffer_print(out, "%s: %s\n  %s %s", list->items[i].resource->name.text,
			     text_shown(text_of(spec->name.text), arena),
			     spec->condition ? "when" : "absent:", text_shown(condition_of(spec), arena));
		duration_append("over", spec->condition ? spec->over_ns : 0, out);
		duration_append("for", spec->for_ns, out);
		duration_append("resolves after", spec->resolve_after_ns, out);
		buffer_byte(out, '\n');
		for (size_t j = 0; j < spec->actions.count; j++)
			buffer_print(out, "  %-8s %s\n", action_name(&actions[j]),
				     text_shown(text_of(receiver_of(&actions[j])), arena));
	}
}

static void duration_member(const char *name, int64_t ns, struct buffer *out)
{
	char duration[DURATION_TEXT_MAX];
	if (ns <= 0)
		return;
	duration_print(ns, duration);
	json_write_member(out, ", ", name, text_of(duration));
}

static void list_print_json(const struct alert_list *list, struct buffer *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct alert_spec *spec = list->items[i].spec;
		const struct alert_action *actions = spec->actions.items;
		json_write_member(out, "{", "pipeline", text_of(list->items[i].resource->name.text));
		json_write_member(out, ", ", "alert", text_of(spec->name.text));
		json_write_member(out, ", ", spec->condition ? "condition" : "absent", condition_of(spec));
		duration_member("over", spec->condition ? spec->over_ns : 0, out);
		duration_member("for", spec->for_ns, out);
		duration_member("resolveAfter", spec->resolve_after_ns, out);
		buffer_string(out, ", \"actions\": [");
		for (size_t j = 0; j < spec->actions.count; j++) {
			json_write_member(out, j > 0 ? ", {" : "{", "type", text_of(action_name(&actions[j])));
			json_write_member(out, ", ", "receiver", text_of(receiver_of(&actions[j])));
			buffer_byte(out, '}');
		}
		buffer_string(out, "]}\n");
	}
}

extern const struct command command_alerts_list, command_alerts_test;

static int list_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct alerts_list_options *self = filled;
	struct alert_list list;
	struct spec spec;
	struct buffer out;
	(void)arguments, (void)count;
	int code = alerts_read(session, &command_alerts_list, self->files, self->namespace, &spec, &list);
	if (code != EXIT_GOOD)
		return code;
	buffer_open(&out, OUT_BYTES_MAX);
	if (self->form == OUTPUT_JSON)
		list_print_json(&list, &out);
	else
		list_print(&list, session->arena, &out);
	code = command_write(session, &out);
	spec_close(&spec);
	return code;
}

const struct command command_alerts_list = {
	.name = "alerts list",
	.summary = "Lists the alerts of files, their conditions and receivers.",
	.help = "Lists the alerts of the pipelines in the files. Which of them fire is in /metrics of the engine that runs them: "
		"sluice_alert_firing. `sluice help alerts` explains conditions and notices.\n\n"
		"  sluice alerts list -f pipelines/\n",
	.options = list_options,
	.options_size = sizeof(struct alerts_list_options),
	.group = "run",
	.run = list_run,
};

/* ---- test ---- */

struct alerts_test_options {
	struct name_list files;
	const char *namespace;
	struct alert_asked asked;
	int form;
};

static const struct option test_options[] = {
	ROW("file", NAMES, struct alerts_test_options, files, .letter = 'f', .required = true, .help = FILE_HELP),
	COMMAND_NAMESPACE(alerts_test_options, namespace),
	ALERT_ROWS(struct alerts_test_options, asked),
	COMMAND_FORM(alerts_test_options, form, "text json"),
	{.type = OPTION_END},
};

/* Sends a notice to the receiver of one action, and reports it. True: it was delivered. */
static bool action_test(const struct notifier_settings *settings, const struct listed_alert *alert,
			const struct alert_action *action, bool json, struct arena *arena, struct buffer *out)
{
	const int64_t now_ms = time_of_day_ms();
	const char *pipeline = alert->resource->name.text, *name = alert->spec->name.text;
	const char *namespace = alert->resource->namespace ? alert->resource->namespace : NAMESPACE_DEFAULT;
	const struct alert_message message = {.status = "test",
					      .namespace = text_of(namespace),
					      .pipeline = text_of(pipeline),
					      .alert = text_of(name),
					      .engine = TEXT("sluice alerts test"),
					      .condition = condition_of(alert->spec),
					      .fired_at_ms = now_ms,
					      .at_ms = now_ms};
	struct error error = {0};
	const bool delivered = notice_send(settings, action, &message, &error) == POST_DELIVERED;
	if (!json) {
		buffer_print(out, "%s: %s: %s %s: %s\n", pipeline, text_shown(text_of(name), arena), action_name(action),
			     text_shown(text_of(receiver_of(action)), arena), delivered ? "delivered" : error.text);
		return delivered;
	}
	json_write_member(out, "{", "pipeline", text_of(pipeline));
	json_write_member(out, ", ", "alert", text_of(name));
	json_write_member(out, ", ", "type", text_of(action_name(action)));
	json_write_member(out, ", ", "receiver", text_of(receiver_of(action)));
	buffer_print(out, ", \"delivered\": %s", delivered ? "true" : "false");
	if (!delivered)
		json_write_member(out, ", ", "why", text_of(error.text));
	buffer_string(out, "}\n");
	return delivered;
}

/* An error that names an alert which is not in the files, and the nearest that is. */
static bool name_known(const struct alert_list *list, const char *name, struct error *error)
{
	struct suggestion suggestion = suggest_begin(text_of(name));
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].spec->name.text, name) == 0)
			return true;
		suggest_offer(&suggestion, text_of(list->items[i].spec->name.text));
	}
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "the files have no alert `%s`%s" TEXT_FORMAT "%s", name,
			 suggestion.nearest.bytes ? "; did you mean `" : "; `sluice alerts list` lists them",
			 TEXT_ARGUMENTS(suggestion.nearest), suggestion.nearest.bytes ? "`?" : "");
}

static int test_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct alerts_test_options *self = filled;
	struct notifier_settings settings;
	struct error error = {0};
	struct alert_list list;
	struct spec spec;
	struct buffer out;
	bool delivered = true;
	if (count > 1)
		return command_misuse(session, &command_alerts_test, "give one alert, or none for all of them");
	int code = alerts_read(session, &command_alerts_test, self->files, self->namespace, &spec, &list);
	if (code != EXIT_GOOD)
		return code;
	if (!alert_settings_make(&self->asked, session->arena, &settings, &error) ||
	    (count == 1 && !name_known(&list, arguments[0], &error))) {
		spec_close(&spec);
		return command_refused(session, &command_alerts_test, &error);
	}
	buffer_open(&out, OUT_BYTES_MAX);
	for (size_t i = 0; i < list.count; i++) {
		const struct alert_action *actions = list.items[i].spec->actions.items;
		for (size_t j = 0; j < list.items[i].spec->actions.count; j++)
			if (count == 0 || strcmp(list.items[i].spec->name.text, arguments[0]) == 0)
				delivered &= action_test(&settings, &list.items[i], &actions[j], self->form == OUTPUT_JSON,
							 session->arena, &out);
	}
	code = command_write(session, &out);
	spec_close(&spec);
	return code == EXIT_GOOD && !delivered ? EXIT_FAULTS : code;
}

const struct command command_alerts_test = {
	.name = "alerts test",
	.arguments = "[ALERT]",
	.summary = "Sends a test notice to the receivers of alerts.",
	.help = "Sends a notice whose status is `test` to each receiver of the alert, or of all alerts of the files, and reports "
		"whether it was delivered. It is sent once, as an engine sends notices: with the action's template and "
		"signature, and only to addresses that are public or that --alert-allow lists.\n\n"
		"  sluice alerts test drift-alert -f pipelines/ --smtp smtps://mail.example.com:465\n",
	.options = test_options,
	.options_size = sizeof(struct alerts_test_options),
	.group = "run",
	.run = test_run,
};
