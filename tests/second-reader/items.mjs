// The archive and contents.json, steps 22 to 27: sections 8.2, 9, 11. Returns the members.

import { closed, isArray, isDistinct, isHash, isId, isNumber, isObject, isOneOf, isRising, isString, isText } from './forms.mjs'
import { parse } from './json.mjs'
import { GF, refuse } from './limits.mjs'
import { LINES, checkLines, isFileMember } from './lines.mjs'
import { BLOCK, INNER, isZero, pad, tarHeader, tarSize } from './shell.mjs'

const LAST = 'contents.json'

// The place of a member's name in the table of 8.2: members of lines, then files. -1 for others.
const ORDER = [...LINES.request, ...LINES.response]
const rankOf = (name) => (isFileMember(name) ? ORDER.length : ORDER.indexOf(name))

// Steps 22 to 24: the members. A header of zeros ends them. Adds to `files` what lines refer to.
function split(archive, room, files) {
  const bad = (text) => refuse('archive', text)
  const members = []
  let place = 0
  let left = GF.ARCHIVE_MAX
  let at = 0
  for (;;) {
    const header = archive.subarray(at, at + BLOCK)
    if (header.length < BLOCK) bad('cut off')
    if (isZero(header)) break
    if (members.at(-1)?.name === LAST) bad('contents.json is not last')
    const name = header.toString('latin1', 0, header.indexOf(0))
    const size = tarSize(header)
    if (size === undefined || !header.equals(tarHeader(name, size, INNER))) bad('member header')
    if (name !== LAST) {
      if (members.length === GF.MEMBERS_MAX) refuse('limit', 'members')
      const rank = rankOf(name)
      if (rank < 0 || rank < place) bad(`member ${name}`)
      place = rank
      if (members.some((member) => member.name === name)) bad(`${name} twice`)
    } else if (size > GF.CONTENTS_MAX) {
      refuse('limit', LAST)
    }
    if (size > left) refuse('limit', name)
    left -= size
    if (GF.ARCHIVE_MAX - left > room) refuse('create', name)
    const begin = at + BLOCK
    at = begin + pad(size)
    if (at > archive.length) bad(`${name} is cut off`)
    if (!isZero(archive.subarray(begin + size, at))) bad(`padding of ${name}`)
    const bytes = archive.subarray(begin, begin + size)
    if (ORDER.includes(name)) checkLines(name, bytes, files)
    members.push({ name, size, bytes })
  }
  if (members.at(-1)?.name !== LAST) bad('no contents.json')
  if (archive.length !== at + 2 * BLOCK || !isZero(archive.subarray(at))) bad('its end')
  return members
}

const HAVE = { stream: isId, upto: isNumber(0), also: isRising(GF.ALSO_MAX, isNumber(0)) }
const WANT = { digest: isHash, parts: isRising(GF.JSON_ELEMENTS_MAX, isNumber(0)) }
const PART = { index: isNumber(0), count: isNumber(2), offset: isNumber(0), whole: isNumber(0), digest: isHash }
const CONTENTS = {
  id: isId,
  kind: isOneOf('request', 'response'),
  from: isHash,
  to: isHash,
  stream: isId,
  seq: isNumber(1),
  members: isArray(GF.MEMBERS_MAX, isObject),
  void: isRising(GF.VOID_MAX, isNumber(1)),
  ext: isObject,
}
const REQUEST = { have: isArray(GF.HAVE_MAX, isObject), want: isArray(GF.WANT_MAX, isObject) }
const bad = (text) => refuse('contents', text)

function checkPart(part, size) {
  closed('contents', 'a part', part, PART)
  const { index, count, offset, whole } = Object.fromEntries(part)
  if (size < 1) bad('a part is empty')
  if (index >= count || count > whole) bad('index or count of a part')
  if ((offset === 0) !== (index === 0)) bad('offset of a part')
  const end = BigInt(offset) + BigInt(size)
  if (end > BigInt(whole) || (end === BigInt(whole)) !== (index === count - 1)) bad('end of a part')
}

function checkEntry(entry) {
  const member = entry.get('member')
  const isFile = isString(member) && member.startsWith('files/')
  const table = { member: isText(0), name: isFile ? isText(1, GF.NAME_MAX) : (v) => v === null, size: isNumber(isFile ? 0 : 1, GF.ARCHIVE_MAX) }
  const hasPart = isFile && entry.has('part')
  closed('contents', 'an entry', entry, hasPart ? { ...table, part: isObject } : table)
  if (hasPart) checkPart(entry.get('part'), entry.get('size'))
}

// The names are such as an archive of this kind can have.
function checkOrder(names, kind) {
  if (!names.every((name) => isFileMember(name) || LINES[kind].includes(name))) bad('an entry of what cannot be there')
  if (!names.every((name, i) => i === 0 || rankOf(name) >= rankOf(names[i - 1]))) bad('order of entries')
  if (!isDistinct(names)) bad('an entry twice')
}

function parseContents(bytes) {
  if (bytes.length > GF.CONTENTS_MAX) refuse('limit', LAST)
  if (bytes[0] !== 0x7b || bytes.at(-2) !== 0x7d || bytes.at(-1) !== 0x0a) bad('it is no object and LF')
  const contents = parse(bytes.subarray(0, -1))
  closed('contents', LAST, contents, contents.get('kind') === 'request' ? { ...CONTENTS, ...REQUEST } : CONTENTS)
  contents.get('members').forEach(checkEntry)
  checkOrder(contents.get('members').map((entry) => entry.get('member')), contents.get('kind'))
  const sizes = contents.get('members').reduce((sum, entry) => sum + entry.get('size'), 0)
  if (sizes > GF.ARCHIVE_MAX) refuse('limit', 'sizes of members')
  for (const have of contents.get('have') ?? []) {
    closed('contents', 'have', have, HAVE)
    if (have.get('also').some((n) => n <= have.get('upto'))) bad('also')
  }
  for (const want of contents.get('want') ?? []) closed('contents', 'want', want, WANT)
  if (!isDistinct((contents.get('have') ?? []).map((have) => have.get('stream')))) bad('have: a stream twice')
  if (!isDistinct((contents.get('want') ?? []).map((want) => want.get('digest')))) bad('want: a file twice')
  return contents
}

export function readItems(archive, header, room) {
  const files = new Set()
  const members = split(archive, room, files)
  const contents = parseContents(members.at(-1).bytes)
  for (const name of ['id', 'kind', 'from', 'to', 'stream', 'seq']) {
    if (contents.get(name) !== header[name]) refuse('binding', name)
  }
  const listed = contents.get('members')
  const found = members.slice(0, -1)
  if (listed.length !== found.length) bad('number of members')
  found.forEach(({ name, size }, i) => {
    if (listed[i].get('member') !== name || listed[i].get('size') !== size) bad(`its entry of ${name}`)
  })
  const names = new Set(found.map((member) => member.name))
  for (const file of files) if (!names.has(file)) refuse('record', `${file} is not there`)
  return members
}
