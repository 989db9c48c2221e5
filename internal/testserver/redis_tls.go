package testserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Who may use a server with TLS. The password needs escaping in a URL.
const (
	redisUser     = "enact"
	redisPassword = "p/s:w@r?d#%1"
)

// StartRedisTLS makes a server that speaks TLS only, but on its Unix socket, and
// lets in one user with a password, who may do everything, and no other.
func StartRedisTLS(settings ...string) (*Redis, error) {
	r, err := makeRedis(redisSettings(settings))
	if err != nil {
		return nil, err
	}
	r.User, r.Password = redisUser, redisPassword
	err = r.makeCertificates()
	if err == nil {
		err = r.configure(
			"port 0", fmt.Sprintf("tls-port %d", r.Port), "tls-auth-clients no",
			"tls-ca-cert-file "+r.CAFile, "tls-cert-file "+r.file("server.crt"), "tls-key-file "+r.file("server.key"),
			"user default off", "user "+r.User+" on >"+r.Password+" ~* &* +@all",
		)
	}
	if err != nil {
		os.RemoveAll(r.Folder)
		return nil, err
	}
	return started(r)
}

func (r *Redis) file(name string) string { return filepath.Join(r.Folder, name) }

// makeCertificates makes an authority and a certificate of the loopback.
func (r *Redis) makeCertificates() error {
	authority, authorityKey, err := certificate(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of the tests"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	if err != nil {
		return err
	}
	server, serverKey, err := certificate(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, authority, authorityKey)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return err
	}
	r.CAFile = r.file("ca.crt")
	r.TLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	r.TLS.RootCAs.AddCert(authority)
	return errors.Join(
		writePEM(r.CAFile, "CERTIFICATE", authority.Raw),
		writePEM(r.file("server.crt"), "CERTIFICATE", server.Raw),
		writePEM(r.file("server.key"), "PRIVATE KEY", key),
	)
}

// certificate makes a key, and a certificate for it that the issuer has signed, or
// the key itself when there is none.
func certificate(template, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(der)
	return made, key, err
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
