// The bundles of differ.mjs: name, kind, what is changed. None states what is right: the two readers must agree,
// but where the document leaves a choice.

// Section 16: faults in different places.
export const EITHER = {
  'plain: bad member, then bad frame': ['archive', 'frame'],
  'plain: bad line, then bad frame': ['record', 'frame'],
}

// Where gapferry-bundle is laxer or stricter than the document. Empty is what it should be.
export const OPEN = {}

import { BLOCK, INNER, tarHeader } from './shell.mjs'
import { frame, frames, signatureText, stanza } from './forge.mjs'

const UUID = '019b7ca9-8c88-7031-b233-343536373839'
const TIME = '2026-01-02T03:04:05Z'
const HASH = 'ab'.repeat(32)
const ID = 'cd'.repeat(16)
const lines = (...all) => all.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
const record = (change = {}) => {
  const { body, ...rest } = { body: 'x', ...change }
  return { id: UUID, channel: 'c', product: null, origin: ID, created: TIME, expires: null, clock: 'ok', type: 'text/plain',
    answer: false, ...(body === undefined ? {} : { body }), ext: {}, ...rest }
}
const receipt = (change) => ({ record: UUID, digest: HASH, state: 'relayed', reason: null, guarantee: null, at: TIME, ...change })
const answer = (change) => ({ record: UUID, status: 200, headers: {}, body: 'x', ...change })
const refusal = (change) => ({ bundle: ID, code: 'expired', reason: 'why', at: TIME, ...change })
const notice = (change) => ({ type: 'time', at: TIME, data: '', ...change })
const without = (object, ...names) => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))

const inRecords = (...all) => ({ members: () => [['records.jsonl', lines(...all)]] })
const inMember = (name, ...all) => ({ members: () => [[name, lines(...all)]] })
const deep = (levels) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
const wide = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`n${i}`, 0]))
const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1)

function* headers() {
  const set = (change) => ({ header: (h) => ({ ...h, ...change }) })
  const text = (f) => ({ header: (h) => f(JSON.stringify(h)) })
  yield ['header as it is', {}]
  yield ['seq 1', set({ seq: 1 })] // contents.json says 7
  yield ['prev', set({ prev: HASH })]
  yield ['expires = created', set({ created: '2090-01-01T00:00:00Z', expires: '2090-01-01T00:00:00Z' })]
  yield ['expires long ago', set({ created: null, expires: '1970-01-01T00:00:00Z' })]
  for (const time of ['1969-12-31T23:59:59Z', '9999-12-31T23:59:59Z', '2023-02-29T00:00:00Z', '2024-02-29T00:00:00Z', '1900-02-29T00:00:00Z',
    '2000-02-29T00:00:00Z', '2026-04-31T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T00:60:00Z', '2016-12-31T23:59:60Z', '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00z', '2026-01-01t00:00:00Z', '2026-01-01 00:00:00Z', '2026-01-01T00:00:00+00:00',
    '10000-01-01T00:00:00Z', '2026-01-01T00:00:00.0Z', '2026-01-01T00:00:00Z\n', '٢026-01-01T00:00:00Z']) {
    yield [`created ${JSON.stringify(time)}`, set({ created: time })]
  }
  yield ['needs 17 words', set({ needs: Array(17).fill('x') })]
  yield ['needs 16 words', set({ needs: Array(16).fill('x') })]
  yield ['needs a word of 33', set({ needs: ['x'.repeat(33)] })]
  yield ['needs a word of 32', set({ needs: ['x'.repeat(32)] })]
  yield ['needs unknown, then no word', set({ needs: ['x', 'X'] })]
  yield ['needs no word, then unknown', set({ needs: ['', 'x'] })]
  yield ['needs object', set({ needs: {} })]
  yield ['format 2, needs malformed', set({ format: 'gapferry-bundle/2', needs: 3 })]
  yield ['format 2, id malformed', set({ format: 'gapferry-bundle/2', id: 3 })]
  yield ['format 2, needs missing', { header: (h) => ({ ...without(h, 'needs'), format: 'gapferry-bundle/2' }) }]
  yield ['format bare', set({ format: 'gapferry-bundle/' })]
  yield ['format 10', set({ format: 'gapferry-bundle/10' })]
  yield ['format without slash', set({ format: 'gapferry-bundle' })]
  yield ['needs unknown, id malformed', set({ needs: ['x'], id: 3 })]
  yield ['needs unknown, unknown member', set({ needs: ['x'], foo: 3 })]
  yield ['format missing, needs unknown', { header: (h) => ({ ...without(h, 'format'), needs: ['x'] }) }]
  yield ['ext as deep as may be', set({ ext: { a: deep(14) } })]
  yield ['ext too deep', set({ ext: { a: deep(15) } })]
  yield ['ext as wide as may be', set({ ext: wide(256) })]
  yield ['ext too wide', set({ ext: wide(257) })]
  yield ['ext a name of 256', set({ ext: { ['é'.repeat(128)]: 0 } })]
  yield ['ext a name of 257', set({ ext: { [`x${'é'.repeat(128)}`]: 0 } })]
  yield ['ext an array of 6000', set({ ext: { a: Array(6000).fill(0) } })]
  yield ['ext an empty name', set({ ext: { '': 0 } })]
  yield ['ext __proto__', text((t) => `${t.replace('"ext":{}', '"ext":{"__proto__":{"a":1},"constructor":2}')}\n`)]
  for (const value of ['9007199254740991', '-9007199254740991', '9007199254740992', '-9007199254740992', '00', '01', '-0', '-1', '1.0', '1e1', '1E1', '+1',
    '-', '.5', '0x1', 'NaN', 'Infinity', 'tru', 'True', 'nul', '18446744073709551617', '"\\u00e9\\/\\b\\f\\n\\r\\t"', '"\\x"', '"\\u00G0"', '"\\u12"', '"\\u0000"', '"\\ud83d\\ude00"',
    '"\\ud83d"', '"\\ude00\\ud83d"', '"\\ud83d\\u0041"', '"\\ud83dx"', '"\x7f"', '"\x1f"', '"\t"', '"\u2028\uffff\ufeff\u{10ffff}"', '"', '[1,]', '[,]', '[1 2]',
    '{"a":1,}', '{"a"}', '{a:1}', '{"a":1,"\\u0061":2}', '{"A":1,"a":2}', '[ \t1 ,2 ]', '[\v1]', '[\f1]', '[\u00a01]', '/**/1', '1 1', '', 'null', '[true,false,null]']) {
    yield [`ext.a ${JSON.stringify(value)}`, text((t) => `${t.replace('"ext":{}', `"ext":{"a":${value}}`)}\n`)]
  }
  yield ['blanks within', text((t) => `${t.replaceAll(',', ' , ')}\n`)]
  yield ['LF within', text((t) => `${t.replaceAll(',', ',\n')}\n`)]
  yield ['spaces', text((t) => `${t}        \n`)]
  yield ['CR before LF', text((t) => `${t}\r\n`)]
  yield ['two LF', text((t) => `${t}\n\n`)]
  yield ['a brace more', text((t) => `${t}}\n`)]
  yield ['a brace less', text((t) => `${t.slice(0, -1)}\n`)]
  yield ['two objects', text((t) => `${t}{}\n`)]
  yield ['space first', text((t) => ` ${t}\n`)]
  yield ['only an LF', text(() => '\n')]
  yield ['only braces', text(() => '{}\n')]
  yield ['broken UTF-8', { header: (h) => Buffer.from(`${JSON.stringify({ ...h, ext: { a: '\xff' } })}\n`, 'latin1') }]
  yield ['UTF-8 of a surrogate', { header: (h) => Buffer.from(`${JSON.stringify({ ...h, ext: { a: '\xed\xa0\x80' } })}\n`, 'latin1') }]
  yield ['UTF-8 beyond U+10FFFF', { header: (h) => Buffer.from(`${JSON.stringify({ ...h, ext: { a: '\xf4\x90\x80\x80' } })}\n`, 'latin1') }]
  yield ['padded to the limit', text((t) => `${t.padEnd(16383)}\n`)]
  yield ['padded beyond the limit', text((t) => `${t.padEnd(16384)}\n`)]
  yield ['seq 0', set({ seq: 0 })]
  yield ['seq in text', set({ seq: '7' })]
  yield ['id capitals', { header: (h) => ({ ...h, id: h.id.toUpperCase() }) }]
  yield ['kind response by an agent', set({ kind: 'response' })]
  yield ['readers none', set({ readers: [] })]
  yield ['readers others, as many', set({ readers: [HASH] })]
  yield ['payload.ext', { header: (h) => ({ ...h, payload: { ...h.payload, ext: {} } }) }]
  yield ['ext null', set({ ext: null })]
  yield ['ext array', set({ ext: [] })]
}

function* ages(people) {
  const lowOrder = (hex) => () => `-> X25519 ${Buffer.from(hex, 'hex').toString('base64').slice(0, 43)}\n${'A'.repeat(43)}\n`
  const zero = '00'.repeat(32)
  yield ['low order behind the stanza that opens', { stanzas: (s) => [s[0], lowOrder(zero)] }]
  yield ['low order before the stanza that opens', { stanzas: (s) => [lowOrder(zero), s[0]] }]
  yield ['share 1', { stanzas: (s) => [lowOrder(`01${'00'.repeat(31)}`), s[0]] }]
  yield ['share p', { stanzas: (s) => [lowOrder(`ed${'ff'.repeat(30)}7f`), s[0]] }]
  yield ['share p + 9', { stanzas: (s) => [lowOrder(`f6${'ff'.repeat(30)}7f`), s[0]] }]
  yield ['share 2^255 + 9', { stanzas: (s) => [lowOrder(`09${'00'.repeat(30)}80`), s[0]] }]
  yield ['share 2^255', { stanzas: (s) => [lowOrder(`${'00'.repeat(31)}80`), s[0]] }]
  yield ['two stanzas for the addressee', { stanzas: (s) => [s[0], s[0]] }]
  yield ['only the reader\'s', { stanzas: (s) => [s[1], s[1]] }]
  yield ['swapped', { stanzas: (s) => [s[1], s[0]] }]
  yield ['lower-case type', { stanzas: (s) => [(key) => s[0](key).replace('X25519', 'x25519'), s[1]] }]
  yield ['two blanks', { stanzas: (s) => [(key) => s[0](key).replace(' X25519', '  X25519'), s[1]] }]
  yield ['padded base64', { stanzas: (s) => [(key) => s[0](key).replace(/\n$/, '=\n'), s[1]] }]
  yield ['an empty line in the body', { stanzas: (s) => [(key) => `${s[0](key)}\n`, s[1]] }]
  yield ['stanza as it is', { stanzas: () => [stanza(people.relay.seal), stanza(people.site.seal)] }]
  yield ['a byte less', { payload: (p) => p.subarray(0, -1) }]
  yield ['only the age header', { payload: (p) => p.subarray(0, 298) }]
}

function* plains() {
  yield ['no frame', { plain: () => Buffer.alloc(0) }]
  yield ['unused bit', { plain: (a) => frame(a, { bits: 0x10 }) }]
  yield ['reserved bit', { plain: (a) => frame(a, { bits: 0x08 }) }]
  yield ['dictionary of 1 byte', { plain: (a) => frame(a, { bits: 0x01 }) }]
  yield ['states a byte more', { plain: (a) => frame(a, { size: a.length + 1 }) }]
  yield ['states a byte less', { plain: (a) => frame(a, { size: a.length - 1 }) }]
  yield ['blocks of 16 bytes', { plain: (a) => frame(a, { block: 16 }) }]
  const big = { members: () => [['files/x', Buffer.alloc(1047000)]] }
  for (const block of [756, 757, 758, 768, 700, 100]) yield [`1 MiB in blocks of ${block}`, { ...big, plain: (a) => Buffer.concat([frame(a.subarray(0, 1048576), { block }), frame(a.subarray(1048576))]) }]
  yield ['an empty frame between', { plain: (a) => Buffer.concat([frame(a.subarray(0, 512)), frame(Buffer.alloc(0)), frame(a.subarray(512))]) }]
  yield ['frames of one byte', { plain: (a) => frames(a, 1) }]
  yield ['16384 frames', { members: () => [['files/x', Buffer.alloc(13824)]], plain: (a) => frames(a, 1) }]
  yield ['16896 frames', { members: () => [['files/x', Buffer.alloc(14336)]], plain: (a) => frames(a, 1) }]
  yield ['a frame of 1 MiB and a byte', { members: () => [['files/x', Buffer.alloc(2000000)]], plain: (a) => frames(a, 1048577) }]
  yield ['no magic behind', { plain: (a) => Buffer.concat([frames(a), Buffer.from('x')]) }]
  // Which of two faults counts.
  const broken = (a, at) => { const b = Buffer.from(a); b.write('xx', at); return b }
  yield ['bad member, then bad frame', { plain: (a) => Buffer.concat([frame(broken(a, 100).subarray(0, 1024)), frame(a.subarray(1024), { bits: 8 })]) }]
  yield ['bad line, then bad frame', { ...inRecords(record({ clock: 'x' })), plain: (a) => Buffer.concat([frame(a.subarray(0, 1024)), frame(a.subarray(1024), { bits: 8 })]) }]
  yield ['bad line, then bad member', { ...inRecords(record({ clock: 'x' })), archive: (a) => broken(a, 1024 + 100) }]
  yield ['bad line, then bad end', { ...inRecords(record({ clock: 'x' })), archive: (a) => broken(a, a.length - 2) }]
  yield ['bad contents, then bad end', { contents: (c) => ({ ...c, void: 3 }), archive: (a) => broken(a, a.length - 2) }]
  yield ['bad line, no contents', { ...inRecords(record({ clock: 'x' })), archive: (a) => Buffer.concat([a.subarray(0, 1024), a.subarray(-1024)]) }]
}

function* archives() {
  const one = (header, bytes = Buffer.alloc(0)) => ({ archive: (a) => Buffer.concat([header, bytes, a]) })
  const poked = (offset, text, size = 0) => {
    const header = tarHeader('files/x', size, INNER)
    header.write(text, offset, 'latin1')
    header.write(' '.repeat(8), 148)
    const sum = header.reduce((x, y) => x + y)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return { contents: (c) => ({ ...c, members: [{ member: 'files/x', name: 'x', size }] }), ...one(header, Buffer.alloc(size ? BLOCK : 0)) }
  }
  yield ['header as it is', poked(0, '')]
  yield ['mode as in the shell', poked(100, '0000600\0')]
  yield ['mode 0644', poked(100, '000644 \0')]
  yield ['uid as in the shell', poked(108, '0000000\0')]
  yield ['uid of zeros', poked(108, '\0'.repeat(8))]
  yield ['uid 1', poked(108, '000001 \0')]
  yield ['gid 1', poked(116, '000001 \0')]
  yield ['size with NUL', poked(135, '\0')]
  yield ['size with blanks first', poked(124, '          0 ')]
  yield ['size in base 256', poked(124, '\x80' + '\0'.repeat(11))]
  yield ['size of 12 digits', poked(124, '000000000000')]
  yield ['size 8 as a digit', poked(134, '8')]
  yield ['mtime with NUL', poked(147, '\0')]
  yield ['mtime 1', poked(146, '1')]
  yield ['type NUL', poked(156, '\0')]
  yield ['type 7', poked(156, '7')]
  yield ['type 5', poked(156, '5')]
  yield ['link name', poked(157, 'x')]
  yield ['magic of GNU', poked(257, 'ustar  \0')]
  yield ['version 01', poked(263, '01')]
  yield ['user name', poked(265, 'x')]
  yield ['group name', poked(297, 'x')]
  yield ['major number', poked(329, '000001 \0')]
  yield ['prefix', poked(345, 'x')]
  yield ['rest', poked(505, 'x')]
  yield ['behind the name', poked(90, 'x')]
  yield ['a name of 100', poked(0, `files/${'x'.repeat(94)}`)]
  yield ['padding of a member', { members: () => [['files/x', 'x']], archive: (a) => { const b = Buffer.from(a); b[700] = 1; return b } }]
  yield ['first end block', { archive: (a) => { const b = Buffer.from(a); b[b.length - 1000] = 1; return b } }]
  yield ['second end block', { archive: (a) => { const b = Buffer.from(a); b[b.length - 1] = 1; return b } }]
  yield ['one end block', { archive: (a) => a.subarray(0, -512) }]
  yield ['half an end block', { archive: (a) => a.subarray(0, -256) }]
  yield ['no end', { archive: (a) => a.subarray(0, -1024) }]
  yield ['a block more', { archive: (a) => Buffer.concat([a, Buffer.alloc(512)]) }]
  yield ['a byte more', { archive: (a) => Buffer.concat([a, Buffer.alloc(1)]) }]
  yield ['empty records.jsonl', { members: () => [['records.jsonl', '']] }]
  yield ['empty records.jsonl, not listed', { members: () => [['records.jsonl', '']], contents: (c) => ({ ...c, members: [] }) }]
  yield ['receipts in a request', inMember('receipts.jsonl', receipt())]
  yield ['wrong receipts in a request', inMember('receipts.jsonl', receipt({ state: 'x' }))]
  yield ['records and receipts in a request', { members: () => [['records.jsonl', lines(record())], ['receipts.jsonl', lines(receipt())]] }]
  yield ['receipts and records in a request', { members: () => [['receipts.jsonl', lines(receipt())], ['records.jsonl', lines(record())]] }]
  yield ['receipts in a request whose contents are of a response', { ...inMember('receipts.jsonl', receipt()), contents: (c) => ({ ...without(c, 'have', 'want'), kind: 'response' }) }]
  yield ['receipts in a request, not listed', { ...inMember('receipts.jsonl', receipt()), contents: (c) => ({ ...c, members: [] }) }]
  yield ['files before records', { members: () => [['files/x', 'x'], ['records.jsonl', lines(record())]] }]
  yield ['another member', { members: () => [['other.jsonl', 'x']] }]
  yield ['files/', { members: () => [['files/', 'x']] }]
  for (const name of ['-x', '.x', 'x.', 'x..y', 'x_y', 'x y', 'é', 'X', 'x/y', 'x'.repeat(64), 'x'.repeat(65), '0']) {
    yield [`files/${name}`, { members: () => [[`files/${name}`, 'x']] }]
  }
  yield ['4096 files', { members: () => Array.from({ length: 4096 }, (_, i) => [`files/${i}`, '']) }]
  yield ['4097 files', { members: () => Array.from({ length: 4097 }, (_, i) => [`files/${i}`, '']) }]
  yield ['contents.json of 2 MiB', { contents: (c) => padContents(c, 2097152) }]
  yield ['contents.json of a byte more', { contents: (c) => padContents(c, 2097153) }]
  yield ['contents.json empty', { contents: () => '' }]
}

function padContents(contents, length) {
  const spare = length - JSON.stringify({ ...contents, ext: { a: '' } }).length - 1
  return { ...contents, ext: { a: 'x'.repeat(spare) } }
}

function* contents() {
  const set = (change) => ({ contents: (c) => ({ ...c, ...change }) })
  const file = (entry, size = 1) => ({ members: () => [['files/x', 'x'.repeat(size)]],
    contents: (c) => ({ ...c, members: [{ member: 'files/x', name: 'x', size, ...entry }] }) })
  const part = (change, size = 1) => file({ part: { index: 1, count: 3, offset: 5, whole: 9, digest: HASH, ...change } }, size)
  yield ['seq another', set({ seq: 8 })]
  yield ['seq 0', set({ seq: 0 })]
  yield ['seq text', set({ seq: '7' })]
  yield ['kind another', set({ kind: 'response' })]
  yield ['kind another, without have and want', { contents: (c) => ({ ...without(c, 'have', 'want'), kind: 'response' }) }]
  yield ['without have and want', { contents: (c) => without(c, 'have', 'want') }]
  yield ['kind none', set({ kind: 'x' })]
  yield ['id another', set({ id: ID })]
  yield ['id another, and capital', set({ id: 'AB'.repeat(16) })]
  yield ['void as many as may be', set({ void: upTo(1024) })]
  yield ['void too many', set({ void: upTo(1025) })]
  yield ['void falls', set({ void: [2, 1] })]
  yield ['void twice', set({ void: [2, 2] })]
  yield ['void its own', set({ void: [7] })]
  const have = (change) => set({ have: [{ stream: ID, upto: 3, also: [], ...change }] })
  yield ['have', have({})]
  yield ['have 0', have({ upto: 0, also: [1] })]
  yield ['have also = upto', have({ also: [3] })]
  yield ['have also 4', have({ also: [4] })]
  yield ['have also falls', have({ also: [9, 8] })]
  yield ['have also many', have({ also: upTo(1024).map((n) => n + 3) })]
  yield ['have also too many', have({ also: upTo(1025).map((n) => n + 3) })]
  yield ['have ext', have({ ext: {} })]
  yield ['have 256', set({ have: upTo(256).map((n) => ({ stream: n.toString(16).padStart(32, '0'), upto: 0, also: [] })) })]
  yield ['have 257', set({ have: upTo(257).map((n) => ({ stream: n.toString(16).padStart(32, '0'), upto: 0, also: [] })) })]
  const want = (...all) => set({ want: all })
  yield ['want', want({ digest: HASH, parts: [] })]
  yield ['want parts', want({ digest: HASH, parts: [0, 5] })]
  yield ['want falls', want({ digest: HASH, parts: [5, 0] })]
  yield ['want twice', want({ digest: HASH, parts: [] }, { digest: HASH, parts: [] })]
  yield ['want 8192', want({ digest: HASH, parts: upTo(8192) })]
  yield ['want 8193', want({ digest: HASH, parts: upTo(8193) })]
  yield ['file', file({})]
  yield ['name null', file({ name: null })]
  yield ['name empty', file({ name: '' })]
  yield ['name of 255', file({ name: `x${'é'.repeat(127)}` })]
  yield ['name of 256', file({ name: 'é'.repeat(128) })]
  yield ['name of controls', file({ name: '../\n\u0001\u0085/x' })]
  yield ['name NUL', file({ name: 'a\0b' })]
  yield ['entry ext', file({ ext: {} })]
  yield ['size text', file({ size: '1' })]
  yield ['size another', file({ size: 2 })]
  yield ['size of 2 GB', file({ size: 2130706433 })]
  yield ['sizes of 4 GB', { contents: (c) => ({ ...c, members: ['a', 'b'].map((n) => ({ member: `files/${n}`, name: n, size: 2000000000 })) }) }]
  yield ['entry of no member', { contents: (c) => ({ ...c, members: [{ member: 'x', name: null, size: 1 }] }) }]
  yield ['entry of an unknown member, and another seq', { contents: (c) => ({ ...c, seq: 8, members: [{ member: 'x', name: null, size: 1 }] }) }]
  yield ['entry of a file that cannot be, and another seq', { contents: (c) => ({ ...c, seq: 8, members: [{ member: 'files/X', name: 'x', size: 1 }] }) }]
  yield ['entry of receipts, and another seq', { contents: (c) => ({ ...c, seq: 8, members: [{ member: 'receipts.jsonl', name: null, size: 1 }] }) }]
  yield ['entry twice, and another seq', { contents: (c) => ({ ...c, seq: 8, members: ['x', 'x'].map((n) => ({ member: `files/${n}`, name: n, size: 1 })) }) }]
  yield ['entry of files before records, and another seq', { contents: (c) => ({ ...c, seq: 8, members: [{ member: 'files/x', name: 'x', size: 1 }, { member: 'records.jsonl', name: null, size: 1 }] }) }]
  yield ['entries 4097, and another seq', { contents: (c) => ({ ...c, seq: 8, members: upTo(4097).map((n) => ({ member: `files/${n}`, name: 'x', size: 1 })) }) }]
  yield ['records entry of 0, and another seq', { contents: (c) => ({ ...c, seq: 8, members: [{ member: 'records.jsonl', name: null, size: 0 }] }) }]
  yield ['records entry with part', { ...inRecords(record()), contents: (c) => ({ ...c, members: [{ ...c.members[0], part: { index: 1, count: 3, offset: 5, whole: 999, digest: HASH } }] }) }]
  yield ['part', part({})]
  yield ['part null', file({ part: null })]
  yield ['part index = count', part({ index: 3 })]
  yield ['part count 1', part({ index: 0, count: 1, offset: 0, whole: 1 })]
  yield ['part count > whole', part({ count: 10 })]
  yield ['part offset 0', part({ offset: 0 })]
  yield ['part first', part({ index: 0, offset: 0 })]
  yield ['part first elsewhere', part({ index: 0 })]
  yield ['part last', part({ index: 2, offset: 8 })]
  yield ['part last too early', part({ index: 2 })]
  yield ['part ends the file too early', part({ offset: 8 })]
  yield ['part empty', part({}, 0)]
  yield ['part far', part({ offset: 9007199254740990, whole: 9007199254740991, index: 2 })]
  yield ['part offset below index', part({ index: 2, count: 4, offset: 1 })]
  yield ['part leaves no room for those behind it', part({ index: 0, offset: 0, count: 9, whole: 9 }, 5)]
  yield ['part ext', part({ ext: {} })]
  const two = (a, b) => ({ members: () => [['files/x', 'x'], ['files/y', 'y']],
    contents: (c) => ({ ...c, members: [['x', a], ['y', b]].map(([n, change]) => (
      { member: `files/${n}`, name: n, size: 1, part: { index: 1, count: 4, offset: 5, whole: 9, digest: HASH, ...change } })) }) })
  yield ['two parts', two({}, { index: 2, offset: 6 })]
  yield ['two parts, other count', two({}, { index: 2, offset: 6, count: 5 })]
  yield ['two parts, other whole', two({}, { index: 2, offset: 6, whole: 10 })]
  yield ['two parts, overlap', two({}, { index: 2, offset: 5 })]
  yield ['two parts, one index', two({}, {})]
  yield ['white space', { contents: (c) => `${JSON.stringify(c, null, 1)}\n` }]
  yield ['spaces', { contents: (c) => `${JSON.stringify(c)} \n` }]
  yield ['two LF', { contents: (c) => `${JSON.stringify(c)}\n\n` }]
  yield ['array', { contents: () => '[]\n' }]
}

function* records() {
  const set = (change) => inRecords(record(change))
  yield ['as it is', set({})]
  yield ['expires before created', set({ expires: '2020-01-01T00:00:00Z' })]
  yield ['product empty', set({ product: '' })]
  yield ['product of 64', set({ product: 'é'.repeat(32) })]
  yield ['product of 65', set({ product: `x${'é'.repeat(32)}` })]
  yield ['product TAB', set({ product: 'a\tb' })]
  yield ['product U+0085', set({ product: 'a\u0085b' })]
  yield ['product U+202E', set({ product: 'a\u202eb' })]
  yield ['channel of 65', set({ channel: 'c'.repeat(65) })]
  yield ['channel capital', set({ channel: 'C' })]
  yield ['channel empty', set({ channel: '' })]
  for (const type of ['text/plain;', 'text/plain ;x', 'text/plain; charset=utf-8', 'text/plain ', 'text/plain\t;x', 'Text/PLAIN', 'text', 'text/', '/plain', 'text/a/b', 'text/plain;é', 'text/plain;\x7f',
    'a!#$%&\'*+.^_`|~-/b', 'te xt/plain', 'text/plain,x', 'text/plain; ', ';', '', `text/${'x'.repeat(250)}`, `text/${'x'.repeat(251)}`, 'text/plain   ; a=b', 'text /plain', 'text/ plain', '*/*']) {
    yield [`type ${JSON.stringify(type).slice(0, 40)} ${type.length}`, set({ type })]
  }
  for (const id of ['019B7ca9-8c88-7031-b233-343536373839', '019b7ca9-8c88-8031-8233-343536373839', '019b7ca9-8c88-7031-7233-343536373839', '019b7ca9-8c88-7031-c233-343536373839',
    '019b7ca9-8c88-9031-b233-343536373839', '019b7ca98c887031b233343536373839', '{019b7ca9-8c88-7031-b233-343536373839}']) yield [`id ${id}`, set({ id })]
  yield ['answer 0', set({ answer: 0 })]
  yield ['ext missing', inRecords(without(record(), 'ext'))]
  yield ['ext null', set({ ext: null })]
  yield ['ext array', set({ ext: [] })]
  yield ['ext with facts', set({ ext: { metrics: { points: 3, from: '2026-01-02T03:04:05.000000000Z', delta: false } } })]
  yield ['ext of 4096', set({ ext: { a: `é${'x'.repeat(4086)}` } })]
  yield ['ext of 4097', set({ ext: { a: `é${'x'.repeat(4087)}` } })]
  yield ['body empty', set({ body: '' })]
  yield ['body null', set({ body: null })]
  yield ['body NUL', set({ body: '\0' })]
  const b64 = (text) => set({ body: undefined, body64: text })
  for (const bytes of ['', '00', 'ff', 'eda080', 'c080', 'f4908080', 'efbbbf', '6100', 'f09f9880', 'efbfbf', 'c3', '616263']) {
    yield [`body64 of ${bytes}`, b64(Buffer.from(bytes, 'hex').toString('base64'))]
  }
  for (const text of ['/w', '/x==', '/w==\n', '_w==', '/w=', '/w== ', '/w==/w==']) yield [`body64 ${JSON.stringify(text)}`, b64(text)]
  yield ['body and file', set({ file: 'files/x' })]
  const filed = (name, ...members) => ({ members: () => [['records.jsonl', lines(record({ body: undefined, file: name }))], ...members.map((m) => [m, 'x'])] })
  yield ['file', filed('files/x', 'files/x')]
  yield ['file absent', filed('files/y', 'files/x')]
  yield ['file records.jsonl', filed('records.jsonl')]
  yield ['file contents.json', filed('contents.json')]
  yield ['file x', filed('x', 'files/x')]
  yield ['file twice', { members: () => [['records.jsonl', lines(record({ body: undefined, file: 'files/x' }), record({ body: undefined, file: 'files/x' }))], ['files/x', 'x']] }]
  yield ['same id twice', inRecords(record(), record())]
  yield ['file absent, and another seq', { ...filed('files/y', 'files/x'), contents: (c) => ({ ...c, seq: 8 }) }]
  yield ['file absent, and members wrong', { ...filed('files/y', 'files/x'), contents: (c) => ({ ...c, members: [] }) }]
  for (const [what, text] of [['space before', ` ${JSON.stringify(record())}\n`], ['space behind', `${JSON.stringify(record())} \n`], ['empty line', `${JSON.stringify(record())}\n\n`],
    ['empty line first', `\n${JSON.stringify(record())}\n`], ['CR', `${JSON.stringify(record())}\r\n`], ['no LF', JSON.stringify(record())], ['two on a line', `${JSON.stringify(record())}${JSON.stringify(record())}\n`],
    ['blanks within', `${JSON.stringify(record()).replaceAll(',', ', ')}\n`], ['CR within', `${JSON.stringify(record()).replaceAll(',', ',\r')}\n`], ['pretty', `${JSON.stringify(record(), null, 1)}\n`],
    ['array', '[]\n'], ['brackets', '{]\n'], ['only LF', '\n'], ['byte order mark', `\ufeff${JSON.stringify(record())}\n`]]) {
    yield [`line: ${what}`, { members: () => [['records.jsonl', text]] }]
  }
  const long = (n) => { const spare = n - lines(record({ body: '' })).length; return lines(record({ body: 'x'.repeat(spare) })) }
  yield ['line of 1 MiB', { members: () => [['records.jsonl', long(1048576)]] }]
  yield ['line of a byte more', { members: () => [['records.jsonl', long(1048577)]] }]
  yield ['line of 1 MiB without LF', { members: () => [['records.jsonl', long(1048577).slice(0, -1)]] }]
  yield ['line of 1 MiB less a byte without LF', { members: () => [['records.jsonl', long(1048576).slice(0, -1)]] }]
  yield ['line far too long, no JSON', { members: () => [['records.jsonl', `${'x'.repeat(2000000)}\n`]] }]
}

function* responses() {
  for (const [what, change] of Object.entries({
    'as it is': {}, 'reason with relayed': { reason: 'x' }, 'reason empty': { reason: '' }, 'reason LF': { reason: 'a\nb' }, 'reason of 1024': { reason: 'é'.repeat(512) },
    'reason of 1025': { reason: 'x'.repeat(1025) }, 'delivered': { state: 'delivered', guarantee: 'at-least-once' }, 'guarantee with relayed': { guarantee: 'at-least-once' },
    'expired': { state: 'expired' }, 'expired, reason': { state: 'expired', reason: 'x' }, 'rejected, guarantee': { state: 'rejected', reason: 'x', guarantee: 'at-least-once' },
    'ext': { ext: {} }, 'digest short': { digest: 'ab' }, 'reason 3': { reason: 3 }, 'delivered, reason': { state: 'delivered', guarantee: 'at-least-once', reason: 'x' } })) {
    yield [`receipt: ${what}`, inMember('receipts.jsonl', receipt(change))]
  }
  for (const [what, change] of Object.entries({
    'as it is': {}, 'status 0': { status: 0 }, 'status 99': { status: 99 }, 'status 100': { status: 100 }, 'status 599': { status: 599 }, 'status 600': { status: 600 }, 'status text': { status: '200' },
    'header': { headers: { 'x-a': 'b' } }, 'header capital': { headers: { 'X-a': 'b' } }, 'header no name': { headers: { '': 'b' } }, 'header blank': { headers: { 'x a': 'b' } },
    'header empty': { headers: { x: '' } }, 'header TAB': { headers: { x: 'a\tb' } }, 'header LF': { headers: { x: 'a\nb' } }, 'header é': { headers: { x: 'é' } }, 'header name é': { headers: { é: 'x' } },
    'header null': { headers: { x: null } }, 'headers array': { headers: [] }, 'headers null': { headers: null }, 'ext': { ext: {} },
    'header of 256': { headers: { ['x'.repeat(256)]: '' } }, 'header of 257': { headers: { ['x'.repeat(257)]: '' } }, 'body64': { body64: '/w==' }, 'header long': { headers: { x: 'y'.repeat(100000) } } })) {
    yield [`answer: ${what}`, inMember('answers.jsonl', answer(change))]
  }
  yield ['answer: 256 headers', inMember('answers.jsonl', answer({ headers: Object.fromEntries(upTo(256).map((n) => [`x${n}`, ''])) }))]
  yield ['answer: 257 headers', inMember('answers.jsonl', answer({ headers: Object.fromEntries(upTo(257).map((n) => [`x${n}`, ''])) }))]
  yield ['answer: no body', inMember('answers.jsonl', without(answer(), 'body'))]
  yield ['answer: file', { members: () => [['answers.jsonl', lines({ ...without(answer(), 'body'), file: 'files/x' })], ['files/x', 'x']] }]
  yield ['answer: file absent', inMember('answers.jsonl', { ...without(answer(), 'body'), file: 'files/x' })]
  for (const [what, change] of Object.entries({
    'as it is': {}, 'unknown code': { code: 'no-such-class' }, 'code capital': { code: 'X' }, 'code of 65': { code: 'x'.repeat(65) }, 'reason empty': { reason: '' }, 'reason LF': { reason: 'a\nb' },
    'reason null': { reason: null }, 'bundle short': { bundle: 'ab' }, 'ext': { ext: {} } })) {
    yield [`refusal: ${what}`, inMember('refusals.jsonl', refusal(change))]
  }
  for (const [what, change] of Object.entries({
    'as it is': {}, 'unknown type': { type: 'no-such-type' }, 'type of 65': { type: 'x'.repeat(65) }, 'data LF': { data: 'a\nb' }, 'data NUL': { data: '\0' }, 'data object': { data: {} }, 'ext': { ext: {} } })) {
    yield [`notice: ${what}`, inMember('notices.jsonl', notice(change))]
  }
  const all = { 'receipts.jsonl': receipt(), 'answers.jsonl': answer(), 'refusals.jsonl': refusal(), 'notices.jsonl': notice() }
  const order = (...names) => ({ members: () => names.map((name) => [name, lines(all[name] ?? record())]) })
  yield ['all', order(...Object.keys(all))]
  yield ['answers before receipts', order('answers.jsonl', 'receipts.jsonl')]
  yield ['receipts twice', order('receipts.jsonl', 'receipts.jsonl')]
  yield ['records in a response', order('records.jsonl')]
  yield ['records and receipts in a response', order('records.jsonl', 'receipts.jsonl')]
  yield ['have in a response', { contents: (c) => ({ ...c, have: [] }) }]
  yield ['kind another', { contents: (c) => ({ ...c, kind: 'request' }) }]
  yield ['kind another, with have and want', { contents: (c) => ({ ...c, kind: 'request', have: [], want: [] }) }]
  yield ['request by a relay', { header: (h) => ({ ...h, kind: 'request' }) }]
}

export function* cases(people) {
  const requests = { header: headers(), age: ages(people), plain: plains(), archive: archives(), contents: contents(), record: records() }
  for (const [group, all] of Object.entries(requests)) {
    for (const [name, change] of all) yield [`${group}: ${name}`, 'request', change]
  }
  for (const [name, change] of responses()) yield [`response: ${name}`, 'response', change]
}

// Cards: name, and bytes. `card` is a good one's JSON, `owner` whose it is, `other` another.
export function* cards(card, owner, other) {
  const sign = (json, ...more) => `${json}${signatureText(Buffer.from(json), owner, 'gapferry-card/1', ...more)}`
  const set = (change) => sign(`${JSON.stringify({ ...card, ...change })}\n`)
  const json = `${JSON.stringify(card)}\n`
  const good = sign(json)
  const signature = good.slice(json.length)
  const signed = (comment) => json + signatureText(Buffer.from(json), owner, comment)
  yield ['as it is', good]
  yield ['empty', '']
  yield ['no signature', json]
  yield ['only a signature', signature]
  yield ['no LF at the end', good.slice(0, -1)]
  yield ['an LF more', `${good}\n`]
  yield ['something behind', `${good}x\n`]
  yield ['a bit of the name', good.replace('"site"', '"sitf"')]
  yield ['of another', json + signatureText(Buffer.from(json), other, 'gapferry-card/1')]
  yield ['of another, then its own', json + signatureText(Buffer.from(json), other, 'x') + signature]
  yield ['three', json + signature.repeat(3)]
  yield ['four', json + signature.repeat(4)]
  yield ['other trusted comment', signed('gapferry-bundle/1')]
  yield ['trusted comment with a blank', signed('gapferry-card/1 ')]
  yield ['two, the right comment on the other', json + signatureText(Buffer.from(json), other, 'gapferry-card/1') + signed('x').slice(json.length)]
  yield ['other key number', sign(json, { number: other.number })]
  yield ['untrusted comment empty', sign(json, { untrusted: '' })]
  yield ['untrusted comment TAB', sign(json, { untrusted: 'a\tb' })]
  yield ['untrusted comment U+0007', sign(json, { untrusted: 'a\u0007b' })]
  yield ['untrusted comment U+0085', sign(json, { untrusted: 'a\u0085b' })]
  yield ['untrusted comment CR', sign(json, { untrusted: 'a\r' })]
  yield ['untrusted comment as long as may be', sign(json, { untrusted: 'x'.repeat(1023 - 20) })]
  yield ['untrusted comment too long', sign(json, { untrusted: 'x'.repeat(1024 - 20) })]
  yield ['trusted comment long', signed('x'.repeat(5000))]
  yield ['first signature legacy', good.replace('\nRU', '\nRW')]
  yield ['base64 wrong', good.replace('==\n', '=\n')]
  yield ['CR LF', good.replaceAll('\n', '\r\n')]
  yield ['JSON ends in two LF', sign(`${json}\n`)]
  yield ['JSON with blanks', sign(` ${json.replaceAll(',', ' ,\n')}`)]
  yield ['JSON array', sign('[]\n')]
  yield ['no JSON', sign('x\n')]
  yield ['nothing before the signature', sign('\n')]
  yield ['JSON twice the same name', sign(json.replace('{', '{"name":null,'))]
  yield ['JSON of 4096', set({ ext: { a: 'x'.repeat(4096 - json.length - 6) } })]
  yield ['JSON of 4097', set({ ext: { a: 'x'.repeat(4097 - json.length - 6) } })]
  yield ['too large', good + 'x'.repeat(8192)]
  yield ['format 2', set({ format: 'gapferry-card/2' })]
  yield ['format 2, role missing', sign(`${JSON.stringify(without({ ...card, format: 'gapferry-card/2' }, 'role'))}\n`)]
  yield ['format other', set({ format: 'gapferry-bundle/1' })]
  yield ['format missing', sign(`${JSON.stringify(without(card, 'format'))}\n`)]
  yield ['role other', set({ role: 'x' })]
  yield ['relay with agent', set({ role: 'relay' })]
  yield ['agent without', set({ agent: null })]
  yield ['relay', set({ role: 'relay', agent: null })]
  yield ['name null', set({ name: null })]
  yield ['name empty', set({ name: '' })]
  yield ['name of 65', set({ name: 'x'.repeat(65) })]
  yield ['name LF', set({ name: 'a\nb' })]
  yield ['expires = created', set({ expires: card.created })]
  yield ['expires before created', set({ expires: '2000-01-01T00:00:00Z' })]
  yield ['created null', set({ created: null })]
  yield ['replaces', set({ replaces: HASH })]
  yield ['replaces short', set({ replaces: ID })]
  yield ['unknown member', set({ foo: 1 })]
  yield ['ext', set({ ext: { token_mac: HASH } })]
  yield ['seal capitals', set({ seal: card.seal.toUpperCase() })]
  yield ['seal checksum', set({ seal: card.seal.slice(0, -1) + (card.seal.endsWith('q') ? 'p' : 'q') })]
  yield ['seal another', set({ seal: 'age1xkq8943ktzqdrth2x2ddlyfp8qu9rmfp528rka0fvhgd9ngkvf2qu2snyf' })]
  yield ['sign another', set({ sign: 'RWQBAgMEBQYHCAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4' })]
  yield ['sign short', set({ sign: card.sign.slice(0, -4) })]
  yield ['sign as ED', set({ sign: card.sign.replace(/^RW/, 'RU') })]
}
