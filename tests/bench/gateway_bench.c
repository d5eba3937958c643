/* gateway_bench.c: Cost of a request in a gateway and a worker, apart from its protocol.
 *
 *   gateway_bench headers|skip|reply|address|memory|route|type ROUNDS
 *
 * `headers`: the four headers of a request's record are found and read. `skip`: one of them is looked for, by which a request that
 * was answered directly is skipped. `type`: the format of a request is found by its content type, the first and the last of the
 * table. `reply`: a model's reply by gRPC is read, FP32[1,16]. `address`: the address for a reply is written and read. `memory`: a
 * request and its reply pass between gateway and worker by memory, with the addresses that they have as headers. `route`: the route
 * of a path that was asked before is found twice, as for the head of a request and for all of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/rest.h"
#include "kafka/consume/header_block.h"
#include "message/formats/oip_protobuf.h"
#include "message/records/reply.h"
#include "engine/worker/direct_hub.h"

/* As Kafka keeps it (KIP-98): no key, a value of 10 bytes, 4 headers. */
static const char record[] = "\xf4\x01\x00\x08\x06\x01\x14"
			     "0123456789"
			     "\x08"
			     "\x18"
			     "content-type\x20"
			     "application/json\x02i\x10"
			     "12345678\x10"
			     "deadline\x1a"
			     "1791000000000\x18"
			     "sluice-reply\x38"
			     "3/0123456789abcdef/65537/one";

static bool headers_pass(struct arena *arena)
{
	const struct text value = {memchr(record, '0', sizeof record), 10};
	struct text block;
	struct headers headers;
	arena_reset(arena);
	return header_block_find((struct text){0}, value, &block) && header_block_read(block, arena, &headers) &&
	       headers.count == 4;
}

static bool skip_pass(void)
{
	const struct text value = {memchr(record, '0', sizeof record), 10};
	struct text block, found;
	return header_block_find((struct text){0}, value, &block) &&
	       header_block_value(block, TEXT(REPLY_ANSWERED_HEADER), &found) && !found.bytes;
}

static bool route_pass(void)
{
	static struct rest rest;
	char allowed[100];
	for (int i = 0; i < 2; i++) {
		struct rest_request request = {.rest = &rest};
		if (!rest_route_find(TEXT("POST"), TEXT("/v2/pipelines/one/infer"), &request, allowed, sizeof allowed) ||
		    !text_is(request.name, "one"))
			return false;
	}
	return true;
}

static bool type_pass(void)
{
	return format_of_content_type(TEXT("application/json")) == &format_oip_json &&
	       format_of_content_type(TEXT("application/vnd.seldon.v1+protobuf")) == &format_seldon_protobuf;
}

/* A ModelInferResponse of a name, a version, an id, a tensor and its raw contents of 64 bytes. */
static const char reply_bytes[] = "\x0a\x06link-a\x12\x01"
				  "1\x1a\x08"
				  "12345678\x2a\x0d\x0a\x01x\x12\x04"
				  "FP32\x1a\x02\x01\x10\x32\x40"
				  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static bool reply_pass(struct arena *arena)
{
	struct payload payload;
	struct error error = {0};
	arena_reset(arena);
	return oip_response_decode((struct text){reply_bytes, sizeof reply_bytes - 1}, arena, &payload, NULL, &error) &&
	       payload.tensors.count == 1 && payload.tensors.items[0]->count == 16;
}

static bool address_pass(uint64_t call)
{
	const struct reply_address address = {.partition = 3,
					      .epoch = UINT64_C(0x0123456789abcdef),
					      .secret = TEXT("fedcba9876543210"),
					      .call = call,
					      .pipeline = TEXT("one")};
	struct reply_address read;
	char out[REPLY_ADDRESS_BYTES_MAX];
	const size_t length = reply_address_write(&address, out);
	return reply_address_read((struct text){out, length}, &read) && read.call == call;
}

static bool memory_pass(struct direct_hub *hub, struct direct_port *port)
{
	const struct header items[] = {{TEXT("content-type"), TEXT("application/json")},
				       {TEXT(REPLY_HEADER), TEXT("3/0123456789abcdef/65537/one")}};
	const struct direct_request request = {.pipeline = TEXT("one"), .value = TEXT("[21]"), .headers = {2, items}};
	const struct outgoing reply = {.value = TEXT("[42]"), .headers = {2, items}};
	if (direct_hub_send(hub, &request) != DIRECT_SENT)
		return false;
	direct_message_close(direct_port_take(port));
	if (!direct_hub_reply(hub, port, &reply))
		return false;
	direct_message_close(direct_hub_take(hub));
	return true;
}

enum pass { PASS_HEADERS, PASS_SKIP, PASS_REPLY, PASS_ADDRESS, PASS_MEMORY, PASS_ROUTE, PASS_TYPE, PASSES };

static const char *const pass_names[PASSES] = {"headers", "skip", "reply", "address", "memory", "route", "type"};

int main(int count, char **words)
{
	static const char *const pipelines[] = {"one"};
	struct error error = {0};
	unsigned pass = 0;
	while (count == 3 && pass < PASSES && strcmp(words[1], pass_names[pass]) != 0)
		pass++;
	if (count != 3 || pass == PASSES) {
		fprintf(stderr, "usage: gateway_bench headers|skip|reply|address|memory|route|type ROUNDS\n");
		return 2;
	}
	struct arena *arena = arena_open(1 << 20);
	struct direct_hub *hub = direct_hub_open(&error);
	struct direct_port *port = hub ? direct_port_open(hub) : NULL;
	bool good = arena && port;
	if (good)
		direct_port_serve(port, pipelines, 1);
	for (long i = 0, rounds = strtol(words[2], NULL, 10); good && i < rounds; i++)
		good = pass == PASS_HEADERS   ? headers_pass(arena)
		       : pass == PASS_SKIP    ? skip_pass()
		       : pass == PASS_REPLY   ? reply_pass(arena)
		       : pass == PASS_ADDRESS ? address_pass((uint64_t)i + 100000)
		       : pass == PASS_MEMORY  ? memory_pass(hub, port)
		       : pass == PASS_ROUTE   ? route_pass()
					      : type_pass();
	direct_port_close(port);
	direct_hub_close(hub);
	arena_close(arena);
	if (!good)
		fprintf(stderr, "gateway_bench: a round went wrong\n");
	return good ? 0 : 1;
}
