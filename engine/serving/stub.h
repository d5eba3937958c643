/* stub.h: models that are not there: pure functions from a request to a reply.
 *
 * A stub stands for a model server in tests and in a user's own cases. It is named
 * by `stub://NAME?key=value&...` (values form-encoded: `+` is a blank), and resolved
 * to a row of the table in stub.c. `expression` is the stub that a user writes
 * himself: `stub://expression?OUTPUT=INPUT*2`; each key is a tensor of the reply.
 *
 * A stub keeps nothing between calls, so the same call gives the same reply, and any
 * thread may make it.
 */
#ifndef SLUICE_SERVING_STUB_H
#define SLUICE_SERVING_STUB_H

#include "message/message.h"
#include "step/expression.h"

#define STUB_SCHEME "stub://"

struct stub;

struct stub_option {
	struct text key;
	struct text value;		     /* decoded */
	const struct expression *expression; /* of `expression`, whose values are compiled; else NULL */
};

/* The stub that `uri` describes, in `arena`. NULL and a CONFIG error at `place` when
 * there is none of that name, or an option does not fit. */
const struct stub *stub_parse(struct arena *arena, const char *uri, struct place place, struct error *error);

/* The `expression` stub of options that are already apart: their expressions are
 * compiled by the caller. */
const struct stub *stub_of_expressions(struct arena *arena, const struct stub_option *options, size_t count);

bool stub_known(const char *name); /* `add10`, without scheme and options */

/* What comes back over the wire. */
struct stub_reply {
	int status;		       /* of HTTP */
	struct text words;	       /* status other than 200: of {"error": "..."} */
	const struct payload *payload; /* status 200; NULL: a broken `body` */
	struct text body;
	bool cut;	  /* the connection was closed before the body's end */
	bool silent;	  /* it never answers */
	int64_t delay_ms; /* before any of it */
};

/* `earlier` says how often this request was put to this model before. The reply lives
 * in `arena` and borrows from the request. False when the arena is full. */
bool stub_answer(const struct stub *stub, const struct payload *request, uint64_t earlier, struct arena *arena,
		 struct stub_reply *reply);

/* The rows, for help; ends with one without a name. */
struct stub_call;
struct stub_row {
	const char *name;
	const char *takes;
	const char *gives;
	void (*answer)(const struct stub_call *call, struct stub_reply *reply);
};
extern const struct stub_row stub_rows[];

#endif
