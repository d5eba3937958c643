/* certificates.c: see certificates.h. */
#include "tests/unit/certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_SECONDS 86400

static const struct {
	const char *name, *others;
} rows[CERTIFICATES] = {
	[CERTIFICATE_AUTHORITY] = {"authority", NULL},
	[CERTIFICATE_SERVER] = {"server", "IP:127.0.0.1,DNS:localhost"},
	[CERTIFICATE_CLIENT] = {"client", NULL},
	[CERTIFICATE_ELSEWHERE] = {"elsewhere", "DNS:elsewhere.example"},
	[CERTIFICATE_WORKLOAD] = {"workload", "DNS:workload.example,URI:spiffe://example/batch"},
	[CERTIFICATE_WORKLOADS] = {"workloads", "URI:spiffe://example/batch,URI:spiffe://example/other"},
	[CERTIFICATE_PRETENDER] = {"pretender", "URI:CN=client"},
	[CERTIFICATE_STRANGER] = {"stranger", "IP:127.0.0.1,DNS:localhost"},
};

static void add(X509 *certificate, int what, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, what, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *sign(enum certificate which, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1 + (long)which);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_SECONDS);
	X509_gmtime_adj(X509_getm_notAfter(certificate), DAY_SECONDS);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)rows[which].name, -1, -1, 0);
	X509_set_pubkey(certificate, key);
	X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : name);
	add(certificate, NID_basic_constraints, which == CERTIFICATE_AUTHORITY ? "critical,CA:TRUE" : "CA:FALSE");
	if (rows[which].others)
		add(certificate, NID_subject_alt_name, rows[which].others);
	assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
	return certificate;
}

static FILE *write_to(char *path, const char *folder, const char *name, const char *end)
{
	snprintf(path, CERTIFICATE_PATH, "%s/%s%s.pem", folder, name, end);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	return file;
}

static void write_both(struct certificates *certificates, enum certificate which, X509 *certificate, EVP_PKEY *key)
{
	FILE *file = write_to(certificates->certificate[which], certificates->folder, rows[which].name, "");
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	fclose(file);
	file = write_to(certificates->key[which], certificates->folder, rows[which].name, "-key");
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
}

void certificates_make(struct certificates *certificates)
{
	X509 *authority = NULL;
	EVP_PKEY *authority_key = NULL;
	snprintf(certificates->folder, sizeof certificates->folder, "/tmp/sluice-certificates-XXXXXX");
	assert_non_null(mkdtemp(certificates->folder));
	for (enum certificate which = 0; which < CERTIFICATES; which++) {
		bool by_itself = which == CERTIFICATE_AUTHORITY || which == CERTIFICATE_STRANGER;
		EVP_PKEY *key = EVP_EC_gen("P-256");
		assert_non_null(key);
		X509 *certificate = sign(which, key, by_itself ? NULL : authority, by_itself ? key : authority_key);
		write_both(certificates, which, certificate, key);
		if (which == CERTIFICATE_AUTHORITY) {
			authority = certificate;
			authority_key = key;
			continue;
		}
		X509_free(certificate);
		EVP_PKEY_free(key);
	}
	X509_free(authority);
	EVP_PKEY_free(authority_key);
}

static void *pem_read(const char *path, bool is_key)
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	void *read = is_key ? (void *)PEM_read_PrivateKey(file, NULL, NULL, NULL) : (void *)PEM_read_X509(file, NULL, NULL, NULL);
	assert_non_null(read);
	fclose(file);
	return read;
}

void certificates_revoke(struct certificates *certificates, enum certificate authority, enum certificate which, long seconds)
{
	X509 *issuer = pem_read(certificates->certificate[authority], false);
	EVP_PKEY *key = pem_read(certificates->key[authority], true);
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *begin = X509_gmtime_adj(NULL, -DAY_SECONDS), *end = X509_gmtime_adj(NULL, seconds);
	assert_non_null(list);
	X509_CRL_set_version(list, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(list, begin);
	X509_CRL_set1_nextUpdate(list, end);
	if (which != CERTIFICATES) {
		X509_REVOKED *revoked = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();
		ASN1_INTEGER_set(serial, 1 + (long)which);
		X509_REVOKED_set_serialNumber(revoked, serial);
		X509_REVOKED_set_revocationDate(revoked, begin);
		assert_int_equal(X509_CRL_add0_revoked(list, revoked), 1);
		ASN1_INTEGER_free(serial);
	}
	assert_true(X509_CRL_sign(list, key, EVP_sha256()) > 0);
	FILE *file = write_to(certificates->revoked, certificates->folder, "revoked", "");
	assert_int_equal(PEM_write_X509_CRL(file, list), 1);
	fclose(file);
	ASN1_TIME_free(begin);
	ASN1_TIME_free(end);
	X509_CRL_free(list);
	EVP_PKEY_free(key);
	X509_free(issuer);
}

void certificates_remove(struct certificates *certificates)
{
	for (enum certificate which = 0; which < CERTIFICATES; which++) {
		unlink(certificates->certificate[which]);
		unlink(certificates->key[which]);
	}
	unlink(certificates->revoked);
	rmdir(certificates->folder);
}

struct tls_files certificates_files(const struct certificates *certificates, enum certificate ours, enum certificate authority)
{
	return (struct tls_files){.authorities = authority == CERTIFICATES ? NULL : certificates->certificate[authority],
				  .certificate = ours == CERTIFICATES ? NULL : certificates->certificate[ours],
				  .key = ours == CERTIFICATES ? NULL : certificates->key[ours]};
}
