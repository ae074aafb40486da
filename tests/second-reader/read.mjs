// read.mjs -- a second reader of gapferry-bundle/1, written from docs/bundle-format.md alone. It shares
// nothing with the library: what both accept, the document says.
//
//   node read.mjs --key SEAL.KEY [--own CARD|SIGN.PUB]... [--from CARD]... [--at TIME] BUNDLE
//
//   --key         the recipient's secret; sign.pub in its folder makes our identity if no --own is given
//   --own         a card, or the sign.pub that belongs to the seal.key: who we are
//   --from        a trusted card
//   --at          judge expiry at this time; else expiry is not judged
//   --addressee   being a reader is not enough
//   --quota       most bytes of a bundle
//   --room        most bytes of its members
//
// Prints "ok" and the members (size, BLAKE2b-256, name), or an error class; its status is 0 or 1.

import fs from 'node:fs'
import path from 'node:path'
import { b256 } from './blake2b.mjs'
import { isTime } from './forms.mjs'
import { Refusal, refuse } from './limits.mjs'
import { readBundle, readKeys } from './reader.mjs'

function readOptions(words) {
  const options = { keys: [], own: [], from: [] }
  for (let i = 0; i < words.length; i++) {
    const value = () => words[++i] ?? refuse('usage', `${words[i - 1]} needs a value`)
    if (words[i] === '--key') options.keys.push(value())
    else if (words[i] === '--own') options.own.push(value())
    else if (words[i] === '--from') options.from.push(value())
    else if (words[i] === '--at') options.time = value()
    else if (words[i] === '--quota') options.quota = Number(value())
    else if (words[i] === '--room') options.room = Number(value())
    else if (words[i] === '--addressee') options.onlyAddressee = true
    else if (words[i].startsWith('--') || options.bundle) refuse('usage', words[i])
    else options.bundle = words[i]
  }
  if (!options.bundle || !options.keys.length || (options.time && !isTime(options.time))) refuse('usage', 'arguments')
  if (!options.own.length) {
    options.own = options.keys.map((key) => path.join(path.dirname(key), 'sign.pub')).filter((name) => fs.existsSync(name))
  }
  return options
}

try {
  const { bundle, ...options } = readOptions(process.argv.slice(2))
  const members = readBundle(bundle, readKeys(options), options)
  console.log('ok')
  for (const { name, size, bytes } of members) console.log(`${size} ${b256(bytes).toString('hex')} ${name}`)
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  console.log(error.errorClass)
  console.error(`${error.errorClass}: ${error.message}`)
  process.exitCode = 1
}
