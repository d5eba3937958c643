/* tls.h: what a TLS connection is made with: whose word counts, and who we are.
 *
 * Each file is in PEM, and NULL where the system's, or none, will do. Borrowed.
 */
#ifndef SLUICE_NET_TLS_H
#define SLUICE_NET_TLS_H

struct tls_files {
	const char *authorities; /* of those whose signature counts */
	const char *certificate; /* ours */
	const char *key;
};

#endif
