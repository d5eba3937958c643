/* stub.h: Stub models: pure functions from a request to a reply, without a server.
 *
 * A stub replaces a model server in tests and in a user's cases. Its name is `stub://NAME?key=value&...`
 * (values form-encoded: `+` is a space), which selects a row of the table in stub.c. The stub `expression` is
 * written by the user: in `stub://expression?OUTPUT=INPUT*2` each key is a tensor of the reply.
 *
 * A stub keeps no state between calls, so the same call gives the same reply, and any thread may call it.
 */
#pragma once

#include "message/message.h"
#include "compiler/expression/expression.h"

#define STUB_SCHEME "stub://"

struct stub;

struct stub_option {
	struct text key;
	struct text value;		     /* decoded */
	const struct expression *expression; /* of the stub `expression`, also behind another, compiled; else NULL */
};

/* The stub that `uri` describes, in `arena`. NULL and a CONFIG error at `place`: there is no stub of that name,
 * or an option is not valid. */
const struct stub *stub_parse(struct arena *arena, const char *uri, struct place place, struct error *error);

/* The `expression` stub of options that are parsed already; the caller has compiled their expressions. */
const struct stub *stub_of_expressions(struct arena *arena, const struct stub_option *options, size_t count);

bool stub_known(const char *name); /* `add10`, without scheme and options */

/* The reply as a server would send it. */
struct stub_reply {
	int status;		       /* of HTTP */
	struct text words;	       /* status not 200: text of {"error": "..."} */
	const struct payload *payload; /* status 200; NULL: an invalid `body` */
	struct text body;
	bool cut;	  /* the connection closes before the body's end */
	bool silent;	  /* it never answers */
	int64_t delay_ms; /* before the reply */
};

/* Answers a request. `earlier` is the number of earlier calls of this model with this request. The reply lives
 * in `arena` and borrows from the request. False: the arena is full. */
bool stub_answer(const struct stub *stub, const struct payload *request, uint64_t earlier, struct arena *arena,
		 struct stub_reply *reply);

/* The rows, for help; the last has no name. */
struct stub_call;
struct stub_row {
	const char *name;
	const char *takes;
	const char *gives;
	void (*answer)(const struct stub_call *call, struct stub_reply *reply);
};
extern const struct stub_row stub_rows[];
