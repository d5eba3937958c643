/* explanation_view.h: View of the explanations that a gateway answered: a waterfall as text, or a page of HTML.
 *
 * A waterfall goes from the base value to the answer: one line for each feature, the largest contribution first. Names come from
 * requests, so both forms escape them. An anchor has a rule instead: its conditions, precision and coverage. Importances by
 * permutation do not add up: each is a bar from zero.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define EXPLANATION_LINES_MAX 20 /* features of a waterfall; the others are one line */

struct contribution {
	struct text name; /* with the feature's value: "age = 41" */
	double amount;
	double error; /* standard error; 0: exact */
	size_t number; /* in the order in which the features came */
};

struct explanation_one {
	struct text step, method, output;
	struct text scale; /* log-odds, log or score: of the answer; empty: the answer itself */
	double base, answer, residual;
	int64_t calls;
	bool complete;
	size_t count;
	const struct contribution *contributions; /* the largest first */
	bool anchored;		  /* it has a rule */
	bool apart;		  /* contributions do not add up */
	size_t condition_count;
	const struct text *conditions;
	double precision, coverage;
};

struct explanation_view {
	struct text id, pipeline;
	size_t count;
	const struct explanation_one *items;
};

/* Reads {"id", "pipeline", "explanations"} into the arena. INPUT: it is no such document. */
bool explanation_view_read(struct explanation_view *view, struct text json, struct arena *arena, struct error *error);

void explanation_view_print_text(const struct explanation_view *view, struct arena *arena, struct buffer *out);
void explanation_view_print_html(const struct explanation_view *view, struct buffer *out);
