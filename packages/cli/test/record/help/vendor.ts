import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A self-signed certificate for vendor.test, for tests only, valid until 2126. */
export const CERT = `-----BEGIN CERTIFICATE-----
MIIBqzCCAVCgAwIBAgIUJ88+U+9bnnMm7qqDp5kjBQpIA8owCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLdmVuZG9yLnRlc3QwIBcNMjYxMTIwMTgxMjE3WhgPMjEyNjEw
MjcxODEyMTdaMBYxFDASBgNVBAMMC3ZlbmRvci50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAESU4uIzmT30kLnJHpvcsfcG1VNcg2z+LJz7DXGRjqQai9VzJm
eDVj6Y85kFLyrp4bfvXVwpgM51gsbZIMV+qIh6N6MHgwHQYDVR0OBBYEFK5/c3Gy
Mj8RuJTAZ3TRDy6kFJE8MB8GA1UdIwQYMBaAFK5/c3GyMj8RuJTAZ3TRDy6kFJE8
MA8GA1UdEwEB/wQFMAMBAf8wJQYDVR0RBB4wHIILdmVuZG9yLnRlc3SCDSoudmVu
ZG9yLnRlc3QwCgYIKoZIzj0EAwIDSQAwRgIhAOA8zt4Mdfiz0DS/NKDCFROAiy+5
TRqkqobOgnHuzGLAAiEAnU8G0gYIS912qcXqkYvXBK4bNNU9Y8Ozh0u/jkn9zj8=
-----END CERTIFICATE-----
`
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg16xyUp86GnOXvGDx
Uvc9cDcZrh8mSzclgtOFHeM3jqOhRANCAARJTi4jOZPfSQuckem9yx9wbVU1yDbP
4snPsNcZGOpBqL1XMmZ4NWPpjzmQUvKunht+9dXCmAznWCxtkgxX6oiH
-----END PRIVATE KEY-----
`

export interface Vendor extends AsyncDisposable {
  port: number
}

/** A vendor on loopback, with TLS when asked. */
export async function startVendor(listener: RequestListener, tls = false): Promise<Vendor> {
  const server = tls ? createTlsServer({ cert: CERT, key: KEY }, listener) : createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
