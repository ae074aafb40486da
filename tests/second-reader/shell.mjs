// The head and the copy, steps 1 to 16: sections 4, 5, 6.

import crypto from 'node:crypto'
import fs from 'node:fs'
import { isArray, isDistinct, isHash, isHash64, isId, isNumber, isObject, isOneOf, isString, isTime, isWord, closed, notBefore, orNull } from './forms.mjs'
import { parse } from './json.mjs'
import { signatureText, verifies } from './keys.mjs'
import { GF, refuse } from './limits.mjs'

export const BLOCK = 512
export const pad = (n) => Math.ceil(n / BLOCK) * BLOCK
export const isZero = (bytes) => !bytes.some((byte) => byte !== 0)

const OUTER = { mode: '0000644\0', number: '0000000\0', end: '\0' }
export const INNER = { mode: '000600 \0', number: '000000 \0', end: ' ' }

// The member header that a writer makes.
export function tarHeader(name, size, spelling = OUTER) {
  const header = Buffer.alloc(BLOCK)
  const put = (offset, text) => header.write(text, offset, 'latin1')
  put(0, name)
  put(100, spelling.mode)
  for (const offset of [108, 116, 329, 337]) put(offset, spelling.number)
  put(124, size.toString(8).padStart(11, '0') + spelling.end)
  put(136, '0'.repeat(11) + spelling.end)
  put(148, ' '.repeat(8))
  put(156, '0')
  put(257, 'ustar\x0000')
  const sum = header.reduce((a, b) => a + b)
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  return header
}

export function tarSize(header) {
  const digits = header.toString('latin1', 124, 135)
  return /^[0-7]{11}$/.test(digits) ? parseInt(digits, 8) : undefined
}

// The size that the member header at `at` states, where it is canonical.
function member(head, at, name) {
  const header = head.subarray(at, at + BLOCK)
  if (header.length < BLOCK) refuse('shell', `cut off before ${name}`)
  const size = tarSize(header)
  if (size === undefined || !header.equals(tarHeader(name, size))) refuse('shell', `member header of ${name}`)
  return size
}

const SIGNATURE_SIZE = 433
const UNTRUSTED = 'untrusted comment: gapferry bundle signature'
const COMMENT = /^gapferry-bundle\/1 ([0-9a-f]{32}) ([0-9a-f]{64}) ([0-9a-f]{64})$/

function bundleSignature(bytes) {
  const lines = bytes.toString('latin1').split('\n')
  if (lines.length !== 5 || lines[4] !== '' || lines[0] !== UNTRUSTED) refuse('minisig', 'form')
  const text = signatureText(lines)
  const found = COMMENT.exec(text.comment) ?? refuse('minisig', 'trusted comment')
  return { ...text, id: found[1], from: found[2], to: found[3] }
}

const KINDS = { request: 'agent', response: 'relay' }
const PAYLOAD = { size: isNumber(0, GF.BUNDLE_MAX), blake2b: isHash64 }
const HEADER = {
  format: isString,
  needs: isArray(GF.NEEDS_MAX, isWord(GF.NEED_NAME_MAX)),
  id: isId,
  kind: isOneOf(...Object.keys(KINDS)),
  from: isHash,
  to: isHash,
  readers: isArray(GF.READERS_MAX, isHash),
  stream: isId,
  seq: isNumber(1),
  prev: orNull(isHash),
  created: orNull(isTime),
  expires: orNull(isTime),
  payload: isObject,
  ext: isObject,
}

function parseHeader(bytes, comment, payloadSize) {
  const bad = (text) => refuse('header', text)
  let end = bytes.length - 1
  if (bytes[0] !== 0x7b || bytes[end] !== 0x0a) bad('neither { nor LF at its ends')
  while (bytes[end - 1] === 0x20) end--
  if (bytes[end - 1] !== 0x7d) bad('no } before the padding')
  const header = parse(bytes.subarray(0, end))

  const format = header.get('format')
  if (!isString(format) || !format.startsWith('gapferry-bundle/')) bad('format')
  if (format !== 'gapferry-bundle/1') refuse('version', format)
  const needs = header.get('needs')
  if (!HEADER.needs(needs)) bad('needs')
  if (needs.length > 0) refuse('version', needs[0])

  closed('header', 'bundle.json', header, HEADER)
  closed('header', 'payload', header.get('payload'), PAYLOAD)
  const plain = Object.fromEntries([...header].filter(([name]) => name !== 'ext'))
  plain.payload = Object.fromEntries(header.get('payload'))
  if (!isDistinct(plain.readers) || plain.readers.includes(plain.to)) bad('readers')
  if (plain.seq === 1 && plain.prev !== null) bad('prev')
  if (!notBefore(plain.expires, plain.created)) bad('expires')
  if (plain.payload.size < 102 + 98 * (1 + plain.readers.length)) bad('payload.size')
  if (plain.id !== comment.id || plain.from !== comment.from || plain.to !== comment.to) bad('not what the comment says')
  if (plain.payload.size !== payloadSize) bad('payload.size')
  return plain
}

// `trust`: cards; `ours`: our identities, or null for "do not ask"; `onlyAddressee`; `time` or null; `quota`.
// Returns the header, and the payload with its digest checked.
export function readShell(path, { trust, ours, onlyAddressee, time, quota }) {
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isFile()) refuse('no-input', path)
  const file = fs.openSync(path, 'r')
  const fileSize = fs.fstatSync(file).size
  const head = Buffer.alloc(Math.min(fileSize, GF.HEAD_MAX))
  fs.readSync(file, head, 0, head.length, 0)

  const headerSize = member(head, 0, 'bundle.json')
  if (headerSize < 1 || headerSize > GF.HEADER_MAX) refuse('limit', 'size of bundle.json')
  const second = BLOCK + pad(headerSize)
  const signatureSize = member(head, second, 'bundle.json.minisig')
  if (signatureSize !== SIGNATURE_SIZE) refuse('minisig', 'its size')
  const third = second + 2 * BLOCK
  const payloadSize = member(head, third, 'payload.age')
  if (payloadSize < 1 || payloadSize > GF.BUNDLE_MAX) refuse('limit', 'size of payload.age')
  const begin = third + BLOCK
  const headerBytes = head.subarray(BLOCK, BLOCK + headerSize)
  const signatureBytes = head.subarray(second + BLOCK, second + BLOCK + SIGNATURE_SIZE)
  if (!isZero(head.subarray(BLOCK + headerSize, second))) refuse('shell', 'padding of bundle.json')
  if (!isZero(head.subarray(second + BLOCK + SIGNATURE_SIZE, third))) refuse('shell', 'padding of bundle.json.minisig')
  const padded = pad(payloadSize)
  const legal = begin + padded + 2 * BLOCK
  if (legal > GF.BUNDLE_MAX) refuse('limit', 'length of the file')
  if (fileSize !== legal) refuse('shell', 'length of the file')
  if (fileSize > quota) refuse('limit', 'quota')

  const comment = bundleSignature(signatureBytes)
  if (onlyAddressee && ours && !ours.includes(comment.to)) refuse('not-for-us', comment.to)
  const card = trust.find((c) => c.identity === comment.from) ?? refuse('sender', `unknown: ${comment.from}`)
  if (!verifies(card.key, headerBytes, comment)) refuse('signature', 'bundle.json')
  const header = parseHeader(headerBytes, comment, payloadSize)
  if (card.role !== KINDS[header.kind]) refuse('sender', `a ${card.role} sends no ${header.kind}`)
  const mayOpen = onlyAddressee ? [header.to] : [header.to, ...header.readers]
  if (ours && !ours.some((identity) => mayOpen.includes(identity))) refuse('not-for-us', header.to)
  if (time !== null && header.expires !== null && header.expires < time) refuse('expired', header.expires)

  const rest = Buffer.alloc(padded + 2 * BLOCK)
  if (fs.readSync(file, rest, 0, rest.length, begin) !== rest.length) refuse('shell', 'cut off')
  fs.closeSync(file)
  const payload = rest.subarray(0, payloadSize)
  const digest = crypto.createHash('blake2b512').update(payload).digest('hex')
  if (digest !== header.payload.blake2b) refuse('digest', 'payload.age')
  if (!isZero(rest.subarray(payloadSize))) refuse('shell', 'padding or end')
  return { header, payload }
}
