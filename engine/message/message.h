/* message.h: one request on its way: its envelope, and what it carries.
 *
 * The envelope (id, key, time, headers, origin) stays the same from the topic it
 * came from to the answer that leaves. The payload (tensors, parameters, marks) is
 * what steps read and make; a step never changes one, it makes another that shares
 * most tensors with it.
 *
 * All of it lives in the message's arena, and so do the answers made for it, until
 * it is released. One worker owns a message.
 */
#ifndef SLUICE_MESSAGE_MESSAGE_H
#define SLUICE_MESSAGE_MESSAGE_H

#include "message/tensor.h"

struct header {
	struct text name;
	struct text value;
};

struct headers {
	size_t count;
	const struct header *items;
};

const struct header *headers_find_last(struct headers headers, struct text name);

/* The last header of that name, compared without case; NULL when there is none. */
static inline const struct header *headers_find(struct headers headers, struct text name)
{
	return headers.count > 0 ? headers_find_last(headers, name) : NULL;
}

/* Where the message stood: what makes it unique, also when two share an id. */
struct origin {
	struct text topic;
	int32_t partition;
	int64_t offset;
};

struct tensors {
	size_t count;
	const struct tensor *const *items;
};

/* The first tensor of that name; NULL when there is none. */
static inline const struct tensor *tensors_find(struct tensors tensors, struct text name)
{
	for (size_t i = 0; i < tensors.count; i++)
		if (text_equal_short(tensors.items[i]->name, name))
			return tensors.items[i];
	return NULL;
}

/* A mark of this name, and that of a header behind it, leaves as a header of the answer:
 * one text. */
#define MARK_OF_HEADER "header:"

struct replier; /* message/provenance.h */

struct payload {
	struct tensors tensors;
	struct tensors marks; /* named scalars that travel along and are never sent to a model */
	struct parameters parameters;
	struct text model_name; /* who answered; empty for requests and pipelines */
	const struct text *model_version; /* NULL: none */
	const struct replier *replier; /* whose replies it is made of (message/provenance.h); NULL: of none */
};

/* The version of the model that answered; empty: none is known. The second does nothing where it is empty. */
static inline struct text payload_version(const struct payload *payload)
{
	return payload->model_version ? *payload->model_version : (struct text){NULL, 0};
}
void payload_set_version(struct payload *payload, struct arena *arena, struct text version);

/* INPUT for the first tensor whose name is empty or, unless `repeat`, another's too. Takes room for a table from the arena. */
bool tensors_check_names(struct tensors tensors, bool repeat, struct arena *arena, struct error *error);

/* A list of tensors being built in an arena; room doubles. */
struct tensors_builder {
	struct arena *arena;
	const struct tensor **items;
	size_t count;
	size_t capacity;
};

void tensors_begin(struct tensors_builder *builder, struct arena *arena, size_t expected);
void tensors_add(struct tensors_builder *builder, const struct tensor *tensor); /* nothing when the arena is full */
/* In the place of the first of its name, else added. */
void tensors_put(struct tensors_builder *builder, const struct tensor *tensor);
struct tensors tensors_end(const struct tensors_builder *builder);

struct format;	/* message/format.h */
struct carried; /* message/carried.h */
struct line;	/* flow/flow.h */
struct write;	/* state/store.h */
struct offspring; /* flow/flow.h */

/* What a v1 SeldonMessage had that its answer must show again. */
enum seldon_form { SELDON_NONE, SELDON_NDARRAY, SELDON_TENSOR, SELDON_TEXT, SELDON_BINARY, SELDON_JSON };

/* Outputs by name. */
struct tensors_wanted {
	size_t count;
	const struct text *names;
};

struct message {
	struct arena *arena;
	struct text id;		/* header x-request-id, else the payload's id, else the origin written out */
	struct text payload_id; /* the payload's own id: goes back in the answer; length 0 and NULL bytes when it had none */
	struct text key;	/* bytes NULL: no key */
	int64_t time_ms;	/* event time */
	int64_t deadline_ms;	/* absolute; 0: none */
	struct origin origin;
	struct headers headers;
	struct payload payload; /* the request */
	struct tensors_wanted wanted; /* outputs the request asked for; count 0: all */
	bool wanted_binary;	     /* binary_data_output of the request */
	const bool *wanted_each;     /* for each name of `wanted`: as binary data; NULL: as wanted_binary says */
	const struct format *format; /* in which it came; the answer leaves so */
	bool names_repeat;	     /* a call of an engine: a join may send two tensors of one name; before it is decoded */
	bool copied;		     /* nobody waits for its answer: what it asks of models is asked once */
	bool v1_columns;	     /* a V1 request that came as `inputs`: its answer has `outputs` */
	enum seldon_form seldon_form;
	struct text seldon_meta; /* the request's `meta`, as JSON; empty: none */
	struct line *line;       /* in whose order stateful steps take it; NULL: there are none */
	struct write *writes;	 /* what those steps remember because of it and its offspring, until it is released */
	struct message *parent;	 /* whose offspring it is, in the same arena; NULL: nobody's */
	/* When it has finished as FLOW_PARTED: those that answer instead of it, in their order. */
	const struct offspring *offspring;
	/* In a later stage of its pipeline: what earlier ones made of it. NULL in the first. */
	const struct carried *carried;
};

/* A copy off the path (`copied`), with that payload, which borrows from nothing but its own
 * arena. It asks for all outputs, and stands in no line. NULL: the arena is full. */
struct message *message_copy(struct arena *arena, const struct message *message, const struct payload *payload);

/* The one that was taken, of all that came of it. */
static inline struct message *message_root(const struct message *message)
{
	while (message->parent)
		message = message->parent;
	return (struct message *)(uintptr_t)message; /* as it was taken: its owner's to change */
}

/* What leaves for one message: a payload, or an error. */
struct answer {
	const struct payload *payload; /* NULL: `error` says why */
	const struct error *error;
	const char *step;  /* at which it failed; NULL: before or behind all of them */
	unsigned attempts; /* of that step; 0: it asked nobody */
	int64_t outage_ms; /* when its steps last waited for a model that could not be reached, by their flow's clock; 0: never */
	/* Where to say how many bytes of the body are JSON when binary data follows it, 0
	 * when none does: the value of the header Inference-Header-Content-Length. NULL
	 * when the caller sends no headers: then no answer has binary data. */
	size_t *header_length;
};

/* The tensors of an answer's payload that the request asked for, in the payload's
 * order: all of them when it named none. INPUT when it named one that is not there. */
bool answer_select_wanted(const struct message *message, const struct payload *payload, struct tensors *selected,
			  struct error *error);

#endif
