// Lines, step 23: section 10.

import { closed, fromBase64, isBool, isHash, isId, isMediaType, isNumber, isObject, isOneOf, isPlain, isText, isTime, isToken, isUuid, isWord, orNull } from './forms.mjs'
import { parse, utf8 } from './json.mjs'
import { GF, refuse } from './limits.mjs'

const LF = 0x0a
const bad = (text) => refuse('record', text)

const FILE_NAME = isWord(GF.MEMBER_NAME_MAX)
export const isFileMember = (v) => typeof v === 'string' && v.startsWith('files/') && FILE_NAME(v.slice(6))

// base64 of bytes that could not have travelled as text.
function isBody64(v) {
  const bytes = fromBase64(v)
  return bytes !== undefined && (bytes.includes(0) || utf8(bytes) === undefined)
}

const isFacts = (v) => isObject(v) && Buffer.byteLength(v.text) <= GF.EXT_MAX

const BODIES = { body: isText(0), body64: isBody64, file: isFileMember }

const TABLES = {
  'records.jsonl': {
    id: isUuid,
    channel: isWord(GF.WORD_MAX),
    product: orNull(isPlain(1, GF.WORD_MAX)),
    origin: isId,
    created: isTime,
    expires: orNull(isTime),
    clock: isOneOf('ok', 'behind', 'unknown'),
    type: isMediaType,
    answer: isBool,
    ext: isFacts,
  },
  'receipts.jsonl': {
    record: isUuid,
    digest: isHash,
    state: isOneOf('relayed', 'delivered', 'rejected', 'expired'),
    reason: orNull(isText(1, GF.REASON_MAX)),
    guarantee: isOneOf('effectively-once', 'at-least-once', null),
    at: isTime,
  },
  'answers.jsonl': {
    record: isUuid,
    status: (v) => v === 0 || isNumber(100, 599)(v),
    headers: (v) => isObject(v) && [...v].every(([name, value]) =>
      isToken(name) && name === name.toLowerCase() && isPlain(0)(value)),
  },
  'refusals.jsonl': {
    bundle: isId,
    code: isWord(GF.WORD_MAX),
    reason: isPlain(1, GF.REASON_MAX),
    at: isTime,
  },
  'notices.jsonl': { type: isWord(GF.WORD_MAX), at: isTime, data: isText(0) },
}

// The members of lines in the archive's order.
export const LINES = {
  request: ['records.jsonl'],
  response: ['receipts.jsonl', 'answers.jsonl', 'refusals.jsonl', 'notices.jsonl'],
}

function checkLine(member, bytes, files) {
  if (bytes[0] !== 0x7b || bytes[bytes.length - 1] !== 0x7d) bad(`${member}: a line is no object`)
  const line = parse(bytes)
  let table = TABLES[member]
  if (member === 'records.jsonl' || member === 'answers.jsonl') {
    const bodies = Object.keys(BODIES).filter((name) => line.has(name))
    if (bodies.length !== 1) bad(`${member}: ${bodies.length} bodies`)
    table = { ...table, [bodies[0]]: BODIES[bodies[0]] }
    if (bodies[0] === 'file') files.add(line.get('file'))
  }
  closed('record', member, line, table)
  if (member === 'receipts.jsonl') {
    const state = line.get('state')
    if (line.get('reason') === null && (state === 'rejected' || state === 'expired')) bad('receipt without reason')
    if ((line.get('guarantee') !== null) !== (state === 'delivered')) bad('guarantee of a receipt')
  }
}

// Adds to `files` the members in which bodies lie.
export function checkLines(member, bytes, files) {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(LF, at)
    const length = (end < 0 ? bytes.length : end + 1) - at
    if (length > GF.LINE_MAX) refuse('limit', `${member}: length of a line`)
    if (end < 0) bad(`${member}: no LF at the end`)
    checkLine(member, bytes.subarray(at, end), files)
    at = end + 1
  }
}
