/* access_policy_words.c: see access_policy_words.h. */
#include "gateway/access/access_policy_words.h"

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
