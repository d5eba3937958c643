/* call_form.h: Protocol and method of a model call when the model's address does not decide them. Option rows, shared
 * by the kinds that call models. An address whose path belongs to a protocol overrides these rows. */
#pragma once

#include "base/option.h"

enum call_protocol { CALL_BY_V2, CALL_BY_SELDON, CALL_BY_TENSORFLOW };
#define CALL_PROTOCOLS "v2 seldon tensorflow"

/* Of a Seldon Core v1 component; the other protocols have `predict` only. */
enum call_method { CALL_PREDICT, CALL_TRANSFORM_INPUT, CALL_TRANSFORM_OUTPUT, CALL_ROUTE, CALL_AGGREGATE };
#define CALL_METHODS "predict transform-input transform-output route aggregate"

struct call_form {
	int protocol; /* enum call_protocol */
	int method;   /* enum call_method */
};

#define CALL_FORM_ROWS(struct_type, member)                                                                                        \
	ROW("protocol", CHOICE, struct_type, member.protocol, .choices = CALL_PROTOCOLS, .fallback = "v2",                         \
	    .help = "The protocol of its REST calls, if its address does not state it."),                                          \
		ROW("method", CHOICE, struct_type, member.method, .choices = CALL_METHODS, .fallback = "predict",                  \
		    .help = "With `protocol: seldon`: which method of the component is called.")
