/* broker_release.h: Release of Kafka that a broker runs, as far as its protocol shows it.
 *
 * A broker lists the features that it supports, among them `metadata.version`, a number that grows with each minor
 * release. No field contains the patch release. librdkafka does not show features. So the broker is asked over a
 * connection of its own, before any login, plain or through TLS, as `security.protocol` says. A broker that does not
 * tell it, that is not reached, or that wants settings of TLS other than files in PEM, is of an unknown release.
 *
 * For commands: it waits, at most BROKER_RELEASE_WAIT_MS.
 */
#pragma once

#include "base/text.h"
#include "kafka/record.h"

#define BROKER_RELEASE_WAIT_MS 3000

/* The highest metadata.version that the first broker of the list which answers supports; 0: unknown. `brokers` is a
 * list of HOST:PORT, as bootstrap.servers. */
int broker_release_ask(const char *brokers, struct properties properties);

/* What is wrong with the releases of that metadata.version, in words that end with what to do; NULL: nothing is known. */
const char *broker_release_fault(int level);

/* The two halves of the question, pure: appends the request with its length; reads the response without its length. */
void broker_release_request(struct buffer *out);
int broker_release_read(struct text response);
