/* protection.h: Protection that the files ask for: `securityConfig` of every SeldonRuntime and SeldonConfig of a spec, together.
 * Pure.
 *
 * An engine has the settings of one SeldonRuntime, but a document that asks for protection is never ignored: a part is
 * wanted as soon as one of them wants it, though another one disables it.
 */
#pragma once

#include "compiler/resources/resource.h"

struct protection { /* texts and places are the spec's */
	struct security_part authentication, authorization, encryption;
	struct security_part other_keys; /* an authentication whose jwksUri is another one; wanted only if there is one */
};

/* Each part is that of the first document that wants it, with the file of the first that names one. */
struct protection spec_protection(const struct spec *spec);

/* Whether a SeldonRuntime or SeldonConfig asks for any. `runtime` NULL: false. */
bool runtime_wants_protection(const struct runtime_spec *runtime);
