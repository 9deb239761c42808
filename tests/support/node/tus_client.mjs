// tus-js-client delivers a file; with a number of bytes as its last argument it kills itself after these, in mid-body.
// node tus_client.mjs ENDPOINT CA CERTIFICATE KEY FILE METADATA UPLOAD_URL_OR_EMPTY DIE_AFTER
import fs from 'node:fs'
import { createRequire } from 'node:module'
const { Upload, DefaultHttpStack } = createRequire(process.cwd() + '/')('tus-js-client')

const [endpoint, ca, certificate, key, file, metadata, uploadUrl, dieAfter] = process.argv.slice(2)
const upload = new Upload(fs.readFileSync(file), {
  endpoint,
  uploadUrl: uploadUrl || undefined,
  metadata: JSON.parse(metadata),
  retryDelays: [],
  httpStack: new DefaultHttpStack({
    ca: fs.readFileSync(ca), cert: fs.readFileSync(certificate), key: fs.readFileSync(key), minVersion: 'TLSv1.3',
  }),
  onUploadUrlAvailable: () => fs.writeSync(1, upload.url + '\n'),
  onProgress: (sent) => { if (sent >= Number(dieAfter)) process.kill(process.pid, 'SIGKILL') },
  onError: (error) => { console.error(String(error)); process.exit(1) },
  onSuccess: () => process.exit(0),
})
upload.start()
