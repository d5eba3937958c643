/* verify.c: `sluice verify`: checks the recorded answers of a pipeline against its requests. */
#include <inttypes.h>

#include "base/clock.h"
#include "message/json/json_write.h"
#include "tools/cli/command.h"
#include "tools/client/data/verification.h"

#define PAGE_BYTES_MAX ((size_t)64 << 20)
#define SHOWN_MAX 100000

struct verify_options {
	struct pipeline_target_asked asked;
	int64_t since_ns;
	int64_t shown;
	int recompute;
	int form;
};

static const struct option options[] = {
	ROW("file", NAMES, struct verify_options, asked.files, .letter = 'f',
	    .help = "A file or folder of the pipeline's YAML, as its engines have it."),
	PIPELINE_TARGET_ROWS(struct verify_options, asked),
	ROW("since", DURATION, struct verify_options, since_ns, .word = "TIME",
	    .help = "Only requests that were written within that time, as in 15m or 2h. Default: all that are in the topic."),
	ROW("show", INTEGER, struct verify_options, shown, .least = 0, .most = SHOWN_MAX, .fallback = "20",
	    .help = "So many findings of each kind are listed; the others are counted."),
	ROW("recompute", CHOICE, struct verify_options, recompute, .choices = "answers drops none", .fallback = "answers",
	    .help = "What is computed again from the requests, with the files that are given: answers, where neither models nor "
		    "state decide them; or only whether a step drops a request, where several versions have answered; or nothing."),
	COMMAND_FORM(verify_options, form, "text json"),
	{.type = OPTION_END},
};

/* ---- the result: both forms have the same rows ---- */

static void place_print(struct buffer *out, const char *before, struct audit_place place)
{
	if (place.partition >= 0)
		buffer_print(out, "%s%d:%" PRId64, before, (int)place.partition, place.offset);
}

static void finding_print_text(const struct audit_finding *finding, struct buffer *out)
{
	place_print(out, "  request ", finding->request);
	buffer_print(out, "  %s", audit_words[finding->kind].words);
	place_print(out, "  answer ", finding->answer);
	place_print(out, "  before that of request ", finding->before);
	buffer_byte(out, '\n');
}

static void audit_print_text(const struct answer_audit *audit, const struct pipeline_plan *plan, struct buffer *out)
{
	const uint64_t *counts = audit_counts(audit);
	size_t count;
	const struct audit_finding *findings = audit_findings(audit, &count);
	buffer_print(out, "%s, group %s; %s\n", plan->graph->name, plan->group, plan->order_reason);
	for (size_t i = 0; i < AUDIT_COUNTS; i++)
		buffer_print(out, "%12" PRIu64 "  %s\n", counts[i], audit_words[i].words);
	for (size_t i = 0; i < count; i++)
		finding_print_text(&findings[i], out);
	if (audit_found(audit) == 0)
		buffer_string(out, "nothing was found\n");
}

static void place_print_json(struct buffer *out, const char *name, struct audit_place place)
{
	if (place.partition >= 0)
		buffer_print(out, ", \"%s\": \"%d:%" PRId64 "\"", name, (int)place.partition, place.offset);
}

static void audit_print_json(const struct answer_audit *audit, const struct pipeline_plan *plan, struct buffer *out)
{
	const uint64_t *counts = audit_counts(audit);
	size_t count;
	const struct audit_finding *findings = audit_findings(audit, &count);
	json_write_member(out, "{", "pipeline", text_of(plan->graph->name));
	json_write_member(out, ", ", "group", text_of(plan->group));
	json_write_member(out, ", ", "order", text_of(plan->order_reason));
	for (size_t i = 0; i < AUDIT_COUNTS; i++)
		buffer_print(out, ", \"%s\": %" PRIu64, audit_words[i].name, counts[i]);
	buffer_string(out, ", \"findings\": [");
	for (size_t i = 0; i < count; i++) {
		json_write_member(out, i == 0 ? "{" : ", {", "what", text_of(audit_words[findings[i].kind].name));
		place_print_json(out, "request", findings[i].request);
		place_print_json(out, "answer", findings[i].answer);
		place_print_json(out, "before", findings[i].before);
		buffer_byte(out, '}');
	}
	buffer_string(out, "]}\n");
}

/* ---- the command ---- */

static int verify_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct verify_options *self = filled;
	const struct verification_asked asked = {
		.since_ms = self->since_ns > 0 ? time_of_day_ms() - self->since_ns / NS_PER_MS : 0,
		.shown = (size_t)self->shown,
		.recompute = (enum recompute)self->recompute};
	struct error error = {0};
	struct pipeline_target target;
	struct answer_audit *audit = NULL;
	int code;
	(void)count;
	if (self->asked.files.count == 0)
		return command_misuse(session, "give the pipeline's files by -f: they say what it promises");
	if (strchr(arguments[0], '.'))
		return command_misuse(session, "verify takes a PIPELINE, without a step");
	if (pipeline_target_open(command_workspace(session), &self->asked, arguments[0], &target, &error))
		audit = verification_run(&target, &asked, &error);
	if (audit) {
		struct buffer page;
		buffer_open(&page, PAGE_BYTES_MAX);
		(session->form == OUTPUT_JSON ? audit_print_json : audit_print_text)(audit, target.plan, &page);
		code = command_write(session, &page);
		code = code == EXIT_GOOD && audit_found(audit) > 0 ? EXIT_FAULTS : code;
	} else {
		code = command_refused(session, &error);
	}
	audit_close(audit);
	pipeline_target_close(&target);
	return code;
}

const struct command command_verify = {
	.name = "verify",
	.arguments = "PIPELINE",
	.summary = "Checks recorded answers: none lost, doubled, or out of order.",
	.help = "Reads the pipeline's topics of requests, answers and dead letters, up to the offsets that its engines have "
		"committed. It reports requests that have no answer, that were answered twice, or differently, or before an "
		"earlier request of their key or partition, or that have an answer and a dead letter. It judges by what the "
		"pipeline promises: at least once, answers may come again after a crash, and are counted as `repeated`. It joins "
		"no group, and changes nothing. The exit status is 1 if anything was found.\n"
		"\n"
		"Requests are computed again in memory, without models and state: so a request that a filter dropped is not "
		"lost, and numbers that answer another request are found. Where a model or state decides whether a request ends "
		"without an answer, it counts as `unknown`, and so does one whose answer retention may have deleted.\n"
		"\n"
		"  sluice verify hello --since 1h -f pipelines/\n"
		"  sluice verify hello -o json -f pipelines/ --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct verify_options),
	.group = "run",
	.run = verify_run,
};
