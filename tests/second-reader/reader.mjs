// reader.mjs -- the whole order of section 16.

import fs from 'node:fs'
import { decrypt } from './age.mjs'
import { decompress } from './frames.mjs'
import { readItems } from './items.mjs'
import { identityOf, readCard, readSealKey, readSignPub } from './keys.mjs'
import { readShell } from './shell.mjs'

// Who we are: a card, or the sign.pub that belongs to this key.
function ownIdentity(bytes, key) {
  if (bytes.indexOf('untrusted comment: ') !== 0) return readCard(bytes).identity
  return identityOf(readSignPub(bytes).rest, key.point)
}

// `keys`, `own`, `from` are names of files: secrets, what says who we are, trusted cards.
export function readKeys({ keys: keyFiles, own, from }) {
  const keys = keyFiles.map((name) => readSealKey(fs.readFileSync(name)))
  const ours = own.map((name, i) => ownIdentity(fs.readFileSync(name), keys[Math.min(i, keys.length - 1)]))
  const trust = from.map((name) => readCard(fs.readFileSync(name)))
  return { keys, ours: ours.length ? ours : null, trust }
}

// With no identity of our own nobody asks whether the bundle is for us, and only a stanza that opens can
// tell. `time` is null where it is not known, `onlyAddressee` says that being a reader is not enough, `quota`
// and `room` are the most bytes of a bundle and of its members. Returns the members, or throws a Refusal.
export function readBundle(bundle, { keys, ours, trust }, { time = null, onlyAddressee = false, quota = Infinity, room = Infinity }) {
  const { header, payload } = readShell(bundle, { trust, ours, onlyAddressee, time, quota })
  return readItems(decompress(decrypt(payload, 1 + header.readers.length, keys)), header, room)
}
