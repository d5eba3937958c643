/* access_policy.c: Decision whether a policy's rows allow a request; see access_policy.h. */
#include "gateway/access/access_policy.h"

#include <jansson.h>
#include <stdio.h>

#include "base/memory.h"

const struct access_subject_word access_subject_words[] = {
	{"sub:", "NAME", ACCESS_SUBJECT_NAME, NULL, false, "The `sub` of a token."},
	{"group:", "NAME", ACCESS_SUBJECT_CLAIM, "groups", false, "A token whose `groups` have NAME."},
	{"role:", "NAME", ACCESS_SUBJECT_CLAIM, "roles", false, "A token whose `roles` have NAME."},
	{"scope:", "NAME", ACCESS_SUBJECT_CLAIM, "scope", true, "A token whose `scope` has NAME."},
	{"claim:", "PATH=VALUE", ACCESS_SUBJECT_CLAIM, NULL, false,
	 "A token whose claim of that name is VALUE or has it. With dots the name leads to one within others: realm_access.roles."},
	{"key:", "NAME", ACCESS_SUBJECT_KEY, NULL, false, "An API key of that name (`--api-keys`)."},
	{"certificate:", "NAME", ACCESS_SUBJECT_CERTIFICATE, NULL, false,
	 "A client certificate that has one URI among its alternative names, and that is NAME, as spiffe://example/batch; or whose "
	 "subject is NAME in the form of RFC 2253, the last part first and without spaces: CN=batch,O=Example. A refusal (403) has "
	 "it so, up to 160 bytes."},
	{"anyone", "", ACCESS_SUBJECT_ANYONE, NULL, false, "Every caller with a valid credential."},
	{"anonymous", "", ACCESS_SUBJECT_ANONYMOUS, NULL, false, "Every caller."},
	{NULL, NULL, ACCESS_SUBJECT_ANONYMOUS, NULL, false, NULL},
};

const struct access_word access_kind_words[] = {
	[ACCESS_PIPELINE] = {"pipeline", "A pipeline, by whatever path it is called."},
	[ACCESS_MODEL] = {"model", "A Model without a pipeline, by whatever path it is called."},
	[ACCESS_DEPLOYMENT] = {"deployment", "A SeldonDeployment or an InferenceService."},
	[ACCESS_EXPERIMENT] = {"experiment", "An Experiment that is called by its name."},
	[ACCESS_SERVER] = {"server", "What names none of these: /v2, /v2/routes, /openapi.json. No name follows."},
	[ACCESS_KINDS] = {NULL, NULL},
};

const struct access_word access_verb_words[] = {
	[ACCESS_INFER] = {"infer", "Ask for an answer, and wait for it."},
	[ACCESS_EXPLAIN] = {"explain", "Ask for an explanation."},
	[ACCESS_FEEDBACK] = {"feedback", "Send a truth or a reward."},
	[ACCESS_SUBMIT] = {"submit", "Ask for an answer that is fetched later (Prefer: respond-async)."},
	[ACCESS_POLL] = {"poll", "Fetch the answer to a submitted request."},
	[ACCESS_CANCEL] = {"cancel", "Cancel a submitted request."},
	[ACCESS_WATCH] = {"watch", "Wait for the answer to a submitted request, as events."},
	[ACCESS_METADATA] = {"metadata", "Read names, versions and tensors, and the lists of routes."},
	[ACCESS_HEALTH] = {"health",
			   "Ask whether one pipeline or model is ready. Readiness of the whole gateway is open to everybody."},
	[ACCESS_METRICS] = {"metrics", "Nothing: metrics have a port of their own (`--metrics`)."},
	[ACCESS_VERBS] = {NULL, NULL},
};

#define CLAIM_DEPTH_MAX 8 /* realm_access.roles has 2 */

/* Only the last `*` is tried again, so the time is at most the product of both lengths. */
bool access_pattern_matches(struct text pattern, struct text name)
{
	size_t at = 0, star = SIZE_MAX, from = 0, i = 0;
	while (i < name.length) {
		if (at < pattern.length && pattern.bytes[at] == '*') {
			star = at++;
			from = i;
		} else if (at < pattern.length && (pattern.bytes[at] == '?' || pattern.bytes[at] == name.bytes[i])) {
			at++;
			i++;
		} else if (star != SIZE_MAX) {
			at = star + 1;
			i = ++from;
		} else
			return false;
	}
	while (at < pattern.length && pattern.bytes[at] == '*')
		at++;
	return at == pattern.length;
}

/* ---- claims ---- */

static bool words_have(struct text words, struct text word)
{
	while (words.length > 0)
		if (text_equal(text_take_until(&words, ' '), word))
			return true;
	return false;
}

static bool claim_is(const json_t *claim, const struct access_policy_subject *subject)
{
	if (json_is_string(claim)) {
		struct text text = {json_string_value(claim), json_string_length(claim)};
		return subject->in_words ? words_have(text, subject->value) : text_equal(text, subject->value);
	}
	if (json_is_boolean(claim))
		return text_is(subject->value, json_is_true(claim) ? "true" : "false");
	if (!json_is_integer(claim))
		return false;
	char digits[32];
	snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(claim));
	return text_is(subject->value, digits);
}

/* The claim whose name is the whole of `name` (it may contain dots, as addresses do), else the one at that path of
 * names. */
static const json_t *claim_find(const json_t *claims, struct text name)
{
	const json_t *found = json_object_get(claims, name.bytes);
	for (size_t depth = 0; !found && depth < CLAIM_DEPTH_MAX; depth++) {
		const char *dot = memchr(name.bytes, '.', name.length);
		if (!dot)
			return depth > 0 ? json_object_getn(claims, name.bytes, name.length) : NULL;
		claims = json_object_getn(claims, name.bytes, (size_t)(dot - name.bytes));
		name = (struct text){dot + 1, name.length - (size_t)(dot + 1 - name.bytes)};
	}
	return found;
}

static bool claims_have(const json_t *claims, const struct access_policy_subject *subject)
{
	const json_t *claim = claim_find(claims, subject->claim);
	if (!json_is_array(claim))
		return claim_is(claim, subject);
	for (size_t i = 0; i < json_array_size(claim); i++)
		if (claim_is(json_array_get(claim, i), subject))
			return true;
	return false;
}

/* ---- rows ---- */

static bool subject_is(const struct access_policy_subject *subject, const struct access_caller *caller)
{
	switch (subject->kind) {
	case ACCESS_SUBJECT_ANONYMOUS:
		return true;
	case ACCESS_SUBJECT_ANYONE:
		return caller->kind != ACCESS_CALLER_NOBODY;
	case ACCESS_SUBJECT_NAME:
		return caller->kind == ACCESS_CALLER_TOKEN && caller->name.bytes && text_equal(subject->value, caller->name);
	case ACCESS_SUBJECT_CLAIM:
		return caller->kind == ACCESS_CALLER_TOKEN && claims_have(caller->claims, subject);
	case ACCESS_SUBJECT_KEY:
		return caller->kind == ACCESS_CALLER_KEY && text_equal(subject->value, caller->name);
	case ACCESS_SUBJECT_CERTIFICATE:
		return caller->kind == ACCESS_CALLER_CERTIFICATE &&
		       (text_equal(subject->value, caller->name) ||
			(caller->subject.bytes && text_equal(subject->value, caller->subject)));
	}
	return false;
}

static bool row_has_resource(const struct access_policy_row *row, const struct access_resource *resource)
{
	bool is_within = row->namespace_count == 0;
	for (size_t i = 0; i < row->namespace_count && !is_within; i++)
		is_within = access_pattern_matches(row->namespaces[i].name, resource->namespace);
	for (size_t i = 0; i < row->pattern_count && is_within; i++) {
		const struct access_policy_pattern *pattern = &row->patterns[i];
		if (pattern->kind == ACCESS_KINDS ||
		    (pattern->kind == (int)resource->kind && access_pattern_matches(pattern->name, resource->name)))
			return true;
	}
	return false;
}

bool access_policy_allows(const struct access_policy *policy, const struct access_caller *caller,
			  const struct access_resource *resource, enum access_verb verb)
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct access_policy_row *row = &policy->rows[i];
		if (!(row->verbs >> verb & 1) || (resource && !row_has_resource(row, resource)))
			continue;
		for (size_t k = 0; k < row->subject_count; k++)
			if (subject_is(&row->subjects[k], caller))
				return true;
	}
	return false;
}

size_t access_policy_count(const struct access_policy *policy)
{
	return policy->count;
}

const char *access_verb_name(enum access_verb verb)
{
	return access_verb_words[verb].name;
}

const char *access_kind_name(enum access_kind kind)
{
	return access_kind_words[kind].name;
}

void access_policy_close(struct access_policy *policy)
{
	if (policy)
		arena_close(policy->arena);
	memory_give(policy);
}
