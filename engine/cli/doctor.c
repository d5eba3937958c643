/* doctor.c: `sluice doctor`: checks everything that an engine depends on, and prints advice. */
#include <curl/curl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/command.h"
#include "client/doctor_machine.h"
#include "client/kafka.h"
#include "log/broker_release.h"
#include "log/probe.h"
#include "net/http.h"
#include "runtime/model_survey.h"
#include "runtime/revision_topics.h"

#define REGISTRY_WAIT_MS 5000
#define REGISTRY_REPLY_MAX ((size_t)16 << 20)
#define SKEW_MAX_MS 2000 /* the date of an HTTP reply has whole seconds */
#define NAMED_MAX 3	 /* number of items of one kind that are named */
#define FINDINGS_BYTES_MAX ((size_t)1 << 20)

struct doctor_options {
	const char *namespace;
	struct kafka_asked kafka;
	struct name_list servers;
	int64_t workers;
	double memory_bytes;
	const char *state_folder;
	double state_bytes;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(doctor_options, namespace),
	KAFKA_ROWS(struct doctor_options, kafka),
	ROW("server", NAMES, struct doctor_options, servers, .word = "NAME=URL",
	    .help = "The address of the server or model of that name. Given several times for one name: its replicas."),
	ROW("workers", INTEGER, struct doctor_options, workers, .word = "N", .fallback = "1", .least = 1, .most = 256,
	    .help = "The value for `sluice run`."),
	ROW("memory", QUANTITY, struct doctor_options, memory_bytes, .word = "SIZE", .fallback = "256Mi",
	    .help = "The value for `sluice run`."),
	ROW("state", TEXT, struct doctor_options, state_folder, .word = "DIR", .help = "The value for `sluice run`."),
	ROW("state-memory", QUANTITY, struct doctor_options, state_bytes, .word = "SIZE", .fallback = "1Gi",
	    .help = "The value for `sluice run`."),
	COMMAND_FORM(doctor_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_doctor;

struct doctor {
	struct session *session;
	const struct doctor_options *options;
	struct findings findings;
	struct revision *revision; /* NULL: no files were given */
	struct kafka kafka;
};

/* ---- librdkafka ---- */

static void examine_library(struct findings *findings)
{
	if (!probe_library_is_at_least(2, 6, 1))
		findings_add(findings, GRADE_WARNING, "librdkafka",
			     "Build with a current one: make RDKAFKA=$(tests/librdkafka.sh).",
			     "%s: Kafka 4 refuses its SCRAM logins, and its commits cost a third more", probe_library());
	else
		findings_add(findings, GRADE_GOOD, "librdkafka", NULL, "%s", probe_library());
}

/* ---- Kafka ---- */

/* Advice for an answer that is not good. It depends on the reason, so that a slow broker is not reported as a missing
 * right. */
struct answer_advice {
	const char *bad, *denied, *slow;
};

static void report_answers(struct findings *findings, const struct probe *probe, size_t from, size_t to, const char *subject,
			   const struct answer_advice *advice)
{
	size_t absent = 0, other = 0;
	for (size_t i = from; i < to; i++) {
		const struct probe_answer *answer = &probe->answers[i];
		absent += answer->state == PROBE_ABSENT;
		if (answer->state == PROBE_GOOD || answer->state == PROBE_ABSENT || ++other > NAMED_MAX)
			continue;
		bool slow = answer->state == PROBE_SLOW;
		findings_add(findings, slow ? GRADE_WARNING : GRADE_FAULT, subject,
			     slow			     ? advice->slow
			     : answer->state == PROBE_DENIED ? advice->denied
							     : advice->bad,
			     "%s: %s", answer->name, answer->words);
	}
	if (other > NAMED_MAX)
		findings_add(findings, GRADE_FAULT, subject, advice->bad, "and %zu more", other - NAMED_MAX);
	if (other == 0 && absent > 0)
		findings_add(findings, GRADE_GOOD, subject, NULL, "%zu of %zu exist; `sluice run` may create the others",
			     to - from - absent, to - from);
	else if (other == 0 && to > from)
		findings_add(findings, GRADE_GOOD, subject, NULL, "%zu of %zu", to - from, to - from);
}

static const struct answer_advice topic_advice = {
	.bad = "Check the reason; create the topic if it is missing.",
	.denied = "Give this login the rights Describe and Create, and Read or Write, on it; `sluice plan --acls` has the "
		  "commands.",
	.slow = "Check whether its partitions have leaders, then try again: brokers elect leaders after they have started.",
};

static const struct answer_advice group_advice = {
	.bad = "Check the reason, and the log of the group's coordinator.",
	.denied = "Give this login the right Read on the group; `sluice plan --acls` has the commands.",
	.slow = "No right is known to be missing: the group's coordinator has not answered. Check that the brokers of "
		"__consumer_offsets run, then try again.",
};

static void examine_kafka(struct doctor *doctor)
{
	struct findings *findings = &doctor->findings;
	struct arena *arena = findings->arena;
	const struct runtime_spec *runtime = doctor->revision ? doctor->revision->runtime : NULL;
	struct wanted_topics wanted = {0};
	const char **groups = NULL;
	size_t group_count = 0;
	struct probe probe;
	struct error error = {0};
	bool good = kafka_find(runtime, &doctor->options->kafka, arena, &doctor->kafka, &error);
	if (good && doctor->revision)
		good = revision_topics(doctor->revision, doctor->kafka.topics, true, (struct name_list){0}, false, &wanted,
				       &error) &&
		       (groups = plan_groups(&doctor->revision->plan, arena, &group_count));
	if (!good ||
	    !probe_kafka(doctor->kafka.brokers, doctor->kafka.producer, wanted, groups, group_count, arena, &probe, &error)) {
		findings_add(findings, GRADE_FAULT, "brokers",
			     "Check that they run, are reachable from here, and accept this login.", "%s", error.text);
		return;
	}
	findings_add(findings, GRADE_GOOD, "brokers", NULL, "%d at %s, after %lld ms", probe.brokers, doctor->kafka.brokers,
		     (long long)probe.answer_ms);
	const char *fault = broker_release_fault(broker_release_ask(doctor->kafka.brokers, doctor->kafka.producer));
	if (fault)
		findings_add(findings, GRADE_WARNING, "release", "Where a pipeline is exactly once, use Kafka 4.2.1.", "%s", fault);
	report_answers(findings, &probe, 0, wanted.count, "topics", &topic_advice);
	report_answers(findings, &probe, wanted.count, probe.count, "groups", &group_advice);
}

/* ---- the schema registry ---- */

struct doctor_question {
	bool answered;
	long status;
	char words[512];
	int64_t their_ms; /* the server's time; -1: not known */
};

static void on_reply(struct http_request *request, const struct http_reply *reply)
{
	struct doctor_question *question = request->context;
	char date[64];
	question->answered = true;
	question->status = reply->status;
	snprintf(question->words, sizeof question->words, "%s", reply->status ? "" : reply->error.text);
	snprintf(date, sizeof date, TEXT_FORMAT, TEXT_ARGUMENTS(reply->header));
	time_t theirs = curl_getdate(date, NULL);
	question->their_ms = theirs < 0 ? -1 : (int64_t)theirs * MS_PER_S;
}

static bool ask(const struct kafka *kafka, const char *url, struct doctor_question *question, struct error *error)
{
	const struct http_limits limits = {.connections_a_host = 1,
					   .connection_idle_s = 1,
					   .reply_bytes = REGISTRY_REPLY_MAX,
					   .connect_ms = REGISTRY_WAIT_MS,
					   .tls = &kafka->registry.files};
	struct http_request request = {.url = url,
				       .login = kafka->registry.login,
				       .timeout_ms = REGISTRY_WAIT_MS,
				       .wanted_header = "date",
				       .done = on_reply,
				       .context = question};
	return http_ask(&limits, &request, &question->answered, error);
}

static void compare_clocks(struct findings *findings, const struct doctor_question *question)
{
	int64_t apart_ms = time_of_day_ms() - question->their_ms;
	if (question->their_ms >= 0 && llabs(apart_ms) > SKEW_MAX_MS)
		findings_add(findings, GRADE_WARNING, "clock", "Synchronize both with a time server.",
			     "the schema registry's is %lld s %s ours", llabs(apart_ms) / MS_PER_S,
			     apart_ms > 0 ? "behind" : "ahead of");
}

static void examine_registry(struct doctor *doctor)
{
	struct findings *findings = &doctor->findings;
	struct doctor_question question = {0};
	struct error error = {0};
	char url[1024];
	if (!doctor->kafka.registry.url)
		return;
	snprintf(url, sizeof url, "%s/subjects", doctor->kafka.registry.url);
	if (!ask(&doctor->kafka, url, &question, &error))
		findings_add(findings, GRADE_FAULT, "registry", NULL, "%s", error.text);
	else if (question.status == 0)
		findings_add(findings, GRADE_FAULT, "registry", "Check that it runs, and that the url is correct.", "%s: %s",
			     doctor->kafka.registry.url, question.words);
	else if (question.status != 200)
		findings_add(findings, GRADE_FAULT, "registry", "Check its url (it may need a path) and its login.",
			     "%s answers %ld", url, question.status);
	else
		findings_add(findings, GRADE_GOOD, "registry", NULL, "%s", doctor->kafka.registry.url);
	if (question.status != 0)
		compare_clocks(findings, &question);
}

/* ---- models ---- */

static void examine_models(struct doctor *doctor)
{
	struct findings *findings = &doctor->findings;
	struct survey survey;
	struct error error = {0};
	if (!doctor->revision)
		return;
	if (!model_survey_ask(&doctor->revision->plan, findings->arena, &survey, &error)) {
		findings_add(findings, GRADE_FAULT, "models", NULL, "%s", error.text);
		return;
	}
	for (size_t i = 0; i < survey.count; i++) {
		const struct survey_answer *answer = &survey.answers[i];
		if (answer->words)
			findings_add(findings, GRADE_FAULT, "models",
				     "Check the address, that its server runs, and that it has loaded the model.", "%s: %s",
				     answer->model, answer->words);
		else if (answer->has_metadata)
			findings_add(findings, GRADE_GOOD, "models", NULL, "%s answers, and describes its inputs", answer->model);
		else
			findings_add(findings, GRADE_WARNING, "models", "Send it a request to check whether it answers.",
				     "%s was not checked: its protocol has no request for that", answer->model);
	}
}

/* ---- the command ---- */

static void examine_files(struct doctor *doctor, const char *const *paths, size_t count)
{
	const struct doctor_options *self = doctor->options;
	struct revision_options files = {
		.paths = paths, .path_count = count, .namespace = self->namespace, .servers = self->servers, .insecure = true};
	struct error error = {0};
	if (count == 0)
		return;
	doctor->revision = revision_open_for(command_workspace(doctor->session), &files, &error);
	if (doctor->revision)
		findings_add(&doctor->findings, GRADE_GOOD, "files", NULL, "%zu pipeline%s", doctor->revision->plan.count,
			     doctor->revision->plan.count == 1 ? "" : "s");
	else if (error.place.line > 0)
		findings_add(&doctor->findings, GRADE_FAULT, "files", NULL, "%s:%d:%d: %s", error.place.file, error.place.line,
			     error.place.column, error.text);
	else if (error.kind != ERROR_NONE)
		findings_add(&doctor->findings, GRADE_FAULT, "files", NULL, "%s", error.text);
	else
		findings_add(&doctor->findings, GRADE_FAULT, "files", "See above; `sluice lint` shows them too.",
			     "they have faults");
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct doctor_options *self = filled;
	struct doctor doctor = {.session = session, .options = self, .findings = {.arena = session->arena}};
	const struct machine_needs needs = {.workers = (size_t)self->workers,
					    .memory_bytes = self->memory_bytes,
					    .state_folder = self->state_folder,
					    .state_bytes = self->state_bytes};
	int misuse = command_servers_misused(session, &command_doctor, &self->servers);
	if (misuse)
		return misuse;
	examine_files(&doctor, arguments, count);
	examine_library(&doctor.findings);
	examine_kafka(&doctor);
	examine_registry(&doctor);
	examine_models(&doctor);
	machine_examine(&needs, &doctor.findings);
	struct buffer out;
	buffer_open(&out, FINDINGS_BYTES_MAX);
	findings_print(&doctor.findings, self->form == OUTPUT_JSON, session->colour, &out);
	int code = command_write(session, &out);
	if (doctor.findings.failed || findings_count(&doctor.findings, GRADE_FAULT) > 0)
		code = EXIT_FAULTS;
	revision_close(doctor.revision);
	return code;
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[FILE]...",
	.summary = "Checks everything that an engine needs, and says what to do.",
	.help = "Checks brokers, rights, topics, groups, the schema registry, models, librdkafka, limits, memory, clock and "
		"disk, as `sluice run` with these options would use them. It changes nothing. A fault prevents an engine from "
		"running; a warning does not. Without files it checks only the brokers and the machine.\n"
		"\n"
		"  sluice doctor -f runtime.yaml -f pipelines/ --state /var/lib/sluice\n"
		"  sluice doctor --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct doctor_options),
	.group = "look",
	.run = run,
};
