// vectors.mjs DIRECTORY -- holds the second reader against the vectors in tests/vectors: each is accepted,
// or refused with the class that it names. Prints what differs, and "N passed, N failed".

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Refusal } from './limits.mjs'
import { readBundle, readKeys } from './reader.mjs'

const directory = process.argv[2]
const keys = path.join(directory, 'keys')
const names = fs.readdirSync(keys)
const cards = names.filter((name) => name.endsWith('.card')).map((name) => path.join(keys, name))
const readers = Object.fromEntries(names.filter((name) => name.endsWith('.seal.key')).map((name) => {
  const reader = path.basename(name, '.seal.key')
  return [reader, readKeys({ keys: [path.join(keys, name)], own: [path.join(keys, `${reader}.card`)], from: cards })]
}))
const circumstances = { time: '2026-01-02T00:00:00Z', onlyAddressee: true, room: 16 * 1024 * 1024 }
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'second-reader-'))
const bundle = path.join(work, 'bundle.gfb')

function classOf(reader) {
  try {
    readBundle(bundle, readers[reader], circumstances)
    return ['ok', '']
  } catch (error) {
    return error instanceof Refusal ? [error.errorClass, error.message] : ['a fault of this reader', error.stack]
  }
}

let passed = 0
let failed = 0
try {
  for (const name of fs.readdirSync(directory).filter((file) => file.endsWith('.vec')).sort()) {
    const bytes = fs.readFileSync(path.join(directory, name))
    const end = bytes.indexOf('\n\n') + 1
    const fields = Object.fromEntries(bytes.toString('utf8', 0, end).trim().split('\n').map((line) => line.split(/: ?(.*)/s)))
    fs.writeFileSync(bundle, bytes.subarray(end + 1))
    const [found, why] = classOf(fields.reader)
    if (found === fields.expect) {
      passed++
    } else {
      failed++
      console.log(`${name}: expected ${fields.expect}, found ${found} (${why}): ${fields.comment}`)
    }
  }
} finally {
  fs.rmSync(work, { recursive: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed || !passed ? 1 : 0
