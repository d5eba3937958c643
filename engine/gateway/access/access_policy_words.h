/* access_policy_words.h: Words of access policies: tables of subjects, resources and verbs. Files are read by them, and `sluice
 * help policies` prints them. */
#ifndef SLUICE_GATEWAY_ACCESS_ACCESS_POLICY_WORDS_H
#define SLUICE_GATEWAY_ACCESS_ACCESS_POLICY_WORDS_H

#include "base/arena.h"
#include "gateway/access/access_policy.h"

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

#endif
