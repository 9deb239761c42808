// @tus/server behind mutual TLS, its uploads as files in a folder; prints the port.
// node tus_server.mjs FOLDER PORT CERTIFICATE KEY CA
import fs from 'node:fs'
import https from 'node:https'
import { createRequire } from 'node:module'
const require = createRequire(process.cwd() + '/')
const { Server } = require('@tus/server')
const { FileStore } = require('@tus/file-store')

const [directory, port, certificate, key, ca] = process.argv.slice(2)
const tus = new Server({ path: '/v1/uploads', datastore: new FileStore({ directory }), relativeLocation: true })
const tls = {
  cert: fs.readFileSync(certificate), key: fs.readFileSync(key), ca: fs.readFileSync(ca),
  requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3',
}
const server = https.createServer(tls, tus.handle.bind(tus))
server.listen(Number(port), '127.0.0.1', () => fs.writeSync(1, server.address().port + '\n'))
