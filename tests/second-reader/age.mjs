// payload.age, steps 17 to 20: section 7. Returns the plaintext.

import crypto from 'node:crypto'
import { fromBase64 } from './forms.mjs'
import { x25519 } from './keys.mjs'
import { refuse } from './limits.mjs'

const CHUNK = 65536
const TAG = 16
const VERSION = 'age-encryption.org/v1\n'
const STANZA = '-> X25519 '
const hkdf = (ikm, salt, info) => Buffer.from(crypto.hkdfSync('sha256', ikm, salt, info, 32))

function open(key, nonce, sealed) {
  try {
    const cipher = crypto.createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG })
    cipher.setAuthTag(sealed.subarray(sealed.length - TAG))
    return Buffer.concat([cipher.update(sealed.subarray(0, sealed.length - TAG)), cipher.final()])
  } catch {
    return undefined
  }
}

// The header is so regular that each of its lines has one place.
function parseHeader(payload, stanzas) {
  let at = 0
  const literal = (text) => {
    if (payload.toString('latin1', at, at + text.length) !== text) refuse('age', `no ${JSON.stringify(text)} at ${at}`)
    at += text.length
  }
  const bytes32 = () => {
    const bytes = fromBase64(payload.toString('latin1', at, at + 43), { padded: false })
    if (bytes?.length !== 32) refuse('age', `no 32 bytes of base64 at ${at}`)
    at += 43
    literal('\n')
    return bytes
  }
  literal(VERSION)
  const found = []
  for (let i = 0; i < stanzas; i++) {
    literal(STANZA)
    const share = bytes32()
    found.push({ share, body: bytes32() })
  }
  literal('---')
  const covered = payload.subarray(0, at)
  literal(' ')
  return { stanzas: found, covered, mac: bytes32(), end: at }
}

function fileKeyOf(stanzas, keys) {
  for (const { share, body } of stanzas) {
    for (const { secret, point } of keys) {
      const shared = x25519(secret, share) ?? refuse('age', 'share of low order')
      const wrap = hkdf(shared, Buffer.concat([share, point]), 'age-encryption.org/v1/X25519')
      const fileKey = open(wrap, Buffer.alloc(12), body)
      if (fileKey) return fileKey
    }
  }
  return refuse('unwrap', 'no stanza opens')
}

export function decrypt(payload, stanzas, keys) {
  const header = parseHeader(payload, stanzas)
  const fileKey = fileKeyOf(header.stanzas, keys)
  const macKey = hkdf(fileKey, Buffer.alloc(0), 'header')
  if (!crypto.createHmac('sha256', macKey).update(header.covered).digest().equals(header.mac)) refuse('hmac', 'its header')

  const nonce = payload.subarray(header.end, header.end + 16)
  const key = hkdf(fileKey, nonce, 'payload')
  const plain = []
  let at = header.end + 16
  for (let number = 0; ; number++) {
    const sealed = payload.subarray(at, at + CHUNK + TAG)
    at += sealed.length
    const last = at === payload.length
    if (sealed.length < TAG || (sealed.length === TAG && number > 0)) refuse('chunk', `chunk ${number} is missing or empty`)
    const chunkNonce = Buffer.alloc(12)
    chunkNonce.writeUIntBE(number, 5, 6)
    chunkNonce[11] = last ? 1 : 0
    plain.push(open(key, chunkNonce, sealed) ?? refuse('chunk', `chunk ${number}`))
    if (last) return Buffer.concat(plain)
  }
}
