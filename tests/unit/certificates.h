/* Certificates for tests of TLS, made anew in a folder of their own: of an authority, of a
 * server (127.0.0.1, localhost) and of a client that it has signed, of a server with another
 * name, of a workload with a URI, of one with two, of one whose URI looks like a subject, and of a
 * stranger that has signed itself. */
#pragma once

#include "net/tls.h"

#define CERTIFICATE_PATH 128

enum certificate {
	CERTIFICATE_AUTHORITY,
	CERTIFICATE_SERVER,
	CERTIFICATE_CLIENT,
	CERTIFICATE_ELSEWHERE,
	CERTIFICATE_WORKLOAD,
	CERTIFICATE_WORKLOADS,
	CERTIFICATE_PRETENDER,
	CERTIFICATE_STRANGER
};
#define CERTIFICATES (CERTIFICATE_STRANGER + 1)

struct certificates {
	char folder[64];
	char certificate[CERTIFICATES][CERTIFICATE_PATH]; /* paths of files in PEM */
	char key[CERTIFICATES][CERTIFICATE_PATH];
	char revoked[CERTIFICATE_PATH]; /* "": nothing was revoked yet */
};

void certificates_make(struct certificates *certificates);
void certificates_remove(struct certificates *certificates);

/* Writes a list of what an authority has revoked into the folder: one certificate, or CERTIFICATES for none. It ends that many
 * seconds from now. */
void certificates_revoke(struct certificates *certificates, enum certificate authority, enum certificate which, long seconds);

/* Who we are, and whose word counts; none of either: CERTIFICATES. */
struct tls_files certificates_files(const struct certificates *certificates, enum certificate ours, enum certificate authority);
