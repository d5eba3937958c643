/* access_address_test.c: whom X-Forwarded-For is believed. */
#include "gateway/access/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct sockaddr_storage socket_of(const char *text)
{
	struct sockaddr_storage address = {.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};
	void *at = strchr(text, ':') ? (void *)&((struct sockaddr_in6 *)&address)->sin6_addr
				     : (void *)&((struct sockaddr_in *)&address)->sin_addr;
	assert_int_equal(inet_pton(address.ss_family, text, at), 1);
	return address;
}

static void the_last_address_that_is_no_proxy_is_the_caller(void **state)
{
	(void)state;
	static const struct {
		const char *peer, *forwarded, *found;
	} rows[] = {
		{"10.1.2.3", NULL, "10.1.2.3"},
		{"203.0.113.9", "198.51.100.1", "203.0.113.9"}, /* whoever is no proxy may write what it likes */
		{"10.1.2.3", "198.51.100.1", "198.51.100.1"},
		{"10.1.2.3", "192.0.2.66, 198.51.100.1", "198.51.100.1"}, /* the first was the caller's own claim */
		{"10.1.2.3", "198.51.100.1, 10.9.9.9", "198.51.100.1"},
		{"10.1.2.3", "198.51.100.1,\t10.9.9.9 ,10.8.8.8", "198.51.100.1"},
		{"10.1.2.3", "10.7.7.7, 10.9.9.9", "10.7.7.7"},
		{"10.1.2.3", "", "10.1.2.3"},
		{"10.1.2.3", "unknown", "10.1.2.3"},
		{"10.1.2.3", "198.51.100.1, ", "10.1.2.3"},
		{"10.1.2.3", "198.51.100.1, nonsense, 10.9.9.9", "10.9.9.9"},
		{"10.1.2.3", "198.51.100.1:8080", "198.51.100.1"},
		{"10.1.2.3", "[2001:db8:1:2:3:4:5:6]:567, 10.9.9.9:1", "2001:db8:1:2::"},
		{"10.1.2.3", "[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::"},
		{"10.1.2.3", "198.51.100.1:", "10.1.2.3"},
		{"10.1.2.3", "198.51.100.1:0", "10.1.2.3"},
		{"10.1.2.3", "198.51.100.1:65536", "10.1.2.3"},
		{"10.1.2.3", "198.51.100.1:x", "10.1.2.3"},
		{"10.1.2.3", ":80", "10.1.2.3"},
		{"10.1.2.3", "[198.51.100.1]:80", "10.1.2.3"},
		{"10.1.2.3", "[2001:db8::1", "10.1.2.3"},
		{"10.1.2.3", "[2001:db8::1]x:80", "10.1.2.3"},
		{"10.1.2.3", "[", "10.1.2.3"},
		{"10.1.2.3", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"}, /* a network is one caller */
		{"::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"},
		{"fd00::1", "198.51.100.1", "198.51.100.1"},
		{"fd00::2", "198.51.100.1", "fd00::"}, /* beside the one that is listed */
		{"11.1.2.3", "198.51.100.1", "11.1.2.3"},
	};
	struct network proxies[2];
	assert_true(network_read(TEXT("10.0.0.0/8"), &proxies[0]));
	assert_true(network_read(TEXT("fd00::1"), &proxies[1]));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sockaddr_storage peer = socket_of(rows[i].peer), expected = socket_of(rows[i].found);
		struct peer_address found = access_address_find(&peer, text_of(rows[i].forwarded), proxies, 2);
		struct peer_address wanted = peer_address_of(&expected);
		if (memcmp(&found, &wanted, sizeof found) != 0)
			fail_msg("row %zu", i);
	}
}

static void hops_have_a_limit(void **state)
{
	(void)state;
	struct network every;
	struct sockaddr_storage peer = socket_of("10.0.0.1"), last = socket_of("192.0.2.1"), before = socket_of("192.0.2.2");
	assert_true(network_read(TEXT("0.0.0.0/0"), &every));
	for (size_t hops = ACCESS_HOPS_MAX; hops <= ACCESS_HOPS_MAX + 1; hops++) {
		struct buffer list;
		buffer_open(&list, 4096);
		buffer_string(&list, "192.0.2.1");
		buffer_string(&list, ",192.0.2.2");
		for (size_t i = 2; i < hops; i++)
			buffer_string(&list, ",10.0.0.2");
		struct peer_address found = access_address_find(&peer, buffer_view(&list), &every, 1);
		struct peer_address wanted = peer_address_of(hops == ACCESS_HOPS_MAX ? &last : &before);
		assert_memory_equal(&found, &wanted, sizeof found);
		buffer_close(&list);
	}
}

static void networks_are_read_whole(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned bits; /* 0: refused */
	} rows[] = {
		{"10.0.0.0/8", 104}, {"10.0.0.1", 128}, {"10.0.0.1/32", 128}, {"0.0.0.0/0", 96}, {"fd00::/7", 0}, {"fc00::/7", 7},
		{"2001:db8::1", 128}, {"2001:db8::/128", 128},
		{"10.0.0.1/8", 0}, {"10.0.0.0/33", 0}, {"::1/129", 0}, {"10.0.0.0/", 0},
		{"10.0.0.0/8x", 0}, {"10.0.0.0/-1", 0}, {"10.0.0/8", 0}, {"", 0}, {"proxy.example", 0}, {"/8", 0},
		{"10.0.0.0/99999999999999999999", 0}, {"0.0.0.0/0/0", 0},
		{"1111:1111:1111:1111:1111:1111:1111:1111:1111", 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct network network = {.bits = 0};
		bool is_read = network_read(text_of(rows[i].text), &network);
		if (is_read != (rows[i].bits > 0) || (is_read && network.bits != rows[i].bits))
			fail_msg("%s: %u", rows[i].text, network.bits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_address_that_is_no_proxy_is_the_caller),
		cmocka_unit_test(hops_have_a_limit),
		cmocka_unit_test(networks_are_read_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
