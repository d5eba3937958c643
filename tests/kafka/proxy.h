/* proxy.h: Commands of a program to proxy.c, on its port of control. */
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include "tests/kafka/program.h"

/* A socket to the proxy's port of control. */
static inline int proxy_open(const char *port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					    .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	int control = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(control, (const struct sockaddr *)&address, sizeof address))
		die("no proxy is there: port %s", port);
	return control;
}

/* Says a line, and waits until it has been done. */
__attribute__((format(printf, 2, 3))) static inline void proxy_tell(int control, const char *format, ...)
{
	char line[64], reply[8];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (send(control, line, (size_t)length, 0) != length || recv(control, reply, sizeof reply, 0) <= 0)
		die("the proxy does not answer: %s", line);
}
