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
 * Their words are in tables (gateway/access/access_policy_words.h), which `sluice help policies` prints. `*` in the name of a
  * resource matches any characters, `?` one.
 *
 * Subjects are compared exactly. `*` in a subject is refused, so that it is not mistaken for a pattern.
 *
 * A policy is immutable after reading.
 */
#ifndef SLUICE_GATEWAY_ACCESS_ACCESS_POLICY_H
#define SLUICE_GATEWAY_ACCESS_ACCESS_POLICY_H

#include "base/error.h"
#include "base/text.h"

#define ACCESS_POLICY_BYTES_MAX ((size_t)1 << 20) /* the most that a ConfigMap can contain */
#define ACCESS_POLICY_ROWS_MAX 1000		   /* each is checked for each request */
#define ACCESS_POLICY_ITEMS_MAX 100		   /* of one row: subjects, resources, namespaces */
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

#endif
