/* grpc_server_parts.h: Shared parts of the gRPC server. Private to its files:
 *
 *   grpc_server.c   the server: limits, opening, drain and close
 *   grpc_server_connection.c   one connection: accepted, supervised, drained, lost
 *   grpc_server_half_close.c   one whose caller has ended its side
 *   grpc_server_request.c  one call on it: its head and its message
 *   grpc_server_answer.c   its answer
 *   grpc_server_fields.c   metadata of a call, in both directions
 *   grpc_server_conversation.c  a call of several messages
 *   grpc_server_port.c     a port that is shared with an HTTP server
 *
 * A request has two holders: the connection, from its first header to the end of its stream, and the application,
 * from `called` to its answer. It returns to the pool when both have released it. Data is sent once a turn, by the
 * server's one timer.
 */
#pragma once

#include "base/list.h"
#include "net/acceptor.h"
#include "net/http/body_coder.h"
#include "net/grpc/frame_debt.h"
#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_server_coding.h"
#include "net/grpc/grpc_wire.h"
#include "net/grpc/http2.h"
#include "net/http/http_head.h"
#include "net/http/refusal.h"

#define GRPC_CROWDED "too many messages at once; call again later"
#define GRPC_SHORT_WORDS "the message is shorter than its prefix says"
#define GRPC_UNREAD_WORDS "no memory for the answer, as callers do not read theirs; call again later"
#define GRPC_STATUS_NONE (-1)
#define GRPC_TURN_MESSAGES_MAX ((size_t)128) /* of conversations, in a turn: others wait meanwhile */

enum grpc_fit { GRPC_UNMEASURED, GRPC_FITS, GRPC_RESET };

struct grpc_request {
	struct grpc_server *server;
	struct grpc_caller *caller; /* NULL: the connection is gone */
	bool on_wire;
	struct list_node node; /* in the list of its caller, in `abandoned` of the server when that is gone, or in the pool */
	int32_t id;
	size_t open; /* messages that were passed to the application, and are not answered yet: one of a unary call */
	bool over;   /* nothing more can be sent */
	/* Received: */
	bool is_post, is_head, is_grpc;
	bool has_other_codec; /* than protobuf */
	struct buffer path; /* at most HTTP_TARGET_BYTES_MAX */
	struct buffer metadata; /* names and values in turn, each with a NUL; failed: they are too long or too many */
	size_t metadata_count;	/* of entries, if there is any; likewise: */
	uint64_t metadata_seen, metadata_repeated; /* names with a number that it has, and has more than once: a bit for each */
	struct grpc_intake intake;
	enum grpc_coding coding; /* of its message, if that says so */
	struct buffer body;
	struct body_unpacking unpacking; /* of it */
	struct body_packing packing;	 /* of the answer's message */
	struct body_charge charge; /* of the budget of bodies */
	size_t head_bytes;	   /* part of the charge that is for path and metadata */
	size_t unwidened_bytes;	   /* that were taken, and by which the window was not widened yet */
	int64_t began_ms;	   /* its head; of a conversation, its last message */
	int64_t timeout_ms; /* -1: none */
	bool has_bad_timeout; /* grpc-timeout is no time */
	struct loop_timer deadline;
	bool waits_for_end; /* it is answered, and `deadline` is that of its end */
	/* The answer, with its prefix, and the position up to which it was passed to nghttp2: */
	struct buffer answer;
	size_t offset;
	bool pending;	      /* it has bytes, and counts in the caller's `answering` */
	int64_t moved_ms;     /* since when none of it was sent, if it has bytes */
	enum grpc_fit fit;    /* in the windows that its caller left, if that has ended its side */
	struct buffer fields; /* metadata before it, as `metadata` */
	/* A request of HTTP that is no call: */
	bool is_http;
	char method[HTTP_METHOD_BYTES_MAX + 2]; /* one byte more than may be is kept, so that it is refused */
	struct http_inbound *exchange; /* NULL: it has ended */
	bool in_chunks; /* as its body is given */
	bool has_responded;
	/* A conversation: */
	bool converses;
	bool responded; /* its first answer was submitted */
	bool has_ended; /* its caller has sent all messages */
	bool packs;	/* its answers are compressed, if they are long */
	bool is_taking; /* messages are being passed on: what this causes is seen to after that */
	int end_status; /* its final status, which follows the answers to open messages unless it is `over`; GRPC_STATUS_NONE */
	const char *end_words; /* constant */
	struct buffer backlog; /* bytes that wait, and the position up to which they were taken */
	size_t taken;
	size_t open_bytes;		/* of open messages */
	struct list_node continue_node; /* in the server's list */
};

/* Whether the server decompresses its message, or compresses its answer. */
static inline bool grpc_is_coding(const struct grpc_request *request)
{
	return body_unpack_is_running(&request->unpacking) || body_pack_is_running(&request->packing);
}

enum grpc_leaving { GRPC_STAYS, GRPC_NOTICED, GRPC_LEAVES }; /* noticed: it was sent a shutdown notice; new calls still count */

struct grpc_caller {
	struct http2 http2;
	struct grpc_server *server;
	struct grpc_caller *next, *previous;
	struct list requests;	       /* on the wire, or held by the application */
	struct peer *peer, *body_peer; /* entries of its address in the acceptor and in the budget of bodies */
	struct grpc_request *heading;  /* whose head is decoded; NULL: none, or it has left the wire */
	char malformed[112];	       /* what is wrong with a field of that head, which HTTP forbids; "": nothing */
	size_t on_wire;	  /* number of requests whose streams are open */
	size_t held;	  /* number of its requests that the application holds */
	size_t answering; /* number of answers that are not completely sent */
	size_t unwidened_bytes; /* as of a request */
	enum grpc_leaving leaving;
	bool dirty; /* the session may have data to send */
	struct loop_timer tend;
	int64_t heard_ms;  /* time of the last data received */
	int64_t moved_ms;  /* time when data of an answer was last sent */
	int64_t pinged_ms; /* 0: no ping is unanswered */
	int64_t ended_ms;  /* time when it ended its side, if it did; from then on `heard_ms` is the time of the last probe */
	char first[3];	   /* bytes, by which the protocol of a shared port is known */
	size_t first_count;
};

struct grpc_server {
	struct loop *loop;
	struct grpc_server_config config;
	struct ssl_ctx_st *tls;
	nghttp2_session_callbacks *callbacks;
	struct acceptor acceptor;
	struct frame_debts debts; /* of peers */
	struct grpc_caller *callers;
	struct list abandoned;	/* requests that the application holds, whose callers are gone */
	struct list pool;	/* of requests */
	struct list continuing; /* conversations whose backlogs can be taken */
	size_t turn_messages;	/* of conversations, that were passed on since the last turn */
	size_t pooled;
	size_t called;	   /* calls that are not answered */
	size_t held_bytes; /* of messages that were received */
	struct random ids; /* of requests that are refused, and have none */
	struct loop_timer now;
	bool awake; /* `now` is due at once */
	bool draining;
	struct body_coder coder;
	char room[64 << 10]; /* into which all connections read */
};

/* ---- grpc_server_connection.c ---- */

void grpc_server_wake(struct grpc_server *server);		       /* its next turn is due at once */
void grpc_caller_mark_dirty(struct grpc_caller *caller);	       /* it is flushed in the next turn */
void grpc_caller_accept(void *context, int socket, struct peer *peer); /* takes the socket; called by the server's acceptor */
void grpc_caller_end(struct grpc_caller *caller);
void grpc_caller_flush(struct grpc_caller *caller);  /* sends pending data, and closes it when it is over: then it is freed */
void grpc_caller_drain(struct grpc_caller *caller);  /* may also close it */
void grpc_caller_leaves(struct grpc_caller *caller); /* the notice has arrived: no new calls from now on */

/* ---- grpc_server_half_close.c ---- */

/* The caller has ended its side. Whole requests are answered from now on, and the others are reset. False: it awaits nothing, and
 * is to be ended. */
bool grpc_half_close_begin(struct grpc_caller *caller);

/* Resets answers that do not fit the windows that are left; called before each flush of such a caller. */
void grpc_half_close_measure(const struct grpc_caller *caller);

/* Announces the end of the connection when nothing is left to be sent; called after each flush. */
void grpc_half_close_finish(struct grpc_caller *caller);

/* Supervises it, at times that it says. False: it has not read for too long, or waited too long, and is to be ended. */
bool grpc_half_close_tend(struct grpc_caller *caller);
int64_t grpc_half_close_tend_at(const struct grpc_caller *caller);

/* ---- grpc_server_port.c ---- */

enum grpc_port_verdict { GRPC_PORT_HTTP2, GRPC_PORT_LATER, GRPC_PORT_BROKEN, GRPC_PORT_HTTP1 };

/* Reads the first bytes of an established connection. GRPC_PORT_HTTP1: the HTTP server has the link and the peer. */
enum grpc_port_verdict grpc_port_look(struct grpc_caller *caller, struct error *error);

/* The head of a request that is no call has come, and `is_end`: so has its body. */
void grpc_port_begin(struct grpc_request *request, bool is_end);
void grpc_port_give(struct grpc_request *request, struct text bytes); /* of its body */
void grpc_port_end(struct grpc_request *request);		       /* of its body */

void grpc_port_leave(struct grpc_request *request);		       /* the stream is gone */

/* ---- grpc_server_request.c ---- */

/* The application has one more of its messages. */
void grpc_request_hold(struct grpc_request *request);

/* The application has one less. After the last one it returns to the pool, unless it is on the wire. */
void grpc_request_release(struct grpc_request *request);

void grpc_request_set_up_callbacks(nghttp2_session_callbacks *callbacks);
void grpc_request_leave_wire(struct grpc_request *request); /* its stream, or its connection, is gone */
void grpc_request_give(struct grpc_request *request);	    /* frees its memory */

/* Ends a call that the server refuses before the application has it, as grpc_conversation_end(), and has it counted. */
void grpc_request_shed(struct grpc_request *request, int status, const char *words);

/* Ends a call of which a message cannot be taken. */
void grpc_request_refuse_message(struct grpc_request *request, enum grpc_intake_fault fault);

/* The message is whole, and not compressed. */
void grpc_request_call(struct grpc_request *request);

/* Empties a buffer, and frees its memory if it is much. */
void grpc_buffer_empty(struct buffer *buffer);

/* ---- grpc_server_answer.c ---- */

/* Copies what is left of the answer, which is not empty, to `room`, as far as it fits, and returns how many bytes that are. */
static inline size_t grpc_answer_copy(struct grpc_request *request, struct grpc_caller *caller, uint8_t *room, size_t size)
{
	const size_t left = request->answer.length - request->offset, now = left < size ? left : size;
	memcpy(room, request->answer.bytes + request->offset, now);
	request->offset += now;
	request->moved_ms = caller->moved_ms = loop_now_ms(caller->http2.loop);
	return now;
}

/* Refuses a call that has no answer yet. Adds the kind of the error, its place and the request's id to the metadata, unless
 * they are there. */
void grpc_request_refuse(struct grpc_request *request, int status, struct text words);

/* Answers as http_incoming_refuse() does. Nothing was answered yet, and `answer` is not in use. */
void grpc_request_refuse_as_http(struct grpc_request *request, struct http_refusal refusal);

/* Sends an answer, with its message as it is, or compressed. */
void grpc_answer_send(struct grpc_request *request, struct text coded, bool is_packed);

/* The answer has left before the request's end. Waits for that, since clients and proxies lose the answer of a stream that is reset
 * while they send. Drops what has come, and what comes. False: it is a conversation, too much is announced, or half of the caller's
 * streams are open. When the wait has lasted too long, grpc_answer_end_wait() resets the stream. */
bool grpc_answer_wait_for_end(struct grpc_request *request);
void grpc_answer_end_wait(struct grpc_request *request);

/* ---- grpc_server_fields.c ---- */

/* What a request's metadata, or its headers of HTTP, have too much of, as "more than 128 entries". Their buffer has failed. */
#define GRPC_EXCESS_BYTES 40
void grpc_metadata_excess_write(const struct grpc_request *request, char words[GRPC_EXCESS_BYTES]);

void grpc_fields_append(struct buffer *fields, struct text name, struct text value);

bool grpc_fields_have(const struct buffer *fields, struct text name);

/* Writes them as pairs, which borrow; at most GRPC_FIELDS_MAX. */
size_t grpc_fields_pairs(const struct buffer *fields, nghttp2_nv *pairs);

/* ---- grpc_server_conversation.c ---- */

/* Reads bytes of a conversation, and passes each complete message on. */
void grpc_conversation_take(struct grpc_request *request, const uint8_t *bytes, size_t count);

/* The present message is decompressed: passes it on, and takes more. Or it cannot be: ends the conversation with that status. */
void grpc_conversation_unpacked(struct grpc_request *request, int status);

/* Charges the budget of bodies for all that the conversation holds. False: it has no memory for that. */
bool grpc_conversation_is_charged(struct grpc_request *request);

/* Takes more of the backlog. */
void grpc_conversation_continue(struct grpc_request *request);

/* The caller has sent all: the conversation ends when all is answered. */
void grpc_conversation_half_close(struct grpc_request *request);

/* Ends a unary call or a conversation at once, unless it is over. If a conversation has already answered, `words` must be
 * constant. */
void grpc_conversation_end(struct grpc_request *request, int status, const char *words);
