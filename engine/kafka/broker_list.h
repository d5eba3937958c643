/* broker_list.h: Check of the addresses of brokers, as a user gives them: HOST:PORT, several joined by commas. Finds
 * those that librdkafka would ignore or change, after which a command waits for a Kafka that it never asks. Pure.
 */
#pragma once

#include "base/error.h"

/* CONFIG: there is no address, or one has no host, another port than 1 to 65535, a bracket that is not closed, or a
 * scheme that Kafka does not have. An address without a port, and a bare IPv6 address, have Kafka's port, 9092. */
bool broker_list_check(const char *brokers, struct error *error);
