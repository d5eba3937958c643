/* access_policy_test.c: Policies of who may call what, read from files; broken files are rejected. */
#include "gateway/access/access_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const struct access_caller nobody = {.kind = ACCESS_CALLER_NOBODY};

static struct access_policy *access_policy_of(const char *text)
{
	struct error error = {0};
	struct access_policy *policy = access_policy_read("policies.yaml", text_of(text), &error);
	if (!policy)
		fail_msg("%u:%u: %s", error.place.line, error.place.column, error.text);
	return policy;
}

static struct access_resource named(enum access_kind kind, const char *name)
{
	return (struct access_resource){.kind = kind, .namespace = TEXT("default"), .name = text_of(name)};
}

/* Whether a policy of one row with that subject lets the caller in. */
static bool subject_takes(const char *subject, const struct access_caller *caller)
{
	char text[512];
	const struct access_resource model = named(ACCESS_MODEL, "m");
	snprintf(text, sizeof text, "policies:\n- subject: %s\n  resource: '*'\n  verb: '*'\n", subject);
	struct access_policy *policy = access_policy_of(text);
	bool takes = access_policy_allows(policy, caller, &model, ACCESS_INFER);
	access_policy_close(policy);
	return takes;
}

static bool resource_takes(const char *row, enum access_kind kind, const char *name)
{
	char text[512];
	const struct access_resource resource = named(kind, name);
	snprintf(text, sizeof text, "policies: [{subject: anonymous, %s}]", row);
	struct access_policy *policy = access_policy_of(text);
	bool takes = access_policy_allows(policy, &nobody, &resource, ACCESS_INFER);
	access_policy_close(policy);
	return takes;
}

static void subjects_are_who_has_shown_it(void **state)
{
	(void)state;
	json_t *claims = json_loads("{\"sub\":\"alice\",\"groups\":[\"analysts\",\"ml\",7],\"roles\":\"admin\","
				    "\"scope\":\"read infer:all\","
				    "\"level\":3,\"beta\":true,\"realm_access\":{\"roles\":[\"scorer\"],\"deep\":{\"x\":\"y\"}},"
				    "\"https://a.example/team\":\"red\"}", 0, NULL);
	const struct access_caller alice = {.kind = ACCESS_CALLER_TOKEN, .name = TEXT("alice"), .claims = claims};
	const struct access_caller unnamed = {.kind = ACCESS_CALLER_TOKEN, .claims = claims};
	const struct access_caller key = {.kind = ACCESS_CALLER_KEY, .name = TEXT("alice")};
	const struct access_caller certificate = {.kind = ACCESS_CALLER_CERTIFICATE, .name = TEXT("CN=batch,O=Example")};
	assert_non_null(claims);
	static const char *const of_alice[] = {
		"sub:alice", "group:analysts", "group:ml", "role:admin", "scope:read", "scope:infer:all", "claim:level=3",
		"claim:beta=true", "claim:realm_access.roles=scorer", "claim:realm_access.deep.x=y",
		"claim:https://a.example/team=red", "anyone",
		"anonymous",
		"[sub:bob, sub:alice]", "claim:groups=ml",
	};
	static const char *const of_others[] = {
		"sub:Alice", "sub:alic", "sub:alicee", "group:analyst", "group:admin", "role:adm", "scope:infer", "scope:rea",
		"scope:all",
		"claim:level=4", "claim:beta=false", "claim:realm_access.roles=score", "claim:roles.x=admin",
		"claim:realm_access=scorer",
		"claim:nobody=x", "key:alice", "certificate:alice", "[sub:bob, sub:carol]", "claim:groups=7x",
		"claim:.roles=scorer",
		"claim:realm_access.=scorer", "'certificate:CN=batch,O=Example'", "claim:scope=read",
	};
	for (size_t i = 0; i < sizeof of_alice / sizeof *of_alice; i++)
		if (!subject_takes(of_alice[i], &alice))
			fail_msg("%s", of_alice[i]);
	for (size_t i = 0; i < sizeof of_others / sizeof *of_others; i++)
		if (subject_takes(of_others[i], &alice))
			fail_msg("%s", of_others[i]);
	assert_false(subject_takes("sub:alice", &unnamed));
	assert_false(subject_takes("sub:alice", &key));
	assert_true(subject_takes("key:alice", &key));
	assert_false(subject_takes("key:bob", &key));
	assert_false(subject_takes("group:ml", &key));
	assert_true(subject_takes("anyone", &key));
	assert_true(subject_takes("'certificate:CN=batch,O=Example'", &certificate));
	assert_false(subject_takes("'certificate:CN=batch'", &certificate));
	const struct access_caller workload = {
		.kind = ACCESS_CALLER_CERTIFICATE, .name = TEXT("spiffe://example/batch"), .subject = TEXT("O=SPIRE,C=US")};
	assert_true(subject_takes("'certificate:spiffe://example/batch'", &workload));
	assert_true(subject_takes("'certificate:O=SPIRE,C=US'", &workload));
	assert_false(subject_takes("'certificate:spiffe://example/other'", &workload));
	assert_false(subject_takes("sub:alice", &nobody));
	assert_false(subject_takes("anyone", &nobody));
	assert_true(subject_takes("anonymous", &nobody));
	json_decref(claims);
}

static void resources_are_named_by_patterns(void **state)
{
	(void)state;
	assert_true(resource_takes("resource: pipeline/fraud-*, verb: infer", ACCESS_PIPELINE, "fraud-eu"));
	assert_true(resource_takes("resource: pipeline/fraud-*, verb: infer", ACCESS_PIPELINE, "fraud-"));
	assert_false(resource_takes("resource: pipeline/fraud-*, verb: infer", ACCESS_PIPELINE, "fraud"));
	assert_false(resource_takes("resource: pipeline/fraud-*, verb: infer", ACCESS_MODEL, "fraud-eu"));
	assert_true(resource_takes("resource: model/a*b*c, verb: infer", ACCESS_MODEL, "a-bb-b-c"));
	assert_false(resource_takes("resource: model/a*b*c, verb: infer", ACCESS_MODEL, "a-bb-b-cd"));
	assert_true(resource_takes("resource: model/v?, verb: infer", ACCESS_MODEL, "v1"));
	assert_false(resource_takes("resource: model/v?, verb: infer", ACCESS_MODEL, "v"));
	assert_false(resource_takes("resource: model/v?, verb: infer", ACCESS_MODEL, "v12"));
	assert_false(resource_takes("resource: model/v1, verb: infer", ACCESS_MODEL, "V1"));
	assert_true(resource_takes("resource: [model/x, deployment/*], verb: infer", ACCESS_DEPLOYMENT, "d"));
	assert_true(resource_takes("resource: '*', verb: infer", ACCESS_SERVER, ""));
	assert_true(resource_takes("resource: server, verb: infer", ACCESS_SERVER, ""));
	assert_false(resource_takes("resource: server, verb: infer", ACCESS_MODEL, ""));
	assert_false(resource_takes("resource: model/*, verb: infer", ACCESS_SERVER, ""));
	assert_true(resource_takes("resource: '*', namespace: [prod, def*], verb: infer", ACCESS_MODEL, "m"));
	assert_false(resource_takes("resource: '*', namespace: prod, verb: infer", ACCESS_MODEL, "m"));
	/* A pattern that would take a naive matcher for ever. */
	char row[256], name[64];
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	snprintf(row, sizeof row, "resource: model/a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b, verb: infer");
	assert_false(resource_takes(row, ACCESS_MODEL, name));
}

static void verbs_are_those_that_are_named(void **state)
{
	(void)state;
	const struct access_resource model = named(ACCESS_MODEL, "m");
	for (enum access_verb given = 0; given < ACCESS_VERBS; given++) {
		char text[128];
		snprintf(text, sizeof text, "policies: [{subject: anonymous, resource: model/m, verb: %s}]",
			 access_verb_name(given));
		struct access_policy *policy = access_policy_of(text);
		for (enum access_verb verb = 0; verb < ACCESS_VERBS; verb++)
			assert_true(access_policy_allows(policy, &nobody, &model, verb) == (verb == given));
		access_policy_close(policy);
	}
	assert_true(resource_takes("resource: '*', verb: [health, infer]", ACCESS_MODEL, "m"));
	assert_true(resource_takes("resource: '*', verb: '*'", ACCESS_MODEL, "m"));
	assert_false(resource_takes("resource: '*', verb: [health, metadata]", ACCESS_MODEL, "m"));
}

/* `sluice help policies` prints these tables. By each word for a subject, the caller that it means is allowed, and no other. */
static void each_word_for_a_subject_means_its_caller(void **state)
{
	(void)state;
	static const struct {
		enum access_caller_kind kind;
		struct text name;
		const char *claims;
	} callers[] = {
		{ACCESS_CALLER_TOKEN, {"NAME", 4}, "{}"},
		{ACCESS_CALLER_TOKEN, {"one", 3}, "{\"groups\": [\"NAME\"]}"},
		{ACCESS_CALLER_TOKEN, {"one", 3}, "{\"roles\": [\"NAME\"]}"},
		{ACCESS_CALLER_TOKEN, {"one", 3}, "{\"scope\": \"other NAME\"}"},
		{ACCESS_CALLER_TOKEN, {"one", 3}, "{\"PATH\": \"VALUE\"}"},
		{ACCESS_CALLER_KEY, {"NAME", 4}, NULL},
		{ACCESS_CALLER_CERTIFICATE, {"NAME", 4}, NULL},
		{ACCESS_CALLER_KEY, {"one", 3}, NULL},
		{ACCESS_CALLER_NOBODY, {NULL, 0}, NULL},
	};
	const struct access_resource model = named(ACCESS_MODEL, "m");
	size_t words = 0;
	for (const struct access_subject_word *word = access_subject_words; word->name; word++, words++) {
		char text[256];
		snprintf(text, sizeof text, "policies: [{subject: \"%s%s\", resource: '*', verb: infer}]", word->name,
			 word->follows);
		struct access_policy *policy = access_policy_of(text);
		assert_true(strlen(word->help) > 0);
		for (size_t i = 0; i < sizeof callers / sizeof *callers; i++) {
			json_t *claims = callers[i].claims ? json_loads(callers[i].claims, 0, NULL) : NULL;
			const struct access_caller caller = {.kind = callers[i].kind, .name = callers[i].name, .claims = claims};
			const bool is_meant = i == words || word->kind == ACCESS_SUBJECT_ANONYMOUS ||
					      (word->kind == ACCESS_SUBJECT_ANYONE && caller.kind != ACCESS_CALLER_NOBODY);
			assert_true(access_policy_allows(policy, &caller, &model, ACCESS_INFER) == is_meant);
			json_decref(claims);
		}
		access_policy_close(policy);
	}
	assert_int_equal(words, sizeof callers / sizeof *callers);
}

static void each_word_for_a_resource_or_a_verb_is_taken(void **state)
{
	(void)state;
	char text[256];
	for (size_t kind = 0; kind < ACCESS_KINDS; kind++) {
		for (size_t verb = 0; verb < ACCESS_VERBS; verb++) {
			snprintf(text, sizeof text, "policies: [{subject: anonymous, resource: %s%s, verb: %s}]",
				 access_kind_words[kind].name, kind == ACCESS_SERVER ? "" : "/NAME", access_verb_words[verb].name);
			struct access_policy *policy = access_policy_of(text);
			const struct access_resource of_kind = named((enum access_kind)kind, kind == ACCESS_SERVER ? "" : "NAME");
			assert_true(access_policy_allows(policy, &nobody, &of_kind, (enum access_verb)verb));
			access_policy_close(policy);
		}
		assert_true(strlen(access_kind_words[kind].help) > 0);
	}
	for (size_t verb = 0; verb < ACCESS_VERBS; verb++)
		assert_true(strlen(access_verb_words[verb].help) > 0);
	assert_true(!access_kind_words[ACCESS_KINDS].name && !access_verb_words[ACCESS_VERBS].name);
}

static void what_no_row_allows_is_forbidden(void **state)
{
	(void)state;
	const struct access_resource a = named(ACCESS_MODEL, "a"), b = named(ACCESS_MODEL, "b");
	const struct access_caller key = {.kind = ACCESS_CALLER_KEY, .name = TEXT("k")};
	struct access_policy *policy = access_policy_of("policies: []");
	assert_int_equal(access_policy_count(policy), 0);
	assert_false(access_policy_allows(policy, &key, &a, ACCESS_INFER));
	access_policy_close(policy);
	/* Rows do not lend each other their parts. */
	policy = access_policy_of("policies:\n- {subject: key:k, resource: model/a, verb: infer}\n"
			      "- {subject: key:l, resource: model/b, verb: '*'}\n");
	assert_int_equal(access_policy_count(policy), 2);
	assert_true(access_policy_allows(policy, &key, &a, ACCESS_INFER));
	assert_false(access_policy_allows(policy, &key, &a, ACCESS_HEALTH));
	assert_false(access_policy_allows(policy, &key, &b, ACCESS_INFER));
	access_policy_close(policy);
}

static void a_config_map_holds_policies(void **state)
{
	(void)state;
	const struct access_resource a = named(ACCESS_MODEL, "a"), b = named(ACCESS_MODEL, "b");
	struct access_policy *policy =
		access_policy_of("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seldon-policies}\ndata:\n"
				 "  one.yaml: |\n    policies:\n    - {subject: anonymous, resource: model/a, verb: infer}\n"
				 "  two.yaml: |\n    policies:\n    - {subject: anonymous, resource: model/b, verb: infer}\n");
	assert_int_equal(access_policy_count(policy), 2);
	assert_true(access_policy_allows(policy, &nobody, &a, ACCESS_INFER));
	assert_true(access_policy_allows(policy, &nobody, &b, ACCESS_INFER));
	access_policy_close(policy);
}

static void a_file_with_a_fault_is_refused_with_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *words;
	} rows[] = {
		{"", 1, 1, "no resource"},
		{"policies: [", 2, 1, ""},
		{"- a", 1, 1, "map"},
		{"policy: []", 1, 1, "policies"},
		{"policies: {}", 1, 11, "list"},
		{"policies:\n- {subject: anyone, resource: '*'}", 2, 3, "`verb` is missing"},
		{"policies:\n- {subject: anyone, resource: '*', verb: infer, effect: deny}", 2, 49, "effect"},
		{"policies:\n- {subject: alice, resource: '*', verb: infer}", 2, 13, "no subject"},
		{"policies:\n- {subject: 'sub:*', resource: '*', verb: infer}", 2, 13, "anyone"},
		{"policies:\n- {subject: 'key:', resource: '*', verb: infer}", 2, 13, "no name"},
		{"policies:\n- {subject: 'claim:a', resource: '*', verb: infer}", 2, 13, "NAME=VALUE"},
		{"policies:\n- {subject: 'claim:=a', resource: '*', verb: infer}", 2, 13, "NAME=VALUE"},
		{"policies:\n- {subject: 'claim:a=', resource: '*', verb: infer}", 2, 13, "NAME=VALUE"},
		{"policies:\n- {subject: [], resource: '*', verb: infer}", 2, 13, "1 to 100"},
		{"policies:\n- {subject: [anyone, {a: b}], resource: '*', verb: infer}", 2, 22, "text"},
		{"policies:\n- {subject: anyone, resource: pipelines/a, verb: infer}", 2, 31, "did you mean pipeline"},
		{"policies:\n- {subject: anyone, resource: model, verb: infer}", 2, 31, "no resource"},
		{"policies:\n- {subject: anyone, resource: model/, verb: infer}", 2, 31, "no resource"},
		{"policies:\n- {subject: anyone, resource: server/x, verb: infer}", 2, 31, "no resource"},
		{"policies:\n- {subject: anyone, resource: '*', verb: infr}", 2, 42, "did you mean infer"},
		{"policies:\n- {subject: anyone, resource: '*', verb: [infer, '']}", 2, 50, "text of 1"},
		{"kind: ConfigMap", 1, 1, "data"},
		{"kind: ConfigMap\ndata: {a: [b]}", 2, 11, "text with policies"},
		{"kind: ConfigMap\ndata:\n  p.yaml: 'policies: [{subject: x}]'", 1, 1, "policies.yaml: data.p.yaml: "},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static const char file[] = "policies.yaml";
		struct error error = {0};
		assert_null(access_policy_read(file, text_of(rows[i].text), &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		if (error.place.file != file || error.place.line != rows[i].line || error.place.column != rows[i].column ||
		    !strstr(error.text, rows[i].words))
			fail_msg("%s\n%u:%u: %s", rows[i].text, error.place.line, error.place.column, error.text);
	}
}

static void a_file_has_limits(void **state)
{
	(void)state;
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, 2 * ACCESS_POLICY_BYTES_MAX);
	buffer_string(&out, "policies:\n");
	for (size_t i = 0; i < ACCESS_POLICY_ROWS_MAX; i++)
		buffer_string(&out, "- {subject: anyone, resource: '*', verb: infer}\n");
	struct access_policy *policy = access_policy_read("p", buffer_view(&out), &error);
	assert_non_null(policy);
	assert_int_equal(access_policy_count(policy), ACCESS_POLICY_ROWS_MAX);
	access_policy_close(policy);
	buffer_string(&out, "- {subject: anyone, resource: '*', verb: infer}\n");
	assert_null(access_policy_read("p", buffer_view(&out), &error));
	assert_non_null(strstr(error.text, "more than 1000 policies"));
	assert_int_equal(error.place.line, ACCESS_POLICY_ROWS_MAX + 2);
	for (size_t count = ACCESS_POLICY_ITEMS_MAX; count <= ACCESS_POLICY_ITEMS_MAX + 1; count++) {
		buffer_clear(&out);
		buffer_string(&out, "policies: [{subject: [");
		for (size_t i = 0; i < count; i++)
			buffer_string(&out, "anyone,");
		buffer_string(&out, "], resource: '*', verb: infer}]");
		error = (struct error){0};
		policy = access_policy_read("p", buffer_view(&out), &error);
		assert_true(!!policy == (count == ACCESS_POLICY_ITEMS_MAX));
		access_policy_close(policy);
	}
	assert_non_null(strstr(error.text, "101 items"));
	buffer_clear(&out);
	buffer_string(&out, "policies: []\n");
	while (out.length < ACCESS_POLICY_BYTES_MAX)
		buffer_byte(&out, '\n');
	error = (struct error){0};
	access_policy_close(policy = access_policy_read("p", buffer_view(&out), &error));
	assert_non_null(policy);
	buffer_byte(&out, '\n');
	assert_null(access_policy_read("p", buffer_view(&out), &error));
	assert_non_null(strstr(error.text, "more than 1048576 bytes"));
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects_are_who_has_shown_it),
		cmocka_unit_test(resources_are_named_by_patterns),
		cmocka_unit_test(verbs_are_those_that_are_named),
		cmocka_unit_test(each_word_for_a_subject_means_its_caller),
		cmocka_unit_test(each_word_for_a_resource_or_a_verb_is_taken),
		cmocka_unit_test(what_no_row_allows_is_forbidden),
		cmocka_unit_test(a_config_map_holds_policies),
		cmocka_unit_test(a_file_with_a_fault_is_refused_with_its_place),
		cmocka_unit_test(a_file_has_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
