/* case_report.h: Report of `sluice test`: the verdict of each case, the results of --print and --update, and the sums. */
#pragma once

#include <stdio.h>

#include "tools/test/case_run.h"

struct case_report { /* starts with the first seven */
	const struct step_kind *const *kinds;
	const char *secrets; /* folder of the files that YAML names as secrets; NULL: none */
	FILE *out, *err;
	bool is_json;
	bool print;  /* the actual results of cases in memory instead of verdicts */
	bool update; /* out.jsonl of cases in memory that fail */
	size_t counts[CASE_SKIPPED + 1];
	size_t lines_left_out; /* lines of out.jsonl that were not compared, since a gateway's caller cannot see them */
	struct buffer json;    /* the cases, which are printed at the end */
};

void case_report_open(struct case_report *report);
void case_report_close(struct case_report *report);

/* Runs a case in memory, judges it, and adds its verdict. `context`: a struct case_report; the form is case_search()'s. */
void case_report_run(void *context, const char *folder);

/* Adds the verdict on a case; the arguments are those of struct case_judged. */
void case_report_add(struct case_report *report, const char *folder, enum case_verdict verdict, const struct buffer *why);

/* Prints the sums; as JSON everything. */
void case_report_end(const struct case_report *report);
