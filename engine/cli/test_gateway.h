/* test_gateway.h: `sluice test --gateway`: runs the collected cases in memory and then at a gateway, one after the other, and
 * reports the result of each. */
#ifndef SLUICE_CLI_TEST_GATEWAY_H
#define SLUICE_CLI_TEST_GATEWAY_H

#include "cli/testing.h"

/* CONFIG: the address is none. REMOTE: the gateway does not answer; the cases before it are reported. */
bool test_at_gateway(struct testing *testing, const char *url, struct error *error);

/* Prints, below the counts, how many lines of the cases a caller of a gateway cannot see. */
void test_gateway_end(const struct testing *testing);

#endif
