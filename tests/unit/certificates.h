/* Certificates for tests of TLS, made anew in a folder of their own: of an authority, of a
 * server (127.0.0.1, localhost) and of a client that it has signed, of a server with another
 * name, and of a stranger that has signed itself. */
#ifndef TESTS_UNIT_CERTIFICATES_H
#define TESTS_UNIT_CERTIFICATES_H

#include "net/tls.h"

#define CERTIFICATE_PATH 128

enum certificate { CERTIFICATE_AUTHORITY, CERTIFICATE_SERVER, CERTIFICATE_CLIENT, CERTIFICATE_ELSEWHERE, CERTIFICATE_STRANGER };
#define CERTIFICATES (CERTIFICATE_STRANGER + 1)

struct certificates {
	char folder[64];
	char certificate[CERTIFICATES][CERTIFICATE_PATH]; /* paths of files in PEM */
	char key[CERTIFICATES][CERTIFICATE_PATH];
};

void certificates_make(struct certificates *certificates);
void certificates_remove(struct certificates *certificates);

/* Who we are, and whose word counts; none of either: CERTIFICATES. */
struct tls_files certificates_files(const struct certificates *certificates, enum certificate ours, enum certificate authority);

#endif
