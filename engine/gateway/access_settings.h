/* access_settings.h: What a SeldonRuntime's securityConfig asks of a gateway, beside what options give it. Pure.
 *
 * Options go before the file: a key set or policies that they name stand in for those of the file. A ConfigMap is nothing that can
 * be read here, so its policies must come from a file that an option names. Protection that is asked for and cannot be given is an
 * error, and nobody listens.
 */
#ifndef SLUICE_GATEWAY_ACCESS_SETTINGS_H
#define SLUICE_GATEWAY_ACCESS_SETTINGS_H

#include "gateway/access.h"
#include "spec/resource.h"

/* Fills in what `settings`, filled in by options, leaves open; what is not said of tokens gets every algorithm and
 * JWT_SKEW_MS_DEFAULT. `has_tls`: whoever listens has a certificate. False: CONFIG, with the place in the file. */
bool access_settings_complete(struct access_settings *settings, const struct runtime_spec *runtime, bool has_tls,
			      struct error *error);

#endif
