/* findings.h: Findings of `sluice doctor`, one line each: the state, and the advice. */
#ifndef SLUICE_CLI_FINDINGS_H
#define SLUICE_CLI_FINDINGS_H

#include "cli/command.h"

enum grade { GRADE_GOOD, GRADE_WARNING, GRADE_FAULT };

struct findings {
	struct arena *arena;
	size_t count, room;
	struct finding *items;
	bool failed; /* memory ran out */
};

struct finding {
	enum grade grade;
	const char *subject; /* brokers, topics, clock, ...; borrowed */
	const char *words;
	const char *advice; /* the fix; NULL: none needed; borrowed */
};

/* Adds a finding; its text is copied. */
void findings_add(struct findings *findings, enum grade grade, const char *subject, const char *advice, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Prints all findings; EXIT_FAULTS if one is a fault. */
int findings_print(struct session *session, const struct findings *findings, enum output_form form);

#endif
