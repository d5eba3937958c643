/* alerts.c: `sluice alerts list` and `test`: the alerts of files, and a notice to their receivers. */
#include "base/clock.h"
#include "base/quote.h"
#include "tools/cli/command.h"
#include "tools/client/control/alert_list_view.h"
#include "tools/client/kafka.h"
#include "message/json/json_write.h"
#include "compiler/plan/plan.h"
#include "monitor/alerts/alert_settings.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)

/* ---- list ---- */

/* Of `list` and `test` alike. */
#define ALERT_FILES_ROW(owner, member)                                                                                             \
	ROW("file", NAMES, owner, member, .letter = 'f',                                                                           \
	    .help = ALERT_FILES_HELP " Default: what the namespace has accepted, where engines run with --control.")

struct alerts_list_options {
	struct pipeline_target_asked asked;
	int form;
};

static const struct option list_options[] = {
	ALERT_FILES_ROW(struct alerts_list_options, asked.files),
	PIPELINE_TARGET_ROWS(struct alerts_list_options, asked),
	COMMAND_FORM(alerts_list_options, form, "text json"),
	{.type = OPTION_END},
};

static int list_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct alerts_list_options *self = filled;
	struct alert_list list;
	struct buffer out;
	(void)arguments, (void)count;
	struct error error = {0};
	int code;
	const bool is_accepted = self->asked.files.count == 0;
	if (alert_list_open(command_workspace(session), &self->asked, is_accepted, &list, &error)) {
		if (is_accepted && !alert_list_read_reports(&list, session->arena, &error))
			command_note(session, "which alerts fire, and which receivers take no notices, is not known: %s",
				     error.text);
		buffer_open(&out, OUT_BYTES_MAX);
		if (self->form == OUTPUT_JSON)
			alert_list_print_json(&list, session->arena, &out);
		else
			alert_list_print(&list, session->arena, &out);
		code = command_write(session, &out);
	} else {
		code = command_unread(session, &list.spec, &error);
	}
	alert_list_close(&list);
	return code;
}

const struct command command_alerts_list = {
	.name = "alerts list",
	.summary = "Lists alerts, their conditions, receivers and silences.",
	.help = "Lists the alerts of the pipelines in the files, or without files those that the namespace has accepted. "
		"Without files it also says which of them fire and since when, and which receivers take no notices now, since "
		"when and why, as each engine reports; so does `sluice top`, and /metrics of engines has sluice_alert_firing and "
		"sluice_alert_receiver_failing_seconds. Receivers are shown by their host, as JSON, too, since the "
		"rest of a URL may be a secret. One that takes no notices is also named by the first alert that has it, and the "
		"number of the action there. `sluice help alerts` explains conditions and notices.\n\n"
		"  sluice alerts list -f pipelines/\n  sluice alerts list --brokers kafka:9092 -n shop\n",
	.options = list_options,
	.options_size = sizeof(struct alerts_list_options),
	.group = "run",
	.run = list_run,
};

/* ---- test ---- */

struct alerts_test_options {
	struct pipeline_target_asked target;
	struct alert_asked asked;
	int form;
};

static const struct option test_options[] = {
	ALERT_FILES_ROW(struct alerts_test_options, target.files),
	PIPELINE_TARGET_ROWS(struct alerts_test_options, target),
	ALERT_ROWS(struct alerts_test_options, asked),
	COMMAND_FORM(alerts_test_options, form, "text json"),
	{.type = OPTION_END},
};

/* Other receivers get no test: a topic's readers could not tell it from a notice, and a rollout would end. */
static bool is_testable(const struct alert_action *action)
{
	return action->type == ALERT_WEBHOOK || action->type == ALERT_EMAIL;
}

/* Sends a notice to the receiver of one action, and reports it. False: it was not delivered. */
static bool action_test(const struct notifier_settings *settings, const struct listed_alert *alert,
			const struct alert_action *action, bool json, struct arena *arena, struct buffer *out)
{
	const int64_t now_ms = time_of_day_ms();
	const char *pipeline = alert->resource->name.text, *name = alert->spec->name.text;
	const struct alert_message message = {.status = "test",
					      .namespace = text_of(namespace_or_default(alert->resource->namespace)),
					      .pipeline = text_of(pipeline),
					      .alert = text_of(name),
					      .engine = TEXT("sluice alerts test"),
					      .condition = alert_condition_words(alert->spec, arena),
					      .fired_at_ms = now_ms,
					      .at_ms = now_ms};
	const struct text receiver = text_of(alert_action_receiver(action, arena));
	struct error error = {0};
	const bool delivered = notice_send(settings, action, &message, &error) == POST_DELIVERED, tested = is_testable(action);
	if (!json) {
		buffer_print(out, "%s: %s: %s %s: %s%s\n", pipeline, text_shown(text_of(name), arena),
			     alert_action_names[action->type], text_shown(receiver, arena),
			     tested ? "" : "not tested: ", delivered ? "delivered" : error.text);
		return delivered || !tested;
	}
	json_write_member(out, "{", "pipeline", text_of(pipeline));
	json_write_member(out, ", ", "alert", text_of(name));
	json_write_member(out, ", ", "type", text_of(alert_action_names[action->type]));
	json_write_member(out, ", ", "receiver", receiver);
	buffer_print(out, ", \"delivered\": %s", delivered ? "true" : tested ? "false" : "null");
	if (!delivered)
		json_write_member(out, ", ", "why", text_of(error.text));
	buffer_string(out, "}\n");
	return delivered || !tested;
}

/* Sends to the receivers of the alert of that name; NULL: to those of all alerts. */
static int list_test(struct session *session, const struct alerts_test_options *self, const struct alert_list *list,
		     const char *name)
{
	struct notifier_settings settings;
	struct error error = {0};
	struct buffer out;
	size_t sent = 0;
	bool delivered = true;
	if (!alert_settings_make(&self->asked, self->target.kafka.secrets, session->arena, &settings, &error) ||
	    (name && !alert_list_has(list, NULL, name, NULL, &error)))
		return command_refused(session, &error);
	buffer_open(&out, OUT_BYTES_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct alert_action *actions = list->items[i].spec->actions.items;
		const bool is_asked = !name || strcmp(list->items[i].spec->name.text, name) == 0;
		for (size_t j = 0; is_asked && j < list->items[i].spec->actions.count; j++, sent++)
			delivered &= action_test(&settings, &list->items[i], &actions[j], self->form == OUTPUT_JSON, session->arena,
						 &out);
	}
	if (sent == 0)
		command_note(session, "no notice was sent: %s",
			     name			       ? "the alert has no `actions`"
			     : self->target.files.count > 0 ? "the files have no alert with `actions`"
							    : "no accepted pipeline has an alert with `actions`");
	const int code = command_write(session, &out);
	return code == EXIT_GOOD && !delivered ? EXIT_FAULTS : code;
}

static int test_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct alerts_test_options *self = filled;
	struct alert_list list;
	if (count > 1)
		return command_misuse(session, "give one alert, or none for all of them");
	struct error error = {0};
	int code;
	if (alert_list_open(command_workspace(session), &self->target, self->target.files.count == 0, &list, &error))
		code = list_test(session, self, &list, count == 1 ? arguments[0] : NULL);
	else
		code = command_unread(session, &list.spec, &error);
	alert_list_close(&list);
	return code;
}

const struct command command_alerts_test = {
	.name = "alerts test",
	.arguments = "[ALERT]",
	.summary = "Sends a test notice to the receivers of alerts.",
	.help = "Sends a notice whose status is `test` to each receiver of the alert, or of all alerts of the files, and reports "
		"whether it was delivered. Without files, the alerts are those that the namespace has accepted. The notice is sent "
		"once and from here, as an engine sends notices: with the action's template and signature, and only to addresses "
		"that are public or that --alert-allow lists. So secrets, the allowed addresses and the mail server are those of "
		"this command: give it what the engines have. Actions of the types `topic` and `rollback` are not tested.\n\n"
		"  sluice alerts test drift-alert -f pipelines/ --smtp smtps://mail.example.com:465\n"
		"  sluice alerts test --brokers kafka:9092 -n shop\n",
	.options = test_options,
	.options_size = sizeof(struct alerts_test_options),
	.group = "run",
	.run = test_run,
};
