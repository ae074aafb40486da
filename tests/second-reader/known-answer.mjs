// known-answer.mjs DOCUMENT -- reads the bundle that stands in section 21, with the keys that stand there, and
// holds what comes out against the values that stand there. Prints what differs, and "N passed, N failed".

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { b256, b256Keyed } from './blake2b.mjs'
import { identityOf, readCard, readHello, readSealKey, sealPublic, signPublic } from './keys.mjs'
import { readBundle, readKeys } from './reader.mjs'

const text = fs.readFileSync(process.argv[2], 'utf8').split('<!-- known-answer:begin -->')[1].split('<!-- known-answer:end -->')[0]
const blocks = [...text.matchAll(/^```\n(.*?)^```$/gms)].map((found) => found[1])
const rows = Object.fromEntries([...text.matchAll(/^(\S+(?: \S+)*) {2,}(\S+)$/gm)].map((found) => [found[1], found[2]]))
const block = (pattern) => blocks.find((b) => pattern.test(b))

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'second-reader-'))
const put = (name, bytes) => {
  fs.writeFileSync(path.join(work, name), bytes)
  return path.join(work, name)
}

let passed = 0
let failed = 0
function same(what, found, wanted) {
  if (wanted !== undefined && found === wanted) {
    passed++
  } else {
    failed++
    console.log(`known answer: ${what}: found ${found}, the document has ${wanted}`)
  }
}

// What section 13 covers: the fingerprint and the token's MAC are over it.
function covered(card) {
  const head = `gapferry-fingerprint/1\n${card.role}\n${card.agent ?? ''}\n`
  return Buffer.concat([Buffer.from(head), card.key.rest, card.seal])
}

function fingerprint(card) {
  const bits = [...b256(covered(card))].map((byte) => byte.toString(2).padStart(8, '0')).join('').slice(0, 100)
  const letters = bits.match(/.{5}/g).map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five, 2)])
  return letters.join('').match(/.{4}/g).join('-')
}

try {
  const site = readCard(Buffer.from(block(/^\{"format":"gapferry-card\/1"/)))
  const relay = { role: 'relay', agent: null, key: signPublic(rows['relay sign']), seal: sealPublic(rows['relay seal']) }
  for (const [name, card] of Object.entries({ site, relay })) {
    same(`${name} sign`, card.key.rest.toString('hex'), rows[`${name} Ed25519 public`])
    same(`${name} seal`, card.seal.toString('hex'), rows[`${name} X25519 public`])
    same(`${name} identity`, identityOf(card.key.rest, card.seal), rows[`${name} identity`])
    same(`${name} fingerprint`, fingerprint(card), rows[`${name} fingerprint`])
  }
  relay.identity = rows['relay identity']
  const hello = Buffer.from(block(/^\{"format":"gapferry-hello\/1"/))
  same('hello bytes', String(hello.length), rows['hello bytes'])
  same('hello version', readHello(hello, relay, rows['hello nonce']).get('version'), '0.1.0')
  same('token MAC', b256Keyed(Buffer.from(rows.token, 'hex'), covered(site)).toString('hex'), rows['token MAC'])

  const sealKey = block(/^AGE-SECRET-KEY-/m)
  same('relay seal secret', readSealKey(Buffer.from(sealKey)).secret.toString('hex'), rows['relay seal secret'])
  const bundle = Buffer.from(blocks.at(-1), 'base64')
  same('bytes', String(bundle.length), rows.bytes)
  same('digest of the file', b256(bundle).toString('hex'), [...text.matchAll(/^BLAKE2b-256 +(\S+)$/gm)].at(-1)[1])
  const own = `untrusted comment: minisign public key\n${rows['relay sign']}\n`
  const members = readBundle(
    put('bundle.gfb', bundle),
    readKeys({ keys: [put('seal.key', sealKey)], own: [put('sign.pub', own)], from: [put('card', block(/^\{"format":"gapferry-card\/1"/))] }),
    { time: '2026-01-31T00:00:00Z', onlyAddressee: true })
  const found = members.map(({ name, bytes }) => [name, bytes.toString()])
  same('members', JSON.stringify(found), JSON.stringify([
    ['records.jsonl', block(/^\{"id":"[^"]*","channel"/)],
    ['files/note-1.txt', 'hello\n'],
    ['contents.json', block(/^\{"id":"[^"]*","kind"/)],
  ]))
} finally {
  fs.rmSync(work, { recursive: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed || !passed ? 1 : 0
