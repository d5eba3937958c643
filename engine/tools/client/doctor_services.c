/* doctor_services.c: Examination of librdkafka, Kafka, the schema registry and models, as an engine would use them. */
#include "tools/client/doctor_services.h"

#include <stdlib.h>

#include "base/clock.h"
#include "tools/client/control/recorded_forms.h"
#include "kafka/broker_release.h"
#include "net/http/curl_library.h"
#include "engine/setup/model_survey.h"
#include "engine/setup/revision_topics.h"

#define NAMED_MAX 3 /* number of items of one kind that are named: of those that are faults, and of slow ones */

static void answer_report(struct findings *findings, const struct probe_answer *answer, const char *subject,
			  const struct answer_advice *advice)
{
	const bool is_slow = answer->state == PROBE_SLOW;
	findings_add(findings, is_slow ? GRADE_WARNING : GRADE_FAULT, subject,
		     is_slow			     ? advice->slow
		     : answer->state == PROBE_DENIED ? advice->denied
						     : advice->bad,
		     "%s: %s", answer->name, answer->words);
}

static bool is_fault(const struct probe_answer *answer)
{
	return answer->state != PROBE_GOOD && answer->state != PROBE_ABSENT && answer->state != PROBE_SLOW;
}

/* Names the first of those that are faults, or that are slow. Returns the number of the others. */
static size_t answers_name(struct findings *findings, const struct probe_answer *answers, size_t count, bool faults,
			   const char *subject, const struct answer_advice *advice)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		if (faults ? !is_fault(&answers[i]) : answers[i].state != PROBE_SLOW)
			continue;
		if (found++ < NAMED_MAX)
			answer_report(findings, &answers[i], subject, advice);
	}
	return found > NAMED_MAX ? found - NAMED_MAX : 0;
}

void doctor_answers_report(struct findings *findings, const struct probe_answer *answers, size_t count, const char *subject,
			   const struct answer_advice *advice)
{
	const size_t found_before = findings->count;
	size_t absent = 0;
	for (size_t i = 0; i < count; i++)
		absent += answers[i].state == PROBE_ABSENT;
	const size_t faults = answers_name(findings, answers, count, true, subject, advice);
	if (faults > 0)
		findings_add(findings, GRADE_FAULT, subject, advice->bad, "and %zu more", faults);
	const size_t slow = answers_name(findings, answers, count, false, subject, advice);
	if (slow > 0)
		findings_add(findings, GRADE_WARNING, subject, advice->slow, "and %zu more that %s not answered", slow,
			     slow == 1 ? "has" : "have");
	if (findings->count > found_before)
		return;
	if (absent > 0)
		findings_add(findings, GRADE_GOOD, subject, NULL, "%zu of %zu exist; `sluice run` may create the others",
			     count - absent, count);
	else if (count > 0)
		findings_add(findings, GRADE_GOOD, subject, NULL, "%zu of %zu", count, count);
}

#define REGISTRY_WAIT_MS 5000
#define REGISTRY_REPLY_MAX ((size_t)16 << 20)
#define SKEW_MAX_MS 2000 /* the date of an HTTP reply has whole seconds */

struct doctor_services {
	const struct kafka_asked *asked;
	struct revision *revision; /* NULL: no files were given */
	struct findings *findings;
	struct kafka kafka;
};

/* ---- librdkafka ---- */

static void library_examine(struct findings *findings)
{
	if (!probe_library_is_at_least(2, 6, 1))
		findings_add(findings, GRADE_WARNING, "librdkafka",
			     "Build with a current one: make RDKAFKA=$(tests/librdkafka.sh).",
			     "%s: Kafka 4 refuses its SCRAM logins, and its commits cost a third more", probe_library());
	else
		findings_add(findings, GRADE_GOOD, "librdkafka", NULL, "%s", probe_library());
}

/* ---- Kafka ---- */

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

/* Asks the brokers for the topics and groups of the revision; `wanted` gets the topics. */
static bool revision_probe(const struct doctor_services *services, struct wanted_topics *wanted, struct probe *probe,
			   struct error *error)
{
	struct revision *revision = services->revision;
	const struct kafka *kafka = &services->kafka;
	const char **groups = NULL;
	size_t group_count = 0;
	return recorded_forms_name(&revision->plan, kafka, revision->arena, error) &&
	       revision_topics(revision, kafka->topics, true, (struct name_list){0}, false, wanted, error) &&
	       (groups = plan_groups(&revision->plan, services->findings->arena, &group_count)) &&
	       probe_kafka(kafka->brokers, kafka->producer, *wanted, groups, group_count, services->findings->arena, probe, error);
}

static void kafka_examine(struct doctor_services *services)
{
	struct findings *findings = services->findings;
	struct arena *arena = findings->arena;
	const struct runtime_spec *runtime = services->revision ? services->revision->runtime : NULL;
	struct wanted_topics wanted = {0};
	struct probe probe;
	struct error error = {0};
	/* The first probe asks for no topic: it finds out whether brokers answer, so that only one question waits for them. */
	if (!kafka_find(runtime, services->asked, arena, &services->kafka, &error) ||
	    !probe_kafka(services->kafka.brokers, services->kafka.producer, wanted, NULL, 0, arena, &probe, &error) ||
	    (services->revision && !revision_probe(services, &wanted, &probe, &error))) {
		findings_add(findings, GRADE_FAULT, "brokers",
			     "Check that they run, are reachable from here, and accept this login.", "%s", error.text);
		return;
	}
	findings_add(findings, GRADE_GOOD, "brokers", NULL, "%d at %s, after %lld ms", probe.brokers, services->kafka.brokers,
		     (long long)probe.answer_ms);
	const char *fault = broker_release_fault(broker_release_ask(services->kafka.brokers, services->kafka.producer));
	if (fault)
		findings_add(findings, GRADE_WARNING, "release", "Where a pipeline is exactly once, use Kafka 4.2.1.", "%s", fault);
	doctor_answers_report(findings, probe.answers, wanted.count, "topics", &topic_advice);
	doctor_answers_report(findings, probe.answers + wanted.count, probe.count - wanted.count, "groups", &group_advice);
}

/* ---- the schema registry ---- */

struct doctor_question {
	bool answered;
	long status;
	char words[512];
	int64_t their_ms; /* the server's time; -1: not known */
};

static void on_registry_reply(struct http_request *request, const struct http_reply *reply)
{
	struct doctor_question *question = request->context;
	char date[64];
	question->answered = true;
	question->status = reply->status;
	snprintf(question->words, sizeof question->words, "%s", reply->status ? "" : reply->error.text);
	snprintf(date, sizeof date, TEXT_FORMAT, TEXT_ARGUMENTS(reply->header));
	const time_t theirs = curl_library_load(&(struct error){0}) ? libcurl.getdate(date, NULL) : -1;
	question->their_ms = theirs < 0 ? -1 : (int64_t)theirs * MS_PER_S;
}

static bool registry_ask(const struct kafka *kafka, const char *url, struct doctor_question *question, struct error *error)
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
				       .done = on_registry_reply,
				       .context = question};
	return http_ask(&limits, &request, &question->answered, error);
}

static void clocks_compare(struct findings *findings, const struct doctor_question *question)
{
	int64_t apart_ms = time_of_day_ms() - question->their_ms;
	if (question->their_ms >= 0 && llabs(apart_ms) > SKEW_MAX_MS)
		findings_add(findings, GRADE_WARNING, "clock", "Synchronize both with a time server.",
			     "the schema registry's is %lld s %s ours", llabs(apart_ms) / MS_PER_S,
			     apart_ms > 0 ? "behind" : "ahead of");
}

static void registry_examine(struct doctor_services *services)
{
	struct findings *findings = services->findings;
	struct doctor_question question = {0};
	struct error error = {0};
	char url[1024];
	if (!services->kafka.registry.url)
		return;
	snprintf(url, sizeof url, "%s/subjects", services->kafka.registry.url);
	if (!registry_ask(&services->kafka, url, &question, &error))
		findings_add(findings, GRADE_FAULT, "registry", NULL, "%s", error.text);
	else if (question.status == 0)
		findings_add(findings, GRADE_FAULT, "registry", "Check that it runs, and that the url is correct.", "%s: %s",
			     services->kafka.registry.url, question.words);
	else if (question.status != 200)
		findings_add(findings, GRADE_FAULT, "registry", "Check its url (it may need a path) and its login.",
			     "%s answers %ld", url, question.status);
	else
		findings_add(findings, GRADE_GOOD, "registry", NULL, "%s", services->kafka.registry.url);
	if (question.status != 0)
		clocks_compare(findings, &question);
}

/* ---- models ---- */

static void models_examine(struct doctor_services *services)
{
	struct findings *findings = services->findings;
	struct survey survey;
	struct error error = {0};
	if (!services->revision)
		return;
	if (!model_survey_ask(&services->revision->plan, findings->arena, &survey, &error)) {
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

void services_examine(const struct kafka_asked *asked, struct revision *revision, struct findings *findings)
{
	struct doctor_services services = {.asked = asked, .revision = revision, .findings = findings};
	library_examine(findings);
	kafka_examine(&services);
	registry_examine(&services);
	models_examine(&services);
}
