/* case.h: Case folder of `sluice test`: the requests, the expected results, and the stubs of the models.
 *
 * The contents live in the arena into which they were read. Errors have the file and line of the case.
 */
#pragma once

#include "base/option.h"
#include "message/json/json_scan.h"
#include "message/message.h"
#include "models/server/stub_file.h"

#define CASE_PATH_MAX 4096

struct case_request { /* a line of in.jsonl */
	struct text id;
	struct text body;     /* as sent */
	struct text protocol; /* empty: v2 */
	struct text target;   /* "pipelines/x"; empty: the first pipeline */
	struct headers headers;
	struct text key; /* bytes NULL: none */
	int64_t repeat;
	struct place place;
};

struct case_result {	      /* a response or an error that is allowed */
	struct text response; /* JSON; bytes NULL: an error */
	struct text kinds;    /* "INPUT|REMOTE" */
	struct text contains;
	int64_t least, most; /* for a split: the allowed number of times */
};

struct case_calls {
	struct text model;
	int64_t least, most;
};

enum case_demand {
	DEMAND_RESULT, /* exactly one result */
	DEMAND_ABSENT,
	DEMAND_SPLIT, /* each of `results` between `least` and `most` times, `repeat` in total */
	DEMAND_SAME,  /* `repeat` times the same one of `results`; any of them */
	DEMAND_ALERT,
	DEMAND_CALLS,
};

struct case_expected { /* a line of out.jsonl */
	enum case_demand demand;
	struct text id;
	struct text at; /* empty: the reply */
	size_t count;
	struct case_result *results;
	int64_t repeat;
	size_t call_count;
	struct case_calls *calls;
	struct text alert; /* DEMAND_ALERT: its name, and whether it fired */
	bool fired;
	struct text line; /* as written */
	struct place place;
};

struct case_files {
	const char *folder;
	const char *pipeline; /* path of pipeline.yaml: the folder's, or of the nearest folder above */
	size_t request_count;
	struct case_request *requests;
	bool has_expected; /* the folder has an out.jsonl */
	size_t expected_count;
	struct case_expected *expected;
	struct stub_file stubs;
	const char *secrets; /* folder of the files that its YAML names as secrets; NULL: none */
};

/* Reads a case. False with an error (CONFIG) that has file and line. */
bool case_read(const char *folder, struct arena *arena, struct case_files *files, struct error *error);
