/* access_policy_words.h: Words of access policies: tables of subjects, resources and verbs. Files are read by them, and `sluice
 * help policies` prints them. */
#ifndef SLUICE_GATEWAY_ACCESS_ACCESS_POLICY_WORDS_H
#define SLUICE_GATEWAY_ACCESS_ACCESS_POLICY_WORDS_H

#include "gateway/access/access_policy_rows.h"

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
