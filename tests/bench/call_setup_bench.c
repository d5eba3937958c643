/* call_setup_bench.c: Cost of the check of a request's headers in a gateway, before its body is read.
 *
 *   call_setup_bench rest|none ROUNDS
 *
 * `rest`: a request of Python's requests, of 9 headers, of which three steer it. `none`: the loop around nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/calls/call_setup.h"
#include "net/http/http_head.h"

static const char request[] = "POST /v2/models/m/infer HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: python-requests/2.31\r\n"
			      "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-Length: 112\r\n"
			      "Content-Type: application/json\r\nx-request-id: 12345678\r\nx-timeout-ms: 2000\r\n\r\n";

static bool request_read(struct http_head *head)
{
	static struct http_head_scan scan;
	static char bytes[sizeof request];
	http_head_scan_begin(&scan);
	memcpy(bytes, request, sizeof request);
	return http_head_find_end(&scan, (struct text){bytes, sizeof bytes - 1}) == HTTP_HEAD_WHOLE &&
	       http_head_read(head, &scan, bytes);
}

static bool line_next(const void *head, size_t *place, struct text *name, struct text *value)
{
	return http_head_next(head, place, name, value);
}

int main(int count, char **words)
{
	static const struct gateway_targets targets;
	static struct http_head head;
	const struct call_lines lines = {.next = line_next, .context = &head, .repeated = head.repeated};
	struct call_refusal refusal;
	if (count != 3) {
		fprintf(stderr, "usage: call_setup_bench rest|none ROUNDS\n");
		return 2;
	}
	bool good = request_read(&head);
	const bool checks = strcmp(words[1], "none") != 0;
	for (long i = 0, rounds = strtol(words[2], NULL, 10); good && i < rounds; i++)
		good = !checks || call_headers_check(&lines, &targets, &refusal);
	if (!good)
		fprintf(stderr, "call_setup_bench: a round went wrong\n");
	return good ? 0 : 1;
}
