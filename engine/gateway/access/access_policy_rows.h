/* access_policy_rows.h: Rows of a policy, as read. Private to access_policy*.c. */
#ifndef SLUICE_GATEWAY_ACCESS_ACCESS_POLICY_ROWS_H
#define SLUICE_GATEWAY_ACCESS_ACCESS_POLICY_ROWS_H

#include "base/arena.h"
#include "gateway/access/access_policy.h"

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

#endif
