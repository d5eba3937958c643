/* fault.h: Faults in the user's YAML, all of them found in one run.
 *
 * Each fault has a code from one table (`sluice help CODE` explains it with an example), a kind, a place, one
 * sentence, the probable intention, and the fix. Parsing continues after a fault, so that a user fixes a file once.
 *
 * Severities: an error stops every command. A warning is something that the user should check and may accept (`lint
 * --strict` does not). A note means that a field has no effect here; it never fails anything.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

enum fault_kind {
	FAULT_SYNTAX,
	FAULT_ENCODING,
	FAULT_EMPTY,
	FAULT_LIMIT,
	FAULT_DUPLICATE_KEY,
	FAULT_UNKNOWN_FIELD,
	FAULT_WRONG_TYPE,
	FAULT_MISSING_FIELD,
	FAULT_BAD_VALUE,
	FAULT_BAD_REFERENCE,
	FAULT_CYCLE,
	FAULT_REPEATED_NAME,
	FAULT_UNSUPPORTED,
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };

/* A row of the table in fault_codes.c. */
struct fault_code {
	const char *code; /* "SL0103" */
	enum fault_kind kind;
	enum severity severity;
	const char *title;   /* one line */
	const char *help;    /* the fix; printed with every fault of this code */
	const char *example; /* YAML with the fault, and the same fixed */
};

extern const struct fault_code fault_codes[]; /* ends with a row without a code */

/* The row of a code such as "SL0103" (lower-case letters too); NULL: there is none. */
const struct fault_code *fault_code_find(const char *code);

struct fault {
	const struct fault_code *code;
	struct place place;
	size_t width;	     /* characters to underline; 0: one */
	const char *message; /* one sentence */
	const char *suggest; /* the "did you mean" text; NULL: none */
	struct text line;    /* the source line, without its end */
};

#define FAULTS_MAX 10000 /* limit of faults kept in one run; the last one reports that there are more */

struct faults; /* a list that grows; lives in its arena */

struct faults *faults_open(struct arena *arena); /* NULL when memory ran out */

/* Registers the text of a file, for the lines shown with its faults; borrowed. Files are listed in the order of
 * registration. `file` is the pointer that places carry. */
void faults_know(struct faults *faults, const char *file, struct text text);

/* Adds a fault. `code` is a name of the table; an unknown one is a bug and asserts. The message is printed into the
 * arena, `suggest` is copied. A fault with the same place and text as an earlier one (an alias used twice) is not
 * added again. */
void fault_add(struct faults *faults, const char *code, struct place place, const char *suggest, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Takes out those of that code; of these only the ones that `drops` picks, unless it is NULL. */
void faults_drop(struct faults *faults, const char *code, bool (*drops)(void *context, const struct fault *fault), void *context);

size_t faults_count(const struct faults *faults, enum severity severity);
size_t faults_total(const struct faults *faults);
/* Whether there are FAULTS_MAX faults: further ones are dropped and need no work. */
bool faults_are_full(const struct faults *faults);
/* Whether a value at that place was rejected: its consequences are then not checked. */
bool faults_refused(const struct faults *faults, struct place place);
const struct fault *faults_at(const struct faults *faults, size_t index); /* sorted by file and place */

/* The line's text, without its end; empty when file or line is unknown. */
struct text faults_line(struct faults *faults, struct place place);

/* How text is shown: with colours, and on a terminal of that width. 0: lines are whole. */
struct fault_look {
	bool colour;
	size_t columns;
};

/* Prints the faults. Text: file:line:col, kind, the line with a caret, the suggestion, the help. JSON: one array of
 * {"file","line","column","kind","severity","code","message","suggest","help"}. */
void faults_print_text(const struct faults *faults, struct buffer *out, struct fault_look look);
void faults_print_json(const struct faults *faults, struct buffer *out);

const char *fault_kind_name(enum fault_kind kind); /* "unknown-field" */
const char *severity_name(enum severity severity); /* "error" */
