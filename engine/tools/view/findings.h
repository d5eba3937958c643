/* findings.h: Findings of `sluice doctor`, one line each: the state, and the advice. */
#pragma once

#include "compiler/yaml/workspace.h"

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

/* The number of findings of a grade. */
size_t findings_count(const struct findings *findings, enum grade grade);

/* Appends all findings, and their number. */
void findings_print(const struct findings *findings, bool json, bool colour, struct buffer *out);
