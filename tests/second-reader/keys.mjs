// Keys, identities, signatures, signed documents and cards: sections 6, 12, 13, 14.

import crypto from 'node:crypto'
import { b256 } from './blake2b.mjs'
import { isArray, closed, fromBase64, isHash, isId, isObject, isOneOf, isPlain, isString, isTime, notBefore, orNull } from './forms.mjs'
import { parse, utf8 } from './json.mjs'
import { GF, refuse } from './limits.mjs'

const P = 2n ** 255n - 19n
const mod = (a) => ((a % P) + P) % P

function power(base, exponent) {
  let result = 1n
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b)
  return result
}
const inverse = (a) => power(a, P - 2n)
const D = mod(-121665n * inverse(121666n))
const littleEndian = (bytes) => BigInt('0x' + Buffer.from(bytes).reverse().toString('hex'))

// The y of an Edwards point is canonical, and the point is none of the eight whose order divides 8.
// Doubling needs only y here: x^2 follows from it.
const judged = new Map()
function goodPoint(bytes) {
  const name = bytes.toString('hex')
  if (!judged.has(name)) judged.set(name, judge(bytes))
  return judged.get(name)
}

function judge(bytes) {
  let y = littleEndian(bytes) & (2n ** 255n - 1n)
  if (y >= P) return false
  for (let i = 0; i < 3; i++) {
    const yy = mod(y * y)
    const xx = mod((yy - 1n) * inverse(D * yy + 1n))
    y = mod((yy + xx) * inverse(1n - D * xx * yy))
  }
  return y !== 1n
}

// Whether all zeros come out of X25519 with this point, whatever the scalar; and whether it is canonical.
export function goodShare(bytes) {
  if (littleEndian(bytes) >= P) return false
  return x25519(Buffer.alloc(32, 0x55), bytes) !== undefined
}

export function ed25519(publicKey, message, signature) {
  if (!goodPoint(publicKey) || !goodPoint(signature.subarray(0, 32))) return false
  const key = crypto.createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]), format: 'der', type: 'spki' })
  return crypto.verify(null, message, key, signature)
}

const x25519Secret = (secret) => crypto.createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]), format: 'der', type: 'pkcs8' })
const x25519Point = (point) => crypto.createPublicKey({
  key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), point]), format: 'der', type: 'spki' })
export const x25519Public = (secret) =>
  crypto.createPublicKey(x25519Secret(secret)).export({ format: 'der', type: 'spki' }).subarray(12)

// Undefined where the result is all zeros: the point is of low order.
export function x25519(secret, point) {
  try {
    const shared = crypto.diffieHellman({ privateKey: x25519Secret(secret), publicKey: x25519Point(point) })
    return shared.some((byte) => byte !== 0) ? shared : undefined
  } catch {
    return undefined
  }
}

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

function polymod(values) {
  let sum = 1
  for (const value of values) {
    const top = sum >>> 25
    sum = ((sum & 0x1ffffff) << 5) ^ value
    const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
    generator.forEach((g, i) => { if ((top >>> i) & 1) sum ^= g })
  }
  return sum
}

// 32 bytes under this prefix, in lower case.
function fromBech32(prefix, text) {
  if (!text.startsWith(`${prefix}1`)) return undefined
  const values = [...text.slice(prefix.length + 1)].map((c) => BECH32.indexOf(c))
  if (values.length !== 58 || values.includes(-1)) return undefined
  const codes = [...prefix].map((c) => c.charCodeAt(0))
  if (polymod([...codes.map((c) => c >> 5), 0, ...codes.map((c) => c & 31), ...values]) !== 1) return undefined
  const bits = values.slice(0, 52).map((v) => v.toString(2).padStart(5, '0')).join('')
  if (bits.slice(256) !== '0000') return undefined
  return Buffer.from(bits.slice(0, 256).match(/.{8}/g).map((b) => parseInt(b, 2)))
}

export function sealPublic(text) {
  const bytes = isString(text) && text.length === 62 ? fromBech32('age', text) : undefined
  return bytes && goodShare(bytes) ? bytes : undefined
}

export function readSealKey(bytes) {
  const text = utf8(bytes) ?? refuse('key', 'seal.key is not UTF-8')
  const lines = text.split('\n').filter((line) => line !== '')
  const keys = lines.filter((line) => !line.startsWith('#'))
  if (keys.length !== 1 || !/^[A-Z0-9-]{74}$/.test(keys[0])) refuse('key', 'seal.key has not one key')
  const secret = fromBech32('age-secret-key-', keys[0].toLowerCase()) ?? refuse('key', 'seal.key: Bech32')
  const point = x25519Public(secret)
  for (const line of lines) {
    const stated = /^# public key: (age1.*)$/.exec(line)
    if (stated && !sealPublic(stated[1])?.equals(point)) refuse('key', 'seal.key: its public key is another')
  }
  return { secret, point }
}

// A line of base64 as minisign has it: "Ed" or "ED", a key number, the rest.
function tagged(text, tag, length) {
  const bytes = fromBase64(text)
  if (!bytes || bytes.length !== length || bytes.toString('latin1', 0, 2) !== tag) return undefined
  return { number: bytes.subarray(2, 10), rest: bytes.subarray(10) }
}

export const signPublic = (text) => tagged(text, 'Ed', 42)

export function readSignPub(bytes) {
  const lines = (utf8(bytes) ?? '').split('\n')
  return (lines.length === 3 && signPublic(lines[1])) || refuse('key', 'sign.pub')
}

export function identityOf(sign, seal) {
  return b256(Buffer.concat([Buffer.from('gapferry-identity/1'), sign, seal])).toString('hex')
}

const isComment = (line) => !/[\x00-\x08\x0a-\x1f\x7f-\x9f]/.test(line)
const tooLong = (line, max) => Buffer.byteLength(line) + 1 > max

// Four lines without their LF. Refuses as `minisig` what has not the form of section 6, comments aside.
export function signatureText(lines) {
  const [untrusted = '', first = '', trusted = '', second = ''] = lines
  const signed = tagged(first, 'ED', 74)
  const global = fromBase64(second)
  if (!untrusted.startsWith('untrusted comment: ') || !trusted.startsWith('trusted comment: ')) refuse('minisig', 'comments')
  if (tooLong(untrusted, 1023) || tooLong(trusted, GF.COMMENT_MAX - 1)) refuse('limit', 'length of comments')
  if (!isComment(untrusted) || !isComment(trusted)) refuse('minisig', 'control character in comments')
  if (!signed || global?.length !== 64) refuse('minisig', 'form or algorithm')
  return { number: signed.number, signature: signed.rest, comment: trusted.slice('trusted comment: '.length), global }
}

export function verifies(key, message, text) {
  const digest = crypto.createHash('blake2b512').update(message).digest()
  return key.number.equals(text.number) && ed25519(key.rest, digest, text.signature) &&
    ed25519(key.rest, Buffer.concat([text.signature, Buffer.from(text.comment)]), text.global)
}

// A signed document: the bytes of its JSON and its signature texts.
function splitDocument(bytes, max) {
  const begin = bytes.indexOf('\nuntrusted comment: ') + 1
  if (begin === 0) refuse('document', 'no signature')
  if (begin > max) refuse('limit', 'the JSON of a document')
  const lines = (utf8(bytes.subarray(begin)) ?? refuse('minisig', 'UTF-8')).split('\n')
  if (lines.pop() !== '') refuse('minisig', 'no LF at the end')
  if (lines.length > 4 * GF.DOCUMENT_SIGS_MAX) refuse('document', 'too many signatures')
  if (lines.length % 4) refuse('minisig', 'lines')
  const signatures = []
  for (let i = 0; i < lines.length; i += 4) signatures.push(signatureText(lines.slice(i, i + 4)))
  return { json: bytes.subarray(0, begin), signatures }
}

const CARD = {
  format: isString,
  role: isOneOf('agent', 'relay', 'vendor', 'reader'),
  name: orNull(isPlain(1, GF.WORD_MAX)),
  agent: orNull(isId),
  sign: (v) => signPublic(v) !== undefined,
  seal: (v) => sealPublic(v) !== undefined,
  created: isTime,
  expires: orNull(isTime),
  replaces: orNull(isHash),
  ext: isObject,
}

export function readCard(bytes) {
  if (bytes.length > GF.CARD_FILE_MAX) refuse('limit', 'a card')
  const { json, signatures } = splitDocument(bytes, GF.CARD_MAX)
  const card = parse(json)
  const format = isObject(card) ? card.get('format') : undefined
  if (isString(format) && format.startsWith('gapferry-card/') && format !== 'gapferry-card/1') refuse('version', format)
  if (format !== 'gapferry-card/1') refuse('card', 'format')
  closed('card', 'the card', card, CARD)
  if ((card.get('role') === 'agent') !== (card.get('agent') !== null)) refuse('card', 'agent')
  if (!notBefore(card.get('expires'), card.get('created'))) refuse('card', 'expires')
  const key = signPublic(card.get('sign'))
  const seal = sealPublic(card.get('seal'))
  const its = signatures.filter((s) => verifies(key, json, s))
  if (!its.length) refuse('signature', 'the card')
  if (!its.some((s) => s.comment === 'gapferry-card/1')) refuse('card', 'trusted comment')
  return { role: card.get('role'), agent: card.get('agent'), key, seal, identity: identityOf(key.rest, seal) }
}

const HELLO = { format: isString, nonce: isHash, relay: isHash, former: isArray(2, isHash), at: isTime, version: isPlain(1, GF.WORD_MAX), ext: isObject }

// What a relay says for this nonce; `relay` has its key and identity.
export function readHello(bytes, relay, nonce) {
  if (bytes.length > GF.HELLO_MAX) refuse('limit', 'a hello')
  const { json, signatures } = splitDocument(bytes, GF.HELLO_MAX)
  const its = signatures.find((s) => verifies(relay.key, json, s))
  if (!its) refuse('signature', 'the hello')
  if (its.comment !== 'gapferry-hello/1') refuse('document', 'trusted comment')
  const hello = parse(json)
  const format = isObject(hello) ? hello.get('format') : undefined
  if (isString(format) && format.startsWith('gapferry-hello/') && format !== 'gapferry-hello/1') refuse('version', format)
  if (format !== 'gapferry-hello/1') refuse('document', 'format')
  closed('document', 'the hello', hello, HELLO)
  if (hello.get('relay') !== relay.identity && !hello.get('former').includes(relay.identity)) refuse('document', 'relay')
  if (hello.get('nonce') !== nonce) refuse('replay', 'nonce')
  return hello
}
