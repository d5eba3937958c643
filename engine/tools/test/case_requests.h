/* case_requests.h: Requests of a case as an engine gets them: to which pipeline each is sent, and with which id and headers,
 * as a gateway would write them. */
#pragma once

#include "tools/test/case.h"
#include "compiler/plan/plan.h"

struct case_send { /* one time that a line of in.jsonl is sent */
	const struct case_request *request;
	const char *pipeline;	     /* its name in an engine; NULL: there is none, as `refused` says */
	const struct error *refused; /* the answer of who sends it */
	const char *outputs;	     /* "PIPELINE.outputs": where its reply comes */
	struct text id;		     /* by which the engine knows it */
	struct headers headers;
	int64_t timeout_ms; /* from the time of sending; 0: none */
};

struct case_sends {
	size_t count;
	struct case_send *items;
	struct name_list models_asked; /* Models that requests are sent to by their names */
};

/* Finds the targets of all requests, by the files of the case. */
bool case_sends_make(struct case_sends *sends, const struct case_files *files, const struct spec *spec, struct arena *arena,
		     struct error *error);

/* Gives them ids and headers: by the pipelines of the plan, which are those of the same files. */
bool case_sends_fill(struct case_sends *sends, const struct plan *plan, struct arena *arena, struct error *error);

/* The headers of a request that is sent at that time of day: a timeout becomes a deadline, as the gateway writes it. */
bool case_send_headers(const struct case_send *send, int64_t now_ms, struct arena *arena, struct headers *headers);
