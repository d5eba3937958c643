/* access_policy.h: Access policies of a gateway: table of the calls that each caller may make. Pure.
 *
 * The file that `policiesConfigMap` names is YAML, or a Kubernetes ConfigMap whose data contains such texts:
 *
 *	policies:
 *	- subject: [group:analysts, "key:billing"]
 *	  resource: pipeline/fraud-*
 *	  verb: [infer, metadata]
 *	- subject: anonymous
 *	  resource: "*"
 *	  verb: health
 *
 * Each of the three is a text or a list. A row allows each of its subjects each of its verbs on each of its resources. An
 * optional `namespace` restricts the row to pipelines and models of those namespaces. What no row allows is forbidden. No row
 * forbids anything, so the order of rows has no effect.
 *
 * Their words are in the tables below, which `sluice help policies` prints. `*` in the name of a resource matches any
 * characters, `?` one.
 *
 * Subjects are compared exactly. `*` in a subject is refused, so that it is not mistaken for a pattern.
 *
 * A policy is immutable after reading.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define ACCESS_POLICY_BYTES_MAX ((size_t)1 << 20) /* the most that a ConfigMap can contain */
#define ACCESS_POLICY_ROWS_MAX 1000		   /* each is checked for each request */
#define ACCESS_POLICY_ITEMS_MAX 100		   /* of one row: subjects, resources, namespaces */

/* Words of access policies: tables of subjects, resources and verbs. Files are read by them, and `sluice help policies`
 * prints them. */

/* Rows of a policy, as read. */
enum access_policy_subject_kind {
	ACCESS_SUBJECT_NAME, /* `sub` of a token */
	ACCESS_SUBJECT_CLAIM,
	ACCESS_SUBJECT_KEY,
	ACCESS_SUBJECT_CERTIFICATE,
	ACCESS_SUBJECT_ANYONE,
	ACCESS_SUBJECT_ANONYMOUS
};

struct access_policy_subject {
	enum access_policy_subject_kind kind;
	struct text value;
	struct text claim; /* of ACCESS_SUBJECT_CLAIM, followed by a NUL */
	bool in_words;	   /* the claim is words separated by spaces (RFC 8693, 4.2) */
};

struct access_policy_pattern {
	int kind; /* enum access_kind; ACCESS_KINDS: any */
	struct text name;
	struct place place;
};

struct access_policy_verb {
	unsigned set; /* of 1 << enum access_verb: one, or all of `*` */
	struct place place;
};

struct access_policy_row {
	unsigned verbs; /* of all `verb_items` */
	size_t subject_count, pattern_count, namespace_count, verb_count;
	struct access_policy_subject *subjects;
	struct access_policy_pattern *patterns;
	struct access_policy_pattern *namespaces; /* only names */
	struct access_policy_verb *verb_items;
};

struct access_policy {
	struct arena *arena;
	size_t count;
	struct access_policy_row rows[ACCESS_POLICY_ROWS_MAX];
};

/* `*` matches any characters, `?` one. */
bool access_pattern_matches(struct text pattern, struct text name);

struct access_word {
	const char *name; /* NULL: the end of a table */
	const char *help;
};

struct access_subject_word {
	const char *name;    /* up to its colon, where a name follows */
	const char *follows; /* "NAME"; "": nothing */
	enum access_policy_subject_kind kind;
	const char *claim; /* of which it is; NULL: of none, or of one that is written */
	bool in_words;	   /* the claim is words separated by spaces (RFC 8693, 4.2) */
	const char *help;
};

extern const struct access_subject_word access_subject_words[];
extern const struct access_word access_kind_words[]; /* by enum access_kind */
extern const struct access_word access_verb_words[]; /* by enum access_verb */

#define ACCESS_POLICY_PATTERN_BYTES_MAX 512

enum access_verb {
	ACCESS_INFER,
	ACCESS_EXPLAIN,
	ACCESS_FEEDBACK,
	ACCESS_SUBMIT,
	ACCESS_POLL,
	ACCESS_CANCEL,
	ACCESS_WATCH,
	ACCESS_METADATA,
	ACCESS_HEALTH,
	ACCESS_METRICS,
	ACCESS_VERBS
};

enum access_kind { ACCESS_PIPELINE, ACCESS_MODEL, ACCESS_DEPLOYMENT, ACCESS_EXPERIMENT, ACCESS_SERVER, ACCESS_KINDS };

struct access_resource {
	enum access_kind kind;
	struct text namespace, name; /* empty: the server as a whole */
};

enum access_caller_kind { ACCESS_CALLER_NOBODY, ACCESS_CALLER_TOKEN, ACCESS_CALLER_KEY, ACCESS_CALLER_CERTIFICATE };

/* Identity of a caller, from the first credential that it used. All borrowed. */
struct access_caller {
	enum access_caller_kind kind;
	struct text name;	      /* the token's `sub`, the key's name, or the certificate's URI, or else its subject */
	struct text subject;	      /* of a certificate */
	const struct json_t *claims; /* of a token */
};

struct access_policy;

/* Reads the text of a file of that name. NULL: CONFIG, the first fault with its place; or SYSTEM. */
struct access_policy *access_policy_read(const char *file, struct text text, struct error *error);
void access_policy_close(struct access_policy *policy); /* NULL is fine */

/* `resource` NULL: whether any is allowed. */
bool access_policy_allows(const struct access_policy *policy, const struct access_caller *caller,
			  const struct access_resource *resource, enum access_verb verb);

size_t access_policy_count(const struct access_policy *policy); /* of rows */
const char *access_verb_name(enum access_verb verb);
const char *access_kind_name(enum access_kind kind);
