/* health_watches.h: Watches of a gateway's health over gRPC (grpc.health.v1.Health/Watch): a caller is sent the status at once, and
 * then each change of it. Private to the gRPC front end.
 *
 * A watch is a conversation of one message (net/grpc/grpc_server.h), which stays open until its caller leaves or the gateway stops.
  * Then it gets NOT_SERVING, and ends as UNAVAILABLE, by which clients watch another gateway. A service that is not known has the
   * status SERVICE_UNKNOWN, and its watch goes on, as the protocol asks.
 *
 * The status is looked at every HEALTH_WATCH_MS while there are watches. So changes are sent, and watches of callers that have left
 * forgotten, within that time. Anybody may watch, so each address has a share of the watches; beyond it, or beyond all, the call
 * ends as RESOURCE_EXHAUSTED, which Check never does.
 *
 * All belongs to the loop's thread.
 */
#pragma once

#include "base/list.h"
#include "net/grpc/grpc_server.h"
#include "net/peers.h"
#include "models/server/inference_proto.h"

#define HEALTH_WATCHES_MAX ((size_t)1024)
#define HEALTH_PEER_WATCHES_MAX (HEALTH_WATCHES_MAX / 4)
#define HEALTH_WATCH_MS 200

struct health_watches {
	struct loop *loop;
	struct list open;
	size_t count;
	struct peers peers;
	struct loop_timer timer;
	bool (*is_ready)(void *context);
	void *context;
	bool draining;
};

/* Whether requests for health may name that service; empty: the server as a whole. */
bool health_service_is_known(struct text service);

/* Appends a HealthCheckResponse. */
void health_status_write(enum health_serving status, struct buffer *out);

void health_watches_set_up(struct health_watches *watches, struct loop *loop, bool (*is_ready)(void *context), void *context);
void health_watches_close(struct health_watches *watches); /* open ones are forgotten; allowed when it is zeroed */

/* Begins a watch by a HealthCheckRequest, the first message of the stream. False: it is not the first. */
bool health_watch_begin(struct health_watches *watches, struct grpc_request *stream, struct text message);

/* Ends all watches, and each that begins later. */
void health_watches_drain(struct health_watches *watches);
