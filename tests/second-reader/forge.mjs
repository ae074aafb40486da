// forge.mjs -- makes bundles by section 17, as right or as wrong as is asked for. For tests alone: its keys are
// of this run, its frames hold raw blocks without a checksum.

import crypto from 'node:crypto'
import { blake2b } from './blake2b.mjs'
import { identityOf } from './keys.mjs'
import { BLOCK, INNER, pad, tarHeader } from './shell.mjs'

const b512 = (bytes) => blake2b(64, bytes)
const hkdf = (ikm, salt, info) => Buffer.from(crypto.hkdfSync('sha256', ikm, salt, info, 32))
const rawPublic = (key) => crypto.createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12)
const unpadded = (bytes) => bytes.toString('base64').replace(/=+$/, '')
const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc(pad(bytes.length) - bytes.length)])
const point = (bytes) => crypto.createPublicKey({
  key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), bytes]), format: 'der', type: 'spki' })

// What keygen made: sign.key and the card beside it.
export function sender(signKey, card) {
  const bytes = Buffer.from(signKey.toString().split('\n')[1], 'base64')
  const seed = bytes.subarray(62, 94)
  const key = crypto.createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8' })
  return { number: bytes.subarray(54, 62), key, seal: card.seal, identity: identityOf(card.key.rest, card.seal) }
}

export function frame(content, { bits = 0, block = 131072, size = content.length } = {}) {
  const head = Buffer.alloc(9)
  head.writeUInt32LE(0xfd2fb528)
  head[4] = 0xa0 | bits
  head.writeUInt32LE(size, 5)
  const out = [head]
  for (let at = 0; at === 0 || at < content.length; at += block) {
    const piece = content.subarray(at, at + block)
    const last = at + block >= content.length
    const header = Buffer.alloc(3)
    header.writeUIntLE((piece.length << 3) | (last ? 1 : 0), 0, 3)
    out.push(header, piece)
  }
  return Buffer.concat(out)
}

export function frames(content, each = 1048576) {
  const out = []
  for (let at = 0; at < content.length; at += each) out.push(frame(content.subarray(at, at + each)))
  return Buffer.concat(out)
}

export const tarMember = (name, bytes) => Buffer.concat([tarHeader(name, bytes.length, INNER), padded(bytes)])

// A function that makes the stanza of a file key.
export const stanza = (recipient) => (fileKey) => {
  const { privateKey } = crypto.generateKeyPairSync('x25519')
  const share = rawPublic(privateKey)
  const shared = crypto.diffieHellman({ privateKey, publicKey: point(recipient) })
  const wrap = hkdf(shared, Buffer.concat([share, recipient]), 'age-encryption.org/v1/X25519')
  const cipher = crypto.createCipheriv('chacha20-poly1305', wrap, Buffer.alloc(12), { authTagLength: 16 })
  const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
  return `-> X25519 ${unpadded(share)}\n${unpadded(body)}\n`
}

export function encrypt(plain, stanzas) {
  const fileKey = crypto.randomBytes(16)
  const covered = `age-encryption.org/v1\n${stanzas.map((make) => make(fileKey)).join('')}---`
  const mac = crypto.createHmac('sha256', hkdf(fileKey, Buffer.alloc(0), 'header')).update(covered).digest()
  const nonce = crypto.randomBytes(16)
  const key = hkdf(fileKey, nonce, 'payload')
  const out = [Buffer.from(`${covered} ${unpadded(mac)}\n`), nonce]
  for (let at = 0, n = 0; at === 0 || at < plain.length; at += 65536, n++) {
    const number = Buffer.alloc(12)
    number.writeUIntBE(n, 5, 6)
    number[11] = at + 65536 >= plain.length ? 1 : 0
    const cipher = crypto.createCipheriv('chacha20-poly1305', key, number, { authTagLength: 16 })
    out.push(cipher.update(plain.subarray(at, at + 65536)), cipher.final(), cipher.getAuthTag())
  }
  return Buffer.concat(out)
}

// The four lines of section 6.
export function signatureText(message, from, trusted, { untrusted = 'signature of a gapferry document', number = from.number } = {}) {
  const signature = crypto.sign(null, b512(message), from.key)
  const global = crypto.sign(null, Buffer.concat([signature, Buffer.from(trusted)]), from.key)
  const first = Buffer.concat([Buffer.from('ED'), number, signature]).toString('base64')
  return `untrusted comment: ${untrusted}\n${first}\ntrusted comment: ${trusted}\n${global.toString('base64')}\n`
}

// A bundle of this payload under this bundle.json, both as they are.
export function shell(json, payload, from, { id, fromName, toName }) {
  const comment = `gapferry-bundle/1 ${id} ${fromName} ${toName}`
  const text = Buffer.from(signatureText(json, from, comment, { untrusted: 'gapferry bundle signature' }))
  const member = (name, bytes) => [tarHeader(name, bytes.length), padded(bytes)]
  return Buffer.concat([...member('bundle.json', json), ...member('bundle.json.minisig', text),
    ...member('payload.age', payload), Buffer.alloc(2 * BLOCK)])
}

// `change` has functions that take what is right and return what is put in its place: `members` (pairs of
// name and bytes, without contents.json), `contents` (an object, or text), `archive`, `plain`, `stanzas`,
// `payload`, `header` (an object, or text).
export function bundle(from, to, readers, kind, change) {
  const apply = (what, value) => (change[what] ? change[what](value) : value)
  const asBytes = (value) => Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : `${JSON.stringify(value)}\n`)
  const id = crypto.randomBytes(16).toString('hex')
  const common = { id, kind, from: from.identity, to: to.identity, stream: crypto.randomBytes(16).toString('hex'), seq: 7 }
  const members = apply('members', []).map(([name, bytes]) => [name, asBytes(bytes)])
  const lists = kind === 'request' ? { have: [], want: [] } : {}
  const contents = asBytes(apply('contents', {
    ...common,
    members: members.map(([name, bytes]) => ({ member: name, name: name.startsWith('files/') ? 'name' : null, size: bytes.length })),
    void: [], ...lists, ext: {} }))
  const all = [...members, ['contents.json', contents]]
  const archive = apply('archive', Buffer.concat([...all.map(([name, bytes]) => tarMember(name, bytes)), Buffer.alloc(2 * BLOCK)]))
  const plain = change.plain ? change.plain(archive) : frames(archive)
  const stanzas = apply('stanzas', [to, ...readers].map((one) => stanza(one.seal)))
  const payload = apply('payload', encrypt(plain, stanzas))
  const header = apply('header', {
    format: 'gapferry-bundle/1', needs: [], ...common, readers: readers.map((one) => one.identity), prev: null, created: null,
    expires: null, payload: { size: payload.length, blake2b: b512(payload).toString('hex') }, ext: {} })
  return shell(asBytes(header), payload, from, { id, fromName: from.identity, toName: to.identity })
}
