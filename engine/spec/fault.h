/* fault.h: what is wrong with the user's YAML, all of it, in one run.
 *
 * Each fault has a code from one table (`sluice help CODE` explains it with an
 * example), a kind, a place, one sentence, what was probably meant, and what to do.
 * Reading goes on after a fault, so that a user mends a file once.
 */
#ifndef SLUICE_SPEC_FAULT_H
#define SLUICE_SPEC_FAULT_H

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
	const char *help;    /* what to do; printed with every fault of this code */
	const char *example; /* YAML that has it, and the same mended */
};

extern const struct fault_code fault_codes[]; /* ends with a row without a code */

struct fault {
	const struct fault_code *code;
	struct place place;
	size_t width;         /* characters to underline; 0: one */
	const char *message;  /* one sentence */
	const char *suggest;  /* the did-you-mean; NULL: none */
	struct text line;     /* the source line, without its end */
};

struct faults; /* a growing list; owns nothing but its own memory */

struct faults *faults_open(struct arena *arena);

/* `code` is a name of the table; an unknown one is a bug and asserts. The message
 * is printed into the arena. */
void fault_add(struct faults *faults, const char *code, struct place place, const char *suggest, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

size_t faults_count(const struct faults *faults, enum severity severity);
size_t faults_total(const struct faults *faults);
const struct fault *faults_at(const struct faults *faults, size_t index); /* sorted by file and place */

/* For people: file:line:col, kind, the line with a caret, the suggestion, the help.
 * For machines: one array of {"file","line","column","kind","severity","code",
 * "message","suggest","help"}. */
void faults_print_text(const struct faults *faults, struct buffer *out, bool colour);
void faults_print_json(const struct faults *faults, struct buffer *out);

const char *fault_kind_name(enum fault_kind kind); /* "unknown-field" */

#endif
