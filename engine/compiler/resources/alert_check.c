/* alert_check.c: Checks of the alerts of a Pipeline beyond their rows. */
#include <math.h>
#include <stdio.h>

#include "compiler/conditions/notice_format.h"
#include "base/hash.h"
#include "base/number/duration.h"
#include "base/number/moment.h"
#include "base/network.h"
#include "base/secret.h"
#include "base/suggest.h"
#include "base/url.h"
#include "compiler/resources/alert_sources.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"

#define CHECK_BYTES ((size_t)1 << 20) /* of one condition */
#define MAILBOX_LOCAL_BYTES_MAX 64
#define MAILBOX_BYTES_MAX 254

/* ---- receivers ---- */

static void check_url(const struct written_webhook *webhook, struct faults *faults)
{
	struct sockaddr_storage address;
	struct error reason = {0};
	struct url url;
	const bool is_read = url_read(webhook->url, &url, &reason);
	if (!is_read || url.login.bytes)
		fault_add(faults, CODE_BAD_ADDRESS, webhook->place, NULL,
			  "%s is not http://HOST/PATH or https://HOST/PATH, without a login: %s", webhook->url_field,
			  is_read ? "its URL has one" : reason.text);
	else if (text_is(url.host, "localhost") || (network_address_read(url.host, &address) && !network_is_public(&address)))
		fault_add(faults, CODE_PRIVATE_RECEIVER, webhook->place, NULL,
			  "`" TEXT_FORMAT "` is not a public address: an engine sends to it only if --alert-allow lists it",
			  TEXT_ARGUMENTS(url.host));
}

struct allowed_receivers {
	const struct network *networks;
	size_t count;
};

/* Whether the host that the message of the fault quotes is allowed. */
static bool receiver_is_allowed(void *context, const struct fault *fault)
{
	const struct allowed_receivers *allowed = context;
	struct text rest = text_of(fault->message);
	struct sockaddr_storage address;
	(void)text_take_until(&rest, '`');
	const struct text host = text_take_until(&rest, '`');
	if (!text_is(host, "localhost"))
		return network_address_read(host, &address) && networks_have(allowed->networks, allowed->count, &address);
	return (network_address_read(TEXT("127.0.0.1"), &address) && networks_have(allowed->networks, allowed->count, &address)) ||
	       (network_address_read(TEXT("::1"), &address) && networks_have(allowed->networks, allowed->count, &address));
}

void receivers_allow(struct faults *faults, const struct network *networks, size_t count)
{
	struct allowed_receivers allowed = {networks, count};
	faults_drop(faults, CODE_PRIVATE_RECEIVER, receiver_is_allowed, &allowed);
}

static void check_secret(const char *secret, const char *field, struct place place, struct faults *faults)
{
	if (secret && !secret_is_reference(secret))
		fault_add(faults, CODE_BAD_SECRET, place, NULL,
			  "`%s` is not a reference; write env:SLUICE_SECRET_NAME or file:NAME, so that no file contains the key",
			  field);
}

static void check_receiver(bool is_there, const char *field, struct place place, struct faults *faults)
{
	if (!is_there)
		fault_add(faults, CODE_MISSING_FIELD, place, NULL, "`%s` is missing in this action: the receiver of the message",
			  field);
}

void webhook_check(const struct written_webhook *webhook, struct faults *faults)
{
	if (webhook->url)
		check_url(webhook, faults);
	check_secret(webhook->secret, webhook->secret_field, webhook->place, faults);
}

void webhook_action_check(const char *url, const char *secret, struct place place, struct faults *faults)
{
	const struct written_webhook webhook = {url, secret, "`url` of this action", "secret", place};
	check_receiver(url, "url", place, faults);
	webhook_check(&webhook, faults);
}

static void check_template(const struct alert_action *action, struct text unknown, struct faults *faults)
{
	struct suggestion suggestion = suggest_begin(unknown);
	for (const struct notice_row *row = notice_rows; row->name; row++)
		suggest_offer(&suggestion, text_of(row->name));
	fault_add(faults, CODE_UNKNOWN_PLACEHOLDER, action->here, suggestion.nearest.bytes,
		  "`template`: a notice has no value `" TEXT_FORMAT "`; write {{name}}, with a name of `sluice help alerts`",
		  TEXT_ARGUMENTS(unknown));
}

/* What would end the address in a command of SMTP is no part of it. */
static bool is_mailbox(const char *address)
{
	const char *at = strchr(address, '@');
	for (const char *byte = address; *byte; byte++)
		if ((unsigned char)*byte <= ' ' || strchr("\x7f<>,;\"", *byte))
			return false;
	return at && at != address && at[1] != '\0' && !strchr(at + 1, '@');
}

/* The part before the @ is too long for a mail server (RFC 5321, 4.5.3.1.1), or all of it is (4.5.3.1.3, without < and >). */
static void check_mailbox_length(const struct name *name, struct faults *faults)
{
	const size_t local = strcspn(name->text, "@"), length = strlen(name->text);
	if (local > MAILBOX_LOCAL_BYTES_MAX)
		fault_add(faults, CODE_BAD_ADDRESS, name->place, NULL,
			  "`recipients` has an address with %zu bytes before the @, and mail servers take %d at most", local,
			  MAILBOX_LOCAL_BYTES_MAX);
	else if (length > MAILBOX_BYTES_MAX)
		fault_add(faults, CODE_BAD_ADDRESS, name->place, NULL,
			  "`recipients` has an address of %zu bytes, and mail servers take %d at most", length, MAILBOX_BYTES_MAX);
}

static void check_recipients(const struct alert_action *action, struct faults *faults)
{
	for (size_t i = 0; i < action->recipients.count; i++) {
		const struct name *name = &action->recipients.items[i];
		if (name->text && !is_mailbox(name->text))
			fault_add(faults, CODE_BAD_ADDRESS, name->place, NULL,
				  "`recipients` has an item that is not an address of a mailbox, as in team@example.com");
		else if (name->text)
			check_mailbox_length(name, faults);
	}
}

static void check_mail(const struct alert_action *action, struct faults *faults)
{
	check_receiver(action->recipients.count > 0, "recipients", action->here, faults);
	check_recipients(action, faults);
}

const char *const alert_action_names[] = {"webhook", "email", "topic", "rollback"};

static void check_rollback(const struct alert_action *action, struct faults *faults)
{
	const bool rolls_back = action->type == ALERT_ROLLBACK;
	if (rolls_back && !action->experiment.text)
		fault_add(faults, CODE_MISSING_FIELD, action->here, NULL,
			  "`experiment` is missing in this action: the Experiment whose rollout is rolled back");
	if (!rolls_back && action->experiment.text)
		fault_add(faults, CODE_CONTRADICTION, action->here, NULL, "`%s` has no `experiment`: this is of a `rollback`",
			  alert_action_names[action->type]);
}

/* A template that is the name of a format alone is meant as that. */
static void check_template_of_format(const struct alert_action *action, struct faults *faults)
{
	const struct text name = action->body ? text_trimmed(text_of(action->body), " \t\r\n") : (struct text){0};
	const bool is_key = text_is(name, "pagerduty");
	if (!is_key && !text_is(name, "slack") && !text_is(name, "alertmanager"))
		return;
	fault_add(faults, CODE_CONTRADICTION, action->body_place, NULL,
		  "`template: " TEXT_FORMAT "` would post that word alone; write `format: " TEXT_FORMAT "`%s", TEXT_ARGUMENTS(name),
		  TEXT_ARGUMENTS(name), is_key ? ", with `secret: env:SLUICE_SECRET_NAME` or `file:NAME` of the routing key" : "");
}

static void check_action(const struct alert_action *action, struct faults *faults)
{
	const bool webhook = action->type == ALERT_WEBHOOK;
	struct text unknown;
	if (webhook)
		webhook_action_check(action->url, action->secret, action->here, faults);
	else
		check_secret(action->secret, "secret", action->here, faults);
	if (action->type == ALERT_EMAIL)
		check_mail(action, faults);
	check_rollback(action, faults);
	if (!webhook && (action->url || action->body || action->secret || action->format != NOTICE_JSON))
		fault_add(faults, CODE_CONTRADICTION, action->here, NULL,
			  "`%s` has no `url`, `format`, `template` or `secret`: these are of a `webhook`",
			  alert_action_names[action->type]);
	if (action->format != NOTICE_JSON && action->body)
		fault_add(faults, CODE_CONTRADICTION, action->here, NULL,
			  "the action has both `format` and `template`: the body is one of them");
	if (webhook && action->format == NOTICE_PAGERDUTY && !action->secret)
		fault_add(faults, CODE_MISSING_FIELD, action->here, NULL,
			  "`secret` is missing in this action: env:SLUICE_SECRET_NAME or file:NAME of the Integration Key (routing "
			  "key) of an integration Events API V2 of a service of PagerDuty; the engine reads it when it sends");
	if (action->type != ALERT_EMAIL && action->recipients.count > 0)
		fault_add(faults, CODE_CONTRADICTION, action->here, NULL, "`%s` has no `recipients`: these are of an `email`",
			  alert_action_names[action->type]);
	if (action->body && strlen(action->body) > NOTICE_BYTES_MAX)
		fault_add(faults, CODE_OUT_OF_RANGE, action->here, NULL,
			  "`template` has %zu bytes, and a notice at most %zu; write a shorter one", strlen(action->body),
			  NOTICE_BYTES_MAX);
	if (action->body && text_trimmed(text_of(action->body), " \t\r\n").length == 0)
		fault_add(faults, CODE_EMPTY_VALUE, action->body_place, NULL,
			  "`template` is blank, so each notice would have an empty body; write one, or leave it out");
	check_template_of_format(action, faults);
	if (action->body && (unknown = notice_template_fault(text_of(action->body))).bytes)
		check_template(action, unknown, faults);
}

/* ---- conditions ---- */

struct text alert_condition_words(const struct alert_spec *alert, struct arena *arena)
{
	return alert->condition ? expression_source(alert->condition)
				: text_of(arena_print(arena, "absent: %s", alert->absent.text));
}

/* A name that is no figure, mark or metric is a tensor. If it is like one of those, it is probably misspelt. */
static void check_name(const struct pipeline_spec *pipeline, const struct alert_spec *alert, struct text name,
		       struct faults *faults)
{
	struct suggestion suggestion = suggest_begin(name);
	const struct metric_spec *metrics = pipeline->metrics.items;
	if (alert_value_named(name) || expression_is_mark(name) || metrics_declare(&pipeline->metrics, name))
		return;
	for (size_t i = 0; i < pipeline->metrics.count; i++)
		if (metrics[i].name.text)
			suggest_offer(&suggestion, text_of(metrics[i].name.text));
	for (const struct alert_value_row *row = alert_value_rows; row->name; row++)
		suggest_offer(&suggestion, text_of(row->name));
	for (const char *const *mark = expression_marks; *mark; mark++)
		suggest_offer(&suggestion, text_of(*mark));
	if (suggestion.nearest.bytes)
		fault_add(faults, CODE_MISSING_TENSOR, expression_place(alert->condition), suggestion.nearest.bytes,
			  "no figure, mark or metric is called `" TEXT_FORMAT "`: the condition looks for a tensor of messages",
			  TEXT_ARGUMENTS(name));
}

/* Figures of estimates are missing unless a step has some. */
static void check_estimates(const struct pipeline_spec *pipeline, const struct alert_spec *alert, struct text name, bool has_drift,
			    struct faults *faults)
{
	const struct step_spec *steps = pipeline->steps.items;
	if (!text_starts_with(name, TEXT("estimated_")) || !alert_value_named(name))
		return;
	for (size_t i = 0; i < pipeline->steps.count; i++)
		if (step_estimates(&(struct step){.kind = steps[i].kind, .options = steps[i].options}, name))
			return;
	if (has_drift)
		fault_add(faults, CODE_IDLE_ALERT, expression_place(alert->condition), NULL,
			  "the condition uses `" TEXT_FORMAT "`, and no step `drift` of this pipeline has `%s`: it is never judged",
			  TEXT_ARGUMENTS(name), text_is(name, "estimated_error") ? "estimateError" : "estimate");
}

/* Whether a comparison gives the same whatever the figure is, from 0 to `most`. */
static bool is_fixed(const struct expression_comparison *comparison, double most)
{
	const bool holds = expression_comparison_holds(comparison, 0);
	const double number = comparison->number;
	return holds == expression_comparison_holds(comparison, most) &&
	       (!(number >= 0 && number <= most) || holds == expression_comparison_holds(comparison, number));
}

/* A share in per cent has a number above 1. */
static void check_comparisons(const struct alert_spec *alert, struct faults *faults)
{
	struct expression_comparison comparison;
	for (size_t i = 0; expression_comparison(alert->condition, i, &comparison); i++) {
		const struct alert_value_row *row = alert_value_named(comparison.name);
		if (!row || !is_fixed(&comparison, row->is_share ? 1 : (double)INFINITY))
			continue;
		const bool per_cent = row->is_share && comparison.number > 1 && comparison.number <= 100;
		char hint[64] = "compare it with another number";
		if (per_cent)
			snprintf(hint, sizeof hint, "if per cent are meant, write %g%%", comparison.number);
		fault_add(faults, CODE_FIXED_COMPARISON, comparison.place, NULL,
			  "`" TEXT_FORMAT "` is %s true, since `%s` is %s; %s", TEXT_ARGUMENTS(comparison.source),
			  expression_comparison_holds(&comparison, 0) ? "always" : "never", row->name,
			  row->is_share ? "from 0 to 1" : "0 or more", hint);
	}
}

/* The kind of the step, or the one that it has where nothing offers its model. */
static const struct step_kind *kind_of(const struct step_spec *step, struct arena *arena)
{
	const struct call_rules *rules = step->kind && step->options ? step->kind->calls : NULL;
	const struct step self = {.kind = step->kind, .name = "", .options = step->options, .place = step->options_here};
	const void *options;
	struct name ignored = {0};
	struct error error = {0};
	const struct step_kind *instead =
		rules && rules->built_in ? rules->built_in(&self, arena, &options, &ignored, &error) : NULL;
	return instead ? instead : step->kind;
}

/* Without an arena: those that the file tells, whatever is offered. */
static struct alert_sources sources_in(const struct pipeline_spec *pipeline, struct arena *arena)
{
	const struct step_spec *steps = pipeline->steps.items;
	struct alert_sources sources = {.declares = metrics_declare, .metrics = &pipeline->metrics};
	for (size_t i = 0; i < pipeline->steps.count; i++)
		sources.figures |= alert_figures_of(arena ? kind_of(&steps[i], arena) : steps[i].kind);
	return sources;
}

struct alert_sources alert_sources_of(const struct pipeline_spec *pipeline)
{
	struct arena *arena = arena_open(CHECK_BYTES);
	const struct alert_sources sources = sources_in(pipeline, arena);
	arena_close(arena);
	return sources;
}

bool alert_groups_as(const struct alert_spec *alert, const struct step_spec *step)
{
	const struct step self = {.kind = step->kind, .options = step->options};
	const struct expression *segments = step_facts(&self).segments;
	return segments && alert->group_by && text_equal(expression_source(segments), expression_source(alert->group_by));
}

uint64_t alert_group_by(const struct pipeline_spec *pipeline, const struct alert_spec *alert,
			const struct alert_condition *condition)
{
	const struct step_spec *steps = pipeline->steps.items;
	bool found = alert->condition && !condition->of_figures;
	for (size_t i = 0; i < pipeline->steps.count && condition->of_figures; i++)
		found |= alert_condition_has_segments(condition) && alert_groups_as(alert, &steps[i]);
	return alert->group_by && found ? hash_text(expression_source(alert->group_by), 0) : 0;
}

static void check_groups(const struct pipeline_spec *pipeline, const struct alert_spec *alert,
			 const struct alert_condition *condition, struct faults *faults)
{
	if (alert_group_by(pipeline, alert, condition) == 0)
		fault_add(faults, CODE_IDLE_GROUPS, expression_place(alert->group_by), NULL,
			  "`groupBy` has no effect: %s; the alert has one state",
			  alert_condition_has_segments(condition)
				  ? "no step `drift` of this pipeline has the same `groupBy`"
				  : "the figures of this condition are of the pipeline as a whole");
}

static void check_over(const struct alert_spec *alert, bool of_figures, struct faults *faults)
{
	if (alert->over_place.line > 0 && !of_figures)
		fault_add(faults, CODE_IGNORED_SETTING, alert->over_place, NULL,
			  "`over` is of figures, and this alert %s, so it has no effect; leave it out",
			  alert->absent.text ? "is of absence" : "judges each message");
}

static bool figure_covers_over(const struct pipeline_spec *pipeline, struct text name)
{
	const struct alert_value_row *row = alert_value_named(name);
	const struct metric_spec *metrics = pipeline->metrics.items;
	if (row)
		return !row->is_latest && !(row->needs & FIGURES_OF_DRIFT);
	for (size_t i = 0; i < pipeline->metrics.count; i++)
		if (metrics[i].name.text && text_is(name, metrics[i].name.text))
			return metrics[i].type != SERIES_GAUGE;
	return true;
}

bool alert_reads_time(const struct pipeline_spec *pipeline, const struct alert_condition *condition)
{
	bool reads = condition->of_figures && condition->name_count == 0;
	for (size_t i = 0; condition->of_figures && i < condition->name_count; i++)
		reads |= figure_covers_over(pipeline, condition->names[i]);
	return reads;
}

static void check_window(const struct pipeline_spec *pipeline, const struct alert_spec *alert,
			 const struct alert_condition *condition, struct faults *faults)
{
	const bool has_window = alert_reads_time(pipeline, condition);
	if (alert->over_place.line == 0)
		return;
	if (!has_window && alert_condition_has_segments(condition))
		fault_add(faults, CODE_IGNORED_SETTING, alert->over_place, NULL,
			  "figures of drift are of the last window that the step closed, so `over` has no effect; leave it out, or "
			  "set the step's `window`");
	else if (!has_window)
		fault_add(faults, CODE_IGNORED_SETTING, alert->over_place, NULL,
			  "the figures of this condition are the latest values, so `over` has no effect; leave it out");
	else if (alert->over_ns < NS_PER_S)
		fault_add(faults, CODE_IGNORED_SETTING, alert->over_place, NULL,
			  "figures are judged once a second, so this `over` is 1 s; write 1s or more");
}

/* A condition without a name or a header, which the time does not change either; or one that says the same whatever they are. */
static void check_constant(const struct alert_spec *alert, struct faults *faults)
{
	const enum expression_truth truth = expression_truth(alert->condition);
	if (expression_is_constant(alert->condition) && !expression_reads_clock(alert->condition))
		fault_add(faults, CODE_FIXED_COMPARISON, expression_place(alert->condition), NULL,
			  "the condition uses no figure and no value of a message, so it is always true, or never; name one, as in "
			  "`error_rate > 5%%`");
	else if (truth != TRUTH_OPEN)
		fault_add(faults, CODE_FIXED_COMPARISON, expression_place(alert->condition), NULL,
			  "the condition is %s true, whatever the values that it uses are; take out what makes it so",
			  truth == TRUTH_ALWAYS ? "always" : "never");
}

void alert_mixed_tell(const struct alert_condition *condition, struct faults *faults)
{
	if (condition->mixed.length)
		fault_add(faults, CODE_CONTRADICTION, expression_place(condition->expression), NULL,
			  "the condition uses `" TEXT_FORMAT
			  "` of messages together with figures of the pipeline, which belong to no message; make two alerts",
			  TEXT_ARGUMENTS(condition->mixed));
}

/* Whether it depends on what is offered, which the file does not tell, if the condition is of figures or of messages. */
static bool is_in_doubt(const struct pipeline_spec *pipeline, const struct alert_condition *condition, struct arena *arena)
{
	const struct alert_sources written = sources_in(pipeline, NULL);
	struct alert_condition as_written;
	return alert_condition_make(&as_written, condition->expression, &written, arena) &&
	       as_written.of_figures != condition->of_figures;
}

static void check_figures(const struct pipeline_spec *pipeline, const struct alert_spec *alert,
			  const struct alert_condition *condition, struct faults *faults)
{
	if (alert->group_by)
		check_groups(pipeline, alert, condition, faults);
	check_over(alert, condition->of_figures, faults);
	if (condition->of_figures) {
		check_window(pipeline, alert, condition, faults);
		check_comparisons(alert, faults);
	}
}

static void check_condition(const struct pipeline_spec *pipeline, const struct alert_spec *alert, struct faults *faults)
{
	struct alert_condition condition;
	const struct alert_sources sources = alert_sources_of(pipeline);
	struct arena *arena = arena_open(CHECK_BYTES);
	if (arena && alert_condition_make(&condition, alert->condition, &sources, arena)) {
		alert_mixed_tell(&condition, faults);
		for (size_t i = 0; i < condition.name_count; i++) {
			check_name(pipeline, alert, condition.names[i], faults);
			check_estimates(pipeline, alert, condition.names[i], sources.figures & FIGURES_OF_DRIFT, faults);
		}
		check_constant(alert, faults);
		if (!is_in_doubt(pipeline, &condition, arena))
			check_figures(pipeline, alert, &condition, faults);
	}
	arena_close(arena);
}

/* ---- alerts ---- */

static void check_judged(const struct pipeline_spec *pipeline, const struct alert_spec *alert, struct faults *faults)
{
	struct text name;
	int64_t ns;
	const bool has_condition = alert->condition_place.line > 0;
	if (has_condition && alert->absent.text)
		fault_add(faults, CODE_CONTRADICTION, alert->here, NULL, "the alert has both `condition` and `absent`");
	else if (alert->condition)
		check_condition(pipeline, alert, faults);
	else if (!alert->absent.text && !has_condition)
		fault_add(faults, CODE_MISSING_FIELD, alert->here, NULL, "`condition` is missing in this alert");
	else if (alert->absent.text && !alert_absence_read(text_of(alert->absent.text), &name, &ns))
		fault_add(faults, CODE_BAD_DURATION, alert->absent.place, NULL,
			  "`absent` is not `PIPELINE for DURATION`, as in `trading for 5m`");
	if (alert->absent.text && !has_condition)
		check_over(alert, false, faults);
	if (alert->absent.text && alert->group_by)
		fault_add(faults, CODE_IDLE_GROUPS, expression_place(alert->group_by), NULL,
			  "`groupBy` has no effect: an alert with `absent` has one state");
}

static const struct alert_spec *alert_named(const struct pipeline_spec *pipeline, const char *name)
{
	const struct alert_spec *alerts = pipeline->alerts.items;
	for (size_t i = 0; i < pipeline->alerts.count; i++)
		if (strings_equal(alerts[i].name.text, name))
			return &alerts[i];
	return NULL;
}

static size_t alerts_checked(const struct pipeline_spec *pipeline)
{
	return pipeline->alerts.count < ALERTS_MAX ? pipeline->alerts.count : ALERTS_MAX;
}

/* Marks the alerts that inhibit this one. False: all of them were marked before. */
static bool mark_inhibitors(const struct pipeline_spec *pipeline, const struct alert_spec *alert, bool *marked)
{
	const struct alert_spec *alerts = pipeline->alerts.items;
	bool is_new = false;
	for (size_t i = 0; i < alert->inhibited_by.count; i++) {
		const char *name = alert->inhibited_by.items[i].text;
		const struct alert_spec *by = name ? alert_named(pipeline, name) : NULL;
		const size_t place = by ? (size_t)(by - alerts) : ALERTS_MAX;
		if (place >= ALERTS_MAX || marked[place])
			continue;
		marked[place] = is_new = true;
	}
	return is_new;
}

/* Whether an alert inhibits itself through others. */
static bool is_in_ring(const struct pipeline_spec *pipeline, const struct alert_spec *alert)
{
	const struct alert_spec *alerts = pipeline->alerts.items;
	bool marked[ALERTS_MAX] = {false};
	const size_t place = (size_t)(alert - alerts);
	for (bool more = place < ALERTS_MAX && mark_inhibitors(pipeline, alert, marked); more && !marked[place];) {
		more = false;
		for (size_t i = 0; i < alerts_checked(pipeline); i++)
			if (marked[i] && mark_inhibitors(pipeline, &alerts[i], marked))
				more = true;
	}
	return place < ALERTS_MAX && marked[place];
}

static void check_inhibitors(const struct pipeline_spec *pipeline, const struct alert_spec *alert, struct faults *faults)
{
	const struct alert_spec *alerts = pipeline->alerts.items;
	if (is_in_ring(pipeline, alert) && !name_list_has(alert->inhibited_by, alert->name.text))
		fault_add(faults, CODE_CONTRADICTION, alert->here, NULL,
			  "`inhibitedBy`: the alert `%s` inhibits itself through others, so none of them would send a notice; "
			  "remove one of these",
			  alert->name.text);
	for (size_t i = 0; i < alert->inhibited_by.count; i++) {
		const struct name *name = &alert->inhibited_by.items[i];
		struct suggestion suggestion = suggest_begin(text_of(name->text));
		if (name->text && alert_named(pipeline, name->text) && !strings_equal(name->text, alert->name.text))
			continue;
		for (size_t j = 0; j < pipeline->alerts.count; j++)
			if (alerts[j].name.text && &alerts[j] != alert)
				suggest_offer(&suggestion, text_of(alerts[j].name.text));
		fault_add(faults, CODE_UNKNOWN_ALERT, name->place, suggestion.nearest.bytes,
			  "`inhibitedBy`: this pipeline has no other alert `%s`", name->text ? name->text : "");
	}
}

static void check_silence(const struct alert_silence *silence, struct faults *faults)
{
	int64_t until_ms;
	if (silence->until.text && !moment_read(text_of(silence->until.text), &until_ms))
		fault_add(faults, CODE_BAD_DURATION, silence->until.place, NULL,
			  "`until` is not a time of day, as in 2026-11-30T18:00Z");
}

static void check_time(const char *field, int64_t time_ns, struct place place, struct faults *faults)
{
	if (time_ns / NS_PER_S > (int64_t)ALERT_TIME_DAYS_MAX * 24 * 60 * 60)
		fault_add(faults, CODE_OUT_OF_RANGE, place, NULL,
			  "`%s` is %lld days, and may be %d: engines keep what alerts have seen in memory; write a shorter time",
			  field, (long long)(time_ns / NS_PER_S / (24 * 60 * 60)), ALERT_TIME_DAYS_MAX);
}

static void check_times(const struct alert_spec *alert, struct faults *faults)
{
	struct text pipeline;
	int64_t absent_ns;
	check_time("over", alert->over_ns, alert->over_place, faults);
	check_time("for", alert->for_ns, alert->for_place, faults);
	check_time("resolveAfter", alert->resolve_after_ns, alert->resolve_after_place, faults);
	if (alert->absent.text && alert_absence_read(text_of(alert->absent.text), &pipeline, &absent_ns))
		check_time("absent", absent_ns, alert->absent.place, faults);
}

static void check_alert(const struct pipeline_spec *pipeline, const struct alert_spec *alert, struct faults *faults)
{
	const struct alert_action *actions = alert->actions.items;
	const struct alert_spec *first = alert->name.text ? alert_named(pipeline, alert->name.text) : alert;
	if (alert->name.text && strlen(alert->name.text) > ALERT_NAME_BYTES_MAX)
		fault_add(faults, CODE_OUT_OF_RANGE, alert->name.place, NULL,
			  "an alert's name has at most %d bytes, and this one has %zu; write a shorter one", ALERT_NAME_BYTES_MAX,
			  strlen(alert->name.text));
	if (first != alert)
		fault_add(faults, CODE_REPEATED_NAME, alert->name.place, NULL, "the alert `%s` is already in line %u",
			  alert->name.text, first->name.place.line);
	if (alert->actions.count > ALERT_ACTIONS_MAX)
		fault_add(faults, CODE_OUT_OF_RANGE, actions[ALERT_ACTIONS_MAX].here, NULL, "an alert has at most %d actions",
			  ALERT_ACTIONS_MAX);
	for (size_t i = 0; i < alert->actions.count; i++)
		check_action(&actions[i], faults);
	check_judged(pipeline, alert, faults);
	check_times(alert, faults);
	check_inhibitors(pipeline, alert, faults);
	check_silence(&alert->silence, faults);
}

void alerts_check(const struct pipeline_spec *pipeline, struct faults *faults)
{
	const struct alert_spec *alerts = pipeline->alerts.items;
	if (pipeline->alerts.count > ALERTS_MAX)
		fault_add(faults, CODE_OUT_OF_RANGE, alerts[ALERTS_MAX].here, NULL, "a pipeline has at most %d alerts", ALERTS_MAX);
	for (size_t i = 0; i < pipeline->alerts.count; i++)
		check_alert(pipeline, &alerts[i], faults);
}
