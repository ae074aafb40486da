// differ.mjs PROGRAM -- makes bundles that are wrong, or only unusual, in one place, and holds the second reader
// against PROGRAM (gapferry-bundle): both must accept, or refuse with the same class. Prints what differs, and
// "N passed, N failed". With -v it prints every class.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { EITHER, OPEN, cards, cases } from './cases.mjs'
import { bundle, sender } from './forge.mjs'
import { readCard } from './keys.mjs'
import { Refusal } from './limits.mjs'
import { readBundle, readKeys } from './reader.mjs'

const [program, verbose] = process.argv.slice(2)
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'second-reader-'))
const at = (...names) => path.join(work, ...names)
const file = at('bundle.gfb')

function identity(name, role) {
  const made = spawnSync(program, ['keygen', '--role', role, '--name', name, at(name)])
  if (made.status !== 0) throw new Error(String(made.stderr))
  return sender(fs.readFileSync(at(name, 'sign.key')), readCard(fs.readFileSync(at(name, 'card'))))
}

// What gapferry-bundle says: nothing, or an error.
function answerOf(...words) {
  const run = spawnSync(program, words)
  if (run.status === 0) return ['ok', '']
  const error = JSON.parse(run.stdout).error
  return [error.name, error.text]
}

function first(reader) {
  fs.rmSync(at('out'), { recursive: true, force: true })
  return answerOf('unpack', '--json', '-i', at(reader), '-f', at('site', 'card'), '-f', at('relay', 'card'), '-C', at('out'), file)
}

function second(read) {
  try {
    read()
    return ['ok', '']
  } catch (error) {
    return error instanceof Refusal ? [error.errorClass, error.message] : ['a fault of this reader', error.stack]
  }
}

function readsBundle(reader) {
  const files = { keys: [at(reader, 'seal.key')], own: [at(reader, 'card')], from: [at('site', 'card'), at('relay', 'card')] }
  readBundle(file, readKeys(files), { time: new Date().toISOString().replace(/\.\d+/, '') })
}

let passed = 0
let failed = 0
function compare(name, [one, why], [two, because]) {
  const allowed = EITHER[name] ?? OPEN[name] ?? []
  const fine = one === two || (allowed.includes(one) && allowed.includes(two))
  if (fine) passed++
  else failed++
  if (one !== two && OPEN[name]) console.log(`open: ${name}: gapferry-bundle: ${one}; second reader: ${two}`)
  if (!fine || verbose) console.log(`${name}: gapferry-bundle: ${one} (${why}); second reader: ${two} (${because})`)
}

try {
  const people = { site: identity('site', 'agent'), relay: identity('relay', 'relay') }
  for (const [name, kind, change] of cases(people)) {
    const [from, to, reader] = kind === 'request' ? [people.site, people.relay, 'relay'] : [people.relay, people.site, 'site']
    fs.writeFileSync(file, bundle(from, to, [from], kind, change))
    compare(name, first(reader), second(() => readsBundle(reader)))
  }
  const [json] = fs.readFileSync(at('site', 'card'), 'utf8').split('\n')
  for (const [name, bytes] of cards(JSON.parse(json), people.site, people.relay)) {
    fs.writeFileSync(at('a.card'), bytes)
    compare(`card: ${name}`, answerOf('card', '--json', at('a.card')), second(() => readCard(fs.readFileSync(at('a.card')))))
  }
} finally {
  fs.rmSync(work, { recursive: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed || !passed ? 1 : 0
